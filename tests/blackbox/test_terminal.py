"""Terminal and pipe: colour, width and progress on a terminal only; a reader may leave early."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from pathlib import Path

import pytest
from conftest import CASES, Program, gz, record, refused, trail
from test_output import check_width

INPUT = CASES / "rotation" / "input"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(
    program: Program, *args: str | Path, columns: int = 80, stdout: bool = True,
    stderr: bool = False, **env: str,
) -> tuple[str, str]:
    """What a terminal shows, and what the pipe gets of the output that is not on it."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [program.path, "scan", *args], cwd=program.folder,
        stdin=subprocess.DEVNULL,
        stdout=follower if stdout else subprocess.PIPE,
        stderr=follower if stderr else subprocess.PIPE,
        env=program.environment(**{"TERM": "xterm-256color", **env}),
    )
    os.close(follower)
    shown = bytearray()

    def read() -> None:
        # Linux says that a terminal without a writer is broken; others say that it is at its end.
        try:
            while piece := os.read(leader, 65536):
                shown.extend(piece)
        except OSError:
            pass

    reader = threading.Thread(target=read)
    reader.start()
    piped = b"".join(part for part in process.communicate() if part)
    reader.join()
    os.close(leader)
    assert process.returncode == 0
    return shown.decode().replace("\r\n", "\n"), piped.decode()


def test_colour_on_a_terminal_and_not_in_a_pipe(program: Program) -> None:
    shown, _ = on_terminal(program, INPUT)
    assert COLOUR.search(shown)
    piped = program.scan(INPUT).out
    assert "\x1b" not in piped
    assert COLOUR.sub("", shown) == piped


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(program: Program, env: dict[str, str]) -> None:
    shown, _ = on_terminal(program, INPUT, **env)
    assert "\x1b" not in shown
    assert shown == program.scan(INPUT).out


def test_an_empty_no_color_does_not_count(program: Program) -> None:
    shown, _ = on_terminal(program, INPUT, NO_COLOR="")
    assert COLOUR.search(shown)


@pytest.mark.parametrize("columns", [50, 80, 120, 200])
@pytest.mark.parametrize("name", ["rotation", "hostile-text", "sessions", "recorded-failures"])
def test_lines_are_as_wide_as_the_terminal(program: Program, name: str, columns: int) -> None:
    shown, _ = on_terminal(program, CASES / name / "input", columns=columns)
    check_width(COLOUR.sub("", shown), columns)


def test_a_wide_terminal_is_used(program: Program) -> None:
    narrow, _ = on_terminal(program, INPUT, columns=80, NO_COLOR="1")
    wide, _ = on_terminal(program, INPUT, columns=160, NO_COLOR="1")
    assert len(wide.splitlines()) < len(narrow.splitlines())
    assert max(map(len, wide.splitlines())) > 100


def test_machine_formats_are_the_same_on_a_terminal(program: Program) -> None:
    for name in ("json", "jsonl", "csv", "markdown"):
        shown, _ = on_terminal(program, "--format", name, INPUT)
        assert shown == program.scan("--format", name, INPUT).out


@pytest.fixture
def many_files(program: Program) -> str:
    folder = program.folder / "many"
    folder.mkdir()
    for number in range(40):
        text = trail(*(record(number * 1000 + n) for n in range(500)))
        (folder / f"{number}").write_bytes(gz(text))
    return "many"


def test_progress_on_standard_error_where_it_is_a_terminal(
    program: Program, many_files: str
) -> None:
    shown, out = on_terminal(program, many_files, stdout=False, stderr=True)
    assert "reading" in shown
    assert re.search(r"\d+/40 files", shown)
    assert "MiB" in shown or "KiB" in shown
    assert "20,000 records in 40 files" in out
    assert "reading" not in out


def test_no_progress_where_standard_error_is_no_terminal(
    program: Program, many_files: str
) -> None:
    assert program.scan(many_files).err == ""
    shown, err = on_terminal(program, many_files, stdout=True, stderr=False)
    assert err == ""
    assert "reading" not in shown


@pytest.mark.parametrize("name", ["table", "json", "jsonl", "csv", "markdown"])
def test_a_reader_that_leaves_early_is_no_trouble(program: Program, name: str) -> None:
    """As in `failure-monitor scan … | head -1`; the output is larger than a pipe holds."""
    program.folder.joinpath("trail").write_bytes(trail(
        *(refused(n, sourceIPAddress=f"198.51.{n // 250}.{n % 250}") for n in range(1000))
    ))
    process = subprocess.Popen(
        [program.path, "scan", "--format", name, "trail"], cwd=program.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=program.environment(),
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert (process.wait(), err) == (0, b"")


def test_output_that_cannot_be_written_is_trouble(program: Program) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program.path, "scan", INPUT], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert b"error:" in done.stderr
