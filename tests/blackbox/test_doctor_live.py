"""`doctor` asking AWS: an STS on loopback that answers each error, and moto's IAM behind it."""

from __future__ import annotations

import email.utils
import threading
import time
from typing import Any, Iterator

import pytest
import sts
from conftest import Program
from rigs.aws import Moto
from rigs.fixtures import moto, moto_server  # noqa: F401
from rigs.serve import Answer, Request, Server
from sts import Asked, Sts
from test_doctor import CONFIG, CREDENTIALS, KEY, SECRET, SESSION, TOKEN, Doctor, found, profile

REGION = {"AWS_REGION": "eu-west-1"}
DELETED, BAD_SECRET, SKEWED = "AKIADELETED01EXAMPLE", "AKIASECRET001EXAMPLE", "AKIASKEWED001EXAMPLE"
EXPIRED, DISABLED, NEW = "ASIAEXPIRED01EXAMPLE", "AKIADISABLED1EXAMPLE", "AKIANEWKEY001EXAMPLE"
REFUSALS = {
    DELETED: sts.INVALID, BAD_SECRET: sts.SIGNATURE, SKEWED: sts.SKEWED, EXPIRED: sts.EXPIRED,
    DISABLED: sts.DISABLED,
}


@pytest.fixture
def doctor(program: Program) -> Doctor:
    return Doctor(program)


@pytest.fixture
def server() -> Iterator[Sts]:
    made = Sts()
    yield made
    made.stop()


def run(doctor: Doctor, server: Server, *args: str, **env: str) -> dict[str, Any]:
    return doctor.json(*args, env={**REGION, "AWS_ENDPOINT_URL": server.url, **env})


def pauses(asked: list[Asked]) -> list[float]:
    """What lies between calls with one key ID."""
    by_key: dict[str, list[float]] = {}
    for call in asked:
        by_key.setdefault(call.access_key_id, []).append(call.at)
    return [b - a for times in by_key.values() for a, b in zip(times, times[1:])]


def test_each_answer_points_to_its_cause_and_no_key_is_judged_by_one_refusal(
    doctor: Doctor, server: Sts
) -> None:
    def judge(asked: Asked) -> tuple[int, str, str] | None:
        if asked.access_key_id == NEW:
            before = [call for call in server.asked if call.access_key_id == NEW]
            return sts.INVALID if len(before) == 1 else None
        return REFUSALS.get(asked.access_key_id)

    server.judge = judge
    ids = {"deleted": DELETED, "secret": BAD_SECRET, "skewed": SKEWED, "disabled": DISABLED, "new": NEW}
    files = "".join(profile(name, key) for name, key in ids.items())
    files += profile("expired", EXPIRED, aws_session_token=TOKEN)
    files += profile("half", SESSION) + profile()
    server.judge = lambda asked: sts.INVALID if asked.access_key_id == SESSION else judge(asked)
    doctor.write({CREDENTIALS: files})
    answer = run(doctor, server)

    def cause(name: str) -> tuple[str, str | None]:
        check = found(answer, "identity", f"profile {name}:")
        return check["status"], check["cause"] and check["cause"]["id"]

    assert cause("deleted") == ("failed", "key-deactivated")
    assert cause("secret") == ("failed", "signature-mismatch")
    assert cause("skewed") == ("failed", "clock-skew")
    assert cause("expired") == ("failed", "session-token-expired")
    assert cause("disabled") == ("failed", "region-not-enabled")
    assert cause("half") == ("failed", "session-token-missing")
    assert cause("new") == ("warning", "key-not-propagated")
    assert cause("default") == ("ok", None)
    counts = {key: 0 for key in (*ids.values(), EXPIRED, SESSION, KEY)}
    for call in server.asked:
        counts[call.access_key_id] += 1
    assert counts.pop(KEY) == 1, "a good answer is not asked for again"
    assert set(counts.values()) == {2}
    assert min(pauses(server.asked)) >= 5
    assert {call.region for call in server.asked} == {"eu-west-1"}


