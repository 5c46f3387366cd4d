"""A stretch of network that a test can break: a TCP proxy in front of a server.

Whoever connects to `link.port` reaches the server behind it, for better or worse: connections that
are reset, delay, a narrow line, nothing that passes at all. All links live on one thread.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading

from . import ports

_CHUNK = 65536
_LATE = 0.01  # s: by so much a piece of data is noticeably later
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


class Links(threading.Thread):
    """The thread that all links live on. `with Links() as links: links.add(port)`."""

    def __init__(self):
        super().__init__(daemon=True, name="links")
        self._loop = asyncio.new_event_loop()

    def run(self):
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))

    def add(self, target, seed=0):
        """A Link to the port `target` of this machine."""
        link = Link(self, target, random.Random(f"{seed}/{target}"))
        self.do(link.open())
        return link

    def do(self, coroutine):
        """Runs it on the thread, and returns its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Link:
    """One of them. Each verb holds until heal(); they may be combined. `felt` counts what they did
    to what went through: pieces of data that were held up, connections that were ended."""

    def __init__(self, links, target, chance):
        self.port = ports.reserve()
        self._links, self._target, self._chance = links, target, chance
        self._pairs = set()
        self._passes = asyncio.Event()
        self._delay = self._fragile = self._rate = 0
        self.felt = 0
        self._server = None
        self._deaf = []  # sockets that keep the port while nothing passes

    # The verbs.

    def reset(self):
        """Ends every connection at once with RST."""
        self._links.do(self._reset_all())

    def break_often(self, probability):
        """Each piece of data has this chance to be lost, with its connection."""
        self._fragile = probability

    def delay(self, seconds):
        """Each piece of data comes later, by this time on average and by twice as much at most."""
        self._delay = seconds

    def narrow(self, bytes_per_second):
        """So much passes in a second, on each connection and in each direction."""
        self._rate = bytes_per_second

    def drop(self):
        """Nothing passes, and nobody is told. What was sent meanwhile arrives afterwards, as what
        TCP sends again does; new connections are neither accepted nor refused."""
        self._links.do(self._drop())

    def refuse(self):
        """Nobody listens: all connections end, new ones are refused."""
        self._links.do(self._refuse())

    def heal(self):
        self._delay = self._fragile = self._rate = 0
        self._links.do(self._heal())

    # On the thread.

    async def open(self):
        self._passes.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_CHUNK)

    async def _drop(self):
        self._passes.clear()
        self._server.close()
        # Who listens and has no room for more connections gets no SYN.
        full, only = socket.socket(), socket.socket()
        self._deaf += full, only
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind(("127.0.0.1", self.port))
        full.listen(0)
        only.setblocking(False)
        only.connect_ex(full.getsockname())

    async def _refuse(self):
        self._server.close()
        await self._reset_all()

    async def _heal(self):
        self._passes.set()
        while self._deaf:
            self._deaf.pop().close()
        if not self._server.is_serving():
            await self.open()

    async def _reset_all(self):
        for pair in list(self._pairs):
            self.felt += 1
            self._break(pair)

    @staticmethod
    def _break(pair):
        for writer in pair:
            with contextlib.suppress(OSError, AttributeError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                           _RESET)
            writer.transport.abort()

    async def _serve(self, reader, writer):
        await self._passes.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target,
                                                                   limit=_CHUNK)
        except OSError:  # nobody listens: as near to that as can be
            self._break((writer,))
            return
        for one in (writer, far_writer):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (writer, far_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pump(reader, far_writer, pair),
                                 self._pump(far_reader, writer, pair))
        except OSError:
            self._break(pair)
        finally:
            self._pairs.discard(pair)
            for one in pair:
                one.close()

    async def _pump(self, reader, writer, pair):
        while data := await reader.read(_CHUNK):
            await self._hold(len(data))
            if self._fragile and self._chance.random() < self._fragile:
                self.felt += 1
                self._break(pair)
                return
            writer.write(data)
            await writer.drain()
        await self._hold(0)
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    async def _hold(self, size):
        late = self._chance.uniform(0, 2 * self._delay) if self._delay else 0
        if self._rate:
            late += size / self._rate
        if late:
            await asyncio.sleep(late)
        self.felt += late > _LATE or not self._passes.is_set()
        await self._passes.wait()
