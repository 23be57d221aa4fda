"""``python -m bench.outage_server PORT [SHARE MS]``: as ``bench.aws_server``, and goes wrong.

A share (0 to 1) of its answers comes so many milliseconds late. A read of ``control/hold`` is
the last that it answers until one of ``control/serve``: what comes in between is never
answered, as in a black hole. A read of ``control/count`` tells how many others
there were. It knows no batches.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys

from bench.aws_server import Service, secret

HOLD, SERVE, COUNT = "control/hold", "control/serve", "control/count"


class Reads:
    """What all connections share.

    Args:
        share, late: of the answers, and seconds.
    """

    def __init__(self, share: float, late: float) -> None:
        self.share = share
        self.late = late
        self.held = False
        self.count = 0
        self.dice = random.Random(1)


class Flaky(Service):
    """A connection: one request at a time, as the other one's."""

    def __init__(self, reads: Reads) -> None:
        super().__init__(0.0)
        self._reads = reads

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
            self._asked(json.loads(body)["SecretId"])

    def _asked(self, name: str) -> None:
        reads = self._reads
        said = secret(name)
        if name == COUNT:
            said["SecretString"] = str(reads.count)
        elif name in {HOLD, SERVE}:
            reads.held = name == HOLD
        else:
            reads.count += 1
            if reads.held:
                return
            if reads.dice.random() < reads.share:
                loop = asyncio.get_running_loop()
                loop.call_later(reads.late, self._transport.write, _answer(said))
                return
        self._transport.write(_answer(said))


def _answer(said: dict[str, object]) -> bytes:
    content = json.dumps(said).encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
        b"x-amzn-RequestId: 0\r\nContent-Length: %d\r\n\r\n" % len(content)
    ) + content


async def serve(port: int, share: float, late: float) -> None:
    reads = Reads(share, late)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Flaky(reads), "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    number, share, late = (*sys.argv[1:], "0", "0")[:3]
    asyncio.run(serve(int(number), float(share), float(late) / 1000))
