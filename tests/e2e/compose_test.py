#!/usr/bin/python3
"""docker-compose.yml, its overrides and deploy/Dockerfile fit together, and fit the programs."""

import os
import re
import subprocess
import tempfile
import unittest
from urllib.parse import urlsplit

import yaml

from harness.stack import (GATEWAY_ADMIN_PORT, GATEWAY_PORT, KAFKA_PORT, REDIS_PORT, SERVICES,
                           TARGETS, runfiles_binary)

ADMIN_PORTS = {"gateway": GATEWAY_ADMIN_PORT, **{one.name: one.admin_port for one in SERVICES}}
# They name files, which would have to be mounted, or go with them; whoever does that sets them there.
FILES = {"LOG_FOLDER", "GRPC_SOCKET",
         "GRPC_TLS_CERT_FILE", "GRPC_TLS_KEY_FILE", "GRPC_TLS_CA_FILE",
         "HTTP_TLS_CERT_FILE", "HTTP_TLS_KEY_FILE", "SMTP_CA_FILE", "GRPC_TLS_CLIENTS",
         "TLS_RELOAD_INTERVAL", "HTTP_HSTS_MAX_AGE", "HTTP_HSTS_SUBDOMAINS", "JWT_PUBLIC_KEYS_FILE",
         "JWT_SERVICE_KEYS", "JWT_SIGNING_KEY_FILE", "JWT_SERVICE_SIGNING_KEY_FILE",
         *(f"{one.name.upper()}_SERVICE_TLS_NAME" for one in SERVICES)}


class Loader(yaml.SafeLoader):
    """Knows compose's tags: what has one replaces what the file before says."""


class Replaced:
    def __init__(self, value):
        self.value = value


def _replaced(loader, node):
    kinds = {yaml.MappingNode: loader.construct_mapping, yaml.SequenceNode: loader.construct_sequence}
    return Replaced(kinds[type(node)](node, deep=True))


Loader.add_constructor("!override", _replaced)
Loader.add_constructor("!reset", _replaced)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def load(path):
    return yaml.load(read(path), Loader)  # a SafeLoader


def settings(binary):
    """{setting: its default, or ""} of a program."""
    printed = subprocess.run([binary, "--print-env"], capture_output=True, text=True, check=True,
                             env={}).stdout
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", printed, re.M))


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def published(service):
    """{port of the machine: (address, port of the container)}"""
    ports = {}
    for text in service.get("ports", []):
        *address, host, container = text.split(":")
        ports[int(host)] = (address[0] if address else "", int(container))
    return ports


def named_hosts(value):
    """The containers in an address, a list of them, or a URL."""
    if "://" in value:
        return {urlsplit(re.sub(r"\$\{[^}]*\}", "x", value)).hostname}
    return {address.rpartition(":")[0] for address in value.split(",")}


