"""The subcommands of ./inkmesh and their help."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness import postgres  # noqa: E402
from harness.waiting import HarnessError  # noqa: E402
from local import backup, bench, chaos, events, fuzz, stack, state, tests  # noqa: E402

DESCRIPTION = "inkmesh: a blogging platform as a mesh of C services, on this machine."


def logs(args):
    """Hands over to tail(1)."""
    names = [args.name] if args.name else stack.names()
    files = [state.log_path(name) for name in names if os.path.exists(state.log_path(name))]
    if not files:
        raise HarnessError("nothing was logged yet: ./inkmesh up")
    os.execvp("tail", ["tail", "-n", "100" if args.name else "10"]
              + (["-F"] if args.follow else []) + files)


def client(args):
    """Hands over to psql."""
    server = stack.postgres(args.name)
    options, env = server.client_options()
    os.execve(postgres.program("psql"), ["psql", *options, *args.args], env)


def parser():
    top = argparse.ArgumentParser(prog="./inkmesh", description=DESCRIPTION)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name, run, help_, description=None):
        one = commands.add_parser(name, help=help_, description=description or help_ + ".")
        one.set_defaults(run=run)
        return one

    one = command("up", lambda args: stack.up(args.kafka_mode, args.tls),
                  "install what is missing, build, and start everything",
            "Installs missing Debian packages (it says which), builds the programs with "
            "optimisation, starts PostgreSQL, Redis and the programs on 127.0.0.1, and waits until "
            "all are ready. Data, logs and generated secrets live in .inkmesh/. Running it again "
            "starts what is missing and restarts what was built anew.")
    mode = one.add_mutually_exclusive_group()
    mode.add_argument("--zookeeper", dest="kafka_mode", action="store_const", const="zookeeper",
                      help="Kafka with a ZooKeeper on port 2181, from now on until --kraft")
    mode.add_argument("--kraft", dest="kafka_mode", action="store_const", const="kraft",
                      help="Kafka on its own: as it is unless --zookeeper was said")
    one.add_argument("--tls", action="store_true",
                     help="HTTPS outside and mutual TLS inside, with certificates made in "
                          ".inkmesh/tls; without it plain text, whatever it was before")
    command("down", lambda _: stack.down(), "stop what up started; the data stays")
    command("status", lambda _: stack.status(), "show what runs; exits with 0 when all is ready")
    one = command("logs", logs, "show logs")
    one.add_argument("name", metavar="NAME", nargs="?", choices=stack.names(),
                     help="one of: " + ", ".join(stack.names()) + " (default: all)")
    one.add_argument("-f", dest="follow", action="store_true", help="go on as they grow")
    one = command("events", lambda args: events.run(args.args),
                  "show outboxes, lag and dead letters; replay these (events --help)")
    one.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER)
    one = command("bench", lambda args: bench.run(args.name, args.args), "measure something",
                  "Measures something and prints what: " + bench.DESCRIPTION)
    one.add_argument("name", metavar="NAME", choices=bench.names(),
                     help="one of: " + ", ".join(bench.names()))
    one.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER, help="its options")
    one = command("soak", lambda args: bench.run(bench.SOAK, args.args),
                  "work at half of what is possible for long, and see what grows (soak --help)")
    one.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER)
    one = command("test", lambda args: tests.run(args.args), "build and run the tests",
                  "Without ARGS: bazel test //..., then the unit and integration tests under "
                  "AddressSanitizer, then half a minute of each fuzzer. With ARGS: bazel test "
                  "ARGS. Ends with `N passed, N failed`.")
    one.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER,
                     help="arguments of bazel test, for instance //tests/unit/...")
    one = command("fuzz", lambda args: fuzz.run(args.names, args.seconds),
                  "look for inputs that break a parser, or the gateway",
                  "Runs the fuzzers of tests/fuzz, one a processor, an hour each. What they learn "
                  "and what they find stays in .inkmesh/fuzz/. `gateway` is a whole mesh of its "
                  "own, whose running gateway gets right and damaged requests over raw "
                  "connections; the others are parsers under libFuzzer.")
    one.add_argument("names", metavar="NAME", nargs="*",
                     help="any of: " + ", ".join(fuzz.names()) + " (default: all)")
    one.add_argument("--seconds", type=int, default=3600, metavar="N",
                     help="how long each runs (default: 3600)")
    one = command("chaos", lambda args: chaos.run(args.args),
                  "break a mesh of its own while it is used, and see what is lost (chaos --help)")
    one.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER)
    one = command("psql", client, "open a service's database",
                  "Runs psql on the database of a service; ARGS go to psql.")
    one.add_argument("name", metavar="NAME", choices=stack.services(),
                     help="a service: " + ", ".join(stack.services()))
    one.add_argument("args", metavar="ARGS", nargs=argparse.REMAINDER)
    one = command("backup", lambda args: backup.back_up_local(args.folder),
                  "dump the databases, so that they fit together",
                  "Dumps the three databases while everything runs, in an order and with a wait that "
                  "leave no event out. Exits with 1 when there may be events that only Kafka has.")
    one.add_argument("folder", metavar="DIR", nargs="?",
                     help="a new folder (default: .inkmesh/backup/TIME)")
    one = command("restore", lambda args: backup.put_back_local(args.folder, args.only),
                  "set the databases back to a backup",
                  "Stops the services, sets their databases back to what `backup` wrote, forgets "
                  "what Redis has, moves the consumers to where they belong, and starts the "
                  "services again.")
    one.add_argument("folder", metavar="DIR", help="what `backup` wrote")
    one.add_argument("--only", metavar="NAME", choices=stack.services(),
                     help="that of one service, where the others are whole: "
                          + ", ".join(stack.services()))
    command("help", lambda _: top.print_help(), "show this help")
    return top


def main():
    # argparse would take an option that is first among ARGS for its own.
    if sys.argv[1:2] == ["test"] and sys.argv[2:3] not in (["-h"], ["--help"]):
        return tests.run(sys.argv[2:])
    if sys.argv[1:2] == ["events"]:
        return events.run(sys.argv[2:])
    if sys.argv[1:2] == ["soak"]:
        return bench.run(bench.SOAK, sys.argv[2:])
    if sys.argv[1:2] == ["chaos"]:
        return chaos.run(sys.argv[2:])
    args = parser().parse_args(sys.argv[1:] or ["help"])
    return args.run(args)


if __name__ == "__main__":
    try:
        sys.exit(main() or 0)
    except HarnessError as problem:
        sys.exit(f"inkmesh: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
