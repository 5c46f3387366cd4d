"""Who keeps a stream of notifications open as an EventSource does: when it ends it comes back with
the id of the last event that came whole."""

import http.client
import threading

BEGINNING = "00000000-0000-0000-0000-000000000000"
# The gateway says something at least as often.
SILENCE = 30


class Listener(threading.Thread):
    """`heard` has the ids, in the order in which they came; `sessions` counts streams."""

    def __init__(self, port, user, token):
        super().__init__(daemon=True, name=f"listener of {user.name}")
        self.user, self.heard, self.sessions = user, [], 0
        self._port, self._token = port, token
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            try:
                self._listen()
            except (OSError, http.client.HTTPException, ValueError):
                pass
            self.ending.wait(0.2)

    def _listen(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SILENCE)
        try:
            connection.request("GET", "/api/v1/notifications/stream", headers={
                "Authorization": f"Bearer {self._token}",
                "Last-Event-ID": self.heard[-1] if self.heard else BEGINNING})
            response = connection.getresponse()
            if response.status == 200:
                self.sessions += 1
                self._read(response)
        finally:
            connection.close()

    def _read(self, response):
        """An event counts when its empty line has come, and not before."""
        fields = {}
        while not self.ending.is_set():
            line = response.readline()
            if not line.endswith(b"\n"):
                return
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(": ")
                fields[name] = value
                continue
            if fields.get("event") == "error":
                return
            if "data" in fields:
                self.heard.append(fields["id"])
            fields = {}
