"""A gRPC client that inkmesh did not write: Python's grpcio, with messages made from the contract's
descriptor set at run time."""

import base64
import hashlib
import hmac
import json
import queue
import threading
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Contract:
    """The messages and methods of a FileDescriptorSet."""

    def __init__(self, path):
        files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as binpb:
            files.ParseFromString(binpb.read())
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)
        self.factory = message_factory.MessageFactory(self.pool)

    def message(self, full_name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(full_name))

    def method(self, service, name):
        """The path, the request's and the reply's class."""
        method = self.pool.FindServiceByName(service).methods_by_name[name]
        return (f"/{service}/{name}", self.factory.GetPrototype(method.input_type),
                self.factory.GetPrototype(method.output_type))


class Failure(Exception):
    """A call that ended with another status than OK, with its google.rpc details."""

    def __init__(self, contract, error):
        super().__init__(f"{error.code().name}: {error.details()}")
        self.code = error.code().name
        self.message = error.details()
        self.details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        self.reason = None
        self.violations = {}
        self.retry_after = None
        status = contract.message("google.rpc.Status").FromString(self.details)
        for any_message in status.details:
            name = any_message.type_url.rpartition("/")[2]
            detail = contract.message(name).FromString(any_message.value)
            if name == "google.rpc.ErrorInfo":
                self.reason = detail.reason
            elif name == "google.rpc.BadRequest":
                self.violations = {v.field: v.description for v in detail.field_violations}
            elif name == "google.rpc.RetryInfo":
                self.retry_after = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9


class Stream:
    """The messages of a server-streaming call, as they come."""

    def __init__(self, contract, call):
        self._contract = contract
        self._call = call
        self._arrived = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for message in self._call:
                self._arrived.put(message)
            self._arrived.put(None)
        except grpc.RpcError as error:
            self._arrived.put(Failure(self._contract, error))

    def begun(self):
        """Returns when the server has said that the stream has begun."""
        self._call.initial_metadata()
        return self

    def next(self, timeout=10):
        """The next message, or None at the end; raises its Failure, or queue.Empty when nothing
        came in time."""
        message = self._arrived.get(timeout=timeout)
        if isinstance(message, Failure):
            raise message
        return message

    def take(self, count, timeout=10):
        return [self.next(timeout) for _ in range(count)]

    def cancel(self):
        self._call.cancel()


class Client:
    """Calls methods of one service, by its full name: `client.call("Login", email="...")`. With
    `credentials`, grpc's, over TLS."""

    def __init__(self, contract, port, service, credentials=None):
        self.contract = contract
        self.service = service
        options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1),
                   ("grpc.max_reconnect_backoff_ms", 200)]
        target = f"127.0.0.1:{port}"
        self.channel = grpc.secure_channel(target, credentials, options) if credentials else \
            grpc.insecure_channel(target, options)

    def _prepare(self, kind, method, fields):
        """What makes a call of the channel's `kind` of methods, and its request."""
        path, request, reply = self.contract.method(self.service, method)
        return kind(path, request_serializer=request.SerializeToString,
                    response_deserializer=reply.FromString), request(**fields)

    def call(self, method, token=None, timeout=10, authorization=None, **fields):
        if token:
            authorization = f"Bearer {token}"
        invoke, request = self._prepare(self.channel.unary_unary, method, fields)
        metadata = [("authorization", authorization)] if authorization else []
        try:
            return invoke(request, timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            raise Failure(self.contract, error) from None

    def start(self, method, token=None, timeout=10, **fields):
        """The same without waiting: a future."""
        invoke, request = self._prepare(self.channel.unary_unary, method, fields)
        metadata = [("authorization", f"Bearer {token}")] if token else []
        return invoke.future(request, timeout=timeout, metadata=metadata)

    def stream(self, method, token=None, timeout=60, **fields):
        """A server-streaming call."""
        invoke, request = self._prepare(self.channel.unary_stream, method, fields)
        metadata = [("authorization", f"Bearer {token}")] if token else []
        return Stream(self.contract, invoke(request, timeout=timeout, metadata=metadata))

    def close(self):
        self.channel.close()


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(secret, **claims):
    """An HS256 token; exp is in a minute unless it is given."""
    now = int(time.time())
    claims = {"iss": "inkmesh", "aud": "inkmesh", "iat": now, "exp": now + 60, **claims}
    text = ".".join(_base64url(json.dumps(part).encode())
                    for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{_base64url(mac)}"


def read_token(token):
    """The claims, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
