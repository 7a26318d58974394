"""Every folder in tests/cases, told from end to end: records in, expected text and JSON out.

`UPDATE_CASES=1` rewrites what is expected; read the difference before you commit it.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import CASES, Program, check_accounting, compact, gz

NAMES = sorted(path.parent.name for path in CASES.glob("*/case.json"))
UPDATE = os.environ.get("UPDATE_CASES") == "1"


def prepare(name: str, program: Program) -> dict[str, Any]:
    """Lays the case's input out as `input/`, so that file names in the output are its own."""
    case = json.loads((CASES / name / "case.json").read_text())
    unknown = case.keys() - {"why", "args", "exit", "gzip"}
    assert not unknown, f"case.json: {unknown}"
    shutil.copytree(CASES / name / "input", program.folder / "input")
    for file in case.get("gzip", []):
        path = program.folder / "input" / file
        path.write_bytes(gz(path.read_bytes()))
    return case


def compare(path: Path, found: str) -> None:
    if UPDATE:
        path.write_text(found)
        return
    assert path.exists(), f"{path} is missing: UPDATE_CASES=1 tests/run writes it"
    # As lines, so that pytest shows which of them differ.
    assert found.splitlines() == path.read_text().splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, program: Program) -> None:
    case = prepare(name, program)
    args, code = case["args"], case["exit"]
    text = program.scan(*args, code=code)
    document = program.scan("--format", "json", *args, code=code)
    check_accounting(document.json)
    compare(CASES / name / "expected.txt", text.out)
    compare(CASES / name / "expected.json", document.out)


@pytest.mark.parametrize("name", NAMES)
def test_the_form_of_the_files_does_not_matter(name: str, program: Program) -> None:
    """As CloudTrail delivers them, compact and gzipped, files give the answer they gave before."""
    case = prepare(name, program)
    if case["exit"] != 0:
        pytest.skip("holds what is no JSON")
    before = program.json(*case["args"])
    changed = 0
    for path in (program.folder / "input").rglob("*.json"):
        path.write_bytes(gz(compact(json.loads(path.read_bytes()))))
        changed += 1
    for path in case.get("gzip", []):
        path = program.folder / "input" / path
        path.write_bytes(gzip.decompress(path.read_bytes()))
        changed += 1
    assert changed, "no file was changed"
    after = program.json(*case["args"])
    del before["read"]["bytes"], after["read"]["bytes"]
    assert after == before
