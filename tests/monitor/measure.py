"""Prints what the functions cost: time, memory, size and writes. `tests/measure` calls it."""

from __future__ import annotations

import gzip
import io
import json
import os
import platform
import re
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rigs.aws import Moto
from rigs.clock import Clock
from rigs.lookup_events import LookupEvents
from rigs.proxy import Proxy, identify, writes
from rigs.records import Records, compact
from rigs.runtime_api import Function
from rigs.serve import Answer, Request, Server

from .deployment import Deployment
from .elf import newest_glibc
from .payloads import envelope, s3_notification, sqs, trail_key

MB = 1_000_000


class Instant(Server):
    """AWS that takes no time: every write succeeds, nothing is found, and a bucket has one file."""

    def __init__(self) -> None:
        self.object = b""
        super().__init__()

    def answer(self, request: Request) -> Answer | None:
        call = identify(request)
        if call.service == "s3":
            headers = {"Content-Type": "application/octet-stream", "ETag": '"1"'}
            return Answer(200, self.object, headers)
        if call.service == "dynamodb":
            body: dict[str, Any] = {}
            if call.action in ("Query", "Scan"):
                body = {"Items": [], "Count": 0, "ScannedCount": 0}
            elif call.action == "BatchGetItem":
                body = {"Responses": {}, "UnprocessedKeys": {}}
            elif call.action == "BatchWriteItem":
                body = {"UnprocessedItems": {}}
            elif call.action == "TransactGetItems":
                body = {"Responses": [{} for _ in call.json["TransactItems"]]}
            return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.0"})
        if call.service == "cloudtrail":
            return Answer(200, b'{"Events":[]}', {"Content-Type": "application/x-amz-json-1.1"})
        if call.service == "sns":
            text = (
                "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult>"
                "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"
            )
            return Answer(200, text.encode(), {"Content-Type": "text/xml"})
        return Answer(400)


def environment(url: str) -> dict[str, str]:
    return {
        "FAILURE_MONITOR_NAME": "fm",
        "FAILURE_MONITOR_TABLE": "fm",
        "FAILURE_MONITOR_TOPIC_ARN": "arn:aws:sns:us-east-1:111122223333:fm-alerts",
        "FAILURE_MONITOR_REGIONS": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_CLOUDTRAIL": url,
    }


def starts(bootstrap: Path, url: str, times: int = 20) -> tuple[float, int]:
    """The median seconds from start to the first question for work, and the idle peak memory."""
    seconds, memory = [], 0
    for _ in range(times):
        function = Function(bootstrap, "monitor", environment(url)).start()
        seconds.append(function.init_seconds)
        memory = max(memory, function.memory())
        function.stop()
    return median(seconds), memory


def trail_file(records: Records, size: int) -> tuple[bytes, int]:
    """A trail file of so many bytes of text, with a few failures, gzipped; and its records."""
    parts, length, count = [], 0, 0
    while length < size:
        made = records.use(
            ago=count % 300, source=f"192.0.2.{count % 250}",
            call="ec2.amazonaws.com:DescribeInstances",
            requestParameters={"instancesSet": {"items": [{"instanceId": f"i-{os.urandom(8).hex()}"}]}},
        )
        if count % 20_000 == 0:
            made |= {"errorCode": "Client.AuthFailure", "errorMessage":
                     "AWS was not able to validate the provided access credentials"}
        parts.append(compact(made))
        length += len(parts[-1]) + 1
        count += 1
    return gzip.compress(b'{"Records":[' + b",".join(parts) + b"]}", 6), count


QUIET = {"FAILURE_MONITOR_IGNORE": '[{"source":"192.0.2.0/24","reason":"no alerts"}]'}


def batch_seconds(
    bootstrap: Path, url: str, records: Records, size: int, more: dict[str, str]
) -> float:
    """The median time of a warm function for a batch of failures in up to 20 groups."""
    function = Function(bootstrap, "monitor", {**environment(url), **more}).start()
    taken = []
    for _ in range(7):
        batch = [
            envelope(records.refused(ago=n % 200, source=f"192.0.2.{n % 20}")) for n in range(size)
        ]
        invocation = function.invoke(sqs(*batch))
        assert invocation.response == {"batchItemFailures": []}, invocation.story()
        taken.append(invocation.seconds)
    function.stop()
    return median(taken[1:])


@dataclass
class Counted:
    """What it took to count 1,000 failures in batches of 100, and then to tell of them."""

    items: int
    requests: int
    seconds: float
    summary_seconds: float
    summary_memory: int


