"""Envoy with its grpc_json_transcoder, from PyPI: the rival that needs no code of one's own."""

import json
import os

from harness import ports
from harness.program import Program
from local import build

from . import contract

NAME = "Envoy"


def _program():
    folder = build.fetched("@envoy//:site", "Envoy")
    return os.path.join(folder, "site", "envoy", "_bin", "envoy")


def _typed(kind, **fields):
    return {"@type": "type.googleapis.com/envoy.extensions." + kind, **fields}


def _address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _backend(target):
    """The address of a gRPC target, "unix:PATH" or "127.0.0.1:PORT"."""
    kind, _, rest = target.partition(":")
    return {"pipe": {"path": rest}} if kind == "unix" else _address(int(rest))


def _http(descriptor_set):
    """What a connection goes through: JSON to gRPC, and on to the service. No access log, no request
    ids, no headers about Envoy itself."""
    transcoder = _typed("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
                        proto_descriptor=descriptor_set,
                        services=["inkmesh.blog.v1.BlogService"],
                        print_options={"always_print_primitive_fields": True})
    router = _typed("filters.http.router.v3.Router", suppress_envoy_headers=True)
    route = {"match": {"prefix": "/"}, "route": {"cluster": "blog", "timeout": "60s"}}
    return _typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="http", codec_type="HTTP1", generate_request_id=False,
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        http_filters=[{"name": "transcoder", "typed_config": transcoder},
                      {"name": "router", "typed_config": router}])


def _cluster(backend):
    """The service over HTTP/2, and no limit that a thousand clients would reach."""
    name = "upstreams.http.v3.HttpProtocolOptions"
    many = 100_000
    endpoint = {"endpoint": {"address": _backend(backend)}}
    return {
        "name": "blog", "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "blog", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {"thresholds": [{"max_connections": many, "max_pending_requests": many,
                                             "max_requests": many}]},
        "typed_extension_protocol_options": {f"envoy.extensions.{name}": _typed(
            name, explicit_http_config={"http2_protocol_options": {}})}}


def make(folder, backend, workers):
    """With as many worker threads, which its name says."""
    port = ports.reserve()
    manager = _http(contract.descriptor_set())
    config = {"static_resources": {
        "listeners": [{"name": "rest", "address": _address(port), "filter_chains": [
            {"filters": [{"name": "http", "typed_config": manager}]}]}],
        "clusters": [_cluster(backend)]}}
    path = f"{folder}/envoy-{workers}.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1)
    command = [_program(), "--config-path", path, "--concurrency", str(workers),
               "--disable-hot-restart", "--log-level", "error"]
    return Program(f"{NAME} {workers}", command, {}, port, log=f"{folder}/envoy-{workers}.log")
