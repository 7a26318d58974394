"""Damaged and hostile files: a warning that names file and reason, the sound part kept, exit 2."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from conftest import Program, compact, gz, record, refused, run_measured, trail

SOUND = trail(refused(9001), record(9002))


def scan_beside_sound(program: Program, data: bytes, *args: str) -> dict[str, Any]:
    """Scans a damaged file beside a sound one, whose two records must be there in any case."""
    program.folder.joinpath("damaged").write_bytes(data)
    program.folder.joinpath("sound").write_bytes(SOUND)
    answer = program.json(*args, "damaged", "sound", code=2)
    assert {warning["file"] for warning in answer["warnings"]} == {"damaged"}
    assert answer["read"]["files"] == 2
    return answer


def reason(answer: dict[str, Any]) -> str:
    return " ".join(warning["reason"] for warning in answer["warnings"])


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_truncated_gzip_keeps_what_came_before(program: Program, keep: float) -> None:
    whole = gz(trail(*(refused(number) for number in range(2000))))
    answer = scan_beside_sound(program, whole[: int(len(whole) * keep)])
    assert "the gzip data ends too early; what came before was read" in reason(answer)
    assert 1 < answer["read"]["failures"] <= 2001
    assert answer["read"]["skipped"] >= 1


def test_gzip_of_a_header_only(program: Program) -> None:
    answer = scan_beside_sound(program, gz(SOUND)[:5])
    assert (answer["read"]["seen"], answer["read"]["skipped"]) == (3, 1)


@pytest.mark.parametrize("place", ["body-1", "body-2", "body-3", "check sum", "length"])
def test_corrupt_gzip_counts_for_nothing(program: Program, place: str) -> None:
    data = bytearray(gz(trail(*(refused(number) for number in range(200)))))
    at = {"check sum": len(data) - 8, "length": len(data) - 4}.get(place)
    if at is None:
        at = len(data) * int(place[-1]) // 4
    data[at] ^= 0x10
    answer = scan_beside_sound(program, bytes(data))
    read = answer["read"]
    # A flipped bit can also make the data look cut off; then what came before may be kept only if
    # it says so. Never is it taken for sound.
    if "corrupt" in reason(answer):
        assert (read["seen"], read["failures"], read["skipped"]) == (3, 1, 1)
    else:
        assert "ends too early" in reason(answer)


def test_corruption_in_a_second_member_voids_the_first(program: Program) -> None:
    second = bytearray(gz(trail(refused(2))))
    second[-8] ^= 1
    answer = scan_beside_sound(program, gz(trail(refused(1))) + bytes(second))
    assert "corrupt gzip data; nothing of this file was counted" in reason(answer)
    assert answer["read"]["failures"] == 1


def test_bytes_after_the_gzip_data(program: Program) -> None:
    answer = scan_beside_sound(program, gz(trail(refused(1))) + b"junk")
    assert "after the end of the gzip data" in reason(answer)
    assert answer["read"]["failures"] == 2


def test_zeros_after_the_gzip_data_are_padding(program: Program) -> None:
    program.folder.joinpath("padded").write_bytes(gz(trail(refused(1))) + bytes(512))
    assert program.json("padded")["read"]["failures"] == 1


@pytest.mark.parametrize(
    "members",
    [
        [trail(refused(1)), trail(refused(2))],
        [trail(refused(1)), trail(refused(1))],
        [trail(refused(1), refused(2))[:700], trail(refused(1), refused(2))[700:]],
        [trail(refused(1)), b"", trail(refused(2))],
    ],
    ids=["two", "two equal ones", "one text in two", "an empty one between"],
)
def test_gzip_of_several_members(program: Program, members: list[bytes]) -> None:
    data = b"".join(gz(member) for member in members)
    program.folder.joinpath("members").write_bytes(data)
    read = program.json("members")["read"]
    assert (read["seen"], read["failures"], read["skipped"]) == (2, 2, 0)
    assert read["duplicates"] == (1 if members[0] == members[1] else 0)


def test_a_gzip_bomb_is_cut_off(program: Program) -> None:
    bomb = gz(compact(refused(1)) + b"\n" + b" " * 20_000_000 + compact(refused(2)))
    answer = scan_beside_sound(program, bomb, "--max-inflated", "1000000")
    assert "inflates to more than 1000000 bytes" in reason(answer)
    assert "--max-inflated" in reason(answer)
    assert answer["read"]["failures"] == 2
    read_on = program.json("--max-inflated", "30000000", "damaged")
    assert read_on["read"]["failures"] == 2


def test_a_gzip_bomb_takes_no_memory(binary: Path, tmp_path: Path) -> None:
    deflate = zlib.compressobj(wbits=31)
    million = b" " * 1_000_000
    pieces = [deflate.compress(million) for _ in range(300)] + [deflate.flush()]
    path = tmp_path / "bomb"
    path.write_bytes(b"".join(pieces))
    command = [binary, "scan", "--format", "json", "--max-inflated", "10000000", path]
    code, peak, out = run_measured(command)
    assert (code, json.loads(out)["read"]["skipped"]) == (2, 1)
    assert peak < 50_000_000


def test_the_limit_is_inclusive(program: Program) -> None:
    text = trail(refused(1))
    program.folder.joinpath("exact").write_bytes(gz(text))
    assert program.json("--max-inflated", str(len(text)), "exact")["read"]["failures"] == 1
    program.json("--max-inflated", str(len(text) - 1), "exact", code=2)


def test_a_length_that_lies_allocates_nothing(program: Program) -> None:
    data = bytearray(gz(trail(refused(1))))
    data[-4:] = b"\xff\xff\xff\xff"
    answer = scan_beside_sound(program, bytes(data))
    assert answer["read"]["failures"] == 1


@pytest.mark.parametrize(
    "broken",
    [
        b'{"eventVersion":"1.10","eventID":}',
        b'{"eventVersion":"1.10" "eventID":"x"}',
        b'{"eventVersion":"1.10","eventID":"never closed',
        b"ERROR: not a record",
        b"\xff\xfe\x00",
    ],
)
def test_invalid_json_in_the_middle_costs_its_own_line(program: Program, broken: bytes) -> None:
    data = b"\n".join([compact(refused(1)), broken, compact(refused(2))]) + b"\n"
    answer = scan_beside_sound(program, data)
    assert answer["read"]["failures"] == 3
    assert answer["read"]["skipped"] == 1


def test_a_line_that_ends_between_its_values(program: Program) -> None:
    """Nothing tells where such a record would have ended: what came before it is kept."""
    data = compact(refused(1)) + b'\n{"eventVersion":"1.10","eventID":\n' + compact(refused(2))
    answer = scan_beside_sound(program, data)
    assert answer["read"]["failures"] >= 2
    assert answer["read"]["skipped"] >= 1


def test_invalid_json_between_the_records_of_a_file(program: Program) -> None:
    data = b'{"Records":[' + compact(refused(1)) + b',{"eventID":nope},' + compact(refused(2)) + b"]}"
    answer = scan_beside_sound(program, data)
    assert answer["read"]["failures"] == 3
    assert answer["read"]["skipped"] == 1


def test_text_that_ends_in_the_middle_of_a_record(program: Program) -> None:
    answer = scan_beside_sound(program, trail(refused(1), refused(2))[:-200])
    assert "ends in the middle" in reason(answer)
    assert answer["read"]["failures"] == 2


@pytest.mark.parametrize(
    "shape",
    [
        b"42", b'"text"', b"null", b"true", b"[1, 2]", b"{}", b'{"Records":{}}',
        b'{"Records":"none"}', b'{"Records":[null]}', b'{"Records":[[]]}', b"[[[[[[[[",
        b'{"a":1}', b"<html></html>", b"\x00\x01\x02", b"PK\x03\x04zip", b"}", b"]",
        b'{"CloudTrailEvent":"no JSON"}', b'{"detail":{}}', b'{"Events":[{"CloudTrailEvent":"{}"}]}',
    ],
)
def test_wrong_shapes(program: Program, shape: bytes) -> None:
    answer = scan_beside_sound(program, shape)
    assert (answer["read"]["failures"], answer["read"]["other"]) == (1, 1)
    assert answer["read"]["skipped"] >= 1
    program.folder.joinpath("damaged").write_bytes(gz(shape))
    program.json("damaged", code=2)


@pytest.mark.parametrize("form", ["file", "lines"])
@pytest.mark.parametrize("odd", [b"\\ud800", b"\\u0000", b"\xff", "\U0001f511".encode(), b"\\u00e9"])
def test_odd_strings_are_read(program: Program, odd: bytes, form: str) -> None:
    """Half a surrogate pair is JSON, and a stranger's bad UTF-8 must not hide a failure."""
    records = [compact(one).replace(b"aws-cli/", odd + b"/") for one in (refused(1), record(2))]
    data = b"\n".join(records) if form == "lines" else b'{"Records":[' + b",".join(records) + b"]}"
    program.folder.joinpath("odd").write_bytes(data)
    read = program.json("odd")["read"]
    assert (read["seen"], read["failures"], read["skipped"]) == (2, 1, 0)


