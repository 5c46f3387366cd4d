#!/usr/bin/python3
"""The example program of lib/rpc/server.h against a client that no one here wrote: Python's grpcio."""

import json
import signal
import socket
import subprocess
import threading
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HERE = "tests/integration/rpc/"


def load_messages():
    """Message classes by full name, from the descriptor set that the program embeds."""
    pool = descriptor_pool.DescriptorPool()
    with open(HERE + "greet_contract_descriptor_set.binpb", "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    for each in files.file:
        pool.Add(each)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name)), files


message, FILES = load_messages()
HelloRequest = message("greet.v1.HelloRequest")
HelloReply = message("greet.v1.HelloReply")
HealthRequest = message("grpc.health.v1.HealthCheckRequest")
HealthReply = message("grpc.health.v1.HealthCheckResponse")
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3


class ExampleTest(unittest.TestCase):
    def setUp(self):
        self.program = subprocess.Popen([HERE + "example"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.program.stdout.readline().split()[1])
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")

    def tearDown(self):
        self.channel.close()
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        self.program.stdout.close()

    def unary(self, path, reply, request, **options):
        call = self.channel.unary_unary(
            path,
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=reply.FromString,
        )
        return call(request, timeout=options.pop("timeout", 10), **options)

    def stream(self, path, reply, requests, **options):
        """A call whose replies stream; `requests` is one message or an iterator of them."""
        one = hasattr(requests, "SerializeToString")
        kind = self.channel.unary_stream if one else self.channel.stream_stream
        call = kind(
            path,
            request_serializer=lambda m: m.SerializeToString(),
            response_deserializer=reply.FromString,
        )
        return call(requests, timeout=options.pop("timeout", 10), **options)

    def failure(self, function, *args, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            function(*args, **options)
        return caught.exception

    def test_unary(self):
        reply = self.unary("/greet.v1.Greeter/Hello", HelloReply, HelloRequest(name="Grüße, 世界"))
        self.assertEqual(reply.text, "Hello, Grüße, 世界!")

    def test_an_empty_message_and_status_details(self):
        error = self.failure(self.unary, "/greet.v1.Greeter/Hello", HelloReply, HelloRequest())
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(error.details(), "name: must not be empty")
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        status = message("google.rpc.Status").FromString(details)
        self.assertEqual((status.code, status.message), (3, "name: must not be empty"))
        bad = message("google.rpc.BadRequest")()
        self.assertTrue(status.details[0].Unpack(bad))
        self.assertEqual(bad.field_violations[0].field, "name")
        self.assertEqual(bad.field_violations[0].description, "must not be empty")

    def test_compressed_requests(self):
        reply = self.unary(
            "/greet.v1.Greeter/Hello",
            HelloReply,
            HelloRequest(name="x" * 20000),
            compression=grpc.Compression.Gzip,
        )
        self.assertEqual(len(reply.text), len("Hello, !") + 20000)

    def resident(self):
        with open(f"/proc/{self.program.pid}/status", encoding="ascii") as status:
            return int(status.read().split("VmRSS:")[1].split()[0]) * 1024

    def test_a_compressed_bomb_is_not_inflated(self):
        call = self.channel.unary_unary("/greet.v1.Greeter/Hello")
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            before = self.resident()
            with self.assertRaises(grpc.RpcError) as refused:
                call(bytes(128 << 20), timeout=60, compression=compression)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertIn("when it is not compressed", refused.exception.details())
            self.assertLess(self.resident() - before, 64 << 20)

    def test_idle_reflection_locks_nobody_out(self):
        stop = threading.Event()

        def silence():
            stop.wait(30)
            yield from ()
        info = self.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        idle = [info(silence()) for _ in range(300)]
        self.addCleanup(stop.set)
        for one in idle:
            self.addCleanup(one.cancel)
        self.assertEqual([one.code() for one in idle[256:]],
                         [grpc.StatusCode.RESOURCE_EXHAUSTED] * 44)
        watch = self.stream("/grpc.health.v1.Health/Watch", HealthReply, HealthRequest())
        self.assertEqual(next(watch).status, SERVING)
        watch.cancel()
        many = self.stream("/greet.v1.Greeter/Many", HelloReply,
                           HelloRequest(name="Ada", times=3))
        self.assertEqual(len(list(many)), 3)

    def test_watchers_of_health_lock_nobody_out(self):
        """A client that goes by our health, as lib/rpc's does, could not call us otherwise."""
        watch = "/grpc.health.v1.Health/Watch"
        watches = [self.stream(watch, HealthReply, HealthRequest()) for _ in range(256)]
        for one in watches:
            self.addCleanup(one.cancel)
            self.assertEqual(next(one).status, SERVING)
        error = self.failure(next, self.stream(watch, HealthReply, HealthRequest()))
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        config = {"loadBalancingConfig": [{"round_robin": {}}],
                  "healthCheckConfig": {"serviceName": "grpc.health.v1.Health"}}
        careful = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[
            ("grpc.service_config", json.dumps(config)), ("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(careful.close)
        hello = careful.unary_unary("/greet.v1.Greeter/Hello",
                                    request_serializer=HelloRequest.SerializeToString,
                                    response_deserializer=HelloReply.FromString)
        reply = hello(HelloRequest(name="Ada"), timeout=10, wait_for_ready=True)
        self.assertEqual(reply.text, "Hello, Ada!")

    def test_server_streaming(self):
        replies = self.stream(
            "/greet.v1.Greeter/Many", HelloReply, HelloRequest(name="Ada", times=1000)
        )
        self.assertEqual([reply.number for reply in replies], list(range(1, 1001)))

    def test_a_deadline_of_a_millisecond(self):
        endless = HelloRequest(name="Ada", times=2**31 - 1)
        error = self.failure(
            list, self.stream("/greet.v1.Greeter/Many", HelloReply, endless, timeout=0.001)
        )
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_unknown_methods(self):
        for path in ("/greet.v1.Greeter/All", "/greet.v1.Greeter/Nothing", "/no.Service/Nothing"):
            error = self.failure(self.unary, path, HelloReply, HelloRequest())
            self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED, path)

    def test_garbage(self):
        call = self.channel.unary_unary("/greet.v1.Greeter/Hello")
        for garbage in (b"\xff", b"\x0a\x05abc", b"\x0b\x0c", b"\x0a" + b"\xff" * 10):
            error = self.failure(call, garbage, timeout=10)
            self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT, garbage)

    def test_health(self):
        check = "/grpc.health.v1.Health/Check"
        for service in ("", "greet.v1.Greeter", "grpc.health.v1.Health"):
            reply = self.unary(check, HealthReply, HealthRequest(service=service))
            self.assertEqual(reply.status, SERVING, service)
        error = self.failure(self.unary, check, HealthReply, HealthRequest(service="no.Service"))
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)

    def test_watching_health_until_the_end(self):
        watch = "/grpc.health.v1.Health/Watch"
        unknown = self.stream(watch, HealthReply, HealthRequest(service="no.Service"))
        self.assertEqual(next(unknown).status, SERVICE_UNKNOWN)
        unknown.cancel()
        replies = self.stream(watch, HealthReply, HealthRequest())
        self.assertEqual(next(replies).status, SERVING)
        self.program.send_signal(signal.SIGTERM)
        self.assertEqual(next(replies).status, NOT_SERVING)
        error = self.failure(next, replies)
        self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.program.wait(timeout=20), 0)

    def test_idle_connections_do_not_delay_the_stop(self):
        stop = threading.Event()

        def silence():
            stop.wait(30)
            yield from ()
        info = self.channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        idle = [info(silence()) for _ in range(20)]
        self.addCleanup(stop.set)
        unfinished = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(20)]
        for each in unfinished:
            self.addCleanup(each.close)
            each.sendall(b"PRI * HTTP/2.0")
        self.unary("/greet.v1.Greeter/Hello", HelloReply, HelloRequest(name="Ada"))
        self.program.send_signal(signal.SIGTERM)
        self.assertEqual(self.program.wait(timeout=4), 0)
        for each in idle:
            self.assertEqual(each.code(), grpc.StatusCode.UNAVAILABLE)

    def reflect(self, version, **request):
        package = f"grpc.reflection.{version}."
        replies = self.stream(
            f"/{package}ServerReflection/ServerReflectionInfo",
            message(package + "ServerReflectionResponse"),
            iter([message(package + "ServerReflectionRequest")(**request)]),
        )
        return list(replies)[0]

    def test_reflection(self):
        original = {file.name: file for file in FILES.file}
        for version in ("v1", "v1alpha"):
            listed = self.reflect(version, list_services="").list_services_response
            self.assertEqual(
                [service.name for service in listed.service],
                [
                    "greet.v1.Greeter",
                    "grpc.health.v1.Health",
                    "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection",
                ],
            )
            for request in (
                {"file_by_filename": "greet.proto"},
                {"file_containing_symbol": "greet.v1.Greeter"},
                {"file_containing_symbol": "greet.v1.Greeter.Hello"},
                {"file_containing_symbol": "greet.v1.HelloRequest.name"},
            ):
                reply = self.reflect(version, **request).file_descriptor_response
                file = descriptor_pb2.FileDescriptorProto.FromString(reply.file_descriptor_proto[0])
                self.assertEqual(file, original["greet.proto"], request)
            for name in ("no.Symbol", "greet.v1.Hell", ""):
                error = self.reflect(version, file_containing_symbol=name).error_response
                self.assertEqual(error.error_code, 5)

    def test_reflection_of_extensions(self):
        options = "google.protobuf.MethodOptions"
        numbers = self.reflect("v1", all_extension_numbers_of_type=options)
        numbers = numbers.all_extension_numbers_response.extension_number
        self.assertIn(50101, numbers)
        request = {"containing_type": options, "extension_number": 50101}
        reply = self.reflect("v1", file_containing_extension=request).file_descriptor_response
        file = descriptor_pb2.FileDescriptorProto.FromString(reply.file_descriptor_proto[0])
        self.assertEqual(file.name, "inkmesh/options/v1/options.proto")


if __name__ == "__main__":
    unittest.main(verbosity=2)