class Compose(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.file = load("docker-compose.yml")
        cls.events = cls.file["services"].pop("events")  # a command, not a server
        cls.services = cls.file["services"]
        cls.programs = {name: cls.services[name] for name in TARGETS}

    def test_every_setting_is_the_programs_own(self):
        """A name that a program does not know would be ignored without a word."""
        for name, program in self.programs.items():
            self.assertEqual(set(program["environment"]), set(settings(runfiles_binary(name))) - FILES, name)

    def test_the_operators_command(self):
        env = self.events["environment"]
        self.assertEqual(set(env), set(settings("lib/events/tool/inkmesh-events")))
        self.assertEqual(env["KAFKA_BROKERS"], self.services["user"]["environment"]["KAFKA_BROKERS"])
        urls = [f"{one.name}={self.services[one.name]['environment']['DATABASE_URL']}"
                for one in SERVICES]
        self.assertEqual(env["DATABASE_URLS"], " ".join(urls))
        self.assertEqual(self.events["profiles"], ["tools"])  # `up` leaves it alone
        self.assertEqual(self.events["restart"], "no")

    def test_programs_listen_on_their_ports_for_the_other_containers(self):
        for name, program in self.programs.items():
            defaults = settings(runfiles_binary(name))
            for setting in {"ADMIN_ADDRESS", "GRPC_ADDRESS", "HTTP_ADDRESS"} & set(defaults):
                port = defaults[setting].rpartition(":")[2]
                self.assertEqual(program["environment"][setting], f"0.0.0.0:{port}")

    def test_plain_text_is_meant(self):
        """The programs would not start otherwise: the others' addresses are not loopback."""
        for program in self.programs.values():
            self.assertEqual(program["environment"]["ALLOW_PLAINTEXT"], "true")

    def test_published_ports(self):
        expected = {name: {} for name in self.services}
        expected["gateway"] = {GATEWAY_PORT: ("", GATEWAY_PORT), 8080: ("", GATEWAY_PORT)}
        expected["redis"] = {REDIS_PORT: ("127.0.0.1", REDIS_PORT)}
        expected["kafka"] = {KAFKA_PORT: ("127.0.0.1", KAFKA_PORT)}
        for one in SERVICES:
            expected[one.name] = {one.grpc_port: ("127.0.0.1", one.grpc_port)}
            expected[f"postgres-{one.name}"] = {one.postgres_port: ("127.0.0.1", 5432)}
        self.assertEqual({name: published(one) for name, one in self.services.items()}, expected)

    def test_what_every_container_has(self):
        overrides = (load("docker-compose.zookeeper.yml")["services"]["zookeeper"],)
        for one in (*self.services.values(), *overrides):
            self.assertEqual(one["restart"], "unless-stopped")
            self.assertEqual(one["networks"], ["app-network"])
            self.assertEqual(one["security_opt"], ["no-new-privileges:true"])
            self.assertIn("max-size", one["logging"]["options"])
            self.assertEqual(set(one["deploy"]["resources"]["limits"]), {"cpus", "memory", "pids"})
            self.assertGreater(len(one["healthcheck"]["test"]), 1)
            self.assertLess(seconds(one["healthcheck"]["timeout"]), 10)
        self.assertIn("app-network", self.file["networks"])

    def test_who_waits_for_whom(self):
        """What a container has an address of must be healthy before it starts."""
        for name, program in self.programs.items():
            needed = set()
            for setting, value in program["environment"].items():
                if value and re.search(r"_(URL|BROKERS|SERVICE_ADDRESS)$", setting):
                    needed |= named_hosts(value)
            waits = {one: {"condition": "service_healthy"} for one in needed}
            if name == "notification":  # e-mail can wait, and nothing else needs it
                waits["user"] = {"condition": "service_started"}
            self.assertEqual(program["depends_on"], waits, name)
            self.assertLessEqual(needed, set(self.services))
        self.assertEqual(set(self.services["gateway"]["depends_on"]),
                         {"redis", *(one.name for one in SERVICES)})

    def test_volumes(self):
        used = [volume.split(":") for one in self.services.values() for volume in one.get("volumes", [])]
        self.assertEqual(sorted(name for name, _ in used), sorted(self.file["volumes"]))
        self.assertEqual(set(self.file["volumes"]),
                         {"redis-data", "kafka-data", *(f"postgres-{one.name}-data" for one in SERVICES)})
        kafka = self.services["kafka"]
        self.assertEqual(kafka["volumes"], ["kafka-data:" + kafka["environment"]["KAFKA_LOG_DIRS"]])

    def test_each_service_has_its_database(self):
        for one in SERVICES:
            server = self.services[f"postgres-{one.name}"]
            env, url = server["environment"], self.services[one.name]["environment"]["DATABASE_URL"]
            self.assertEqual(server["image"], "postgres:15")
            self.assertEqual(env["POSTGRES_DB"], one.database)
            self.assertEqual(url, f"postgresql://{env['POSTGRES_USER']}:{env['POSTGRES_PASSWORD']}"
                                  f"@postgres-{one.name}:5432/{env['POSTGRES_DB']}")
            self.assertIn(f"POSTGRES_PASSWORD_{one.name.upper()}:?", env["POSTGRES_PASSWORD"])
            self.assertEqual(server["healthcheck"]["test"][-1], env["POSTGRES_DB"])

    def test_no_secret_has_a_default(self):
        secrets = set()
        for path in ("docker-compose.yml", "docker-compose.zookeeper.yml", "docker-compose.scale.yml"):
            for used in re.findall(r"\$+\{?[^}\s]*[^}]*\}?", re.sub(r"(?m)^\s*#.*$", "", read(path))):
                name, mark, advice = used.removeprefix("${").partition(":?")
                self.assertTrue(mark, f"{used} in {path}")
                self.assertIn("README.md", advice)
                secrets.add(name)
        self.assertEqual(secrets, {"JWT_SECRET", *(f"POSTGRES_PASSWORD_{one.name.upper()}"
                                                   for one in SERVICES)})
        to_be_filled_in = re.findall(r"^([A-Z_]+)=(.*)$", read(".env.example"), re.M)
        self.assertEqual(dict(to_be_filled_in), dict.fromkeys(secrets, ""))
        for program in self.programs.values():
            self.assertTrue(program["environment"]["JWT_SECRET"].startswith("${JWT_SECRET:?"))

    def test_kafka_is_found_from_inside_and_outside(self):
        for path in ("docker-compose.yml", "docker-compose.zookeeper.yml"):
            kafka = load(path)["services"]["kafka"]["environment"]
            kafka = kafka.value if isinstance(kafka, Replaced) else kafka
            advertised = dict(re.findall(r"(\w+)://([^,]+)", kafka["KAFKA_ADVERTISED_LISTENERS"]))
            listeners = dict(re.findall(r"(\w+)://([^,]+)", kafka["KAFKA_LISTENERS"]))
            self.assertEqual(advertised, {"INSIDE": "kafka:29092", "HOST": f"localhost:{KAFKA_PORT}"})
            for name, address in advertised.items():
                self.assertEqual(listeners[name], ":" + address.partition(":")[2])
            for one in SERVICES:
                env = self.services[one.name]["environment"]
                self.assertEqual(env["KAFKA_BROKERS"], advertised["INSIDE"])
            self.assertEqual(set(re.findall(r"(\w+):PLAINTEXT",
                                            kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"])),
                             set(listeners))

    def test_zookeeper_mode(self):
        override = load("docker-compose.zookeeper.yml")
        zookeeper, kafka = override["services"]["zookeeper"], override["services"]["kafka"]
        versions = {one["image"].rpartition(":")[2] for one in (zookeeper, kafka)}
        self.assertEqual(len(versions), 1)
        self.assertRegex(versions.pop(), r"^7\.")  # 8 has no such mode
        self.assertEqual(published(zookeeper), {2181: ("127.0.0.1", 2181)})
        env = kafka["environment"].value  # of KRaft mode, nothing may be left
        self.assertEqual(env["KAFKA_ZOOKEEPER_CONNECT"], "zookeeper:2181")
        self.assertFalse([name for name in env if "PROCESS_ROLES" in name or "CONTROLLER" in name])
        self.assertEqual(kafka["depends_on"], {"zookeeper": {"condition": "service_healthy"}})
        own = {volume.partition(":")[0]
               for volume in kafka["volumes"].value + zookeeper["volumes"]}
        self.assertEqual(own, set(override["volumes"]))
        self.assertFalse(own & set(self.file["volumes"]))

    def test_replicas_publish_no_port(self):
        for name, one in load("docker-compose.scale.yml")["services"].items():
            self.assertIn(name, {one.name for one in SERVICES})
            self.assertEqual((one["ports"].value, one["scale"]), ([], 2))


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dockerfile = read("deploy/Dockerfile")
        cls.programs = load("docker-compose.yml")["services"]
        cls.stages = dict(re.findall(r"^FROM \S+ AS (\w+)\n((?:(?!FROM ).*\n)*)", cls.dockerfile, re.M))

    def test_programs_need_no_privilege(self):
        for name in TARGETS:
            program = self.programs[name]
            self.assertTrue(program["read_only"])
            self.assertEqual(program["cap_drop"], ["ALL"])
            self.assertGreater(seconds(program["stop_grace_period"]),
                               2 * seconds(program["environment"]["DRAIN_GRACE_MS"]))
        users = re.findall(r"^USER (\S+)$", self.dockerfile, re.M)
        self.assertRegex(users[0], r"^[1-9]\d*:[1-9]\d*$")
        for stage in ("mesh", "events"):
            self.assertIn(f"USER {users[0]}", self.stages[stage])

    def test_each_program_has_a_stage_and_checks_its_own_health(self):
        for name in TARGETS:
            build = self.programs[name]["build"]
            self.assertEqual(build, {"context": ".", "dockerfile": "deploy/Dockerfile", "target": name})
            self.assertIn(f"FROM mesh AS {name}\n", self.dockerfile)
            self.assertIn(f'ENTRYPOINT ["/usr/bin/{name}"]', self.stages[name])
            self.assertIn(f"COPY --from=build /images/{name}/ /", self.stages[name])
            self.assertRegex(self.stages[name], rf"EXPOSE .*\b{ADMIN_PORTS[name]}\b")
            self.assertEqual(self.programs[name]["healthcheck"]["test"],
                             ["CMD", f"/usr/bin/{name}", "--check-health"])
            self.assertIn(TARGETS[name].partition(":")[0], self.dockerfile)

    def test_the_build_sees_no_secret(self):
        lines = [line for line in read(".dockerignore").splitlines() if line and line[0] != "#"]
        self.assertEqual(lines[0], "*")
        self.assertFalse([line for line in lines if line.startswith("!.env") or line == "!."])

    def test_image_root(self):
        """What deploy/image_root.py collects is enough for the programs, and has no shell."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["deploy/image_root.py", folder,
                            *(f"{name}={runfiles_binary(name)}" for name in TARGETS)], check=True)
            for name in TARGETS:
                self.check_image(name, [f"{folder}/common", f"{folder}/{name}"])

    def test_image_of_a_program_with_grpc_inside(self):
        """As -c opt makes them: its packages are named, though there is no library of theirs."""
        with tempfile.TemporaryDirectory() as folder:
            program = f"{folder}/optimised"
            subprocess.run(["gcc", "-x", "c", "-o", program, "-"], check=True, text=True,
                           input="void grpc_init(void) {} int main(void) { return 0; }")
            subprocess.run(["deploy/image_root.py", folder, f"one={program}"], check=True)
            names = os.listdir(f"{folder}/one/var/lib/dpkg/status.d")
            self.assertEqual(sorted(names), ["libabsl-dev", "libgrpc-dev", "libre2-dev"])
            for name in names:
                self.assertTrue(os.path.exists(f"{folder}/one/usr/share/doc/{name}/copyright"))

    def check_image(self, name, layers):
        paths = {os.path.join(at, file).removeprefix(layer) for layer in layers
                 for at, _, files in os.walk(layer) for file in files}
        self.assertEqual([path for path in paths if "/bin/" in path], [f"/usr/bin/{name}"])
        self.assertLessEqual({"/etc/passwd", "/etc/ssl/certs/ca-certificates.crt"}, paths)
        loader = [path for path in paths if os.path.basename(path).startswith("ld-linux")]
        libraries = {os.path.dirname(path) for path in paths if ".so" in path} - \
                    {os.path.dirname(one) for one in loader}
        where = [layer + library for layer in layers for library in libraries]
        listed = subprocess.run(
            [layers[0] + loader[0], "--inhibit-cache", "--library-path", ":".join(where), "--list",
             f"{layers[1]}/usr/bin/{name}"], check=True, capture_output=True, text=True).stdout
        found = re.findall(r"=> (/\S+) ", listed)
        self.assertGreater(len(found), 20)
        for library in found:
            self.assertTrue(library.startswith(tuple(layers)), f"{name} needs {library}")
        packages = {os.path.basename(path) for path in paths if "/status.d/" in path}
        for package in packages:
            self.assertIn(f"/usr/share/doc/{package}/copyright", paths)


if __name__ == "__main__":
    unittest.main(verbosity=2)
