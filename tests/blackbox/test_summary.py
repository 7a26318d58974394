"""The summary of files, and of a saved summary: its schema, and the same numbers in every form."""

import csv
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

from conftest import ROOT, Program

SCHEMA = json.loads((ROOT / "docs" / "summary.schema.json").read_text())
STORY = ["--path", "examples/story/AWSLogs", "--text", "examples/story/terraform.log"]
DAY = ["--from", "2026-01-12T00:00:00Z", "--to", "2026-01-13T00:00:00Z"]


def summary(program: Program, *arguments: str, code: int = 0) -> str:
    program.folder = ROOT
    done = program.run("summary", *arguments)
    assert done.code == code, done.out + done.err
    return done.out


def story(program: Program, *arguments: str) -> str:
    return summary(program, *STORY, *DAY, *arguments)


def test_json_follows_its_schema(program: Program) -> None:
    validator = jsonschema.validators.validator_for(SCHEMA)
    validator.check_schema(SCHEMA)
    document = json.loads(story(program, "--format", "json"))
    validator(SCHEMA).validate(document)
    scan = program.json("examples/story/AWSLogs", *STORY[2:])
    for origin in ("recorded", "reported", "predicted"):
        expected = sum(finding["origins"][origin] for finding in scan["findings"])
        assert document["totals"]["failures"][origin] == expected
    assert len(document["groups"]) == len(scan["findings"])


def test_a_saved_summary_has_the_same_numbers_in_every_form(program: Program, tmp_path: Path) -> None:
    saved = tmp_path / "summary.json"
    saved.write_text(story(program, "--format", "json"))
    document = json.loads(saved.read_text())
    failures = document["totals"]["failures"]
    told = ", ".join(f"{failures[o]} {o}" for o in ("recorded", "reported", "predicted"))

    def form(name: str, *more: str) -> str:
        return summary(program, "--from-json", str(saved), "--format", name, *more)

    assert json.loads(form("json")) == document
    for name in ("table", "markdown", "html"):
        text = form(name)
        assert document["answer"]["headline"] in text
    assert f"failures: {told}" in form("table")
    assert f"Failures: {told}." in form("markdown")
    figures = re.findall(r'data-json="/totals/failures/(\w+)" value="(\d+)"', form("html"))
    assert {origin: int(count) for origin, count in figures} == failures
    rows = list(csv.DictReader(io.StringIO(form("csv"))))
    for origin in failures:
        assert sum(int(row[origin]) for row in rows) == failures[origin]

    page = tmp_path / "report.html"
    assert form("html", "--output", str(page)) == ""
    assert page.read_text() == form("html")


def test_one_key(program: Program) -> None:
    key = "AKIADEPLOYOLDEXAMPLE"
    document = json.loads(story(program, "--format", "json", "--access-key-id", key))
    assert document["access_key_id"] == key
    assert {group["access_key_id"] for group in document["groups"]} == {key}
    assert document["totals"]["failures"] == {"recorded": 0, "reported": 0, "predicted": 3}


def test_ids_are_masked_unless_asked(program: Program) -> None:
    for name in ("table", "markdown", "html"):
        assert "AKIADEPLOYOLDEXAMPLE" not in story(program, "--format", name)
        assert "AKIADEPLOYOLDEXAMPLE" in story(program, "--format", name, "--unmask")


def test_exit_codes(program: Program, tmp_path: Path) -> None:
    summary(program, *STORY, *DAY, "--exit-code", code=1)
    empty = tmp_path / "empty.json"
    empty.write_text('{"Records":[]}')
    assert "nothing was read" in summary(program, "--path", str(empty), "--exit-code")
    missing = str(tmp_path / "missing")
    assert "missing" in summary(program, "--path", missing, code=2)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--since", "yesterday", "--path", "."], "24h"),
        (["--from", "1h", "--to", "2h", "--path", "."], "ends"),
        (["--to", "1h", "--path", "."], "--from"),
        (["--table", "a", "--function", "b"], "cannot be used with"),
        (["--from-json", "/does/not/exist"], "cannot read"),
        (["--from-json", "Cargo.toml"], "no summary"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(program: Program, arguments: list[str], says: str) -> None:
    program.folder = ROOT
    done = program.run("summary", *arguments)
    assert done.code == 2
    assert says in done.err
