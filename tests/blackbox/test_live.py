"""`scan --live`: the event history of an account, read with a person's own credentials."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import Any, Callable

import pytest
from conftest import Program, check_accounting, trail
from rigs.clock import Clock
from rigs.fixtures import clock, lookup, moto, moto_server  # noqa: F401
from rigs.lookup_events import LookupEvents
from rigs.records import Records

HOUR = 3600
KEY = "AKIADEPLOYCI1EXAMPLE"


@pytest.fixture
def environment(program: Program, lookup: LookupEvents) -> dict[str, str]:  # noqa: F811
    return {
        "HOME": str(program.folder), "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIAOPERATOR1EXAMPLE", "AWS_SECRET_ACCESS_KEY": "o" * 40,
        "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_CLOUDTRAIL": lookup.url,
    }


def live(program: Program, environment: dict[str, str], *args: str, code: int = 0) -> dict[str, Any]:
    run = program.scan("--live", "--format", "json", *args, code=code, **environment)
    check_accounting(run.json)
    return run.json


def story(records: Records) -> list[dict[str, Any]]:
    """Refusals, and a key that is turned off while somebody uses it."""
    return [
        *(records.refused("AKIADEPLOYCI2EXAMPLE", ago=600 + n) for n in range(60)),
        records.use(KEY, ago=3 * HOUR, source="203.0.113.20"),
        records.use(KEY, ago=4 * HOUR, source="203.0.113.21", region="us-east-1"),
        records.key_change("UpdateAccessKey", KEY, status="Inactive", ago=HOUR),
    ]


def test_the_same_as_from_files(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    told = story(Records(clock))
    lookup.put(*told)
    found = live(program, environment)
    (program.folder / "trail.json").write_bytes(trail(*told))
    of_files = program.json("trail.json")
    assert found["findings"] == of_files["findings"]
    assert found["key_changes"] == of_files["key_changes"]
    assert found["read"]["seen"] == len(told)
    assert {one["region"] for one in lookup.asked} == {"eu-west-1", "us-east-1"}


def test_uses_before_the_span_are_looked_up_by_key(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    lookup.put(*story(Records(clock)))
    found = live(program, environment, "--since", "2h")
    left = {one["source"] for one in found["findings"] if one["origins"]["predicted"]}
    assert left == {"203.0.113.20", "203.0.113.21"}
    assert all(
        one.get("LookupAttributes") for one in lookup.asked if one["StartTime"] < clock.now() - 3 * HOUR
    )


def test_a_region_without_permission_is_said_with_the_action(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    lookup.put(*story(Records(clock)))
    real = lookup.answer

    def answer(request: Any) -> Any:
        if "/eu-west-1/" in request.headers.get("authorization", ""):
            from rigs.serve import Answer

            body = {"__type": "AccessDeniedException", "message": "not authorized"}
            return Answer(400, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.1"})
        return real(request)

    lookup.answer = answer  # type: ignore[method-assign]
    found = live(program, environment, code=2)
    assert {one["file"] for one in found["warnings"]} == {"live: eu-west-1"}
    assert "cloudtrail:LookupEvents is not allowed" in found["warnings"][0]["reason"]
    assert found["findings"]


def test_no_credentials_says_what_to_do(program: Program, environment: dict[str, str]) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment[name] = ""
    run = program.scan("--live", code=2, **environment)
    assert "no credentials" in run.err and "aws sso login" in run.err
    assert run.out == ""


def test_more_than_ninety_days_is_clipped_and_said(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    lookup.put(*story(Records(clock)))
    found = live(program, environment, "--since", "120d", code=2)
    assert "90 days" in found["warnings"][0]["reason"]
    assert found["findings"]


def test_ctrl_c_tells_what_was_found_so_far(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    lookup.put(*(records.refused(ago=60 + n) for n in range(2000)))
    process = subprocess.Popen(
        [program.path, "scan", "--live", "--format", "json"], cwd=program.folder,
        env=program.environment(**environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while len(lookup.asked) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    found = json.loads(out)
    assert process.returncode == 2, err
    assert 0 < found["read"]["failures"] < 2000
    assert any("stopped; not read before" in one["reason"] for one in found["warnings"])


def stopped(
    program: Program, environment: dict[str, str], *args: str, when: Callable[[], bool],
    stdin: int = subprocess.DEVNULL,
) -> tuple[int, bytes]:
    """Exit code and output of a run that gets Ctrl-C at a moment, and must soon end."""
    process = subprocess.Popen(
        [program.path, "scan", "--live", "--format", "json", *args], cwd=program.folder, stdin=stdin,
        env=program.environment(**environment), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not when() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    finally:
        process.kill()
    return process.returncode, out


def test_ctrl_c_is_heard_while_the_service_throttles(
    program: Program, environment: dict[str, str], lookup: LookupEvents  # noqa: F811
) -> None:
    lookup.per_second = 0
    code, out = stopped(program, environment, when=lambda: lookup.throttled > 4)
    assert code == 2
    reasons = [one["reason"] for one in json.loads(out)["warnings"]]
    assert len(reasons) == 2 and all(one.startswith("stopped; not read before") for one in reasons)


def test_ctrl_c_is_heard_while_earlier_uses_are_looked_up(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    lookup.put(
        *(records.use(KEY, ago=3 * HOUR + n) for n in range(3000)),
        records.key_change("UpdateAccessKey", KEY, status="Inactive", ago=HOUR),
    )
    code, out = stopped(
        program, environment, "--since", "2h",
        when=lambda: sum("LookupAttributes" in one for one in lookup.asked) > 4,
    )
    found = json.loads(out)
    assert code == 2 and found["read"]["key_changes"] == 1
    assert "not all uses before" in found["warnings"][0]["reason"]


def test_ctrl_c_ends_a_run_that_waits_for_standard_input(
    program: Program, environment: dict[str, str], lookup: LookupEvents  # noqa: F811
) -> None:
    silent, writer = os.pipe()
    begin = time.monotonic()
    code, out = stopped(
        program, environment, "-", stdin=silent, when=lambda: time.monotonic() > begin + 2
    )
    os.close(silent)
    os.close(writer)
    assert code == -signal.SIGINT and out == b"" and not lookup.asked


def test_throttling_changes_nothing_in_the_answer(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    told = story(Records(clock))
    lookup.put(*told)
    lookup.per_second = 1
    found = live(program, environment)
    (program.folder / "trail.json").write_bytes(trail(*told))
    assert lookup.throttled > 0
    assert found["findings"] == program.json("trail.json")["findings"]


def test_ninety_days_count_from_now(
    program: Program, environment: dict[str, str], lookup: LookupEvents  # noqa: F811
) -> None:
    found = live(program, environment, "--since", "100d", "--until", "50d", code=2)
    assert "90 days" in found["warnings"][0]["reason"]
    run = program.scan("--live", "--since", "120d", "--until", "100d", code=2, **environment)
    assert "90 days" in run.err and run.out == ""


@pytest.mark.parametrize(
    ("region", "global_region"),
    [("cn-northwest-1", "cn-north-1"), ("us-gov-east-1", "us-gov-west-1")],
)
def test_the_region_of_iam_is_that_of_the_partition(
    program: Program, environment: dict[str, str], lookup: LookupEvents,  # noqa: F811
    region: str, global_region: str,
) -> None:
    live(program, {**environment, "AWS_REGION": region})
    assert {one["region"] for one in lookup.asked} == {region, global_region}
