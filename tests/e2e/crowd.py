"""Very many clients at once: each has a connection that it keeps as long as the gateway lets it, and
sends its requests one after another."""

import asyncio
import json
import threading
import time


class Client:
    """One of them."""

    def __init__(self, port, token):
        self._port = port
        self._headers = f"Host: crowd\r\nAuthorization: Bearer {token}\r\n"
        self._reader = self._writer = None
        self._used = 0.0

    async def _connect(self):
        # A connection that was idle for long may be closed at any moment.
        if self._writer is not None and time.monotonic() - self._used > 1:
            await self.close()
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def request(self, method, path, body):
        """The status and the JSON of the answer."""
        await self._connect()
        data = json.dumps(body).encode()
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}"
                           "Content-Type: application/json\r\n"
                           f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        answer = await self._reader.readexactly(int(fields["content-length"]))
        self._used = time.monotonic()
        if fields.get("connection") == "close":
            await self.close()
        return int(head[0].split()[1]), json.loads(answer)

    async def close(self):
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


class Crowd(threading.Thread):
    """Runs `script(client, number)` for each of `count` clients, all at once, in a thread of its own.

    A script is a coroutine; what it raises is in `errors` afterwards.
    """

    def __init__(self, port, tokens, count, script):
        super().__init__(daemon=True)
        self._clients = [Client(port, tokens[n % len(tokens)]) for n in range(count)]
        self._script = script
        self.errors = []
        self.seconds = None

    async def _one(self, number, client):
        try:
            await self._script(client, number)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(f"client {number}: {error!r}")
        finally:
            await client.close()

    async def _all(self):
        await asyncio.gather(*(self._one(n, client) for n, client in enumerate(self._clients)))

    def run(self):
        begun = time.monotonic()
        asyncio.run(self._all())
        self.seconds = time.monotonic() - begun
