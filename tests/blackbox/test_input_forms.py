"""Every form in which records arrive gives the same findings."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from conftest import CASES, Program, compact, gz, record, refused, run_measured, trail

Records = list[dict[str, Any]]


def story() -> Records:
    """Records of cases with recorded and predicted failures and key changes."""
    records: Records = []
    for name in ["recorded-failures", "rotation", "sessions", "false-friends"]:
        for path in sorted((CASES / name / "input").glob("*.json")):
            records += json.loads(path.read_text())["Records"]
    return records


def lookup_events(records: Records) -> bytes:
    events = [
        {"EventId": one["eventID"], "EventName": one["eventName"], "ReadOnly": "false",
         "EventTime": one["eventTime"], "EventSource": one["eventSource"], "Resources": [],
         "CloudTrailEvent": json.dumps(one)}
        for one in records
    ]
    return json.dumps({"Events": events, "NextToken": "AAAA"}, indent=4).encode()


def envelope(one: dict[str, Any]) -> dict[str, Any]:
    return {"version": "0", "id": one["requestID"], "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.sts", "account": "111122223333", "time": one["eventTime"],
            "region": one["awsRegion"], "resources": [], "detail": one}


def payload(records: Records) -> dict[str, Any]:
    events = [{"id": str(number), "timestamp": 1736845200000 + number, "message": json.dumps(one)}
              for number, one in enumerate(records)]
    return {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "trail",
            "logStream": "111122223333_CloudTrail_us-east-1", "subscriptionFilters": ["all"],
            "logEvents": events}


def escaped(records: Records) -> bytes:
    """Every letter of every string as a `\\u` escape: the same JSON, and no byte of it as usual."""
    def string(text: str) -> str:
        units = text.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}"
                             for at in range(0, len(units), 2)) + '"'

    def value(of: Any) -> str:
        if isinstance(of, str):
            return string(of)
        if isinstance(of, dict):
            return "{" + ",".join(f"{string(k)}:{value(v)}" for k, v in of.items()) + "}"
        if isinstance(of, list):
            return "[" + ",".join(map(value, of)) + "]"
        return json.dumps(of)

    return ('{"Records":[' + ",".join(map(value, records)) + "]}").encode()


FORMS: dict[str, Callable[[Records], bytes]] = {
    "log file": lambda r: trail(*r),
    "gzip": lambda r: gz(trail(*r)),
    "gzip of two members": lambda r: gz(trail(*r[:5])) + gz(trail(*r[5:])),
    "bare array": lambda r: compact(r),
    "JSON Lines": lambda r: b"".join(compact(one) + b"\n" for one in r),
    "JSON Lines, CR LF": lambda r: b"".join(compact(one) + b"\r\n" for one in r),
    "JSON Lines, gzip": lambda r: gz(b"\n".join(map(compact, r))),
    "pretty-printed file": lambda r: json.dumps({"Records": r}, indent=2).encode(),
    "pretty-printed records": lambda r: "\n".join(json.dumps(one, indent=4) for one in r).encode(),
    "tabs": lambda r: json.dumps(r, indent="\t").encode(),
    "byte order mark": lambda r: b"\xef\xbb\xbf" + trail(*r),
    "byte order mark, lines": lambda r: b"\xef\xbb\xbf" + b"\n".join(map(compact, r)),
    "members before and after": lambda r: compact({"v": [{"Records": 1}], "Records": r, "n": {}}),
    "keys in reverse order": lambda r: trail(*(dict(reversed(one.items())) for one in r)),
    "escaped": escaped,
    "several files in one": lambda r: b"\n".join(trail(one) for one in r),
    "lookup-events": lookup_events,
    "lookup-events, gzip": lambda r: gz(lookup_events(r)),
    "EventBridge": lambda r: b"\n".join(compact(envelope(one)) for one in r),
    "EventBridge, array": lambda r: compact([envelope(one) for one in r]),
    "CloudWatch Logs": lambda r: compact(payload(r)),
    "CloudWatch Logs, gzip": lambda r: gz(compact(payload(r))),
}


def answer(program: Program, data: bytes) -> dict[str, Any]:
    # The name must not help: none of them ends in .json or .gz.
    program.folder.joinpath("input").write_bytes(data)
    found = program.json("input")
    del found["read"]["bytes"], found["read"]["lines"]
    return found


def test_the_name_of_the_list_may_be_escaped(program: Program) -> None:
    records = story()
    escaped = trail(*records).replace(b'{"Records"', b'{"\\u0052ecord\\u0073"', 1)
    expected = answer(program, trail(*records))
    program.folder.joinpath("input").write_bytes(escaped)
    found = program.scan("--format", "json", "input").json
    assert found["findings"] == expected["findings"]
    assert found["read"]["seen"] == len(records)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_answer(program: Program, form: str) -> None:
    records = story()
    expected = answer(program, trail(*records))
    assert expected["read"]["seen"] == len(records)
    assert (expected["read"]["failures"], expected["read"]["key_changes"]) == (5, 3)
    assert len(expected["findings"]) == 7
    assert answer(program, FORMS[form](records)) == expected


def test_one_record_alone(program: Program) -> None:
    assert answer(program, compact(refused(1)))["read"]["failures"] == 1


def test_a_control_message_holds_no_records(program: Program) -> None:
    message = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "",
               "logStream": "", "subscriptionFilters": [],
               "logEvents": [{"id": "", "timestamp": 1736845200000,
                              "message": "CWL CONTROL MESSAGE: Checking health of destination."}]}
    assert answer(program, compact(message))["read"]["seen"] == 0


@pytest.mark.parametrize("form", ["log file", "gzip", "JSON Lines", "CloudWatch Logs"])
def test_standard_input_reads_like_a_file(program: Program, form: str) -> None:
    data = FORMS[form](story())
    program.folder.joinpath("input").write_bytes(data)
    assert program.json("-", stdin=data) == program.json("input")


def test_standard_input_beside_files(program: Program) -> None:
    program.folder.joinpath("file").write_bytes(trail(refused(1)))
    read = program.json("file", "-", stdin=trail(refused(1), refused(2)))["read"]
    assert (read["files"], read["failures"], read["duplicates"]) == (2, 3, 1)


def test_standard_input_that_is_empty(program: Program) -> None:
    assert program.json("-")["read"]["seen"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "recorded-failures",
        "rotation",
    ],
)
def test_a_pipe_with_a_name_reads_like_a_file(
    binary: Path, program: Program, name: str
) -> None:
    """As in `failure-monitor scan <(aws cloudtrail lookup-events …)`."""
    data = b"\n".join(path.read_bytes() for path in sorted((CASES / name / "input").iterdir()))
    program.folder.joinpath("input").write_bytes(data)
    expected = program.json("input")
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [binary, "scan", "--format", "json", f"/dev/fd/{read_end}"],
        stdout=subprocess.PIPE, pass_fds=[read_end],
    )
    os.close(read_end)
    writer = threading.Thread(target=lambda: os.fdopen(write_end, "wb").write(data))
    writer.start()
    try:
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        writer.join()
    assert json.loads(out) == expected


def test_a_pipe_in_a_folder_that_nobody_writes_to_is_told(program: Program) -> None:
    folder = program.folder / "trail"
    folder.mkdir()
    folder.joinpath("found").write_bytes(trail(refused(1)))
    os.mkfifo(folder / "pipe")
    command = [program.path, "scan", "--format", "json", "trail"]
    done = subprocess.run(command, cwd=program.folder, capture_output=True, timeout=10)
    answer = json.loads(done.stdout)
    assert done.returncode == 2
    assert [warning["file"] for warning in answer["warnings"]] == ["trail/pipe"]


def test_a_large_stream_takes_little_more_memory_than_its_text(binary: Path) -> None:
    """100 MB on standard input: its text may be in memory once, and nothing per record."""
    identity = {**record()["userIdentity"], "accessKeyId": "AKIABACKUP001EXAMPLE",
                "userName": "backup"}
    chunk = b"".join(
        compact(record(n, userIdentity=identity, requestParameters={"padding": "x" * 20_000}))
        + b"\n" for n in range(50)
    )
    chunks = 100_000_000 // len(chunk)

    def text() -> Iterator[bytes]:
        yield from (chunk for _ in range(chunks))
        yield compact(refused(1))

    code, peak, out = run_measured([binary, "scan", "--format", "json", "-"], text())
    read = json.loads(out)["read"]
    assert (code, read["seen"], read["failures"]) == (0, chunks * 50 + 1, 1)
    assert peak < 140_000_000
