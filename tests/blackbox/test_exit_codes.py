"""Exit codes: 0 done, 1 findings with `--exit-code`, 2 something unreadable or a wrong argument."""

from __future__ import annotations

import os

import pytest
from conftest import KEY, Program, record, refused, trail


def test_done_is_0_with_findings_and_without(program: Program) -> None:
    program.folder.joinpath("found").write_bytes(trail(refused()))
    program.folder.joinpath("quiet").write_bytes(trail(record()))
    assert program.json("found")["read"]["failures"] == 1
    assert program.json("quiet")["findings"] == []


def test_exit_code_is_1_with_findings_only(program: Program) -> None:
    program.folder.joinpath("found").write_bytes(trail(refused()))
    program.folder.joinpath("quiet").write_bytes(trail(record()))
    program.scan("--exit-code", "found", code=1)
    program.scan("--exit-code", "quiet", code=0)


def test_unreadable_beats_findings(program: Program) -> None:
    program.folder.joinpath("found").write_bytes(trail(refused()))
    run = program.scan("--exit-code", "found", "missing", code=2)
    assert "missing: not read: no such file or folder" in run.out
    assert "1 failure " in run.out


def test_a_missing_path_is_counted_and_the_rest_is_read(program: Program) -> None:
    program.folder.joinpath("found").write_bytes(trail(refused(), record(2)))
    answer = program.json("missing", "found", code=2)
    assert answer["warnings"] == [
        {"file": "missing", "reason": "not read: no such file or folder"}
    ]
    assert answer["read"]["files"] == 1
    assert (answer["read"]["seen"], answer["read"]["skipped"]) == (3, 1)
    assert answer["read"]["failures"] == 1


def test_machine_formats_tell_of_trouble_on_standard_error_too(program: Program) -> None:
    run = program.scan("--format", "csv", "missing", code=2)
    assert "missing: not read: no such file or folder" in run.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "<PATH"),
        (["--since", "yesterday", "."], "yesterday"),
        (["--until", "2025-13-01T00:00:00Z", "."], "2025-13-01"),
        (["--since", "2025-01-02T00:00:00Z", "--until", "2025-01-01T00:00:00Z", "."], "later than"),
        (["--look-back", "soon", "."], "24h"),
        (["--origin", "observed", "."], "recorded, reported, predicted"),
        (["--format", "xml", "."], "table"),
        (["--max-inflated", "-1", "."], "-1"),
        (["--threads", "many", "."], "--threads"),
        (["--no-such-option", "."], "--no-such-option"),
        (["-", "--text", "-"], "standard input can be read once"),
    ],
)
def test_a_wrong_argument_is_2_and_says_what_is_wrong(
    program: Program, args: list[str], says: str
) -> None:
    run = program.scan(*args, code=2)
    assert run.out == ""
    assert says in run.err


@pytest.mark.parametrize("duration", ["999999999d", "100000000y"])
def test_a_look_back_beyond_the_calendar(program: Program, duration: str) -> None:
    """It looks back to the first record, or it is a wrong argument; a panic it is not."""
    off = record(
        50_000, eventSource="iam.amazonaws.com", eventName="UpdateAccessKey",
        requestParameters={"accessKeyId": KEY, "status": "Inactive", "userName": "deploy-ci"},
    )
    program.folder.joinpath("trail").write_bytes(trail(record(1), off))
    run = program.run("scan", "--look-back", duration, "--format", "json", "trail")
    assert run.code == 2 or len(run.json["findings"]) == 1


def test_help_and_version_are_0(program: Program) -> None:
    assert "scan" in program.run("--help").out
    assert "Exit codes" in program.run("scan", "--help").out
    version = program.run("--version")
    assert (version.code, version.out.split()[0]) == (0, "failure-monitor")


def test_a_file_that_opens_but_cannot_be_read(program: Program) -> None:
    """Works for root, too, whom no permission stops: a process cannot read its memory from 0 on."""
    if not os.path.exists("/proc/self/mem"):
        pytest.skip("there is no /proc/self/mem here")
    program.folder.joinpath("found").write_bytes(trail(refused()))
    answer = program.json("/proc/self/mem", "found", code=2)
    assert [warning["file"] for warning in answer["warnings"]] == ["/proc/self/mem"]
    assert (answer["read"]["failures"], answer["read"]["skipped"]) == (1, 1)


def test_permission_denied(program: Program) -> None:
    path = program.folder / "secret"
    path.write_bytes(trail(refused()))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything: run as another user than root")
    answer = program.json("secret", code=2)
    assert "ermission denied" in answer["warnings"][0]["reason"]
    assert answer["read"]["skipped"] == 1


def test_a_dangling_link_and_a_loop_of_links_are_told_and_passed(program: Program) -> None:
    folder = program.folder / "trail"
    folder.mkdir()
    folder.joinpath("found").write_bytes(trail(refused()))
    folder.joinpath("dangling").symlink_to("nowhere")
    folder.joinpath("loop").symlink_to(".")
    answer = program.json("trail", code=2)
    assert {warning["file"] for warning in answer["warnings"]} == {"trail/dangling", "trail/loop"}
    assert (answer["read"]["failures"], answer["read"]["skipped"]) == (1, 2)


def test_a_link_to_a_file_is_followed(program: Program) -> None:
    program.folder.joinpath("found").write_bytes(trail(refused()))
    folder = program.folder / "trail"
    folder.mkdir()
    folder.joinpath("link").symlink_to("../found")
    assert program.json("trail")["read"]["failures"] == 1
