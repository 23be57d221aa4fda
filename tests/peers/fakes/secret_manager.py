"""A fake of Google Secret Manager, on Google's own message types, over REST and gRPC.

    python -m tests.peers.fakes.secret_manager --port P --grpc-port P --control-port P
        [--kms-port P] [--project ID=NUMBER] [--token TOKEN] [--certificate PEM --key PEM]

No emulator could be had (``absent.toml``). It checks what the service checks, with the source
beside each rule: names, sizes, grammars, etags, states, checksums, tokens, permissions. Where
the service's sentence is not on record, ours stands for it. It keeps everything in memory,
runs in one process with one event loop, and listens on 127.0.0.1 only. It is ours, and a run
says so: it shows that a driver keeps to what is documented, never that Google does.

With ``--kms-port``, a fake of Cloud KMS is beside it (`cloud_kms`), over REST.

``--token`` may do everything in every project; further tokens come by the control
(`secret_manager_control`).
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from pathlib import Path

from aiohttp import web

from tests.peers.fakes import secret_manager_grpc
from tests.peers.fakes.secret_manager_access import Project, caller_from
from tests.peers.fakes.secret_manager_control import Control
from tests.peers.fakes.secret_manager_log import Log
from tests.peers.fakes.secret_manager_rest import Rest
from tests.peers.fakes.secret_manager_service import Service


async def serve(options: argparse.Namespace) -> None:
    service, log = Service(), Log()
    for text in options.project:
        id_, _, number = text.partition("=")
        service.access.add_project(Project(id_, number))
    for token in options.token:
        service.access.tokens[token] = caller_from({"principal": "admin@example.test"})
    tls = None
    if options.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate, options.key)
    over_grpc = secret_manager_grpc.server(service, log)
    secret_manager_grpc.listen(over_grpc, options.grpc_port, options.certificate, options.key)
    await over_grpc.start()
    runners = [await _http(Control(service, log).application(), options.control_port)]
    if options.kms_port is not None:
        # Its messages take their time to be imported, and few tests need them.
        from tests.peers.fakes.cloud_kms import CloudKms

        keys = CloudKms(service)
        runners.append(await _http(keys.application(log), options.kms_port, tls))
    # Last: who waits for it waits for all of them.
    runners.append(await _http(Rest(service, log).application(), options.port, tls))
    ended = asyncio.Event()
    for number_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number_, ended.set)
    await ended.wait()
    await over_grpc.stop(None)
    for runner in runners:
        await runner.cleanup()


async def _http(
    application: web.Application, port: int, tls: ssl.SSLContext | None = None
) -> web.AppRunner:
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    return runner


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="secret_manager")
    for name in ("--port", "--grpc-port", "--control-port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--kms-port", type=int)
    parser.add_argument("--project", action="append", default=[])
    parser.add_argument("--token", action="append", default=[])
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    asyncio.run(serve(parser.parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
