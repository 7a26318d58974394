"""`canary` in both worlds: one in which CloudTrail shows each call, and one in which it shows none.

IAM is moto's, STS judges by the state that keys have there, and the event history is a rig.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

import jsonschema
import pytest
import sts
from conftest import ROOT, Program, Run
from rigs.aws import Moto
from rigs.clock import Clock
from rigs.fixtures import clock, lookup, moto, moto_server  # noqa: F401
from rigs.lookup_events import LookupEvents
from rigs.records import Records
from rigs.serve import Answer, Request, Server
from sts import Asked, Sts

SCHEMA = json.loads((ROOT / "docs" / "canary.schema.json").read_text())
OPERATOR = "AKIAOPERATOR1EXAMPLE"
QUICK = {"--pause": "50ms", "--propagation": "50ms", "--poll": "1s", "--session": "1s"}
CASES = ["good", "wrong-secret", "token-missing", "token-expired", "inactive", "deleted"]
REGIONS = ["us-east-1", "eu-west-1"]
DAY = 86400
DENIED = (403, "AccessDenied", "User is not authorized")


@dataclass
class World:
    """An account, its event history, and the program in it."""

    program: Program
    moto: Moto
    server: Sts
    lookup: LookupEvents
    clock: Clock
    lambda_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.program.folder), "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": OPERATOR, "AWS_SECRET_ACCESS_KEY": "o" * 40,
            "AWS_ENDPOINT_URL": self.server.url, "AWS_ENDPOINT_URL_CLOUDTRAIL": self.lookup.url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.moto.url,
            "AWS_ENDPOINT_URL_LAMBDA": self.lambda_url or self.server.url,
        }

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        quick = [part for name, value in QUICK.items() if name not in args for part in (name, value)]
        return subprocess.Popen(
            [self.program.path, "canary", "--region", ",".join(REGIONS), *quick, *args],
            env=self.environment,
            cwd=self.program.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def run(self, *args: str) -> Run:
        process = self.start(*args)
        out, err = process.communicate(timeout=120)
        run = Run(process.returncode, out.decode(), err.decode())
        assert "panicked" not in run.err
        for secret in self.server.secrets.values():
            assert secret not in run.out + run.err
        return run

    def json(self, *args: str, code: int = 0) -> dict[str, Any]:
        run = self.run("--format", "json", *args)
        assert run.code == code, run.err
        jsonschema.validate(run.json, SCHEMA)
        return run.json

    def users(self) -> list[str]:
        return [user["UserName"] for user in self.moto.client("iam").list_users()["Users"]]

    def records(self, wanted: Callable[[Asked, bool], bool], visible_in: float = 0) -> None:
        """From now on, calls that are wanted leave a record; others leave none."""
        records = Records(self.clock)

        def put(asked: Asked, refusal: tuple[int, str, str] | None) -> None:
            if asked.access_key_id != OPERATOR and wanted(asked, refusal is not None):
                error = {"errorCode": refusal[1], "errorMessage": refusal[2]} if refusal else {}
                record = records.use(
                    None if refusal else asked.access_key_id, region=asked.region,
                    requestID=asked.request_id, **error,
                )
                self.lookup.put(record, visible_in=visible_in)

        self.server.on_call = put


class Invoke(Server):
    """Lambda's Invoke; answers with a summary, its figures given."""

    def __init__(self, summary: dict[str, Any], failures: dict[str, int]):
        self.summary = summary
        self.failures = failures
        self.questions: list[dict[str, Any]] = []
        super().__init__()

    def answer(self, request: Request) -> Answer:
        if request.path != "/2015-03-31/functions/fm-summary/invocations":
            headers = {"x-amzn-errortype": "ResourceNotFoundException"}
            return Answer(404, b'{"Message":"Function not found"}', headers)
        assert f"Credential={OPERATOR}/" in request.headers["authorization"]
        self.questions.append(json.loads(request.body))
        summary = {**self.summary, "totals": {**self.summary["totals"], "failures": self.failures}}
        return Answer(200, json.dumps(summary).encode())


