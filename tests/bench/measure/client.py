"""A client of the gateway that keeps its connection, and accounts of it."""

import http.client
import json
import time

from harness.waiting import HarnessError

PATIENCE = 30
_FRESH = 1  # s: the gateway ends connections that idle for longer than its keep-alive time
PASSWORD = "correct horse battery"
ACCOUNT = {"username": "bench", "email": "bench@example.com", "password": PASSWORD}
CREDENTIALS = {key: ACCOUNT[key] for key in ("email", "password")}


class Client:
    """A connection to 127.0.0.1 that is kept open."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Content-Type": "application/json"}
        self.token = ""
        self._used = 0

    def call(self, method, path, body=None, expected=200):
        """What the answer's JSON says; None when it has no body."""
        headers = {**self._headers, "Authorization": f"Bearer {self.token}"} if self.token \
            else self._headers
        if time.monotonic() - self._used > _FRESH:
            self.close()
        try:
            self._connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            raise HarnessError(f"{method} {path}: {problem!r}") from problem
        self._used = time.monotonic()
        if answer.status != expected:
            raise HarnessError(f"{method} {path}: {answer.status} {text[:300]!r}")
        if answer.getheader("Connection") == "close":
            self.close()
        return json.loads(text) if text else None

    def register(self, number):
        """One more account."""
        self.call("POST", "/api/v1/auth/register",
                  {"username": f"bench{number}", "email": f"bench-{number}@example.com",
                   "password": PASSWORD}, 201)

    def close(self):
        self._connection.close()


def signed_in(port):
    """A client with an account."""
    client = Client(port)
    client.call("POST", "/api/v1/auth/register", ACCOUNT, 201)
    client.token = client.call("POST", "/api/v1/auth/login", CREDENTIALS)["token"]
    return client


def blog(number, size=600):
    """The body of a new blog of about `size` bytes of content."""
    sentence = f"Bees want little, but they want it in time; this is blog number {number}. "
    return {"title": f"On keeping bees, part {number}",
            "content": (sentence * (size // len(sentence) + 1))[:size]}
