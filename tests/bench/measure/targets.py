"""What the project wants of its speed: for each figure the floor that must hold and the aim."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`more`: whether more is better. `unit` follows the number."""

    text: str
    floor: float
    aim: float
    more: bool = False
    unit: str = "×"

    def met(self, value, bound):
        return value >= bound if self.more else value <= bound

    def show(self, value):
        return f"{value:.3g}{self.unit}"

    def verdict(self, value):
        """One of "aim", "floor", "missed"; "refused" when there is no value."""
        if value is None:
            return "refused"
        if self.met(value, self.aim):
            return "aim"
        return "floor" if self.met(value, self.floor) else "missed"


def _gateway():
    throughput = {16: (1.3, 2), 64: (1.3, 2), 256: (1.1, 1.5), 1000: (1.0, 1.5)}
    for connections, (floor, aim) in throughput.items():
        yield f"gateway.rate.{connections}", Target(
            f"GET a blog, {connections} connections: throughput, against the better rival", floor,
            aim, more=True)
        yield f"gateway.p99.{connections}", Target(
            f"GET a blog, {connections} connections: p99, against the better rival", 1, 0.6)
    yield "gateway.cpu.64", Target("GET a blog, 64 connections: CPU a request, against Envoy",
                                   0.6, 0.35)
    yield "gateway.limit.64", Target(
        "GET a blog, 64 connections: throughput, against constant JSON", 0.35, 0.6, more=True)


TARGETS = {
    **dict(_gateway()),
    "write.rate": Target("POST a blog, 64 connections, against pgbench with the same statement",
                         0.6, 0.85, more=True),
    "login.rate": Target("logins, 8 connections, against bare bcrypt on all processors", 0.9, 0.97,
                         more=True),
    "login.p99": Target("p99 of profile reads during that storm, against quiet", 4, 2),
    "events.relay": Target("relay, against the bare producer", 0.5, 0.8, more=True),
    "events.consumer": Target("consumer, against the bare batched INSERT", 0.5, 0.8, more=True),
    "events.told.p50": Target("201 to readable notification, idle: median", 5, 3, unit=" ms"),
    "events.told.p99": Target("201 to readable notification, idle: p99", 20, 10, unit=" ms"),
    "scale.list": Target("list page, the large table against the small one: p99", 1.5, 1.1),
    "scale.search": Target("search, the large table against the small one: p99", 3, 1.1),
    **{f"overload.{name}": Target(f"{text}: goodput at 4 times the load, against its peak",
                                  0.9, 0.95, more=True)
       for name, text in (("read", "GET a blog"), ("write", "POST a blog"), ("search", "searches"),
                          ("login", "logins"))},
    "overload.frozen": Target("p99 of profile reads beside a frozen service, against quiet", 3, 1.5),
    "overload.searches": Target(
        "p99 of uncached blogs beside more searches than can be done, against quiet", 20, 5),
    "overload.locked": Target(
        "p99 of uncached blogs beside writes that wait for a lock, against quiet", 3, 1.5),
    "overload.flood": Target("p99 of profile reads beside one address's flood, against quiet", 5, 2),
    **{f"tables.{service}.{what}": Target(f"{name}, a million rows past their time: {text}", floor,
                                          aim, unit=unit)
       for service, name in (("user", "refresh tokens"), ("notification", "inbox"),
                             ("blog", "outbox"))
       for what, text, floor, aim, unit in (
           ("seconds", "gone after", 400, 200, " s"),
           ("longest", "the longest statement", 1000, 250, " ms"),
           ("again", "size with the next million, against the first", 1.5, 1.1, "×"))},
    "memory.resident": Target("resident memory after the load, of the largest program", 40, 20,
                              unit=" MB"),
    "memory.ready": Target("start to ready, of the slowest program", 500, 100, unit=" ms"),
}
