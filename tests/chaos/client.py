"""A client of the gateway that knows what an answer proves."""

import http.client
import json
import time

# Longer than the gateway works on a request (mesh.py), so that mostly it is the one who gives up.
PATIENCE = 8
_FRESH = 1  # s: the gateway ends connections that idle for longer than its keep-alive time


class Answer:
    """What came back; `status` is None when it is not known whether anything was done.

    2xx: it was done. 4xx: it was not. 5xx, or a connection that broke: nobody knows.
    """

    def __init__(self, status=None, body=None, headers=None):
        self.status = status if status and status < 499 else None
        self.seen = status
        self.body = body
        self.headers = headers or {}

    @property
    def done(self):
        return self.status is not None and self.status < 300

    @property
    def refused(self):
        return self.status is not None and self.status >= 400

    @property
    def version(self):
        """Of a blog, which its entity tag tells: a change adds one."""
        return int(self.headers["ETag"].strip('"'))

    def __repr__(self):
        return f"{self.seen or 'no answer'} {str(self.body)[:300]}"


class Client:
    """A connection that is kept as long as it lasts. For one thread."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.token = None
        self._used = 0.0

    def ask(self, method, path, body=None, **headers):
        """One request, asked once; `if_match="..."` is the header If-Match."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if time.monotonic() - self._used > _FRESH:
            self._connection.close()
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body),
                                     headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Answer()
        self._used = time.monotonic()
        try:
            return Answer(response.status, json.loads(text) if text else None, response.headers)
        except ValueError:
            self._connection.close()
            return Answer()
