"""Filters decide what is shown, never what is read: counts stay, and `filtered` says what is hidden."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import KEY, OTHER_KEY, Program, record, refused, trail

EU, US = "eu-central-1", "us-east-1"
THERE = {"type": "IAMUser", "accountId": "444455556666", "accessKeyId": OTHER_KEY,
         "userName": "backup", "arn": "arn:aws:iam::444455556666:user/backup"}
ADMIN = {"type": "IAMUser", "accountId": "111122223333", "accessKeyId": "AKIAADMIN0001EXAMPLE",
         "userName": "admin", "arn": "arn:aws:iam::111122223333:user/admin"}
AT = "2025-01-14T"


def scan(program: Program, *args: str) -> dict[str, Any]:
    """Two recorded failures of two accounts, and a key change that leaves one caller behind."""
    program.folder.joinpath("trail").write_bytes(trail(
        refused(1, eventTime=f"{AT}09:00:00Z", awsRegion=EU),
        refused(2, eventTime=f"{AT}10:00:00Z", userIdentity=THERE, sourceIPAddress="198.51.100.7",
                recipientAccountId="444455556666"),
        record(3, eventTime=f"{AT}11:00:00Z", sourceIPAddress="192.0.2.33"),
        record(4, eventTime=f"{AT}12:00:00Z", userIdentity=ADMIN, eventSource="iam.amazonaws.com",
               eventName="UpdateAccessKey", sourceIPAddress="192.0.2.10",
               requestParameters={"accessKeyId": KEY, "status": "Inactive",
                                  "userName": "deploy-ci"}),
    ))
    program.folder.joinpath("log").write_text(
        "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "
        "The security token included in the request is invalid.\n"
    )
    answer = program.json("trail", "--text", "log", *args)
    read = answer["read"]
    assert (read["seen"], read["failures"], read["key_changes"], read["other"]) == (4, 2, 1, 1)
    shown = sum(sum(finding["origins"].values()) for finding in answer["findings"])
    assert shown + read["filtered"] == 4
    return answer


# The findings by their sources.
RECORDED, ELSEWHERE, PREDICTED, LOG = "203.0.113.10", "198.51.100.7", "192.0.2.33", "log"


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ([], {RECORDED, ELSEWHERE, PREDICTED, LOG}),
        # What has no time is shown: nobody can say that it lies outside.
        (["--since", f"{AT}09:00:00Z"], {RECORDED, ELSEWHERE, PREDICTED, LOG}),
        (["--since", f"{AT}09:00:01Z"], {ELSEWHERE, PREDICTED, LOG}),
        (["--since", f"{AT}11:00:01+01:00"], {PREDICTED, LOG}),
        (["--since", f"{AT}12:00:00Z"], {PREDICTED, LOG}),
        (["--since", "24h"], {LOG}),
        (["--until", f"{AT}10:00:00Z"], {RECORDED, ELSEWHERE, LOG}),
        (["--until", "7d"], {RECORDED, ELSEWHERE, PREDICTED, LOG}),
        (["--since", f"{AT}10:00:00Z", "--until", f"{AT}10:00:00Z"], {ELSEWHERE, LOG}),
        (["--access-key-id", KEY], {RECORDED, PREDICTED}),
        (["--access-key-id", KEY, "--access-key-id", OTHER_KEY], {RECORDED, ELSEWHERE, PREDICTED}),
        (["--access-key-id", "AKIA"], set()),
        (["--source", ELSEWHERE], {ELSEWHERE}),
        (["--source", LOG], {LOG}),
        (["--source", "203.0.113.1"], set()),
        (["--account", "444455556666"], {ELSEWHERE}),
        (["--account", "111122223333"], {RECORDED, PREDICTED}),
        (["--region", EU], {RECORDED}),
        (["--region", US], {ELSEWHERE, PREDICTED}),
        (["--origin", "recorded"], {RECORDED, ELSEWHERE}),
        (["--origin", "reported"], {LOG}),
        (["--origin", "predicted"], {PREDICTED}),
        (["--origin", "predicted", "--origin", "reported"], {PREDICTED, LOG}),
        (["--origin", "recorded", "--account", "111122223333"], {RECORDED}),
        (["--look-back", "1h"], {RECORDED, ELSEWHERE, PREDICTED, LOG}),
    ],
)
def test_a_filter_shows(program: Program, args: list[str], shown: set[str]) -> None:
    answer = scan(program, *args)
    assert {finding["source"] for finding in answer["findings"]} == shown


def test_a_shorter_look_back_finds_fewer_callers(program: Program) -> None:
    scan(program)
    answer = program.json("trail", "--look-back", "59m")
    assert [finding["source"] for finding in answer["findings"]] == [ELSEWHERE, RECORDED]
    assert answer["read"]["filtered"] == 0


def test_nothing_shown_is_not_nothing_found(program: Program) -> None:
    scan(program)
    run = program.scan("trail", "--source", "203.0.113.1")
    assert "the filters hide all that were found" in run.out
    assert "3 hidden by filters" in " ".join(run.out.split())
    assert program.scan("trail", "--source", "203.0.113.1", "--exit-code").code == 0


def test_a_filter_does_not_change_the_cause(program: Program) -> None:
    """The deactivation explains the refusals however few of them are shown."""
    def causes(*args: str) -> dict[str, list[str]]:
        return {finding["source"]: [cause["id"] for cause in finding["causes"]]
                for finding in scan(program, *args)["findings"]}

    everything = causes()
    for args in (["--origin", "predicted"], ["--source", PREDICTED], ["--region", US]):
        for source, found in causes(*args).items():
            assert found == everything[source], args


def test_groups_by_event_source_when_asked(program: Program) -> None:
    program.folder.joinpath("trail").write_bytes(trail(
        refused(1), refused(2, eventSource="iam.amazonaws.com", eventName="GetUser"), refused(3)
    ))
    assert len(program.json("trail")["findings"]) == 1
    findings = program.json("trail", "--group-by-event-source")["findings"]
    found = {finding["event_source"]: finding["origins"]["recorded"] for finding in findings}
    assert found == {"sts.amazonaws.com": 2, "iam.amazonaws.com": 1}