@pytest.mark.parametrize("broken", [b"\\q", b"\x01", b"\t"])
def test_strings_that_are_no_json_cost_their_record(program: Program, broken: bytes) -> None:
    records = [compact(refused(1)), compact(record(2)).replace(b"aws-cli/", broken + b"/")]
    answer = scan_beside_sound(program, b"\n".join(records))
    assert (answer["read"]["failures"], answer["read"]["skipped"]) == (2, 1)


@pytest.mark.parametrize("broken", [b"\\q", b"\x01", b"\t"])
def test_what_is_no_json_is_noticed_in_records_that_matter(
    program: Program, broken: bytes
) -> None:
    """In log files, records without a token of interest are counted but not parsed
    (docs/architecture.md): what is wrong inside them is not noticed, and nothing hangs on it."""
    # The first use of a key matters, because it shows whose the key is.
    fine = compact(refused(1)) + b"," + compact(record(4))
    other = compact(record(2)).replace(b"aws-cli/", broken + b"/")
    damaged = program.folder.joinpath("damaged")
    damaged.write_bytes(b'{"Records":[' + fine + b"," + other + b"]}")
    read = program.json("damaged")["read"]
    assert (read["failures"], read["other"], read["skipped"]) == (1, 2, 0)
    failing = compact(refused(3)).replace(b"aws-cli/", broken + b"/")
    damaged.write_bytes(b'{"Records":[' + fine + b"," + failing + b"]}")
    read = program.json("damaged", code=2)["read"]
    assert (read["failures"], read["skipped"]) == (1, 1)


