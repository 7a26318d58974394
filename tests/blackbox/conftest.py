"""What all black-box tests share: the built program, and ways to make trail files.

The program is the one that FAILURE_MONITOR names; without it, cargo builds one first.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
SHARED_DATA = ROOT.parent / "shared" / "data"

INVALID = "The security token included in the request is invalid."
KEY = "AKIADEPLOYCI1EXAMPLE"
OTHER_KEY = "AKIADEPLOYCI2EXAMPLE"


@dataclass
class Run:
    """A run of the program that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


class Program:
    """The command line, run in a folder of the test's own."""

    def __init__(self, path: Path, folder: Path):
        self.path = path
        self.folder = folder

    def environment(self, **more: str) -> dict[str, str]:
        """The environment without what would change the output."""
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "COLUMNS")}
        return {**kept, **more}

    def run(self, *args: str | Path, stdin: bytes = b"", **env: str) -> Run:
        """Runs it, and checks what must hold of each run: no panic, and counts that add up."""
        done = subprocess.run(
            [self.path, *args], input=stdin, capture_output=True, cwd=self.folder,
            env=self.environment(**env),
        )
        run = Run(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert run.code in (0, 1, 2), run.err
        assert "panicked" not in run.err
        return run

    def scan(self, *args: str | Path, stdin: bytes = b"", code: int = 0, **env: str) -> Run:
        run = self.run("scan", *args, stdin=stdin, **env)
        assert run.code == code, run.out + run.err
        return run

    def json(self, *args: str | Path, stdin: bytes = b"", code: int = 0) -> dict[str, Any]:
        """Runs a scan and returns its JSON, its accounting checked."""
        answer = self.scan("--format", "json", *args, stdin=stdin, code=code).json
        check_accounting(answer)
        return answer


def check_accounting(answer: dict[str, Any]) -> None:
    """`seen = failures + key_changes + other + skipped`, and the findings hold what was counted."""
    read = answer["read"]
    parts = (read["failures"], read["key_changes"], read["other"], read["skipped"])
    assert read["seen"] == sum(parts), read
    if read["filtered"] == 0:
        recorded = sum(finding["origins"]["recorded"] for finding in answer["findings"])
        assert recorded == read["failures"] - read["duplicates"], read


@pytest.fixture(scope="session")
def binary() -> Path:
    if named := os.environ.get("FAILURE_MONITOR"):
        return Path(named).resolve()
    command = ["cargo", "build", "--quiet", "--locked", "--bin", "failure-monitor"]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "failure-monitor"


@pytest.fixture
def program(binary: Path, tmp_path: Path) -> Program:
    return Program(binary, tmp_path)


# Starts a program and reports its peak memory. A child begins with the peak of the process that
# starts it, so that must be a small one.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(code, peak * (1 if sys.platform == "darwin" else 1024), file=sys.stderr)
"""


def run_measured(
    command: list[str | Path], stdin: Iterable[bytes] = ()
) -> tuple[int, int, bytes]:
    """The exit code, the peak memory in bytes and the output of a program, fed piece by piece."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", LAUNCHER, *command],
            stdin=subprocess.PIPE, stdout=out, stderr=err,
        )
        assert process.stdin is not None
        for piece in stdin:
            process.stdin.write(piece)
        process.stdin.close()
        process.wait()
        out.seek(0)
        err.seek(0)
        code, peak = err.read().split()[-2:]
        return int(code), int(peak), out.read()


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A successful call; `changes` replace or, with None, take out members."""
    made = {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDADEPLOYCI0EXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/deploy-ci",
            "accountId": "111122223333",
            "accessKeyId": KEY,
            "userName": "deploy-ci",
        },
        "eventTime": f"2025-01-14T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "GetCallerIdentity",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.10",
        "userAgent": "aws-cli/2.22.23 md/command#sts.get-caller-identity",
        "requestParameters": None,
        "responseElements": None,
        "requestID": f"10000000-1111-4000-8000-{number:012}",
        "eventID": f"10000000-0000-4000-8000-{number:012}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    }
    for name, value in changes.items():
        if value is None:
            del made[name]
        else:
            made[name] = value
    return made


def refused(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A call that was refused because its key is not known."""
    return record(
        number, **{"errorCode": "InvalidClientTokenId", "errorMessage": INVALID, **changes}
    )


def compact(value: Any) -> bytes:
    """JSON as CloudTrail writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def trail(*records: dict[str, Any]) -> bytes:
    """The text of a log file."""
    return compact({"Records": list(records)})


def gz(text: bytes) -> bytes:
    """The same bytes for the same text, whenever."""
    return gzip.compress(text, mtime=0)