def test_one_key_id_with_two_secrets_is_asked_slowly(doctor: Doctor, server: Sts) -> None:
    server.secrets[KEY] = SECRET
    server.judge = lambda asked: None if asked.signed_well else sts.SIGNATURE
    doctor.write({CREDENTIALS: profile()})
    answer = run(doctor, server, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET[::-1])
    assert found(answer, "identity", "environment")["cause"]["id"] == "signature-mismatch"
    assert found(answer, "identity", "profile default")["status"] == "ok"
    assert len(server.asked) == 3 and min(pauses(server.asked)) >= 5
    verdict = answer["verdict"]["cause"]
    assert (verdict["id"], verdict["confidence"]) == ("signature-mismatch", "high")


def test_a_region_that_must_be_enabled_is_told_from_a_bad_key(doctor: Doctor, server: Sts) -> None:
    server.judge = lambda asked: sts.INVALID if asked.region == "af-south-1" else None
    doctor.write({CREDENTIALS: profile()})
    answer = run(doctor, server, AWS_REGION="af-south-1")
    check = found(answer, "identity", "af-south-1")
    assert check["cause"] == {"id": "region-not-enabled", "confidence": "high"}
    assert "aws account enable-region --region-name af-south-1" in [f["command"] for f in check["fixes"]]
    assert [call.region for call in server.asked] == ["af-south-1", "af-south-1", "us-east-1"]
    assert min(pauses(server.asked)) >= 5
    assert found(answer, "region")["status"] == "warning"
    assert answer["verdict"]["cause"]["id"] == "region-not-enabled"


def test_what_aws_accepts_is_not_blamed(doctor: Doctor, server: Sts) -> None:
    doctor.write({CREDENTIALS: profile()})
    answer = run(doctor, server)
    assert answer["verdict"]["cause"] is None
    assert answer["verdict"]["says"].startswith("AWS accepts")
    answer = run(doctor, server, AWS_ACCESS_KEY_ID="AKIADEPLOYCI2EXAMPLE",
                 AWS_SECRET_ACCESS_KEY=SECRET, AWS_PROFILE="default")
    verdict = answer["verdict"]
    assert (verdict["cause"]["id"], verdict["cause"]["confidence"]) == ("stale-credentials", "low")
    assert verdict["says"].startswith("AWS accepts")


@pytest.mark.parametrize(("ahead", "status"), [(0, "ok"), (120, "warning"), (-900, "failed")])
def test_the_clock_is_compared_with_that_of_aws(
    doctor: Doctor, server: Sts, ahead: int, status: str
) -> None:
    server.headers = {"Date": email.utils.formatdate(time.time() + ahead, usegmt=True)}
    doctor.write({CREDENTIALS: profile()})
    check = found(run(doctor, server), "clock")
    assert check["status"] == status
    if ahead:
        assert ("behind" if ahead > 0 else "ahead of") in check["found"]
    if status == "failed":
        assert check["cause"]["id"] == "clock-skew"


@pytest.mark.parametrize("region", ["eu-west-1a", "EU-WEST-1", "europe"])
def test_what_is_no_region_is_named(doctor: Doctor, server: Sts, region: str) -> None:
    doctor.write({CREDENTIALS: profile()})
    assert found(run(doctor, server, AWS_REGION=region), "region")["status"] == "failed"


def test_a_key_of_another_partition(doctor: Doctor, server: Sts) -> None:
    doctor.write({CREDENTIALS: profile()})
    check = found(run(doctor, server, AWS_REGION="cn-north-1"), "partition")
    assert (check["status"], check["cause"]["id"]) == ("failed", "wrong-partition")


