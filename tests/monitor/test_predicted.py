"""Failures that CloudTrail will not show: who still depends on a key that was turned off."""

from __future__ import annotations

from typing import Any

import pytest

from rigs.proxy import error
from rigs.records import TERRAFORM

from .deployment import MEMBER_ROLE, Deployment, cause, incident

HOUR = 3600


class Rotation:
    """A user with a key that two machines use, and an administrator."""

    def __init__(self, deployed: Deployment):
        self.deployed = deployed
        self.key = deployed.moto.user("deploy-ci")
        records = deployed.records
        self.uses = [
            records.use(self.key, ago=2 * HOUR, source="203.0.113.10", agent=TERRAFORM),
            records.use(self.key, ago=3 * HOUR, source="203.0.113.10", agent=TERRAFORM),
            records.use(
                self.key, ago=HOUR, source="203.0.113.20", region="eu-west-1",
                call="ec2.amazonaws.com:DescribeInstances",
            ),
        ]

    def see(self) -> None:
        self.deployed.lookup.put(*self.uses)

    def change(self, status: str = "Inactive", **changes: Any) -> dict[str, Any]:
        """Turns the key off or on, and returns the record of it."""
        self.deployed.moto.client("iam").update_access_key(
            UserName="deploy-ci", AccessKeyId=self.key, Status=status
        )
        record = self.deployed.records.key_change(
            "UpdateAccessKey", self.key, status=status, **changes
        )
        self.deployed.lookup.put(record)
        return record

    def delete(self) -> dict[str, Any]:
        self.deployed.moto.client("iam").delete_access_key(
            UserName="deploy-ci", AccessKeyId=self.key
        )
        record = self.deployed.records.key_change("DeleteAccessKey", self.key)
        self.deployed.lookup.put(record)
        return record


@pytest.fixture
def rotation(deployed: Deployment) -> Rotation:
    return Rotation(deployed)


def test_callers_in_all_regions_are_told_at_once(rotation: Rotation) -> None:
    deployed = rotation.deployed
    rotation.see()
    deployed.events(rotation.change())
    [message] = deployed.messages()
    told = incident(message.json)
    assert told["due"] == "new"
    assert sorted(told["sources"]) == ["203.0.113.10", "203.0.113.20"]
    assert told["access_key_id"] == rotation.key
    assert told["user_name"] == "deploy-ci"
    assert told["origins"] == {"recorded": 0, "reported": 0, "predicted": told["origins"]["predicted"]}
    assert told["origins"]["predicted"] >= 2
    assert cause(message.json) == "key-deactivated"
    asked = [one for one in deployed.lookup.asked if {"AttributeKey": "AccessKeyId", "AttributeValue": rotation.key} in one.get("LookupAttributes", [])]
    assert {one["region"] for one in asked} == {"us-east-1", "eu-west-1"}
    text = message.email
    assert "expected to fail" in text
    assert "observed" not in text.replace("Not observed", "")
    for fact in ("deploy-ci", "alice", "203.0.113.10", "203.0.113.20", "Terraform"):
        assert fact in text, text
    assert deployed.counted("predicted") == deployed.counted()


def test_the_same_by_a_sweep_alone(rotation: Rotation) -> None:
    deployed = rotation.deployed
    rotation.see()
    rotation.change(ago=120)
    deployed.sweep()
    [alert] = deployed.alerts()
    assert cause(alert) == "key-deactivated"
    assert sorted(incident(alert)["sources"]) == ["203.0.113.10", "203.0.113.20"]
    before = deployed.counted("predicted")
    deployed.sweep()
    assert len(deployed.alerts()) == 1
    assert deployed.counted("predicted") == before


def test_a_deleted_key(rotation: Rotation) -> None:
    rotation.see()
    rotation.deployed.events(rotation.delete())
    [alert] = rotation.deployed.alerts()
    assert cause(alert) == "key-deleted"


def test_a_key_that_nobody_used_is_no_alert(rotation: Rotation) -> None:
    rotation.deployed.events(rotation.change())
    assert rotation.deployed.alerts() == []


def test_a_change_that_was_refused_is_none(rotation: Rotation) -> None:
    rotation.see()
    denied = rotation.deployed.records.key_change(
        "UpdateAccessKey", rotation.key, status="Inactive", errorCode="AccessDenied",
        errorMessage="no", requestParameters=None,
    )
    rotation.deployed.events(denied)
    assert rotation.deployed.alerts() == []


def test_uses_before_the_look_back_do_not_count(rotation: Rotation) -> None:
    deployed = rotation.deployed
    deployed.set(LOOK_BACK="90m")
    rotation.see()
    deployed.events(rotation.change())
    [alert] = deployed.alerts()
    assert incident(alert)["sources"] == ["203.0.113.20"]