def swept(region: str, since: float, up_to: float, clock: Clock, **changes: Any) -> dict[str, Any]:  # noqa: F811
    """What the monitor's sweep has read in a Region, in seconds from now."""
    return {
        "intake": "sweep", "region": region, "since": clock.iso(-since), "read_up_to": clock.iso(-up_to),
        "lag_seconds": 0, "holes": [], "unread_seconds": 0, "last_record": None, "last_run": None,
        "seen": 0, "skipped": 0, "problem": None, **changes,
    }


def judge_by(moto: Moto, server: Sts) -> sts.Judge:
    """What STS would answer, by what IAM knows of the key."""
    iam = moto.client("iam")
    begun = time.monotonic()

    def judge(asked: Asked) -> tuple[int, str, str] | None:
        if asked.access_key_id == OPERATOR:
            return None
        if asked.access_key_id in server.tokens:
            return sts.EXPIRED if asked.token and time.monotonic() > begun else sts.INVALID
        states = {
            key["AccessKeyId"]: key["Status"]
            for user in iam.list_users()["Users"]
            for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
        }
        if states.get(asked.access_key_id) != "Active":
            return sts.INVALID
        return None if asked.signed_well else sts.SIGNATURE

    return judge


@pytest.fixture
def world(
    program: Program, moto: Moto, lookup: LookupEvents, clock: Clock  # noqa: F811
) -> Iterator[World]:
    server = Sts(iam=moto.url)
    server.judge = judge_by(moto, server)
    lookup.account_of = lambda _: sts.ACCOUNT
    yield World(program, moto, server, lookup, clock)
    server.stop()


def seen(answer: dict[str, Any]) -> dict[tuple[str, str], bool]:
    return {(call["case"], call["region"]): call["seen"] for call in answer["calls"]}


def test_where_each_call_is_recorded_each_is_seen(world: World) -> None:
    world.records(lambda *_: True, visible_in=2)
    answer = world.json("--wait", "60s")
    assert seen(answer) == {(case, region): True for case in CASES for region in REGIONS}
    assert all(call["seen_after"] >= 1 and call["event_id"] for call in answer["calls"])
    assert answer["monitor"] is None, "it was not asked"
    assert answer["complete"] and not answer["not_made"] and not answer["warnings"]
    codes = {call["case"]: call["code"] for call in answer["calls"]}
    assert codes == {
        "good": None, "wrong-secret": "SignatureDoesNotMatch", "token-missing": "InvalidClientTokenId",
        "token-expired": "ExpiredToken", "inactive": "InvalidClientTokenId",
        "deleted": "InvalidClientTokenId",
    }
    assert answer["account"] == sts.ACCOUNT
    assert (world.users(), answer["left_behind"]) == ([], [])
    assert world.lookup.throttled == 0, "two requests a second and Region are kept to"


def test_where_none_is_recorded_none_is_seen_and_nothing_is_concluded(world: World) -> None:
    answer = world.json("--wait", "10s")
    assert seen(answer) == {(case, region): False for case in CASES for region in REGIONS}
    assert answer["complete"]
    assert world.users() == []


def test_as_aws_does_it_only_the_good_call_is_seen(world: World) -> None:
    world.records(lambda _, refused: not refused)
    run = world.run("--wait", "10s")
    assert run.code == 0, run.err
    rows = [line.split() for line in run.out.splitlines() if line.startswith(tuple(REGIONS))]
    assert [row[0] for row in rows] == REGIONS
    assert all(row[1:3] == ["SEEN", "1m"] and row[3:] == ["NOT", "SEEN"] * 5 for row in rows), run.out
    assert "says nothing" not in run.out
    assert "was removed" in run.out or "were removed" in run.out
    assert all(len(line) <= 80 for line in run.out.splitlines())


def test_without_the_control_it_says_that_it_says_nothing(world: World) -> None:
    assert "The good call was not seen either" in world.run("--wait", "2s").out


