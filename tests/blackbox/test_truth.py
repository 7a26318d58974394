"""Statements checked against the records on their own, where a snapshot would hold a mistake, too."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import CASES, Program, refused, trail


def of_case(program: Program, name: str, *args: str) -> dict[str, Any]:
    program.folder = CASES / name
    return program.json(*(args or ("input",)))


def finding(answer: dict[str, Any], source: str) -> dict[str, Any]:
    [found] = [one for one in answer["findings"] if one["source"] == source]
    return found


def test_off_on_off_says_since_when_for_each_caller(program: Program) -> None:
    answer = of_case(program, "off-on-off")
    since = {one["source"]: one["predicted"]["since"] for one in answer["findings"]}
    assert since == {"203.0.113.10": "2025-01-14T12:00:00Z", "198.51.100.7": "2025-01-14T09:00:00Z"}


def test_off_on_off_does_not_read_as_over(program: Program) -> None:
    """The key is off at the end: the last deactivation belongs to the evidence."""
    causes = finding(of_case(program, "off-on-off"), "198.51.100.7")["causes"]
    shown = {event for fact in causes[0]["evidence"] for event in fact["event_ids"]}
    assert "00000005-0000-4000-8000-000000000006" in shown


def test_only_another_key_of_the_same_user_resolves(program: Program) -> None:
    answer = of_case(program, "rotation")
    assert finding(answer, "198.51.100.7")["resolved"] is None
    assert finding(answer, "203.0.113.10")["resolved"] == {
        "event_id": "00000006-0000-4000-8000-000000000006",
        "time": "2025-01-14T12:20:00Z",
        "access_key_id": "AKIADEPLOYCI2EXAMPLE",
    }


def test_sessions_that_outlive_the_key_and_who_used_them(program: Program) -> None:
    answer = of_case(program, "sessions")
    [change] = answer["key_changes"]
    told = {
        one["access_key_id"]: (one["minted"]["event_name"], one["ends"], one["live"],
                               [caller["source"] for caller in one["callers"]])
        for one in change["sessions"]
    }
    assert told == {
        "ASIAMFA000001EXAMPLE": ("GetSessionToken", "2025-01-14T20:00:00Z", False,
                                 ["203.0.113.31"]),
        "ASIAFED000001EXAMPLE": ("GetFederationToken", "2025-01-15T08:10:00Z", False, []),
        "ASIAROLE00001EXAMPLE": ("AssumeRole", "2025-01-14T12:30:00Z", False, ["203.0.113.33"]),
    }


def test_a_user_of_the_same_name_elsewhere_is_not_concerned(program: Program) -> None:
    answer = of_case(program, "user-deleted")
    assert {one["access_key_id"] for one in answer["findings"]} == {
        "AKIADEPLOYCI1EXAMPLE", "AKIADEPLOYCI2EXAMPLE"
    }


def test_what_a_log_prints_three_times_is_one_failure(program: Program) -> None:
    answer = of_case(
        program, "terraform-log", "input/trail", "--text", "input/terraform.log"
    )
    found = finding(answer, "input/terraform.log")
    assert found["origins"] == {"recorded": 0, "reported": 1, "predicted": 0}
    assert found["event_names"] == {"GetCallerIdentity": 1}


def test_an_error_of_the_provider_is_not_of_the_backend(program: Program) -> None:
    answer = of_case(
        program, "terraform-log", "input/trail", "--text", "input/terraform.log"
    )
    [client] = finding(answer, "input/terraform.log")["clients"]
    assert client["tool"] == "terraform"
    assert not client["s3_backend"]


def test_a_caller_without_an_account_is_counted_to_that_of_the_trail(program: Program) -> None:
    nobody = {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    program.folder.joinpath("trail").write_bytes(trail(refused(1, userIdentity=nobody)))
    [found] = program.json("trail")["findings"]
    assert found["account"] == "111122223333"


def test_a_nested_code_key_or_address_is_never_the_records_own(program: Program) -> None:
    inner = {"errorCode": "ExpiredToken", "sourceIPAddress": "203.0.113.99",
             "userIdentity": {"accessKeyId": "AKIAOTHER0001EXAMPLE"}, "eventID": "no"}
    program.folder.joinpath("trail").write_bytes(trail(refused(
        1, requestParameters=inner, responseElements={"Records": [inner], "detail": inner},
        additionalEventData=inner, serviceEventDetails={"text": str(inner)},
    )))
    [found] = program.json("trail")["findings"]
    assert (found["access_key_id"], found["source"]) == ("AKIADEPLOYCI1EXAMPLE", "203.0.113.10")
    assert found["codes"] == {"InvalidClientTokenId": 1}
    assert found["sample_event_ids"] == ["10000000-0000-4000-8000-000000000001"]
