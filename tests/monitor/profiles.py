"""Prints what each setting of the profile `lambda` does: builds the functions without it, and compares.

`tests/measure profiles` calls it. Takes most of an hour the first time; reasons in Cargo.toml rest
on what it prints.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rigs.clock import Clock
from rigs.records import Records
from rigs.runtime_api import Function

from .measure import MB, QUIET, Instant, batch_seconds, environment, starts, trail_file, unpacked
from .payloads import s3_notification, sqs, trail_key

ROOT = Path(__file__).resolve().parents[2]
# Settings that differ from the profile's, by what they are called in the table.
VARIANTS: dict[str, list[str]] = {
    "as deployed": [],
    "opt-level s": ['opt-level="s"'],
    "opt-level 3": ["opt-level=3"],
    "lto thin": ['lto="thin"'],
    "codegen-units 16": ["codegen-units=16"],
    "panic unwind": ['panic="unwind"'],
    "strip none": ['strip="none"'],
}
ROUNDS = 5


@dataclass
class Variant:
    """A build, and what was measured of it, round by round."""

    name: str
    program: Path
    size: int
    start: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)
    file: list[float] = field(default_factory=list)

    def figures(self) -> list[float]:
        """Zip in MB, then medians: start in ms, 1,000 failures in ms, file of 100 MB in s."""
        return [
            self.size / MB, median(self.start) * 1000, median(self.batch) * 1000,
            median(self.file),
        ]


def build(name: str, settings: list[str], folder: Path) -> Variant:
    """The package with these settings, by the script that makes the deployed one."""
    package = folder / f"{name}.zip"
    changed = {
        "CARGO_PROFILE_LAMBDA_" + setting.split("=")[0].replace("-", "_").upper():
            setting.split("=")[1].strip('"')
        for setting in settings
    }
    subprocess.run(
        [ROOT / "infra" / "package"], check=True, stdout=sys.stderr,
        env={**os.environ, **changed, "OUT": str(package)},
    )
    program, size = unpacked(package, folder / name)
    return Variant(name, program, size)


def measure(variant: Variant, instant: Instant, records: Records) -> None:
    """One round."""
    variant.start.append(starts(variant.program, instant.url, 10)[0])
    variant.batch.append(batch_seconds(variant.program, instant.url, records, 1000, QUIET))
    function = Function(variant.program, "monitor", environment(instant.url)).start()
    invocation = function.invoke(sqs(s3_notification("logs", trail_key())), timeout=120)
    assert invocation.response == {"batchItemFailures": []}, invocation.story()
    variant.file.append(invocation.seconds)
    function.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variants = [build(*variant, folder) for variant in VARIANTS.items()]
        instant = Instant()
        records = Records(Clock(folder))
        instant.object, _ = trail_file(records, 100 * MB)
        for _ in range(ROUNDS):
            for variant in variants:
                measure(variant, instant, records)
        instant.stop()
        deployed = variants[0].figures()
        print(f"{'':18}  {'zip':>14}  {'start':>14}  {'1,000 failures':>15}  {'100 MB file':>14}")
        for variant in variants:
            cells = [
                f"{value:.{digits}f} {unit} ×{value / base:.2f}"
                for value, base, digits, unit in zip(
                    variant.figures(), deployed, (2, 1, 0, 2), ("MB", "ms", "ms", "s"),
                )
            ]
            print(f"{variant.name:18}  " + "  ".join(f"{cell:>14}" for cell in cells))


if __name__ == "__main__":
    main()
