"""Logs of clients: what they report, told apart from what CloudTrail recorded."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Program, compact, refused, trail

REFUSED = (
    "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "
    "The security token included in the request is invalid.\n"
)
BACKEND = (
    "Error: error configuring S3 Backend: error validating provider credentials: error calling "
    "sts:GetCallerIdentity: InvalidClientTokenId: The security token included in the request is "
    "invalid.\n\tstatus code: 403, request id: 5c6d7e8f-1111-4000-8000-000000000002\n"
)


def only(answer: dict[str, Any]) -> dict[str, Any]:
    [finding] = answer["findings"]
    return finding


def test_a_log_on_standard_input_needs_no_records(program: Program) -> None:
    answer = program.json("--text", "-", stdin=REFUSED.encode())
    found = only(answer)
    assert found["source"] == "stdin"
    assert found["origins"] == {"recorded": 0, "reported": 1, "predicted": 0}
    assert found["codes"] == {"InvalidClientTokenId": 1}
    assert found["event_sources"] in ({}, {"sts.amazonaws.com": 1})
    assert (answer["read"]["seen"], answer["read"]["lines"]) == (0, 1)


def test_records_on_standard_input_beside_a_log(program: Program) -> None:
    program.folder.joinpath("log").write_text(REFUSED)
    answer = program.json("-", "--text", "log", stdin=trail(refused(1)))
    assert sorted(one["source"] for one in answer["findings"]) == ["203.0.113.10", "log"]


def test_several_logs_are_several_sources(program: Program) -> None:
    for name in ("one", "two"):
        program.folder.joinpath(name).write_text(REFUSED)
    answer = program.json("--text", "one", "--text", "two")
    assert sorted(one["source"] for one in answer["findings"]) == ["one", "two"]


def test_an_error_of_the_backend_is_one_failure(program: Program) -> None:
    program.folder.joinpath("log").write_text(BACKEND + BACKEND)
    found = only(program.json("--text", "log"))
    assert found["origins"]["reported"] == 1
    assert found["sample_event_ids"] == ["report:5c6d7e8f-1111-4000-8000-000000000002"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe\x00\x01 not text",
        b"Apply complete! Resources: 1 added, 0 changed, 0 destroyed.\n",
        b"An error occurred (AccessDenied) when calling the ListBuckets operation: Access Denied\n",
        b"InvalidClientTokenId\n" b"what does InvalidClientTokenId mean?\n",
    ],
)
def test_a_log_without_a_refusal(program: Program, text: bytes) -> None:
    program.folder.joinpath("log").write_bytes(text)
    assert program.json("--text", "log")["findings"] == []


def test_a_log_that_is_missing(program: Program) -> None:
    answer = program.json("--text", "missing", code=2)
    assert answer["warnings"][0]["file"] == "missing"
    assert answer["read"]["skipped"] == 1


def test_log_lines_in_a_cloudwatch_logs_payload(program: Program) -> None:
    payload = {
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/ecs/deploy",
        "logStream": "run/1", "subscriptionFilters": ["refusals"],
        "logEvents": [{"id": "1", "timestamp": 1736845200000, "message": REFUSED}],
    }
    found = only(program.json("-", stdin=compact(payload)))
    assert (found["source"], found["origins"]["reported"]) == ("/ecs/deploy/run/1", 1)


def test_hostile_lines_are_harmless(program: Program) -> None:
    hostile = "\x1b[31mError:\x1b[0m \u202e" + REFUSED.replace("GetCallerIdentity", "A" * 10_000)
    program.folder.joinpath("log").write_text(hostile)
    for format_ in ("table", "markdown", "csv", "json"):
        out = program.scan("--text", "log", "--format", format_).out
        assert "\x1b" not in out and "\u202e" not in out
