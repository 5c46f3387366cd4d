#!/usr/bin/python3
"""A program's life on lib/mesh: wrong settings, readiness, calls, metrics, SIGHUP and SIGTERM."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DEMO = "tests/unit/mesh/demo"
SECRET = "0123456789abcdef0123456789abcdef"
SERVICE = "/inkmesh.user.v1.UserService/"


def load_messages():
    pool = descriptor_pool.DescriptorPool()
    with open("gen/inkmesh_contract_descriptor_set.binpb", "rb") as file:
        for each in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(each)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name))


message = load_messages()
User = message("inkmesh.user.v1.User")
Session = message("inkmesh.user.v1.Session")
LoginRequest = message("inkmesh.user.v1.LoginRequest")
GetProfileRequest = message("inkmesh.user.v1.GetProfileRequest")
HealthRequest = message("grpc.health.v1.HealthCheckRequest")
HealthReply = message("grpc.health.v1.HealthCheckResponse")


def start(*flags, **environment):
    return subprocess.Popen(
        [DEMO, *flags],
        env={**environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def core_files():
    """Whether a core becomes a file where the program runs."""
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        plain = file.read().strip().isalnum()
    return plain and resource.getrlimit(resource.RLIMIT_CORE)[1] != 0


class StartTest(unittest.TestCase):
    """Programs that do not get to run."""

    def run_demo(self, *flags, **environment):
        with start(*flags, **environment) as program:
            out, err = program.communicate(timeout=30)
        return program.returncode, out, err

    def test_wrong_settings(self):
        code, out, err = self.run_demo("--grpc-workers=0", "--nothing=1", LOG_LEVEL="loud")
        self.assertEqual((code, out), (2, ""))
        self.assertEqual(
            err.splitlines(),
            [
                "demo: --nothing: there is no such flag; --help lists all",
                'demo: LOG_LEVEL: "loud" is not accepted; expected one of debug, info, warn, error',
                'demo: --grpc-workers: "0" is not accepted; expected a whole number from 1 to 256',
                "demo: JWT_SECRET is required: text of at least 32 bytes (signs tokens)",
                "demo: READY_FILE is required: text (while it exists the program is ready)",
            ],
        )

    def test_help(self):
        code, out, err = self.run_demo("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("\n--check-health asks the program", out)
        for name in ("LOG_LEVEL  --log-level", "GRPC_ADDRESS  --grpc-address", "JWT_SECRET"):
            self.assertIn("\n  " + name, out)
        self.assertIn("default 127.0.0.1:0", out)

    def test_address_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for flag, words in (
                ("--grpc-address", "cannot start the gRPC server"),
                ("--admin-address", "cannot open the admin port"),
            ):
                code, out, err = self.run_demo(flag, address, JWT_SECRET=SECRET, READY_FILE="/")
                self.assertEqual((code, err), (1, ""))  # what the gRPC core says is in the log, too
                line = [json.loads(text) for text in out.splitlines()][-1]
                self.assertEqual((line["level"], line["msg"]), ("error", words))
                self.assertEqual(line["code"], "UNAVAILABLE")
                self.assertIn(address, line["error"] + line.get("cause", ""))


    @contextlib.contextmanager
    def serving(self, command):
        """The pid of a demo that a shell has started in its own way, once it serves."""
        program = subprocess.Popen(
            ["sh", "-c", command, DEMO],
            # To let the test look at its descriptors, as a debugger would.
            env={"JWT_SECRET": SECRET, "READY_FILE": "/", "CORE_DUMPS": "true"},
        )
        try:
            end = time.monotonic() + 10
            while len(os.listdir(f"/proc/{program.pid}/task")) < 4:
                self.assertIsNone(program.poll())
                self.assertLess(time.monotonic(), end, "waited for too long")
                time.sleep(0.02)
            yield program.pid
            program.terminate()
            self.assertEqual(program.wait(20), 0)
        finally:
            program.kill()
            program.wait()

    def test_closed_standard_descriptors(self):
        """Else the log would be written into whatever gets number 1: a client's socket, say."""
        with self.serving('exec "$0" <&- >&- 2>&-') as pid:
            for number in range(3):
                self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"), "/dev/null")

    def test_few_descriptors(self):
        """A soft limit, as shells have it, does not limit the connections."""
        with self.serving('ulimit -Sn 128; ulimit -Hn 777; exec "$0" >/dev/null 2>&1') as pid:
            with open(f"/proc/{pid}/limits", encoding="ascii") as file:
                limit, = (line.split()[3:5] for line in file if line.startswith("Max open files"))
            self.assertEqual(limit, ["777", "777"])


    def crashed(self, number, **environment):
        """Whether a program left a core when that signal ended it, where cores are allowed."""
        with tempfile.TemporaryDirectory() as folder:
            program = subprocess.Popen(
                ["sh", "-c", 'ulimit -c unlimited; exec "$0"', os.path.abspath(DEMO)], cwd=folder,
                env={"JWT_SECRET": SECRET, "READY_FILE": "/",
                     "ASAN_OPTIONS": "handle_segv=0:disable_coredump=0", **environment},
                stdout=subprocess.PIPE, text=True)
            with program.stdout:
                self.assertEqual(json.loads(program.stdout.readline())["msg"], "started")
                with open(f"/proc/{program.pid}/status", encoding="ascii") as file:
                    self.assertIn("NoNewPrivs:\t1\n", file.read())
                program.send_signal(number)
                status = os.waitpid(program.pid, 0)[1]
            program.returncode = -os.WTERMSIG(status)
            self.assertEqual(program.returncode, -number)
            return os.WCOREDUMP(status)

    def test_a_crash_leaves_no_core(self):
        for number in (signal.SIGABRT, signal.SIGSEGV):
            self.assertFalse(self.crashed(number))

    @unittest.skipUnless(core_files(), "this machine does something else with cores")
    def test_a_core_when_it_is_wanted(self):
        self.assertTrue(self.crashed(signal.SIGABRT, CORE_DUMPS="true"))


class RunTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.ready_file = os.path.join(self.folder, "ready")
        self.set_ready(True)
        self.logs = os.path.join(self.folder, "logs")
        self.program = start(
            "--log-folder", self.logs, JWT_SECRET=SECRET, READY_FILE=self.ready_file
        )
        self.lines = [json.loads(self.program.stdout.readline())]
        self.assertEqual(self.lines[0]["msg"], "started")
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % self.lines[0]["grpc_port"])

    def tearDown(self):
        self.channel.close()
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        self.reader.join()
        self.program.stdout.close()
        self.program.stderr.close()
        shutil.rmtree(self.folder)

    def read_log(self):
        for line in self.program.stdout:
            self.lines.append(json.loads(line))

    def set_ready(self, ready):
        if ready:
            open(self.ready_file, "w", encoding="utf-8").close()
        else:
            os.unlink(self.ready_file)

    def call(self, path, request, reply, **options):
        return self.channel.unary_unary(
            path,
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=reply.FromString,
        ).with_call(request, timeout=20, **options)[0]

    def login(self, ms=0):
        request = LoginRequest(email="a@example.org", password=str(ms))
        return self.call(SERVICE + "Login", request, Session).token

    def refusal(self, *args, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            self.call(*args, **options)
        return caught.exception.code()

    def get(self, path):
        url = "http://127.0.0.1:%d%s" % (self.lines[0]["admin_port"], path)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def await_that(self, condition):
        end = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), end, "waited for too long")
            time.sleep(0.02)

    def health(self):
        return self.call("/grpc.health.v1.Health/Check", HealthRequest(), HealthReply).status

    def logged(self, text):
        return [line for line in self.lines if line["msg"] == text]

    def stop(self):
        self.channel.close()  # while idle, grpcio does not answer the server's farewell
        self.program.send_signal(signal.SIGTERM)
        self.assertEqual(self.program.wait(timeout=20), 0, self.program.stderr.read())
        self.reader.join()

    def test_calls(self):
        profile = (SERVICE + "GetProfile", GetProfileRequest(), User)
        self.assertEqual(self.refusal(*profile), grpc.StatusCode.UNAUTHENTICATED)
        bad = [("authorization", "Bearer nonsense")]
        self.assertEqual(self.refusal(*profile, metadata=bad), grpc.StatusCode.UNAUTHENTICATED)
        metadata = [("authorization", "bearer " + self.login()), ("x-request-id", "req-7")]
        user = self.call(*profile, metadata=metadata)
        self.assertEqual(user.id, "01939d1c-0000-7000-8000-000000000001")
        self.assertEqual(
            self.refusal(SERVICE + "Login", LoginRequest(password="1"), Session),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        self.await_that(lambda: len(self.logged("call")) == 5)
        line = [each for each in self.logged("call") if each["request_id"] == "req-7"][0]
        self.assertEqual(line["method"], "inkmesh.user.v1.UserService.GetProfile")
        self.assertEqual((line["code"], line["caller"], line["caller_id"]), ("OK", "user", user.id))
        self.assertEqual(len(line["trace_id"]), 32)
        self.check_metrics()
        self.stop()

    def check_metrics(self):
        status, text = self.get("/metrics")
        self.assertEqual(status, 200)
        label = 'grpc_service="inkmesh.user.v1.UserService",grpc_method="GetProfile"'
        for sample in (
            'grpc_server_handled_total{%s,grpc_code="UNAUTHENTICATED"} 2\n' % label,
            'grpc_server_handled_total{%s,grpc_code="OK"} 1\n' % label,
            "grpc_server_handling_seconds_count{%s} 3\n" % label,
            'inkmesh_build_info{service="demo",version="0.0.1"} 1\n',
        ):
            self.assertIn("\n" + sample, text)
        promtool = shutil.which("promtool", path="/usr/bin")
        self.assertIsNotNone(promtool, "install prometheus")
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_readiness_follows_the_checks(self):
        self.await_that(lambda: self.get("/readyz")[0] == 200)
        self.assertEqual(self.health(), 1)
        self.set_ready(False)
        self.await_that(lambda: self.get("/readyz")[0] == 503)
        self.assertEqual(
            json.loads(self.get("/readyz")[1]),
            {"status": "not ready", "checks": {"file": "the file is away"}},
        )
        self.await_that(lambda: self.health() == 2)
        self.assertEqual(self.get("/livez")[0], 200)
        self.set_ready(True)
        self.await_that(lambda: self.get("/readyz")[0] == 200 and self.health() == 1)
        self.assertEqual(self.logged("check fails")[0]["cause"], self.ready_file)
        self.await_that(lambda: len(self.logged("check passes again")) == 1)
        self.stop()

    def check_health(self, host):
        """What a program prints, and its exit code, when it is asked to look at the running one."""
        flags = ("--check-health", "--admin-address=%s:%d" % (host, self.lines[0]["admin_port"]))
        with start(*flags, JWT_SECRET=SECRET, READY_FILE=self.ready_file) as asking:
            out, err = asking.communicate(timeout=30)
        return asking.returncode, out, err

    def test_check_health(self):
        self.await_that(lambda: self.get("/readyz")[0] == 200)
        for host in ("127.0.0.1", "0.0.0.0", "localhost"):
            code, out, err = self.check_health(host)
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(json.loads(out)["status"], "ready")
        self.set_ready(False)
        self.await_that(lambda: self.get("/readyz")[0] == 503)
        code, out, err = self.check_health("127.0.0.1")
        self.assertEqual((code, json.loads(out)["status"]), (1, "not ready"))
        self.assertIn("says 503", err)
        self.stop()
        code, out, err = self.check_health("127.0.0.1")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("nothing listens at 127.0.0.1:", err)

    def test_check_health_of_something_else(self):
        """Whatever listens there, the answer is 1, and it does not take for ever."""
        for says in (b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"):
            with socket.create_server(("127.0.0.1", 0)) as server:
                self.lines[0]["admin_port"] = server.getsockname()[1]
                answer = threading.Thread(target=self.answer_once, args=(server, says))
                answer.start()
                code, out, err = self.check_health("127.0.0.1")
                answer.join()
            self.assertEqual((code, out), (1, ""))
            self.assertIn("is not answered", err)
        self.stop()

    def answer_once(self, server, says):
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(says)

    def test_sigterm_finishes_what_is_in_flight(self):
        self.login()
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(self.login(1500))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        self.program.send_signal(signal.SIGTERM)
        self.await_that(lambda: self.get("/readyz")[0] == 503)
        self.assertEqual(json.loads(self.get("/readyz")[1])["status"], "stopping")
        for thread in threads:
            thread.join()
        self.assertEqual(len([token for token in answers if token]), 4)
        self.assertEqual(self.program.wait(timeout=20), 0, self.program.stderr.read())
        self.reader.join()
        ends = [line["msg"] for line in self.lines if line["msg"] not in ("call", "started")]
        self.assertEqual(ends, ["stopping", "drained one", "drained two", "stopped"])

    def test_a_second_signal_ends_it_at_once(self):
        self.login()
        thread = threading.Thread(target=self.refusal, args=(
            SERVICE + "Login", LoginRequest(email="a@example.org", password="9000"), Session))
        thread.start()
        time.sleep(0.5)
        self.program.send_signal(signal.SIGINT)
        self.await_that(lambda: self.logged("stopping"))
        self.await_that(lambda: self.get("/readyz")[0] == 503)
        self.program.send_signal(signal.SIGTERM)
        self.assertEqual(self.program.wait(timeout=5), -signal.SIGTERM)
        thread.join()

    def test_sighup_opens_the_logs_again(self):
        combined = os.path.join(self.logs, "combined.log")
        self.login()
        os.rename(combined, combined + ".1")
        self.program.send_signal(signal.SIGHUP)
        self.await_that(lambda: os.path.exists(combined))
        self.login()
        self.stop()
        with open(combined + ".1", encoding="utf-8") as old, open(combined, encoding="utf-8") as new:
            before, after = old.readlines(), new.readlines()
        self.assertEqual(json.loads(before[0])["msg"], "started")
        self.assertEqual(json.loads(after[-1])["msg"], "stopped")
        self.assertEqual(len(before) + len(after), len(self.lines))
        with open(os.path.join(self.logs, "error.log"), encoding="utf-8") as errors:
            self.assertEqual(errors.read(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
