"""`failure-monitor athena`: its SQL, run on DuckDB, gives what `scan` gives on the same records."""

from __future__ import annotations

import datetime
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

import pytest
import sqlglot
from athena_engine import Table, parse, properties, trail_records, write_trail
from conftest import CASES, ROOT, Program, record
from test_same_answer import all_records

ACCOUNTS = "111122223333,444455556666"
QUERIES = ("failures", "key-changes", "left-behind")


def statements(program: Program, *args: str) -> dict[str, str]:
    """The printed statements by name."""
    run = program.run("athena", "--format", "json", *args)
    assert run.code == 0, run.err
    document = run.json
    assert document["schema"] == "failure-monitor/athena/1"
    return {one["name"]: one["sql"] for one in document["statements"]}


def moment(time: datetime.datetime | str | None) -> str | None:
    """A time in one form, whichever way it was written."""
    if time is None:
        return None
    if isinstance(time, str):
        time = datetime.datetime.fromisoformat(time)
    return time.astimezone(datetime.timezone.utc).isoformat()


def scanned(answer: dict[str, Any]) -> dict[str, Any]:
    """What a scan found, in the words of the queries."""
    failures, left_behind = {}, {}
    for one in answer["findings"]:
        key = (one["account"], one["access_key_id"], one["source"])
        if one["origins"]["recorded"]:
            failures[key] = {
                "failures": one["origins"]["recorded"],
                "first_seen": moment(one["first_seen"]),
                "last_seen": moment(one["last_seen"]),
                **{name: one[name] for name in ("codes", "event_sources", "event_names", "regions")},
            }
        if told := one["predicted"]:
            callers = told["callers"]
            resolved = one["resolved"]
            left_behind[key] = {
                **{name: told[name] for name in ("change", "change_event_id", "changed_by", "uses")},
                **{name: moment(told[name]) for name in ("since", "first_use", "last_use")},
                "principals": sorted({str(caller["principal"]) for caller in callers}),
                "event_sources": sorted({one for caller in callers
                                         for one in caller["event_sources"]}),
                "regions": sorted({one for caller in callers for one in caller["regions"]}),
                "resolved": resolved and (
                    resolved["event_id"], moment(resolved["time"]), resolved["access_key_id"]),
            }
    changes = {
        one["event_id"]: {
            "event_time": moment(one["time"]),
            **{name: one[name] for name in ("change", "access_key_id", "account", "user_name",
                                            "changed_by", "source", "user_agent")},
        }
        for one in answer["key_changes"]
    }
    return {"failures": failures, "key-changes": changes, "left-behind": left_behind}


def asked(table: Table, sql: dict[str, str], *parameters: str) -> dict[str, Any]:
    """What the queries found."""

    def key(row: dict[str, Any]) -> tuple[str | None, str | None, str]:
        return row["account_id"], row["access_key_id"], row["source"]

    def rows(name: str) -> list[dict[str, Any]]:
        return table.ask(sql[name], *parameters)

    def one_each(rows: list[Any], name: Any) -> dict[Any, Any]:
        by_name = {name(row): row for row in rows}
        assert len(by_name) == len(rows)
        return by_name

    failures = {
        name: {
            "failures": row["failures"],
            "first_seen": moment(row["first_seen"]),
            "last_seen": moment(row["last_seen"]),
            **{of: dict(row[of] or {})
               for of in ("codes", "event_sources", "event_names", "regions")},
        }
        for name, row in one_each(rows("failures"), key).items()
    }
    changes = {
        name: {
            "event_time": moment(row["event_time"]), "account": row["account_id"],
            **{of: row[of] for of in ("change", "access_key_id", "user_name", "changed_by",
                                      "source", "user_agent")},
        }
        for name, row in one_each(rows("key-changes"), lambda row: row["event_id"]).items()
    }
    left_behind = {
        name: {
            **{of: row[of] for of in ("change", "change_event_id", "changed_by", "uses")},
            **{of: moment(row[of]) for of in ("since", "first_use", "last_use")},
            "principals": sorted(row["principals"] or ["None"]),
            "event_sources": sorted(row["event_sources"] or []),
            "regions": sorted(row["regions"] or []),
            "resolved": row["resolved_event_id"] and (
                row["resolved_event_id"], moment(row["resolved_at"]),
                row["resolved_access_key_id"]),
        }
        for name, row in one_each(rows("left-behind"), key).items()
    }
    return {"failures": failures, "key-changes": changes, "left-behind": left_behind}


def compare(program: Program, folder: Path) -> dict[str, Any]:
    """Both answers on a trail; they must be the same."""
    sql = statements(program, "--bucket", "example-trail", "--accounts", ACCOUNTS,
                     "--from", "2025-01-01")
    table = Table(sql["table"])
    table.fill(trail_records(folder), program.folder)
    expected = scanned(program.json(folder))
    found = asked(table, sql)
    for name in QUERIES:
        assert found[name] == expected[name]
    return expected