def test_too_short_a_wait_leaves_the_expired_session_out(world: World) -> None:
    answer = world.json("--wait", "2s", "--session", "15m")
    assert [one["case"] for one in answer["not_made"]] == ["token-expired"]
    assert world.users() == []


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_what_was_made_is_removed_on_ctrl_c(world: World, signal_: signal.Signals) -> None:
    process = world.start("--wait", "90m", "--session", "15m", "--format", "json")
    deadline = time.monotonic() + 30
    while not world.users() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert world.users(), "the user was made"
    process.send_signal(signal_)
    out, err = process.communicate(timeout=30)
    assert world.users() == [], err.decode()
    assert process.returncode == 2
    if out:
        assert json.loads(out)["complete"] is False


def test_what_was_made_is_removed_on_error(world: World) -> None:
    world.server.refuse["UpdateAccessKey"] = DENIED
    answer = world.json("--wait", "2s", code=2)
    assert any("iam:UpdateAccessKey: AccessDenied" in warning for warning in answer["warnings"])
    assert not answer["complete"]
    assert world.users() == []


def test_without_the_permission_to_make_a_user_it_says_so(world: World) -> None:
    world.server.refuse["CreateUser"] = DENIED
    run = world.run("--wait", "2s")
    assert run.code == 2 and "iam:CreateUser: AccessDenied" in run.err
    assert "DeleteUser" not in world.server.passed, "a user that was not made is not touched"


def test_what_cannot_be_removed_is_said_with_the_way_to_finish(world: World) -> None:
    world.server.refuse["DeleteUser"] = DENIED
    run = world.run("--wait", "2s")
    assert run.code == 2
    [user] = world.users()
    assert f"    aws iam delete-user --user-name {user}" in run.out
    assert "NOT removed" in run.out and "was removed" not in run.out


def test_lookups_that_are_refused_are_no_proof(world: World) -> None:
    refusal = Answer(
        400, b'{"__type":"AccessDeniedException","message":"no"}',
        {"Content-Type": "application/x-amz-json-1.1"},
    )
    world.lookup.answer = lambda _: refusal  # type: ignore[method-assign]
    run = world.run("--wait", "2s")
    assert run.code == 2 and "AccessDeniedException" in run.out
    assert "no data" in run.out and "NOT SEEN" not in run.out


def test_dry_run_sends_nothing_and_names_the_permissions(world: World) -> None:
    run = world.run("--dry-run", "--wait", "20m", "--store", "failure-monitor", "--monitor")
    assert run.code == 0
    for action in ("iam:CreateUser", "iam:DeleteUser", "cloudtrail:LookupEvents", "dynamodb:PutItem",
                   "lambda:InvokeFunction"):
        assert f"\n  {action}\n" in run.out
    assert not world.server.asked and not world.server.passed and not world.lookup.asked
    assert all(len(line) <= 80 for line in run.out.splitlines()), run.out


def test_the_result_can_be_stored_for_the_summary(world: World) -> None:
    table = world.moto.table("canary-results")
    answer = world.json("--wait", "2s", "--store", table)
    item = world.moto.client("dynamodb").get_item(
        TableName=table, Key={"pk": {"S": "coverage"}, "sk": {"S": "canary"}}
    )["Item"]
    assert json.loads(item["json"]["S"]) == answer
    assert world.run("--wait", "1s", "--store", "nowhere").code == 2


def test_the_monitor_is_asked_for_the_key(world: World) -> None:
    empty = world.program.folder / "empty"
    empty.mkdir()
    summary = world.program.run("summary", "--path", str(empty), "--format", "json").json
    monitor = Invoke(summary, {"recorded": 3, "reported": 0, "predicted": 1})
    try:
        world.lambda_url = monitor.url
        answer = world.json("--wait", "1s", "--function", "fm-summary")["monitor"]
        absent = world.run("--wait", "1s", "--function", "nowhere")
    finally:
        monitor.stop()
    [question] = monitor.questions
    assert (question["task"], question["format"]) == ("summary", "json")
    assert question["access_key_id"] == answer["access_key_id"] != OPERATOR
    assert question["from"] < question["to"]
    assert answer["failures"] == {"recorded": 3, "reported": 0, "predicted": 1}
    assert (answer["key_changes"], answer["unread"]) == ([], [])
    assert absent.code == 2 and "Monitor nowhere could not be asked: " in absent.out