def test_iam_says_whether_a_refused_key_was_deactivated_or_deleted(
    doctor: Doctor, server: Sts, moto: Moto  # noqa: F811
) -> None:
    iam = moto.client("iam")
    good, off, gone = moto.user("operator"), moto.user("deploy-ci"), moto.user("old-ci")
    iam.update_access_key(UserName="deploy-ci", AccessKeyId=off, Status="Inactive")
    iam.delete_access_key(UserName="old-ci", AccessKeyId=gone)
    server.iam = moto.url.removeprefix("http://")
    server.judge = lambda asked: None if asked.access_key_id == good else sts.INVALID
    doctor.write({CREDENTIALS: profile("good", good) + profile("off", off) + profile("gone", gone)})
    answer = run(doctor, server, AWS_PROFILE="off")
    inactive = found(answer, "key-status", "inactive")
    assert "of user deploy-ci" in inactive["found"]
    assert inactive["cause"] == {"id": "key-deactivated", "confidence": "high"}
    assert any("--user-name deploy-ci" in fix["command"] for fix in inactive["fixes"])
    deleted = found(answer, "key-status", "deleted")
    # Nobody uses that profile now.
    assert deleted["cause"] == {"id": "key-deleted", "confidence": "medium"}
    assert answer["verdict"]["cause"]["id"] == "key-deactivated"
    assert not {"UpdateAccessKey", "DeleteAccessKey"} & set(server.passed), "it only looks"


def test_iam_that_may_not_be_asked_is_no_failure(doctor: Doctor, server: Sts) -> None:
    server.judge = lambda asked: sts.INVALID if asked.access_key_id == DELETED else None
    doctor.write({CREDENTIALS: profile() + profile("deleted", DELETED)})
    check = found(run(doctor, server), "key-status")
    assert (check["status"], check["cause"]) == ("not-applicable", None)


class Portal(Server):
    """A login page of a network."""

    def answer(self, request: Request) -> Answer:
        return Answer(200, b"<html>log in</html>", {"Content-Type": "text/html"})


def test_network_trouble_is_told_apart(doctor: Doctor) -> None:
    doctor.write({CREDENTIALS: profile()})
    portal = Portal()
    try:
        check = found(run(doctor, portal), "reach")
        assert "something else than AWS" in check["found"]
    finally:
        portal.stop()
    # The port is free now: nobody listens.
    check = found(run(doctor, portal), "reach")
    assert check["status"] == "failed" and "nobody listens" in check["found"]
    answer = doctor.json(env={**REGION, "AWS_ENDPOINT_URL": "https://sts.invalid",
                              "HTTPS_PROXY": portal.url})
    assert "proxy" in found(answer, "reach")["found"]
    answer = doctor.json(env={**REGION, "AWS_ENDPOINT_URL": "http://sts.nowhere.invalid"})
    assert "name of the endpoint is not known" in found(answer, "reach")["found"]


def test_a_credential_process_is_run_and_judged(doctor: Doctor, server: Sts) -> None:
    keys = f'{{"Version":1,"AccessKeyId":"{KEY}","SecretAccessKey":"{SECRET}"}}'
    doctor.write({"dir/keys.json": keys, CONFIG:
        "[profile good]\ncredential_process = cat keys.json\n"
        "[profile bad]\ncredential_process = sh -c 'echo hidden >&2; exit 3'\n"})
    answer = run(doctor, server, "--profile", "good")
    assert found(answer, "credential-process")["status"] == "ok"
    assert found(answer, "identity")["status"] == "ok"
    answer = run(doctor, server, "--profile", "bad")
    check = found(answer, "credential-process")
    assert check["status"] == "failed" and "exit code 3" in check["found"]
    assert found(answer, "identity")["status"] == "failed"


def test_keys_of_different_ids_are_asked_at_the_same_time(doctor: Doctor, server: Sts) -> None:
    """Otherwise a machine with many profiles would wait for each in turn."""
    barrier = threading.Barrier(3, timeout=10)
    server.judge = lambda _: barrier.wait() and None
    names = [f"AKIADEPLOYCI{n}EXAMPLE" for n in (1, 2, 3)]
    doctor.write({CREDENTIALS: "".join(profile(f"p{n}", key) for n, key in enumerate(names))})
    answer = run(doctor, server)
    assert [found(answer, "identity", f"profile p{n}:")["status"] for n in range(3)] == ["ok"] * 3
