"""up, down, status: the mesh on the design's ports, with its data in .inkmesh/."""

import hashlib
import json
import os

from harness import ports
from harness.certificates import MeshCertificates
from harness.program import Program
from harness.stack import SERVICES, Stack
from harness.waiting import HarnessError

from . import build, state

_LOG_LIMIT = 10 << 20

TOUR = """\
REST      {url}        (to read and try it: {url}/docs)
gRPC      {grpc}
Metrics   {metrics}
{limits}
{tls}Mail      {mail}/new        (a file a message; nothing leaves this machine)

Register, sign in, publish a blog, and read what happened:

  {curl} {url}/api/v1/auth/register -H 'Content-Type: application/json' \\
       -d '{{"username": "ada", "email": "ada@example.com", "password": "correct horse"}}'
  TOKEN=$({curl} {url}/api/v1/auth/login -H 'Content-Type: application/json' \\
       -d '{{"email": "ada@example.com", "password": "correct horse"}}' |
       sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  {curl} {url}/api/v1/users/profile -H "Authorization: Bearer $TOKEN"
  {curl} {url}/api/v1/blogs -H "Authorization: Bearer $TOKEN" \\
       -H 'Content-Type: application/json' \\
       -d '{{"title": "On engines", "content": "They weave algebraical patterns."}}'
  {curl} {url}/api/v1/notifications/user -H "Authorization: Bearer $TOKEN"
  cat {mail}/new/*

./inkmesh status, ./inkmesh events, ./inkmesh logs -f, ./inkmesh psql user, ./inkmesh down"""


TLS = """\
TLS       {folder}/ca.pem has signed all certificates, which last until {until} or longer.
          The services ask for one, too:
          grpcurl -cacert {folder}/ca.pem -cert {folder}/operator.pem -key {folder}/operator.key \\
              localhost:{port} list
          ./inkmesh up without --tls goes back to plain text.
"""


def _folder(name):
    return state.path("mail") if name == "mail" else state.path("data", name)


def local_stack():
    """The stack of this clone; servers that run already have their process.

    Returns it with the versions that these servers were started with, by name.
    """
    stack = Stack(lasting=True, port=lambda fixed: fixed, binary=build.binary,
                  secret=state.secret, folder=_folder, log=state.log_path,
                  settings=_own_settings(), kafka_jars=build.kafka_jars(),
                  zookeeper=state.kafka_mode() == "zookeeper", with_mail=True,
                  tls=_certificates() if state.tls() else None)
    return stack, {server.name: state.recall(server) for server in stack.servers()}


def _certificates():
    return MeshCertificates(state.path("tls"), services())


def _own_settings():
    """What .env adds to the programs' settings. An empty value says nothing."""
    # A browser that once heard of HSTS would want HTTPS of everything at localhost.
    settings = {"HTTP_HSTS_MAX_AGE": "0"} if state.tls() else {}
    file = os.path.join(state.ROOT, ".env")
    if os.path.exists(file):
        with open(file, encoding="utf-8") as lines:
            for line in lines:
                key, equals, value = line.strip().partition("=")
                if equals and value.strip() and not key.startswith("#"):
                    settings[key.strip()] = value.strip()
    return settings


def _version(server):
    """What a running program is compared by: its file and its settings. Other servers have none."""
    if not isinstance(server, Program):
        return None
    digest = hashlib.sha256(json.dumps(server.env, sort_keys=True).encode())
    with open(server.command[0], "rb") as file:
        digest.update(file.read())
    return digest.hexdigest()


def _must_be_free(server):
    others = (getattr(server, name, None) for name in ("admin_port", "controller_port"))
    for port in filter(None, (server.port, *others)):
        if not ports.free(port):
            who = ports.holder(port)
            by = f"by {who[1]} (pid {who[0]})" if who else "by a process that cannot be told"
            raise HarnessError(
                f"port {port}, which {server.name} needs, is in use {by}: stop that first")


def _keep_log_small(server):
    if os.path.exists(server.log) and os.path.getsize(server.log) > _LOG_LIMIT:
        os.rename(server.log, server.log + ".1")


def stop(server):
    """Ends one server, for whoever has the lock."""
    server.stop(30)
    state.forget(server)


def start(servers):
    """Starts some, for whoever has the lock, and returns when they are ready."""
    for server in servers:
        server.launch()
        # Known before it is ready: whatever happens next, `down` finds it.
        state.remember(server, _version(server))
    for server in servers:
        server.wait_ready()


