"""``python -m bench.aws_server PORT DELAY_MS``: answers reads of Secrets Manager as fast as
Python can, so that what is measured is the client.

Every secret is there, with a value of 32 bytes. Signatures are not looked at.
"""

from __future__ import annotations

import asyncio
import json
import sys

VALUE = "v" * 32
VERSION = "01234567-89ab-cdef-0123-456789abcdef"


def secret(name: str) -> dict[str, object]:
    return {
        "ARN": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf",
        "Name": name,
        "VersionId": VERSION,
        "SecretString": VALUE,
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1700000000.0,
    }


class Service(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, one request at a time on a connection."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while True:
            head, found, rest = self._got.partition(b"\r\n\r\n")
            if not found:
                return
            lower = head.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            body, self._got = rest[:length], rest[length:]
            answer = self._answer(lower, body)
            if self._delay:
                loop = asyncio.get_running_loop()
                loop.call_later(self._delay, self._transport.write, answer)
            else:
                self._transport.write(answer)

    @staticmethod
    def _answer(head: bytes, body: bytes) -> bytes:
        asked = json.loads(body or b"{}")
        said: dict[str, object]
        if b"batchgetsecretvalue" in head:
            said = {"SecretValues": [secret(name) for name in asked["SecretIdList"]]}
        else:
            said = secret(asked["SecretId"])
        content = json.dumps(said).encode()
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
            b"x-amzn-RequestId: 0\r\nContent-Length: %d\r\n\r\n" % len(content)
        ) + content


async def serve(port: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Service(delay), "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
