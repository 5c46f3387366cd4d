#!/usr/bin/python3
"""Reading a blog through the gateway, and through what else could stand in its place."""

import contextlib
import functools
import json
import tempfile
import urllib.request

from contenders import constant, envoy, grpc_gateway
from harness.waiting import HarnessError
from measure.bench import main
from measure.client import blog, signed_in
from measure.limits import redis_get
from measure.load import Request, grpc, measure
from measure.series import Table, ratio
from measure.targets import TARGETS

OURS, SERVICE, CACHE = "inkmesh", "service alone", "Redis GET"
BLOG = "/api/v1/blogs/{}"
CONNECTIONS = (16, 64, 256, 1000)
# The gateway has a thread for each connection, and so has the constant answer.
THREADS = 1200
WARM_UP_SECONDS = 1
CACHE_GETS = 20_000  # for each second that a load lasts
# Of our contract: it travels in a header, which is not the business of a general transcoder.
HEADER_FIELDS = {"etag"}


@contextlib.contextmanager
def contenders(bench, mesh, body):
    """Programs in front of one blog service, by name, our gateway first. `body` is what the constant
    answers."""
    bench.say("making the contenders")
    backend = mesh.address("blog")
    with tempfile.TemporaryDirectory(prefix="inkmesh-bench-") as folder:
        programs = [envoy.make(folder, backend, workers) for workers in (1, 2)]
        try:
            programs.append(grpc_gateway.make(folder, backend))
        except HarnessError as problem:
            bench.report.remark(f"Left out, so that rivals are fewer than they should be: {problem}")
        programs.append(constant.make(folder, body, THREADS))
        with contextlib.ExitStack() as started:
            for program in programs:
                started.enter_context(program)
            yield {OURS: mesh.gateway, **{program.name: program for program in programs}}


def read(program, path):
    """The body of an answer, which must be a good one."""
    with urllib.request.urlopen(f"http://127.0.0.1:{program.port}{path}", timeout=10) as answer:
        return answer.read()


def must_agree(programs, path):
    """All of them give the same answer; else a comparison would mean nothing."""
    expected = json.loads(read(programs[OURS], path))
    for name, program in programs.items():
        answer = json.loads(read(program, path))
        said = {key: value for key, value in answer.items() if key not in HEADER_FIELDS}
        if said != expected:
            raise HarnessError(f"{name} answers {path} with {answer}, {OURS} with {expected}")


def setting(connections):
    return f"{connections:,} connections"


def measurements(bench, mesh, programs, blog_id):
    """{contender: function of connections and seconds that gives a sample}."""
    requests, service = [Request(BLOG.format(blog_id))], mesh.services["blog"]
    found = {name: functools.partial(measure, program,
                                     None if name == constant.NAME else service, requests)
             for name, program in programs.items()}
    # GetBlogRequest has the id in its field 1; the answer has a blog's content, and more.
    found[SERVICE] = functools.partial(
        grpc, service, "/inkmesh.blog.v1.BlogService/GetBlog",
        b"\x0a" + bytes([len(blog_id)]) + blog_id.encode(), len(blog(0)["content"]))
    found[CACHE] = lambda connections, seconds: redis_get(
        mesh.redis, f"blog:{blog_id}", connections, CACHE_GETS * seconds)
    unknown = set(bench.options.contenders or ()) - set(found)
    if unknown:
        raise HarnessError(f"no contender {', '.join(sorted(unknown))}; there are: "
                           + ", ".join(found))
    return {name: one for name, one in found.items() if name in (bench.options.contenders or found)}


def compare(bench, found, table):
    for connections in bench.options.connections or CONNECTIONS:
        bench.say(setting(connections))
        for one in found.values():
            one(connections, WARM_UP_SECONDS)
        for _, name in bench.rounds(found):
            table.of(setting(connections), name).samples.append(
                found[name](connections, bench.seconds))


def best(series, metric, choose):
    """Of some series the one that is best in this. One that failed is what is chosen before all
    others: there is no comparison then."""
    failed = [each for each in series if each.errors]
    return failed[0] if failed else choose(series, key=lambda each: each.median(metric))


def judge(bench, table):
    for connections in bench.options.connections or CONNECTIONS:
        series = {each.contender: each for each in table.series
                  if each.setting == setting(connections)}
        envoys = [each for name, each in series.items() if name.startswith(envoy.NAME)]
        rivals = envoys + [each for name, each in series.items() if name == grpc_gateway.NAME]
        limit = [each for name, each in series.items() if name == constant.NAME]
        for figure, metric, others, choose in (
                ("rate", "rate", rivals, max), ("p99", "p99", rivals, min),
                ("cpu", "cpu", envoys, min), ("limit", "rate", limit, max)):
            key = f"gateway.{figure}.{connections}"
            if key in TARGETS and others and OURS in series:
                bench.report.judge(key, ratio(series[OURS], best(others, metric, choose), metric))


def run(bench):
    table = Table(
        "GET a blog",
        "wrk on this machine, kept-alive connections; one blog service behind all; the blog is "
        "cached. inkmesh writes its access log, the others have none. constant: civetweb with this "
        "answer and nothing behind it; service alone: h2load calls it by gRPC; Redis GET: "
        "redis-benchmark reads the cached blog.",
        ("rate", "p50", "p99", "cpu", "memory", "service_cpu", "service_memory", "errors"),
        plots=("rate", "p99", "cpu", "memory"))
    with bench.stack(settings={"HTTP_THREADS": str(THREADS)}) as mesh:
        client = signed_in(mesh.gateway.port)
        blog_id = client.call("POST", "/api/v1/blogs", blog(0), 201)["id"]
        path = BLOG.format(blog_id)
        with contenders(bench, mesh, read(mesh.gateway, path)) as programs:
            must_agree(programs, path)
            compare(bench, measurements(bench, mesh, programs, blog_id), table)
    bench.report.add(table)
    judge(bench, table)


if __name__ == "__main__":
    main(__doc__, run)