def _choose_kafka(mode):
    """Changes how Kafka runs, if it is to change, and says how it does unless that is as usual.

    The services end, too: what they know of the one Kafka would confuse them about the other.
    """
    before = state.kafka_mode()
    if mode not in (None, before):
        stack, _ = local_stack()
        for server in (*stack.services.values(), stack.kafka, stack.zookeeper):
            if server and server.running():
                stop(server)
                print(f"  {server.name:<21} stopped, for another kind of Kafka", flush=True)
        state.kafka_mode(mode)
        print(f"Each kind of Kafka has data of its own. What was in the one before stays there "
              f"({os.path.relpath(stack.kafka.folder, state.ROOT)}):\nevents that were not consumed "
              f"wait for ./inkmesh up --{before}.")
    if state.kafka_mode() == "zookeeper":
        print("Kafka runs with ZooKeeper, " + (
            "from now on" if mode == "zookeeper" else "as chosen before") +
            "; ./inkmesh up --kraft goes back.", flush=True)


def up(kafka_mode=None, tls=False):
    """Builds and starts everything that does not run, or that was built anew."""
    with state.locked():
        print("building ...", flush=True)
        build.build()
        _choose_kafka(kafka_mode)
        state.tls(tls)
        if tls:
            _certificates().renew()
        stack, versions = local_stack()
        outdated = [server for server in reversed(stack.servers())
                    if server.running() and versions[server.name] != _version(server)]
        for server in outdated:
            print(f"  {server.name:<21} changed, restarting", flush=True)
            server.stop()
        before = {server.name for server in stack.servers() if server.running()}
        new = [server for server in stack.servers() if not server.running()]
        for server in new:
            _must_be_free(server)
            _keep_log_small(server)
        for wave in stack.waves():
            _start_wave(wave, before)
    ca = f" --cacert {_shown(stack.tls.ca.cert)}" if stack.tls else ""
    print("\nReady.\n\n" + TOUR.format(
        url=stack.url, curl=f"curl -s{ca}", mail=_shown(stack.mail.folder),
        grpc="  ".join(f"{name} 127.0.0.1:{one.port}" for name, one in stack.services.items()),
        limits=_limits(stack), tls=_tls(stack),
        metrics="  ".join(f"http://127.0.0.1:{one.admin_port}/metrics"
                          for one in (stack.gateway, *stack.services.values()))))


def _shown(path):
    return os.path.relpath(path, state.ROOT)


def _tls(stack):
    if not stack.tls:
        return ""
    return TLS.format(folder=_shown(stack.tls.folder), until=stack.tls.until(),
                      port=stack.services["user"].port)


def _limits(stack):
    exempt = stack.gateway.env["RATE_LIMIT_EXEMPT"]
    if exempt == "none":
        return "Limits    of requests, logins and registrations are on for everybody"
    return (f"Limits    of requests, logins and registrations are off for {exempt}\n"
            "          (RATE_LIMIT_EXEMPT=none in .env turns them on)")


def _start_wave(wave, before):
    start([server for server in wave if server.name not in before])
    for server in wave:
        server.wait_ready()
        how = "already running" if server.name in before else "ready"
        print(f"  {server.name:<21} {how:<16} 127.0.0.1:{server.port}   pid {server.process.pid}",
              flush=True)


def down():
    """Ends what up started, and nothing else; the data stays."""
    with state.locked():
        stack, _ = local_stack()
        running = [server for server in reversed(stack.servers()) if server.running()]
        for server in running:
            stop(server)
            print(f"  {server.name:<21} stopped", flush=True)
    print("The data stays in .inkmesh/." if running else "Nothing was running.")


def status():
    """Prints a line a server; 0 when all are ready."""
    stack, _ = local_stack()
    healthy = True
    for server in stack.servers():
        ready = server.running() and bool(server._ready())
        healthy = healthy and ready
        word = "ready" if ready else "not ready" if server.running() else "not running"
        pid = f"pid {server.process.pid}" if server.running() else ""
        print(f"  {server.name:<21} {word:<16} 127.0.0.1:{server.port}   {pid}".rstrip())
    if stack.tls:
        print(f"TLS: {stack.url}, and mutual among the programs; certificates of "
              f"{_shown(stack.tls.folder)} until {stack.tls.until()} (up --tls renews them)")
    return 0 if healthy else 1


def names():
    return ["redis", "zookeeper", "kafka", "mail", *(f"postgres-{name}" for name in services()),
            *services(), "gateway"]


def services():
    return [service.name for service in SERVICES]


def postgres(service):
    """The database server of a service, for psql."""
    stack, _ = local_stack()
    if not stack.databases[service].running():
        raise HarnessError(f"{stack.databases[service].name} does not run: ./inkmesh up")
    return stack.databases[service]
