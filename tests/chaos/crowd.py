"""Everybody who uses the mesh during a run."""

from authors import Author, Reader, Visitor
from listener import Listener


class Crowd:
    """Authors, readers, visitors and listeners; and two who act when told to: a probe, who is an
    author, and a newcomer, who is a visitor."""

    def __init__(self, mesh, ledger, seed, authors=4, readers=3, visitors=1):
        self.probe = Author(mesh, ledger, "probe", seed)
        self.newcomer = Visitor(mesh, ledger, "newcomer", seed)
        self.authors = [Author(mesh, ledger, f"author{n}", seed) for n in range(authors)]
        self.others = [Reader(mesh, ledger, f"reader{n}", seed) for n in range(readers)]
        self.others += [Visitor(mesh, ledger, f"visitor{n}", seed) for n in range(visitors)]
        for author in (self.probe, *self.authors):
            author.settle()
        self.listeners = [Listener(mesh.port, author.user, author.client.token)
                          for author in (self.probe, *self.authors)]

    def start(self):
        for thread in (*self.authors, *self.others, *self.listeners):
            thread.start()

    def stop_load(self):
        """When this returns, nobody asks for anything any more; listeners stay."""
        for thread in (*self.authors, *self.others):
            thread.ending.set()
        for thread in (*self.authors, *self.others):
            thread.join()

    def stop(self):
        self.stop_load()
        for listener in self.listeners:
            listener.ending.set()
