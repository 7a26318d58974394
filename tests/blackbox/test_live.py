"""`scan --live`: the event history of an account, read with a person's own credentials."""

from __future__ import annotations

import json
import os
import pty
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
    whole = [one["region"] for one in lookup.asked if "LookupAttributes" not in one]
    assert sorted(whole) == ["eu-west-1", "us-east-1", "us-east-1"], "62 records are two pages"
    assert lookup.tokens_refused == 0


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


def user_deleted(records: Records, user: str = "deploy-ci", **changes: Any) -> dict[str, Any]:
    return records.key_change("DeleteUser", "", requestParameters={"userName": user}, **changes)


def asked_before(lookup: LookupEvents, clock: Clock, ago: float) -> list[tuple[str, str, str]]:  # noqa: F811
    """The look-ups of what lies before a span: region, attribute and value."""
    asked = (one for one in lookup.asked if one["StartTime"] < clock.now() - ago - 60)
    return sorted(
        (one["region"], attribute["AttributeKey"], attribute["AttributeValue"])
        for one in asked for attribute in one.get("LookupAttributes", [{}])
    )


def same_as_files(
    program: Program, told: list[dict[str, Any]], found: dict[str, Any], since: str
) -> None:
    (program.folder / "trail.json").write_bytes(trail(*told))
    assert found["findings"] == program.json("trail.json", "--since", since)["findings"]


def test_uses_before_the_span_of_a_deleted_user_are_looked_up_by_name(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    told = [
        records.use(KEY, ago=3 * HOUR, source="203.0.113.20"),
        records.use("AKIADEPLOYCI2EXAMPLE", ago=4 * HOUR, source="203.0.113.21", region="eu-west-1"),
        records.use("AKIAOTHERUSEREXAMPLE", ago=3 * HOUR, user="other", source="203.0.113.22"),
        records.use("AKIADEPLOYCI2EXAMPLE", ago=26 * HOUR, source="203.0.113.23"),
        user_deleted(records, ago=HOUR),
    ]
    lookup.put(*told)
    found = live(program, environment, "--since", "2h")
    left = {
        (one["access_key_id"], one["source"], one["causes"][0]["id"])
        for one in found["findings"] if one["origins"]["predicted"]
    }
    assert left == {
        (KEY, "203.0.113.20", "key-deleted"),
        ("AKIADEPLOYCI2EXAMPLE", "203.0.113.21", "key-deleted"),
    }
    same_as_files(program, told, found, "2h")
    assert asked_before(lookup, clock, 2 * HOUR) == [
        (region, "Username", "deploy-ci") for region in ("eu-west-1", "us-east-1")
    ]
    assert found["read"]["seen"] == 1, "what lies before the span is not counted as read"


def test_a_key_that_is_only_refused_was_in_use_until_before_the_span(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    used = records.use(KEY, ago=3 * HOUR, source="203.0.113.20")
    good = "AKIADEPLOYCI2EXAMPLE"
    told = [
        records.use(KEY, ago=4 * HOUR, source="203.0.113.21"), used,
        *(records.refused(KEY, ago=1800 + n, source="203.0.113.20") for n in range(3)),
        # The span itself tells until when this one was good.
        records.use(good, ago=5000, user="other"), records.refused(good, ago=600, user="other"),
        # Nobody issued this one.
        records.refused("not a key", ago=500, user="third"),
    ]
    lookup.put(*told)
    found = live(program, environment, "--since", "2h")
    [one] = [one for one in found["findings"] if one["access_key_id"] == KEY]
    when = used["eventTime"].replace("T", " ").replace("Z", " UTC")
    [until] = [fact for cause in one["causes"] for fact in cause["evidence"] if "in use until" in fact["fact"]]
    assert until["fact"] == f"The key was in use until {when}, from 203.0.113.20"
    assert until["event_ids"] == [used["eventID"]]
    same_as_files(program, told, found, "2h")
    assert asked_before(lookup, clock, 2 * HOUR) == [
        (region, "AccessKeyId", KEY) for region in ("eu-west-1", "us-east-1")
    ]


def test_what_several_look_ups_find_counts_once(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    told = [
        *(records.use(KEY, ago=3 * HOUR + n, source="203.0.113.20") for n in range(5)),
        records.key_change("UpdateAccessKey", KEY, status="Inactive", ago=HOUR),
        records.key_change("DeleteAccessKey", KEY, ago=HOUR - 60),
        user_deleted(records, ago=HOUR - 120),
        records.refused(KEY, ago=600, source="203.0.113.20"),
    ]
    lookup.put(*told)
    found = live(program, environment, "--since", "2h")
    [one] = found["findings"]
    assert one["predicted"]["uses"] == 5
    same_as_files(program, told, found, "2h")
    assert asked_before(lookup, clock, 2 * HOUR) == [
        (region, attribute, value) for region in ("eu-west-1", "us-east-1")
        for attribute, value in (("AccessKeyId", KEY), ("Username", "deploy-ci"))
    ]


def test_of_a_refused_key_only_so_many_pages_are_read_and_that_is_said(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    lookup.page_size = 2
    uses = [records.use(KEY, ago=3 * HOUR + n) for n in range(50)]
    lookup.put(*uses, records.refused(KEY, ago=600))
    found = live(program, environment, "--since", "2h", "--regions", "us-east-1", code=2)
    assert len(asked_before(lookup, clock, 2 * HOUR)) == 20 and lookup.tokens_refused == 0
    reached = uses[39]["eventTime"][:16].replace("T", " ")
    assert found["warnings"] == [{
        "file": "live: us-east-1",
        "reason": "earlier uses of refused key AKIA****MPLE: "
                  f"read back to {reached} UTC only, older ones are left out",
    }]
    assert "in use until" in json.dumps(found["findings"])


def test_of_many_refused_keys_those_refused_most_are_looked_up_and_that_is_said(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    keys = [f"AKIA{'ABCDEFGHIJKLMNOP'[n % 16]}{n:02}PROBEDEXAMPLE"[:20] for n in range(23)]
    often, rare = keys[:20], keys[20:]
    lookup.put(*(
        records.refused(key, ago=600 + n)
        for n, key in enumerate([*often, *often, *rare])
    ))
    one_region = ("--since", "2h", "--regions", "us-east-1")
    found = live(program, environment, *one_region, code=2)
    [warning] = found["warnings"]
    assert warning["reason"].endswith(
        "were looked up for the 20 keys refused most often only: those of 3 more are left out"
    )
    assert [value for *_, value in asked_before(lookup, clock, 2 * HOUR)] == sorted(often)
    lookup.asked.clear()
    live(program, environment, *one_region, "--access-key-id", rare[0])
    assert [value for *_, value in asked_before(lookup, clock, 2 * HOUR)] == [rare[0]]


def test_progress_is_shown_while_earlier_uses_are_looked_up(
    program: Program, environment: dict[str, str], lookup: LookupEvents, clock: Clock  # noqa: F811
) -> None:
    records = Records(clock)
    lookup.put(*(records.refused(f"AKIAPROBED{n:03}EXAMPLE", ago=600) for n in range(6)))
    terminal, line = pty.openpty()
    process = subprocess.Popen(
        [program.path, "scan", "--live", "--since", "2h", "--regions", "us-east-1"],
        cwd=program.folder, env=program.environment(**environment, TERM="xterm"),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=line,
    )
    os.close(line)
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:  # The other end is closed.
        pass
    os.close(terminal)
    assert process.wait(timeout=30) == 0
    assert "earlier uses of refused key AKIA****MPLE, 4 of 6; back to" in shown.decode()


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
