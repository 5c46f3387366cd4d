"""A reader of a stream of notifications."""

import http.client


class Events:
    """An open text/event-stream (or NDJSON), by default on a connection of its own to `port`."""

    def __init__(self, port, token, headers=None, path="/api/v1/notifications/stream",
                 connection=None):
        self.connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {token}",
                                                      **(headers or {})})
        self.response = self.connection.getresponse()

    def line(self):
        return self.response.readline().decode().rstrip("\n")

    def event(self):
        """The fields of the next event; comments are passed over."""
        fields = {}
        while True:
            line = self.line()
            if line.startswith(":"):
                continue
            if not line:
                if fields:
                    return fields
                continue
            name, _, value = line.partition(": ")
            fields[name] = value

    def close(self):
        self.connection.close()