def counted(bootstrap: Path, moto: Moto, groups: int) -> Counted:
    """Counts and tells 1,000 failures in so many groups."""
    moto.reset()
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(Path(folder))
        lookup = LookupEvents(clock)
        proxy = Proxy(moto.url, cloudtrail=lookup.url)
        deployed = Deployment(bootstrap, moto, lookup, proxy, clock)
        failures = [
            deployed.records.refused(
                ago=n % 300, source=f"192.0.{n % groups // 250}.{n % groups % 250}",
            )
            for n in range(1000)
        ]
        seconds = 0.0
        for start in range(0, 1000, 100):
            seconds += deployed.events(*failures[start : start + 100]).seconds
        items, requests = writes(proxy.calls)
        summary = deployed.function("summary")
        told = summary.invoke({"task": "summary", "since": "24h", "format": "html"})
        assert told.error is None and len(told.response) > 1000, told.story()
        memory = summary.memory()
        deployed.stop()
        proxy.stop()
        lookup.stop()
        return Counted(items, requests, seconds, told.seconds, memory)


def unpacked(given: Path, folder: Path) -> tuple[Path, int]:
    """A program, given as it is or as a package, and the bytes of its package."""
    if given.suffix != ".zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.write(given, "bootstrap")
        return given, len(out.getvalue())
    with zipfile.ZipFile(given) as archive:
        program = Path(archive.extract("bootstrap", folder))
    program.chmod(0o755)
    return program, given.stat().st_size


def main() -> None:
    home = tempfile.TemporaryDirectory()
    bootstrap, package = unpacked(Path(sys.argv[1]).resolve(), Path(home.name))
    rows: list[tuple[str, str, str]] = []

    def row(what: str, value: str, goal: str = "") -> None:
        rows.append((what, value, goal))

    instant = Instant()
    with tempfile.TemporaryDirectory() as folder:
        records = Records(Clock(Path(folder)))
        seconds, memory = starts(bootstrap, instant.url)
        row("process start to first /next, median of 20", f"{seconds * 1000:.1f} ms", "20 ms")
        row("peak memory, idle", f"{memory / MB:.1f} MB", "30 MB")
        instant.object, count = trail_file(records, 100 * MB)
        function = Function(bootstrap, "monitor", environment(instant.url)).start()
        invocation = function.invoke(sqs(s3_notification("logs", trail_key())), timeout=120)
        assert invocation.response == {"batchItemFailures": []}, invocation.story()
        assert invocation.metric("Seen", Name="fm") == count
        packed = len(instant.object) / MB
        row(f"trail file of 100 MB ({packed:.0f} MB gzipped): time", f"{invocation.seconds:.2f} s")
        row("trail file of 100 MB: peak memory", f"{function.memory() / MB:.0f} MB")
        function.stop()
        for size in (10, 1000):
            what = f"batch of {size:,} failures, store answering at once"
            taken = batch_seconds(bootstrap, instant.url, records, size, QUIET)
            row(what, f"{taken * 1000:.1f} ms")
            # Before an alert the facts of the key are asked for, and LookupEvents takes its time.
            taken = batch_seconds(bootstrap, instant.url, records, size, {})
            row(f"{what}, with an alert", f"{taken * 1000:.1f} ms")
    instant.stop()
    row("program", f"{bootstrap.stat().st_size / MB:.2f} MB")
    row("zip", f"{package / MB:.2f} MB", "3.5 MB")
    row("newest symbol of glibc", "GLIBC_{}.{}".format(*newest_glibc(bootstrap)), "GLIBC_2.34")
    moto = Moto()
    for groups in (1, 20, 1000):
        took = counted(bootstrap, moto, groups)
        row(
            f"writes for 1,000 failures in {groups:,} group{'s' * (groups > 1)}",
            f"{took.items:,} items in {took.requests} requests", f"({took.seconds:.1f} s on moto)",
        )
    row("summary of 1,000 groups: time", f"{took.summary_seconds:.2f} s", "(on moto)")
    row("summary of 1,000 groups: peak memory", f"{took.summary_memory / MB:.0f} MB")
    moto.stop()

    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores")
    widths = [max(len(one[column]) for one in rows) for column in (0, 1)]
    for what, value, goal in rows:
        print(f"{what:<{widths[0]}}  {value:>{widths[1]}}  {goal}")


if __name__ == "__main__":
    main()