def test_deep_nesting_is_no_stack_overflow(program: Program) -> None:
    deep = b'{"eventVersion":"1.10","requestParameters":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    program.folder.joinpath("deep").write_bytes(trail(refused(1))[:-2] + b"," + deep + b"]}")
    answer = program.run("scan", "--format", "json", "deep").json
    assert answer["read"]["failures"] == 1


@pytest.mark.parametrize("empty", [b"", b"\n", b"\xef\xbb\xbf", gz(b""), b'{"Records":[]}', b"[]"])
def test_empty_files_are_no_trouble_and_no_data(program: Program, empty: bytes) -> None:
    program.folder.joinpath("empty").write_bytes(empty)
    assert program.json("empty")["read"]["seen"] == 0
    assert "there is no data to judge by" in program.scan("empty").out


def test_an_empty_folder_says_that_there_is_no_data(program: Program) -> None:
    program.folder.joinpath("empty").mkdir()
    run = program.scan("empty")
    assert "Nothing was read" in run.out
    assert "No failures" not in run.out


def test_records_without_id_or_time_are_no_failures_but_skipped(program: Program) -> None:
    data = trail(refused(1, eventID=None), refused(2, eventTime="yesterday"), refused(3))
    answer = scan_beside_sound(program, data)
    assert answer["read"]["failures"] == 2
    assert answer["read"]["skipped"] == 2


def test_digest_and_insight_files_are_passed_over_and_counted(program: Program) -> None:
    base = program.folder / "AWSLogs" / "111122223333"
    for name, data in [
        ("CloudTrail/us-east-1/2025/01/14/log.json.gz", gz(trail(refused(1)))),
        ("CloudTrail-Digest/us-east-1/2025/01/14/digest.json.gz", gz(b'{"logFiles":[]}')),
        ("CloudTrail-Insight/us-east-1/2025/01/14/insight.json.gz", gz(trail(refused(2)))),
    ]:
        path = base / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    read = program.json("AWSLogs")["read"]
    assert (read["files"], read["failures"], read["passed_over"]) == (1, 1, 2)
    # Named, they are read: somebody asked for them.
    assert program.json(base / "CloudTrail-Insight")["read"]["failures"] == 1
