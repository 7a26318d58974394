"""LookupEvents, asked through the AWS SDK, whose own model checks the shapes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .clock import Clock
from .lookup_events import ATTRIBUTES, LookupEvents
from .records import KEY, Records


def client(lookup: LookupEvents, region: str = "us-east-1", key: str = "testing") -> Any:
    return boto3.session.Session().client(
        "cloudtrail", region_name=region, endpoint_url=lookup.url, aws_access_key_id=key,
        aws_secret_access_key="testing", config=Config(retries={"max_attempts": 0}),
    )


def attribute(key: str, value: str) -> list[dict[str, str]]:
    return [{"AttributeKey": key, "AttributeValue": value}]


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def records(clock: Clock) -> Records:
    return Records(clock)


@pytest.fixture
def fast(lookup: LookupEvents) -> LookupEvents:
    lookup.per_second = None
    return lookup


def test_the_shape_of_an_item(fast: LookupEvents, records: Records) -> None:
    change = records.key_change("UpdateAccessKey", KEY, status="Inactive", ago=60)
    fast.put(change)
    [item] = client(fast).lookup_events()["Events"]
    assert item["EventId"] == change["eventID"]
    assert item["ReadOnly"] == "false"
    assert item["AccessKeyId"] == "AKIAADMINALICEXAMPLE"
    assert item["Username"] == "alice"
    assert item["EventTime"] == datetime.fromisoformat(change["eventTime"].replace("Z", "+00:00"))
    assert {"ResourceType": "AWS::IAM::AccessKey", "ResourceName": KEY} in item["Resources"]
    assert '"status":"Inactive"' in item["CloudTrailEvent"]


def test_every_attribute_finds_and_leaves_out(fast: LookupEvents, records: Records) -> None:
    one = records.key_change("DeleteAccessKey", KEY, ago=60)
    fast.put(one, records.use(KEY, ago=30))
    lookup_events = client(fast).lookup_events
    for key, value in {
        "EventId": one["eventID"], "EventName": "DeleteAccessKey", "ReadOnly": "false",
        "Username": "alice", "ResourceType": "AWS::IAM::AccessKey", "ResourceName": KEY,
        "EventSource": "iam.amazonaws.com", "AccessKeyId": "AKIAADMINALICEXAMPLE",
    }.items():
        [item] = lookup_events(LookupAttributes=attribute(key, value))["Events"]
        assert item["EventId"] == one["eventID"], key
        assert not lookup_events(LookupAttributes=attribute(key, "x"))["Events"]
    assert len(ATTRIBUTES) == 8


def test_newest_first_with_both_ends_inclusive(fast: LookupEvents, records: Records) -> None:
    made = [records.use(ago=ago) for ago in (300, 100, 200, 400)]
    fast.put(*made)
    found = client(fast).lookup_events(
        StartTime=made[0]["eventTime"], EndTime=made[1]["eventTime"]
    )["Events"]
    assert [item["EventId"] for item in found] == [made[n]["eventID"] for n in (1, 2, 0)]


def test_regions_and_accounts_are_apart(lookup: LookupEvents, records: Records) -> None:
    lookup.per_second = None
    lookup.account_of = lambda key: "444455556666" if key == "other" else "111122223333"
    lookup.put(
        records.use(region="us-east-1"), records.use(region="eu-west-1"),
        records.use(account="444455556666"),
    )
    for region, key in [("us-east-1", "one"), ("eu-west-1", "one"), ("us-east-1", "other")]:
        assert len(client(lookup, region, key).lookup_events()["Events"]) == 1
    assert client(lookup, "eu-west-1", "other").lookup_events()["Events"] == []


def test_only_management_events_of_90_days(
    fast: LookupEvents, records: Records, clock: Clock
) -> None:
    fast.put(
        records.use(eventCategory="Data", managementEvent=False),
        records.use(ago=91 * 86400),
        records.use(ago=89 * 86400),
    )
    assert len(client(fast).lookup_events()["Events"]) == 1
    clock.advance(2 * 86400)
    assert client(fast).lookup_events()["Events"] == []


def test_pages_hold_everything_once_also_while_records_arrive(
    fast: LookupEvents, records: Records
) -> None:
    fast.put(*(records.use(ago=number // 7) for number in range(130)))
    asked: dict[str, Any] = {"EndTime": fast.clock.now()}
    seen: list[str] = []
    sizes = []
    while True:
        page = client(fast).lookup_events(**asked)
        seen += [item["EventId"] for item in page["Events"]]
        sizes.append(len(page["Events"]))
        if "NextToken" not in page:
            break
        fast.put(records.use(ago=0))
        asked["NextToken"] = page["NextToken"]
    assert sizes == [50, 50, 30]
    assert len(set(seen)) == 130


def test_tokens_are_bound_to_their_parameters(
    fast: LookupEvents, records: Records, clock: Clock
) -> None:
    fast.put(*(records.use(ago=number) for number in range(60)))
    lookup_events = client(fast).lookup_events
    asked = {"LookupAttributes": attribute("AccessKeyId", KEY), "MaxResults": 20}
    token = lookup_events(**asked)["NextToken"]
    wrong = {"LookupAttributes": attribute("Username", "deploy-ci"), "MaxResults": 20}
    expected = "InvalidNextTokenException"
    assert refusal(lookup_events, **wrong, NextToken=token) == expected
    assert refusal(lookup_events, **{**asked, "MaxResults": 21}, NextToken=token) == expected
    assert refusal(client(fast, "eu-west-1").lookup_events, **asked, NextToken=token) == expected
    assert refusal(lookup_events, **asked, NextToken="made up") == expected
    # A token may be used again: a client that lost the answer asks once more.
    pages = [lookup_events(**asked, NextToken=token)["Events"] for _ in (1, 2)]
    assert pages[0] == pages[1] and len(pages[0]) == 20
    clock.advance(7200)
    assert refusal(lookup_events, **asked, NextToken=token) == expected
    token = lookup_events(**asked)["NextToken"]
    fast.tokens_to_refuse = 1
    assert refusal(lookup_events, **asked, NextToken=token) == expected
    assert refusal(lookup_events, **asked, NextToken=token) == expected
    token = lookup_events(**asked)["NextToken"]
    assert len(lookup_events(**asked, NextToken=token)["Events"]) == 20


def test_what_is_refused(fast: LookupEvents) -> None:
    lookup_events = client(fast).lookup_events
    now = datetime.now(timezone.utc).timestamp()
    two = attribute("EventName", "a") + attribute("EventName", "b")
    assert refusal(lookup_events, StartTime=now, EndTime=now - 1) == "InvalidTimeRangeException"
    assert refusal(lookup_events, LookupAttributes=two) == "InvalidLookupAttributesException"
    assert (
        refusal(lookup_events, LookupAttributes=attribute("ErrorCode", "x"))
        == "InvalidLookupAttributesException"
    )
    assert refusal(lookup_events, EventCategory="data") == "InvalidEventCategoryException"
    # The SDK checks this one itself.
    unchecked = boto3.session.Session().client(
        "cloudtrail", region_name="us-east-1", endpoint_url=fast.url, aws_access_key_id="a",
        aws_secret_access_key="b", config=Config(parameter_validation=False),
    )
    for number in (0, 51):
        code = refusal(unchecked.lookup_events, MaxResults=number)
        assert code == "InvalidMaxResultsException"
    assert refusal(unchecked.describe_trails) == "UnknownOperationException"


def test_two_requests_a_second_per_region(lookup: LookupEvents) -> None:
    now = 100.0
    lookup.tick = lambda: now
    here, there = client(lookup).lookup_events, client(lookup, "eu-west-1").lookup_events
    for _ in (1, 2):
        here()
    assert refusal(here) == "ThrottlingException"
    there()  # Another Region has its own allowance.
    now += 0.5
    here()
    assert refusal(here) == "ThrottlingException"
    now += 60
    for _ in (1, 2):
        here()
    assert refusal(here) == "ThrottlingException"
    assert lookup.throttled == 3
    assert len(lookup.asked) == 6


def test_empty_pages_and_late_records(
    fast: LookupEvents, records: Records, clock: Clock
) -> None:
    fast.put(*(records.use(ago=60 + number) for number in range(5)))
    fast.put(records.use(ago=30), visible_in=600)
    fast.page_size, fast.empty_pages = 2, 2
    asked: dict[str, Any] = {"EndTime": clock.now()}
    sizes = []
    while True:
        page = client(fast).lookup_events(**asked)
        sizes.append(len(page["Events"]))
        if "NextToken" not in page:
            break
        asked["NextToken"] = page["NextToken"]
    assert sizes == [2, 0, 0, 2, 0, 0, 1]
    fast.page_size, fast.empty_pages = 50, 0
    clock.advance(601)
    assert len(client(fast).lookup_events()["Events"]) == 6