def test_the_example_gives_the_same(program: Program) -> None:
    found = compare(program, ROOT / "examples" / "story" / "AWSLogs")
    assert len(found["left-behind"]) == 3
    assert [one["failures"] for one in found["failures"].values()] == [3]


def test_the_records_of_all_cases_give_the_same(program: Program) -> None:
    records = [one for one in all_records() if {"eventTime", "awsRegion"} <= one.keys()]
    for one in records:
        one.setdefault("recipientAccountId", "111122223333")
    write_trail(records + records[::3], program.folder / "trail")
    found = compare(program, program.folder / "trail")
    assert len(found["failures"]) > 10
    assert len(found["key-changes"]) > 10
    assert len(found["left-behind"]) > 10
    assert {one["change"] for one in found["left-behind"].values()} >= {
        "deactivated", "user-deleted"}


# --- chance -----------------------------------------------------------------------------------

INVALID = "The security token included in the request is invalid."
MESSAGES = [
    INVALID, "", None,
    "AWS was not able to validate the provided access credentials",
    "Not authorized for images: [ami-1]",
    "No account found for the given parameters",
    "Signature expired: 20250102T000000Z is now earlier than 20250102T001500Z",
    "SIGNATURE NOT YET CURRENT: 20250102T003000Z is still later than 20250102T001500Z",
    "it's 100% \\ \"odd\" ; -- text",
]


def code_table() -> list[str]:
    """The codes of the code table, from its source."""
    source = (ROOT / "lambda" / "core" / "src" / "failure.rs").read_text()
    table = source.split("pub const CODES")[1].split("];\n")[0]
    codes = re.findall(r'\("(\w+)", Family::', table)
    assert len(codes) >= 20
    return codes


def refusal(code: str, message: str | None) -> dict[str, Any]:
    return {"errorCode": code} | ({} if message is None else {"errorMessage": message})


