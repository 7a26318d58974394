"""Public CloudTrail records in ../shared/data, which hold no credential failure: all must stay quiet.

Who was left behind in them is worked out here a second time, from the files alone, and pinned.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Iterator

import pytest
from conftest import SHARED_DATA, Program, compact, gz, record, trail

pytestmark = pytest.mark.skipif(
    not SHARED_DATA.exists(), reason="the public records are absent: no folder ../shared/data"
)

TRAIL = SHARED_DATA / "trail"
RECORDS = SHARED_DATA / "records"

# How many records each set holds.
QUIET = {
    "trail": 2900,
    "records/stratus_red_team.json": 71,
    "records/traildiscover.json": 80,
    "records/trailscraper.json": 3,
    "records/cloud_custodian.json": 13,
    "records/otrf.json": 8,
}


# The two long-term keys with the most uses in the trail: how many successful uses there are before
# the middle of it, and of how many callers (source, user agent, principal).
BUSIEST = {"AKIATFQR7NSC8Q4X20BJ": (1553, 76), "AKIATFQR7NSCUXC3DDDP": (36, 2)}


@pytest.mark.parametrize("name", QUIET)
def test_real_records_hold_no_failure(program: Program, name: str) -> None:
    answer = program.json(SHARED_DATA / name)
    read = answer["read"]
    assert (read["seen"], read["failures"], read["skipped"]) == (QUIET[name], 0, 0)
    assert answer["warnings"] == []
    assert all(finding["origins"]["recorded"] == 0 for finding in answer["findings"])


def load(name: str) -> list[dict[str, Any]]:
    return json.loads((RECORDS / name).read_text())["Records"]


def trail_records() -> Iterator[dict[str, Any]]:
    for path in sorted(TRAIL.rglob("*.json.gz")):
        with gzip.open(path) as file:
            yield from json.load(file)["Records"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def succeeded(one: dict[str, Any]) -> bool:
    return "errorCode" not in one and "errorMessage" not in one


# A caller, as the records have it: source, user agent, principal.
Callers = Counter[tuple[str, str, str]]


def keys_turned_off(records: list[dict[str, Any]]) -> dict[str, datetime]:
    """When each key was first deactivated or deleted, by successful calls."""
    off: dict[str, datetime] = {}
    for one in records:
        asked = one.get("requestParameters") or {}
        name = one["eventName"]
        inactive = name == "UpdateAccessKey" and asked.get("status") == "Inactive"
        if succeeded(one) and (inactive or name == "DeleteAccessKey"):
            key, time = asked["accessKeyId"], at(one["eventTime"])
            off[key] = min(time, off.get(key, time))
    return off


def uses_before(records: list[dict[str, Any]], off: dict[str, datetime]) -> dict[str, Callers]:
    """Who used each key with success in the 24 hours before it was turned off, and how often."""
    uses: dict[str, Callers] = {key: Counter() for key in off}
    seen = set()
    for one in records:
        key = one["userIdentity"].get("accessKeyId")
        if key not in off or not succeeded(one) or one["eventID"] in seen:
            continue
        seen.add(one["eventID"])
        if timedelta(0) <= off[key] - at(one["eventTime"]) <= timedelta(hours=24):
            caller = one["sourceIPAddress"], one["userAgent"], one["userIdentity"]["arn"]
            uses[key][caller] += 1
    return uses


def is_address(source: str) -> bool:
    return source.replace(".", "").isdigit()


def by_source(callers: dict[str, Callers]) -> dict[tuple[str, str, str], int]:
    """Uses by key, source and principal, those by AWS services left out."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for key, found in callers.items():
        for (source, _, principal), count in found.items():
            if is_address(source):
                counts[key, source, principal] += count
    return counts


