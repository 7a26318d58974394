"""The answer depends on the records alone: not on order, file names, splits, copies or threads."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from conftest import CASES, Program, gz, trail


def all_records() -> list[dict[str, Any]]:
    """The records of all cases, two thousand and more of other callers among them."""
    from conftest import record

    records = [
        record(number, sourceIPAddress=f"192.0.2.{number % 7}", awsRegion=f"eu-west-{number % 3}")
        for number in range(2000)
    ]
    for path in sorted(CASES.glob("*/input/**/*.json")):
        try:
            document = json.loads(path.read_text())
        except ValueError:
            continue
        if isinstance(document, dict):
            found = document.get("Records", [])
            records += [one for one in found if isinstance(one, dict) and "eventID" in one]
    return records


def write(folder: Path, records: list[dict[str, Any]], files: int, seed: int) -> None:
    """Deals records out to files of random names in random folders, some of them gzipped."""
    chance = random.Random(seed)
    records = records.copy()
    chance.shuffle(records)
    parts: list[list[dict[str, Any]]] = [[] for _ in range(files)]
    for one in records:
        chance.choice(parts).append(one)
    for part in parts:
        path = folder / f"{chance.randrange(3)}" / f"{chance.randrange(10**9)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.choice([gz, bytes])(trail(*part)))


def answer(program: Program, *args: str) -> dict[str, Any]:
    found = program.json(*args)
    # What must differ: how many files there are, and their brackets.
    del found["read"]["files"], found["read"]["bytes"]
    return found


@pytest.mark.parametrize(("files", "seed"), [(1, 1), (2, 2), (7, 3), (40, 4)])
def test_order_names_and_splits_do_not_matter(program: Program, files: int, seed: int) -> None:
    records = all_records()
    program.folder.joinpath("whole").write_bytes(trail(*records))
    expected = answer(program, "whole")
    assert len(expected["findings"]) > 15
    write(program.folder / "dealt", records, files, seed)
    assert answer(program, "dealt") == expected


def test_the_same_files_give_the_same_bytes(program: Program) -> None:
    write(program.folder / "dealt", all_records(), 12, 5)
    outs = {
        program.scan("--format", "json", "--threads", threads, *paths).out
        for threads in ("1", "2", "4", "1", "2")
        for paths in (["dealt"], ["dealt/2", "dealt/0", "dealt/1"])
    }
    assert len(outs) == 1


def test_copies_change_nothing_but_the_count_of_duplicates(program: Program) -> None:
    records = all_records()
    write(program.folder / "once", records, 3, 6)
    write(program.folder / "again", records, 5, 7)
    once, twice = answer(program, "once"), answer(program, "once", "again")
    read = once.pop("read"), twice.pop("read")
    assert twice == once
    assert read[1]["seen"] == 2 * read[0]["seen"]
    counted = [one["failures"] - one["duplicates"] for one in read]
    assert counted[0] == counted[1] > 0


def test_a_path_given_twice_counts_once(program: Program) -> None:
    write(program.folder / "dealt", all_records(), 2, 8)
    once, twice = answer(program, "dealt"), answer(program, "dealt", "dealt")
    assert once["findings"] == twice["findings"]
    assert once["key_changes"] == twice["key_changes"]