@pytest.mark.parametrize(
    ("up_to", "reach", "words"),
    [
        (3600, "past", "read past it, and not counted\n"),
        (600, "just-past", "read past it, and not counted, but records may have come late\n"),
        (-60, "before", "not yet read that far: this says nothing\n"),
    ],
)
def test_not_counted_is_said_with_how_far_the_monitor_had_read(
    world: World, up_to: float, reach: str, words: str
) -> None:
    empty = world.program.folder / "empty"
    empty.mkdir()
    summary = world.program.run("summary", "--path", str(empty), "--format", "json").json
    # The time ahead stands for having waited: the calls are made now.
    summary["coverage"] = [
        swept("eu-west-1", -DAY, up_to, world.clock),
        swept("us-east-1", -DAY, up_to, world.clock, intake="key-changes"),
    ]
    monitor = Invoke(summary, {"recorded": 0, "reported": 0, "predicted": 0})
    try:
        world.lambda_url = monitor.url
        answer = world.json("--wait", "1s", "--function", "fm-summary")["monitor"]
        text = world.run("--wait", "1s", "--function", "fm-summary").out
    finally:
        monitor.stop()
    east, west = answer["read"]
    assert (east["region"], east["reach"], east["read_up_to"]) == ("us-east-1", "not-swept", None)
    assert (west["region"], west["reach"]) == ("eu-west-1", reach)
    assert west["read_up_to"] == summary["coverage"][0]["read_up_to"]
    assert answer["asked"] == summary["generated"] and west["last"] >= summary["generated"]
    assert (answer["read_changes"]["region"], answer["read_changes"]["reach"]) == ("us-east-1", reach)
    said = text[text.index("Monitor fm-summary, asked at "):]
    calls, changes = said.split("    Changes of the key:\n")
    time = summary["coverage"][0]["read_up_to"][:16].replace("T", " ")
    side = "before" if reach == "before" else "past"
    assert f"    eu-west-1: read to {time} UTC, {side} the last refused call\n        {words}" in calls
    assert "    us-east-1: not swept: how far it is read is not known\n" in calls
    assert changes.split("\n")[1].strip() == words.strip().replace("counted", "noted")
    assert all(len(line) <= 80 for line in said.splitlines()), said


def test_the_user_is_recognisable_and_has_no_permissions(world: World) -> None:
    made: list[dict[str, Any]] = []
    judge = world.server.judge

    def look(asked: Asked) -> tuple[int, str, str] | None:
        iam = world.moto.client("iam")
        for name in world.users():
            user = iam.get_user(UserName=name)["User"]
            policies = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
            policies += iam.list_user_policies(UserName=name)["PolicyNames"]
            made.append({**user, "policies": policies})
        return judge(asked)

    world.server.judge = look
    world.json("--wait", "1s", "--session", "15m")
    assert made
    for user in made:
        assert user["UserName"].startswith("failure-monitor-canary-")
        assert user["Tags"] == [{"Key": "made-by", "Value": "failure-monitor canary"}]
        assert user["policies"] == []


def test_calls_with_another_secret_keep_their_distance(world: World) -> None:
    world.json("--wait", "1s", "--session", "15m", "--pause", "1s")
    calls = [call for call in world.server.asked if call.access_key_id.startswith("AKIA")
             and call.access_key_id != OPERATOR]
    assert {call.signed_well for call in calls} == {True, False}
    for before, after in zip(calls, calls[1:]):
        if before.signed_well != after.signed_well:
            assert after.at - before.at >= 1


def test_the_schema_names_what_is_printed() -> None:
    assert set(SCHEMA["$defs"]["case"]["enum"]) == set(CASES)
    assert Path(ROOT / "docs" / "canary.schema.json").exists()
