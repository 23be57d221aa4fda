"""What a person sees while bodies travel: ``3 of 10, 1.2 of 4.0 GiB, 30 %, 52.1 MiB/s``."""

from __future__ import annotations

import sys
import time

from skykeep.apps.cli.console import Console, is_terminal

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_WIDTH = 20


class Bar:
    """One line on a terminal, once something takes longer than half a second."""

    def __init__(self, console: Console, count: int = 1, total: int | None = None) -> None:
        """``count`` transfers with ``total`` bytes in all, None if nobody knows."""
        self.bytes = 0
        self.ended = 0
        self._count = count
        self._total = total
        self._shown = not console.json and is_terminal(sys.stderr)
        self._begun = time.monotonic()
        self._next = self._begun + 0.5
        self._length = 0

    def add(self, done: int) -> None:
        """So many bytes more are where they belong (or fewer: they are sent again)."""
        self.bytes += done
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + 0.1
            text = self._text(now)
            self._length = max(self._length, len(text))
            self._write(f"\r{text.ljust(self._length)}")

    def one_ended(self) -> None:
        """A transfer is over."""
        self.ended += 1

    def clear(self) -> None:
        """Take the line away: another one is to be written, or all is done."""
        if self._length:
            self._write(f"\r{' ' * self._length}\r")
            self._length = 0

    def _text(self, now: float) -> str:
        rate = f"{sized(int(self.bytes / max(now - self._begun, 0.001)))}/s"
        many = f"{self.ended:,} of {self._count:,}, " if self._count > 1 else ""
        if not self._total:
            return f"{many}{sized(self.bytes)}, {rate}"
        part = min(1.0, max(0.0, self.bytes / self._total))
        drawn = "#" * int(part * _WIDTH)
        return (
            f"[{drawn:<{_WIDTH}}] {int(part * 100):3} %  {many}"
            f"{sized(self.bytes)} of {sized(self._total)}, {rate}"
        )

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def sized(count: int) -> str:
    """For people: ``512 bytes``, ``1.5 MiB``."""
    number, unit = float(count), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{count} bytes" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"
