"""Secret Manager over gRPC: the methods of `secret_manager_service`, each unary.

Details of an error travel in ``grpc-status-details-bin``, as a ``google.rpc.Status``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from google.rpc import code_pb2

from tests.peers.fakes.secret_manager_access import INTERFACE
from tests.peers.fakes.secret_manager_errors import Refusal
from tests.peers.fakes.secret_manager_log import Log
from tests.peers.fakes.secret_manager_methods import METHODS
from tests.peers.fakes.secret_manager_service import Service

CODES = {code.value[0]: code for code in grpc.StatusCode}


def server(service: Service, log: Log) -> grpc.aio.Server:
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            _handler(service, log, name),
            request_deserializer=method.request.FromString,
            response_serializer=method.answer.SerializeToString,
        )
        for name, method in METHODS.items()
    }
    made = grpc.aio.server()
    made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(INTERFACE, handlers),))
    return made


def listen(
    made: grpc.aio.Server, port: int, certificate: Path | None, key: Path | None
) -> None:
    address = f"127.0.0.1:{port}"
    if certificate is None or key is None:
        made.add_insecure_port(address)
        return
    pair = (key.read_bytes(), certificate.read_bytes())
    made.add_secure_port(address, grpc.ssl_server_credentials([pair]))


def _handler(service: Service, log: Log, method: str) -> Callable[[Any, Any], Awaitable[Any]]:
    async def handle(request: Any, context: Any) -> Any:
        headers = {
            key: value
            for key, value in context.invocation_metadata() or ()
            if isinstance(value, str)
        }
        resource = METHODS[method].resource(request)
        with log.call("grpc", method, resource, headers) as call:
            try:
                return service.call(method, request, headers)
            except Refusal as refusal:
                call.status = code_pb2.Code.Name(refusal.code)
                refused = refusal
        details = (("grpc-status-details-bin", refused.status.SerializeToString()),)
        return await context.abort(CODES[refused.code], refused.message, details)

    return handle