def refusals() -> Iterator[dict[str, Any]]:
    """Every code of the table and their neighbours, with every text, at the top or in the response."""
    codes = code_table()
    codes += [f"Client.{code}" for code in codes] + [f"Client.Client.{code}" for code in codes]
    codes += ["AccessDenied", "CloudTrailInvalidClientTokenIdException", "invalidclienttokenid",
              "InvalidClientTokenId2", "OptInRequired", "Client.", "ExpiredIteratorException"]
    number = 10_000
    for code in codes:
        for message in MESSAGES:
            for event_name in ("ListBuckets", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"):
                for inside in (False, True):
                    number += 1
                    changes: dict[str, Any] = refusal(code, message)
                    if inside:
                        changes = {"responseElements": changes}
                    yield record(number, eventName=event_name, sourceIPAddress=code, **changes)


def test_every_code_and_text_is_judged_alike(program: Program) -> None:
    write_trail(refusals(), program.folder / "trail")
    found = compare(program, program.folder / "trail")
    # Each code of the table, with and without the prefix, and nothing else.
    codes = set(code_table())
    assert {source for _, _, source in found["failures"]} == codes | {f"Client.{one}" for one in codes}




class World:
    """A few users whose keys are used, turned off and on, and deleted, all by chance."""

    def __init__(self, seed: int):
        self.chance = random.Random(seed)
        self.number = 0
        self.records: list[dict[str, Any]] = []

    def time(self) -> str:
        """Few enough minutes for the same second to come twice, over six days."""
        minutes = self.chance.randrange(6 * 24 * 12) * 5
        when = datetime.datetime(2025, 1, 10) + datetime.timedelta(
            minutes=minutes, seconds=self.chance.choice([0, 0, 30, 59]))
        return when.isoformat() + "Z"

    def add(self, account: str, user: str | None, key: str, **changes: Any) -> dict[str, Any]:
        self.number += 1
        chance = self.chance
        identity: dict[str, Any] = {"type": "IAMUser", "accountId": account, "accessKeyId": key}
        if user:
            identity |= {"arn": f"arn:aws:iam::{account}:user/{user}", "userName": user}
        one = record(self.number, **{
            "userIdentity": identity,
            "eventTime": self.time(),
            "eventSource": chance.choice(["ec2.amazonaws.com", "s3.amazonaws.com"]),
            "eventName": chance.choice(["DescribeInstances", "ListBuckets"]),
            "awsRegion": chance.choice(["us-east-1", "eu-west-1"]),
            "sourceIPAddress": chance.choice([
                "192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::7", "AWS Internal",
                "cloudformation.amazonaws.com"]),
            "userAgent": chance.choice([
                "aws-cli/2.22.23 md/command#ec2", "[Boto3/1.42.24]", "APN/1.0 HashiCorp/1.0", ""]),
            "recipientAccountId": account,
            **changes,
        })
        one["eventID"] = f"{chance.getrandbits(32):08x}-0000-4000-8000-{self.number:012}"
        self.records.append(one)
        return one

    def make(self) -> list[dict[str, Any]]:
        chance = self.chance
        for account in ACCOUNTS.split(","):
            for user_number in range(4):
                user = f"user-{user_number}"
                letter = "ABCD"[user_number] + account[0]
                keys = [f"AKIAUSER{letter}{number}K0EXAMPLE" for number in range(3)]
                sessions = [f"ASIAUSER{letter}{number}K0EXAMPLE" for number in range(3)]
                for _ in range(chance.randrange(4, 60)):
                    failed = chance.random() < 0.2
                    code = chance.choice([*code_table(), "AccessDenied"]) if failed else None
                    self.add(account, user, chance.choice(keys + sessions),
                             **refusal(code, chance.choice(MESSAGES)) if code else {})
                for _ in range(chance.randrange(3)):
                    self.add(account, user, chance.choice(keys), eventSource="sts.amazonaws.com",
                             eventName=chance.choice(["GetSessionToken", "AssumeRole"]),
                             responseElements={"credentials": {
                                 "accessKeyId": chance.choice(sessions)}})
                for _ in range(chance.randrange(9)):
                    self.change(account, user, chance.choice(keys))
                if chance.random() < 0.3:
                    self.iam(account, "DeleteUser", {"userName": user})
        self.records += chance.sample(self.records, len(self.records) // 10)
        return self.records

    def change(self, account: str, user: str, key: str) -> None:
        named = {"userName": user, "accessKeyId": key}
        status = self.chance.choice(["Active", "Inactive", "inactive", "Expired"])
        name, asked_for, more = self.chance.choice([
            ("UpdateAccessKey", {**named, "status": status}, {}),
            ("UpdateAccessKey", {**named, "status": "Inactive"}, {}),
            ("UpdateAccessKey", {**named, "status": "Active"}, {}),
            ("UpdateAccessKey", {**named, "status": "Active"}, {}),
            ("DeleteAccessKey", named, {}),
            ("DeleteAccessKey", named, {"errorCode": "AccessDenied"}),
            ("CreateAccessKey", {"userName": user},
             {"responseElements": {"accessKey": {"accessKeyId": key, "userName": user}}}),
            ("AttachUserPolicy", {"userName": user, "policyArn":
                                  "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}, {}),
            ("PutUserPolicy", {"userName": user, "policyName": "NotAWSCompromisedKeyQuarantine"}, {}),
        ])
        self.iam(account, name, asked_for, **more)

    def iam(self, account: str, name: str, asked_for: dict[str, str], **more: Any) -> None:
        self.add(account, "admin", "AKIAADMINKEY1EXAMPLE", eventSource="iam.amazonaws.com",
                 eventName=name, awsRegion="us-east-1", requestParameters=asked_for, **more)


@pytest.mark.parametrize("seed", range(12))
def test_chance_gives_the_same(program: Program, seed: int) -> None:
    write_trail(World(seed).make(), program.folder / "trail")
    found = compare(program, program.folder / "trail")
    assert found["failures"] and found["key-changes"]


def test_chance_comes_upon_what_is_hard(program: Program) -> None:
    """Otherwise the test above would be worth little."""
    ends, proofs = Counter[str](), Counter[str]()
    for seed in range(12):
        folder = program.folder / str(seed)
        write_trail(World(seed).make(), folder)
        for (_, key, _), one in scanned(program.json(folder))["left-behind"].items():
            ends[one["change"]] += 1
            with_key = one["resolved"] and one["resolved"][2]
            proofs["none" if not with_key else "same" if with_key == key else with_key[:4]] += 1
    assert set(ends) == {"deactivated", "deleted", "user-deleted"}
    # Resolved by the same key, by another one, by a session that another one minted, and not.
    assert set(proofs) == {"none", "same", "AKIA", "ASIA"}


# --- the table and its text -------------------------------------------------------------------


def test_the_table_projects_what_the_paths_say(program: Program) -> None:
    sql = statements(program, "--bucket", "example-trail", "--prefix", "org/logs", "--query", "table",
                     "--organization", "o-exampleorg1", "--accounts", ACCOUNTS,
                     "--regions", "us-east-1,eu-west-1", "--from", "2024-02-29")["table"]
    told = properties(parse(sql))
    template = told.pop("storage.location.template")
    assert template == ("s3://example-trail/org/logs/AWSLogs/o-exampleorg1/"
                        "${account}/CloudTrail/${region}/${day}")
    assert told == {
        "projection.enabled": "true",
        "projection.account.type": "enum",
        "projection.account.values": ACCOUNTS,
        "projection.region.type": "enum",
        "projection.region.values": "us-east-1,eu-west-1",
        "projection.day.type": "date",
        "projection.day.range": "2024/02/29,NOW",
        "projection.day.format": "yyyy/MM/dd",
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
    }
    for part in ("${account}", "${region}", "${day}"):
        assert part[2:-1] in Table(sql).columns and template.count(part) == 1


def test_an_account_that_is_not_listed_is_asked_for_once(program: Program) -> None:
    sql = statements(program, "--bucket", "example-trail", "--from", "2025-01-01")
    assert properties(parse(sql["table"]))["projection.account.type"] == "injected"
    table = Table(sql["table"])
    folder = program.folder / "trail"
    write_trail(World(1).make(), folder)
    table.fill(trail_records(folder), program.folder)
    for account in ACCOUNTS.split(","):
        other = next(folder.rglob(account))
        expected = scanned(program.json(other))
        found = asked(table, sql, account)
        assert found == expected


def test_days_before_and_after_are_not_read(program: Program) -> None:
    folder = program.folder / "trail"
    write_trail(World(2).make(), folder)
    sql = statements(program, "--bucket", "example-trail", "--accounts", ACCOUNTS,
                     "--from", "2025-01-12", "--to", "2025-01-13")
    table = Table(sql["table"])
    table.fill(trail_records(folder), program.folder)
    for day in [*folder.rglob("2025/01/1[0145]")]:
        for path in day.iterdir():
            path.unlink()
    assert asked(table, sql) == scanned(program.json(folder))


def test_each_query_reads_as_often_as_it_says(program: Program) -> None:
    sql = statements(program, "--bucket", "example-trail")
    table = Table(sql["table"])
    said = {"failures": "Reads the period once.",
            "key-changes": "Reads the folders of IAM's Region once.",
            "left-behind": "Reads the period twice, and the folders of IAM's Region twice more."}
    reads = {"failures": 1, "key-changes": 1, "left-behind": 4}
    for name in QUERIES:
        assert said[name] in sql[name]
        assert table.scans(sql[name]) == reads[name], name


def test_names_cannot_end_a_statement(program: Program) -> None:
    database, name = 'a"; DROP TABLE b; --', "c` (x); --{from}'"
    sql = statements(program, "--bucket", "example-trail", "--accounts", ACCOUNTS,
                     "--database", database, "--table", name)
    for query in QUERIES:
        [table] = [one for one in parse(sql[query]).find_all(sqlglot.exp.Table) if one.db]
        assert (table.db, table.name) == (database, name)


def test_what_is_no_bucket_account_or_region_is_refused(program: Program) -> None:
    good = {"--bucket": "example-trail", "--accounts": "111122223333", "--regions": "us-east-1"}
    assert program.run("athena", *[part for one in good.items() for part in one]).code == 0
    for option, value in [("--bucket", "a'b"), ("--prefix", "x'y"), ("--prefix", "${day}"),
                          ("--accounts", "1' OR '1'='1"), ("--regions", "eu-west-1"),
                          ("--organization", "o-1'"), ("--from", "2025-13-01"),
                          ("--database", "a\nb"), ("--look-back", "0s")]:
        run = program.run("athena", *[part for one in {**good, option: value}.items() for part in one])
        assert run.code == 2 and run.err and not run.out, (option, run.out)


def test_the_columns_are_those_of_the_table(program: Program) -> None:
    run = program.run("athena", "--bucket", "example-trail", "--query", "table", "--format", "json")
    [statement] = run.json["statements"]
    # Read with spaces or without, they are the same types.
    kinds = {name: kind.sql("duckdb") for name, kind in Table(statement["sql"]).columns.items()}
    glue = {one["name"]: sqlglot.exp.DataType.build(one["type"], dialect="hive").sql("duckdb")
            for one in run.json["columns"]}
    assert glue | dict.fromkeys(("account", "region", "day"), "TEXT") == kinds


def test_names_of_members_are_matched_without_case_as_the_serde_does(program: Program) -> None:
    """Here the queries say more than the scan, and their comment says so; CloudTrail writes one
    case only."""
    odd = record(1, errorcode="InvalidClientTokenId")
    write_trail([odd], program.folder / "trail")
    sql = statements(program, "--bucket", "example-trail", "--accounts", ACCOUNTS,
                     "--from", "2025-01-01")
    table = Table(sql["table"])
    table.fill(trail_records(program.folder / "trail"), program.folder)
    assert not program.json("trail")["findings"]
    assert len(table.ask(sql["failures"])) == 1
    assert "whatever their case" in sql["failures"]