def told(answer: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    """The same of the program's answer, which counts by client instead of user agent."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for finding in answer["findings"]:
        assert finding["origins"]["predicted"] == len(finding["predicted"]["callers"])
        for caller in finding["predicted"]["callers"]:
            where = finding["access_key_id"], finding["source"], caller["principal"]
            counts[where] += caller["uses"]
    return counts


def test_the_keys_deleted_in_the_trail_left_nobody_behind(program: Program) -> None:
    """Both were made for a demonstration and deleted four minutes later, never used."""
    records = list(trail_records())
    off = keys_turned_off(records)
    assert {key: time.isoformat() for key, time in off.items()} == {
        "AKIATFQR7NSCQLA2F4OD": "2023-07-10T12:28:24+00:00",
        "AKIATFQR7NSC3ZO6PKAZ": "2023-07-10T12:28:24+00:00",
    }
    assert {key: sum(uses.values()) for key, uses in uses_before(records, off).items()} == {
        "AKIATFQR7NSCQLA2F4OD": 0, "AKIATFQR7NSC3ZO6PKAZ": 0,
    }
    answer = program.json(TRAIL)
    assert answer["findings"] == []
    changes = answer["key_changes"]
    assert Counter(change["change"] for change in changes) == {
        "created": 2, "deleted": 2, "user-deleted": 4
    }
    deleted = {change["access_key_id"]: at(change["time"]) for change in changes
               if change["change"] == "deleted"}
    assert deleted == off
    for change in changes:
        assert (change["left_behind"], change["resolved"]) == (0, 0)
        assert (change["sessions"], change["service_uses"]) == ([], [])


@pytest.mark.parametrize(("key", "uses_and_callers"), BUSIEST.items())
def test_had_a_busy_key_been_turned_off(
    program: Program, key: str, uses_and_callers: tuple[int, int]
) -> None:
    """The trail as it is, and one record more: a key with many uses is deactivated midway."""
    records = list(trail_records())
    owner = next(one["userIdentity"] for one in records
                 if one["userIdentity"].get("accessKeyId") == key)
    more = record(
        eventTime="2023-07-10T12:20:00Z", eventSource="iam.amazonaws.com",
        eventName="UpdateAccessKey", sourceIPAddress="192.0.2.10",
        userIdentity={"type": "Root", "accountId": owner["accountId"],
                      "arn": f"arn:aws:iam::{owner['accountId']}:root"},
        requestParameters={"accessKeyId": key, "status": "Inactive",
                           "userName": owner["userName"]},
        recipientAccountId=owner["accountId"],
    )
    program.folder.joinpath("more").write_bytes(trail(more))
    off = {key: at(more["eventTime"])}
    assert keys_turned_off([more]) == off
    uses = uses_before(records, off)
    assert (sum(uses[key].values()), len(uses[key])) == uses_and_callers

    answer = program.json(TRAIL, "more")
    assert told(answer) == by_source(uses)
    assert sum(told(answer).values()) + sum(
        by["uses"] for change in answer["key_changes"] for by in change["service_uses"]
        if change["access_key_id"] == key
    ) == sum(uses[key].values())
    for finding in answer["findings"]:
        times = [at(one["eventTime"]) for one in records if succeeded(one)
                 and one["userIdentity"].get("accessKeyId") == key
                 and one["sourceIPAddress"] == finding["source"]
                 and at(one["eventTime"]) <= off[key]]
        predicted = finding["predicted"]
        assert at(predicted["first_use"]) == min(times)
        assert at(predicted["last_use"]) == max(times)
        assert finding["causes"][0]["id"] == "key-deactivated"
        # The same key goes on in the trail, but it was never turned on again: that proves nothing.
        assert finding["resolved"] is None


def test_hand_written_rule_tests_hold_three_failures(program: Program) -> None:
    """Panther's are no delivered records: two of 108 carry a code of the table, one of them twice.

    A CreateTrail with CloudTrailInvalidClientTokenIdException, an SNS topic's, is not among them.
    """
    records = load("panther_synthetic.json")
    codes = Counter(one.get("errorCode") for one in records)
    assert (codes["RequestExpired"], codes["ExpiredToken"]) == (2, 1)
    assert codes["CloudTrailInvalidClientTokenIdException"] == 1
    answer = program.json(RECORDS / "panther_synthetic.json")
    read = answer["read"]
    assert (read["seen"], read["failures"], read["duplicates"], read["skipped"]) == (108, 3, 1, 0)
    found = [(finding["sample_event_ids"], finding["codes"]) for finding in answer["findings"]]
    assert found == [(["1"], {"RequestExpired": 1}), (["1111"], {"ExpiredToken": 1})]


def envelopes() -> dict[str, dict[str, Any]]:
    document = json.loads((SHARED_DATA / "delivery_envelopes.json").read_text())
    return {one["kind"].split()[0]: one["payload"] for one in document["Records"]}


def test_a_lookup_events_item(program: Program) -> None:
    item = envelopes()["LookupEvents"]
    for data in (compact(item), compact({"Events": [item]}), gz(compact([item]))):
        read = program.json("-", stdin=data)["read"]
        assert (read["seen"], read["other"]) == (1, 1)


def test_a_cloudwatch_logs_payload_whose_record_is_cut(program: Program) -> None:
    """The record in AWS's example lacks its last brace: it is skipped and said so; mended, it is read."""
    payload = envelopes()["CloudWatch"]
    answer = program.json("-", stdin=compact(payload), code=2)
    assert (answer["read"]["seen"], answer["read"]["skipped"]) == (1, 1)
    assert "invalid JSON" in answer["warnings"][0]["reason"]
    payload["logEvents"][0]["message"] += "}"
    read = program.json("-", stdin=compact(payload))["read"]
    assert (read["seen"], read["other"]) == (1, 1)


def test_an_sns_notification_names_files_and_holds_no_records(program: Program) -> None:
    answer = program.json("-", stdin=compact(envelopes()["SNS"]), code=2)
    assert (answer["read"]["seen"], answer["read"]["skipped"]) == (1, 1)
    assert "not a CloudTrail record" in answer["warnings"][0]["reason"]
