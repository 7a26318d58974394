"""Formats: each can be parsed, holds the same findings, and is harmless where it is shown."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import jsonschema
import pytest
from conftest import CASES, KEY, ROOT, Program, record, refused, trail

SCHEMA = ROOT / "docs" / "scan.schema.json"
NAMES = sorted(path.parent.name for path in CASES.glob("*/case.json"))
FORMATS = ["table", "json", "jsonl", "csv", "markdown"]
# What a terminal obeys or what deceives the eye, but for the newline.
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def case(name: str) -> tuple[list[str], int]:
    told = json.loads((CASES / name / "case.json").read_text())
    return told["args"], told["exit"]


def scan_case(program: Program, name: str, *more: str) -> str:
    program.folder = CASES / name
    args, code = case(name)
    return program.scan(*args, *more, code=code).out


@pytest.mark.parametrize("name", NAMES)
def test_jsonl_holds_what_json_holds(program: Program, name: str) -> None:
    document = json.loads(scan_case(program, name, "--format", "json"))
    lines = [json.loads(line) for line in scan_case(program, name, "--format", "jsonl").splitlines()]
    assert lines[0].pop("type") == "read"
    assert lines[0].pop("schema") == document["schema"] == "failure-monitor/scan/1"
    assert lines[0] == document["read"]
    for kind, part in [("finding", "findings"), ("key_change", "key_changes"),
                       ("warning", "warnings")]:
        found = [line for line in lines if line.get("type") == kind]
        assert [{k: v for k, v in line.items() if k != "type"} for line in found] == document[part]


@pytest.mark.parametrize("name", NAMES)
def test_csv_has_a_row_per_finding_and_no_formula(program: Program, name: str) -> None:
    document = json.loads(scan_case(program, name, "--format", "json"))
    rows = list(csv.reader(io.StringIO(scan_case(program, name, "--format", "csv")), strict=True))
    header, rows = rows[0], rows[1:]
    assert len(rows) == len(document["findings"])
    for row, finding in zip(rows, document["findings"], strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["recorded"] == str(finding["origins"]["recorded"])
        assert cells["predicted"] == str(finding["origins"]["predicted"])
        assert cells["cause"] == finding["causes"][0]["id"]
        assert cells["access_key_id"] == (finding["access_key_id"] or "")
        for cell in row:
            assert not cell.lstrip().startswith(("=", "+", "-", "@")), cell
            assert not HARMFUL.search(cell), cell


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format_", FORMATS)
def test_no_format_holds_what_a_terminal_obeys(program: Program, name: str, format_: str) -> None:
    assert not HARMFUL.search(scan_case(program, name, "--format", format_))


@pytest.mark.parametrize("name", NAMES)
def test_json_follows_its_schema(program: Program, name: str) -> None:
    if not SCHEMA.exists():
        pytest.skip("docs/scan.schema.json does not exist")
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validator(schema).validate(json.loads(scan_case(program, name, "--format", "json")))


def test_markdown_of_strangers_is_text(program: Program) -> None:
    out = scan_case(program, "hostile-text", "--format", "markdown")
    assert "<img" not in out and "<!channel>" not in out
    assert "](http://203.0.113.99)" not in out
    assert "**bold**" not in out
    tables = [line for line in out.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert len(tables) > 3 and len(widths) == 1, "a stranger's bar made a column"


def test_markdown_tells_the_same_story(program: Program) -> None:
    out = scan_case(program, "rotation", "--format", "markdown")
    for text in ("198.51.100.7", "203.0.113.10", "The access key was deactivated",
                 "00000006-0000-4000-8000-000000000006"):
        assert text in out
    assert "8 records seen = 0 failures + 2 key changes + 6 other + 0 skipped" in out


@pytest.mark.parametrize("format_", ["table", "markdown"])
@pytest.mark.parametrize("name", NAMES)
def test_people_see_masked_keys_unless_they_ask(
    program: Program, name: str, format_: str
) -> None:
    whole = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")
    assert not whole.search(scan_case(program, name, "--format", format_))
    document = json.loads(scan_case(program, name, "--format", "json"))
    unmasked = scan_case(program, name, "--format", format_, "--unmask")
    for finding in document["findings"]:
        if (key := finding["access_key_id"]) and whole.fullmatch(key):
            assert key in unmasked


@pytest.mark.parametrize("format_", ["json", "jsonl", "csv"])
def test_machine_output_has_whole_keys(program: Program, format_: str) -> None:
    out = scan_case(program, "deactivated", "--format", format_)
    assert KEY in out and "****" not in out


def test_a_name_of_ten_thousand_characters_is_cut_for_people(program: Program) -> None:
    for format_ in ("table", "markdown"):
        out = scan_case(program, "hostile-text", "--format", format_)
        assert "Z" * 200 not in out


def test_a_whole_terminal_line_is_never_wider_than_it(program: Program) -> None:
    """Only commands and addresses, which break when they are broken, may run on."""
    for name in NAMES:
        check_width(scan_case(program, name), 80)


def check_width(text: str, width: int) -> None:
    import unicodedata

    for line in text.splitlines():
        if line.startswith(" " * 10) or line.strip().startswith("https://"):
            continue
        columns = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
        assert columns <= width, line


def test_findings_that_differ_in_account_only_are_two(program: Program) -> None:
    there: dict[str, Any] = {**record()["userIdentity"], "accountId": "444455556666"}
    program.folder.joinpath("trail").write_bytes(trail(
        refused(1), refused(2, userIdentity=there, recipientAccountId="444455556666")
    ))
    findings = program.json("trail")["findings"]
    assert {finding["account"] for finding in findings} == {"111122223333", "444455556666"}


def test_causes_are_printed_in_three_forms(program: Program) -> None:
    listed = json.loads(program.run("causes", "--json").out)
    text = json.dumps(listed)
    for one in ("key-deactivated", "key-probing", "unexplained"):
        assert one in text
        assert one in program.run("causes").out
    assert program.run("causes", "--markdown").out == (ROOT / "docs/causes.md").read_text()