def test_a_caller_seen_on_another_key_closes_it(rotation: Rotation) -> None:
    deployed = rotation.deployed
    rotation.uses = rotation.uses[:2]
    rotation.see()
    deployed.events(rotation.change())
    fresh = deployed.moto.key("deploy-ci")
    deployed.clock.advance(600)
    deployed.lookup.put(
        deployed.records.use(fresh, ago=60, source="203.0.113.10", agent=TERRAFORM)
    )
    deployed.sweep()
    if len(deployed.alerts()) == 1:  # Found in the next sweep at the latest.
        deployed.clock.advance(300)
        deployed.sweep()
    first, closing = deployed.alerts()
    assert incident(closing)["due"] == "closing"
    assert incident(closing)["status"] == "resolved"
    assert incident(closing)["incident_id"] == incident(first)["incident_id"]
    deployed.clock.advance(25 * HOUR)
    deployed.deliver()
    assert len(deployed.alerts()) == 2


def test_another_principal_behind_the_address_closes_nothing(rotation: Rotation) -> None:
    deployed = rotation.deployed
    rotation.uses = rotation.uses[:1]
    rotation.see()
    deployed.events(rotation.change())
    deployed.clock.advance(600)
    deployed.lookup.put(
        deployed.records.use("AKIASOMEONEELEXAMPLE", ago=60, user="bob", source="203.0.113.10")
    )
    deployed.sweep()
    assert len(deployed.alerts()) == 1


def test_the_key_made_active_again_closes_it(rotation: Rotation) -> None:
    deployed = rotation.deployed
    rotation.see()
    deployed.events(rotation.change())
    deployed.clock.advance(600)
    deployed.events(rotation.change("Active"))
    deployed.clock.advance(600)
    deployed.sweep()
    first, closing = deployed.alerts()
    assert incident(closing)["due"] == "closing"
    assert incident(closing)["status"] == "resolved"


def test_what_iam_does_not_tell_is_said_and_stops_nothing(rotation: Rotation) -> None:
    rotation.see()
    record = rotation.change()
    rotation.deployed.proxy.fault("iam:*", error("AccessDenied", 403, "not allowed"))
    rotation.deployed.events(record)
    [message] = rotation.deployed.messages()
    assert cause(message.json) == "key-deactivated"
    assert incident(message.json)["unread"], message.email


def test_a_region_that_cannot_be_asked_is_said(rotation: Rotation) -> None:
    """What is known goes out; the rest is looked up later, or said to be missing."""
    deployed = rotation.deployed
    rotation.see()
    record = rotation.change()
    deployed.proxy.fault("cloudtrail:LookupEvents", error("AccessDeniedException", 400, "no"), times=1)
    deployed.events(record)
    deployed.deliver()
    deployed.clock.advance(1200)
    deployed.sweep()
    sources = {source for alert in deployed.alerts() for source in incident(alert)["sources"]}
    assert sources == {"203.0.113.10", "203.0.113.20"}


def test_a_member_account_through_its_role(deployed: Deployment) -> None:
    member = "444455556666"
    key = "AKIAMEMBERCI1EXAMPLE"
    deployed.set(MEMBER_ROLE=MEMBER_ROLE)
    deployed.lookup.put(deployed.records.use(key, ago=HOUR, account=member, source="203.0.113.40"))
    change = deployed.records.key_change("UpdateAccessKey", key, status="Inactive", account=member)
    deployed.events(change)
    [alert] = deployed.alerts()
    assert incident(alert)["account"] == member
    assert incident(alert)["sources"] == ["203.0.113.40"]
    [assumed] = deployed.proxy.found("sts:AssumeRole")[:1]
    assert assumed.form["RoleArn"] == f"arn:aws:iam::{member}:role/{MEMBER_ROLE}"
    assert {one["account"] for one in deployed.lookup.asked} == {member}


def test_a_member_account_without_a_role_is_said(deployed: Deployment) -> None:
    """A role that cannot be assumed hides callers; what is known by other ways still alerts."""
    member = "444455556666"
    key = "AKIAMEMBERCI1EXAMPLE"
    deployed.set(MEMBER_ROLE=MEMBER_ROLE, THRESHOLD="1")
    deployed.proxy.fault("sts:AssumeRole", error("AccessDenied", 403, "not authorized"))
    invocation = deployed.events(
        deployed.records.key_change("DeleteAccessKey", key, account=member, ago=300),
        deployed.records.refused(key, account=member, source="203.0.113.41"),
    )
    assert deployed.alerts(), invocation.output
    assert incident(deployed.alerts()[-1])["unread"]
