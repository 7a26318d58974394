"""A wall clock that a test moves, for itself, the rigs and the processes it starts."""

from __future__ import annotations

import subprocess
import tempfile
import time
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path


@lru_cache
def library() -> Path:
    """The library that shifts a process's clock, built once a run by the C compiler."""
    folder = Path(tempfile.mkdtemp(prefix="rigs-clock-"))
    built = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", built, source], check=True)
    return built


class Clock:
    """The time of day plus a shift, which is nothing at first."""

    def __init__(self, folder: Path):
        self.file = folder / "clock"
        self.shift = 0
        self._write()

    def _write(self) -> None:
        # A process may read at any moment, so the file is never half written.
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(self.shift))
        fresh.replace(self.file)

    def advance(self, seconds: int) -> None:
        """Moves the clock; backwards with a negative number."""
        self.shift += seconds
        self._write()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.shift

    def iso(self, ago: float = 0) -> str:
        """The time `ago` seconds before now, as CloudTrail writes it."""
        then = datetime.fromtimestamp(self.now() - ago, timezone.utc)
        return then.strftime("%Y-%m-%dT%H:%M:%SZ")

    def environment(self) -> dict[str, str]:
        """What makes a process live by this clock."""
        return {"LD_PRELOAD": str(library()), "RIGS_CLOCK": str(self.file)}
