"""`explain`: what a text shows, and a command run as if nobody were in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, Program
from loopback import service

SCHEMA = json.loads((ROOT / "docs" / "explain.schema.json").read_text())
CORPUS = json.loads(
    (ROOT / "lambda" / "core" / "src" / "explain" / "corpus.json").read_text()
)
REFUSED = (
    "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "
    "The security token included in the request is invalid.\n"
)
SECRET = "hQ7z+vB2/nX9kLmT4wRyD8sJfP3cG6aU1eZxKoiN"


def explain(program: Program, text: str, *args: str | Path) -> dict[str, Any]:
    run = program.run("explain", "-", "--format", "json", *args, stdin=text.encode())
    assert run.code == 0, run.err
    jsonschema.validators.validator_for(SCHEMA)(SCHEMA).validate(run.json)
    return run.json


def under(program: Program, *command: str, args: tuple[str, ...] = (), **env: str) -> Any:
    """Runs a command under `explain`."""
    return subprocess.run(
        [program.path, "explain", *args, "--", *command], capture_output=True,
        cwd=program.folder, env=program.environment(**env), text=True,
    )


def test_every_wording_follows_the_schema(program: Program) -> None:
    jsonschema.validators.validator_for(SCHEMA).check_schema(SCHEMA)
    for case in CORPUS:
        found = explain(program, case["text"])
        shown = [
            {"stage": one["stage"], "operation": one["operation"], "cause": one["causes"][0]["id"]}
            for one in found["failures"]
        ]
        assert shown == case["expected"], case["name"]
        assert len(found["not_sent"]) == case["not_sent"], case["name"]


def test_causes_are_the_same_as_in_a_scan(program: Program) -> None:
    program.folder.joinpath("log").write_text(REFUSED)
    scanned = program.json("--text", "log")["findings"][0]["causes"]
    run = program.run("explain", "log", "--format", "json")
    assert run.json["failures"][0]["causes"] == scanned


def test_text_is_for_people_and_fits_80_columns(program: Program) -> None:
    out = program.run("explain", "-", stdin=REFUSED.encode()).out
    for part in ("1 refusal in stdin", "InvalidClientTokenId", "AWS CLI", "aws configure list",
                 "aws cloudtrail lookup-events --region us-east-1", "low confidence"):
        assert part in out
    commands = "          "
    prose = [line for line in out.splitlines() if not line.startswith(commands)]
    assert all(len(line) <= 80 or "https://" in line for line in prose)
    assert "\x1b" not in out


def test_no_credentials_is_told_and_is_no_failure(program: Program) -> None:
    text = "╷\n│ Error: No valid credential sources found\n╵\n"
    found = explain(program, text)
    assert found["failures"] == [] and len(found["not_sent"]) == 1
    run = program.run("explain", "-", "--exit-code", stdin=text.encode())
    assert run.code == 0 and "nothing was sent" in run.out


def test_exit_codes_of_a_text(program: Program) -> None:
    assert program.run("explain", "-", "--exit-code", stdin=REFUSED.encode()).code == 1
    assert program.run("explain", "-", "--exit-code", stdin=b"fine\n").code == 0
    missing = program.run("explain", "missing")
    assert missing.code == 2 and "missing" in missing.err
    assert program.run("explain").code == 2
    assert program.run("explain", "-", "--function", "x", stdin=b"").code == 2


def test_hostile_text_is_harmless_in_every_format(program: Program) -> None:
    hostile = "\x1b]0;x\x07\x1b[31m\u202e" + REFUSED.replace("operation", "<b>`|` op")
    for format_ in ("text", "json", "markdown"):
        out = program.run("explain", "-", "--format", format_, stdin=hostile.encode()).out
        assert "\x1b" not in out and "\u202e" not in out and "<b>" not in out.replace("json", "")


def test_a_command_keeps_its_streams_and_its_exit_code(program: Program) -> None:
    done = under(program, "sh", "-c", 'printf "out\\0raw"; printf err >&2; exit 3')
    assert (done.stdout, done.stderr, done.returncode) == ("out\0raw", "err", 3)


def test_bytes_pass_unchanged(program: Program) -> None:
    data = bytes(range(256)) * 3000
    program.folder.joinpath("data").write_bytes(data)
    done = subprocess.run([program.path, "explain", "--", "cat", program.folder / "data"],
                          capture_output=True, env=program.environment())
    assert (done.stdout, done.stderr, done.returncode) == (data, b"", 0)


def test_standard_input_is_the_commands(program: Program) -> None:
    done = subprocess.run([program.path, "explain", "--", "tr", "a-z", "A-Z"], input=b"abc",
                          capture_output=True, env=program.environment())
    assert done.stdout == b"ABC"


def test_output_is_live(program: Program) -> None:
    script = 'echo first; while [ ! -e go ]; do sleep 0.05; done; echo second'
    process = subprocess.Popen([program.path, "explain", "--", "sh", "-c", script],
                               stdout=subprocess.PIPE, cwd=program.folder,
                               env=program.environment())
    assert process.stdout is not None
    assert process.stdout.readline() == b"first\n"
    program.folder.joinpath("go").touch()
    assert process.stdout.read() == b"second\n"
    assert process.wait() == 0


def test_a_refusal_is_explained_after_the_command_on_stderr(program: Program) -> None:
    program.folder.joinpath("log").write_text(REFUSED)
    done = under(program, "sh", "-c", "echo out; cat log >&2; exit 254")
    assert done.returncode == 254 and done.stdout == "out\n"
    assert done.stderr.startswith(REFUSED + "\n1 refusal in sh\n")


def test_the_explanation_goes_to_a_file(program: Program) -> None:
    program.folder.joinpath("log").write_text(REFUSED)
    done = under(program, "cat", "log", args=("--format", "markdown", "--output", "summary"))
    assert done.stderr == "" and done.stdout == REFUSED
    assert program.folder.joinpath("summary").read_text().startswith("## 1 refusal in cat\n")
    under(program, "true", args=("--output", "none"))
    assert not program.folder.joinpath("none").exists()
    under(program, "true", args=("--format", "json", "--output", "empty"))
    assert json.loads(program.folder.joinpath("empty").read_text())["failures"] == []
    done = under(program, "cat", "log", args=("--output", "no/such/folder"))
    assert done.returncode == 0 and "no/such/folder" in done.stderr


def test_commands_that_cannot_be_run(program: Program) -> None:
    assert under(program, "no-such-command").returncode == 127
    program.folder.joinpath("plain").write_text("x")
    assert under(program, "./plain").returncode == 126


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_a_command_that_a_signal_ended(program: Program) -> None:
    assert under(program, "sh", "-c", "kill -9 $$").returncode == 128 + 9


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_command(program: Program, sent: signal.Signals) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(number, _):\n    print('got', number, flush=True)\n    sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, end); signal.signal(signal.SIGINT, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([program.path, "explain", "--", sys.executable, "-S", "-c", code],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=program.environment())
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.2)
    process.send_signal(sent)
    out, _ = process.communicate(timeout=20)
    assert out == f"got {int(sent)}\n".encode() and process.returncode == 7


def test_a_process_left_running_does_not_hold_it_up(program: Program) -> None:
    begin = time.monotonic()
    done = subprocess.run(
        [program.path, "explain", "--", "sh", "-c", "sleep 30 & echo $! > pid; echo done"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=program.folder,
        env=program.environment(),
    )
    os.kill(int(program.folder.joinpath("pid").read_text()), signal.SIGKILL)
    assert done.returncode == 0 and time.monotonic() - begin < 20


# ---- sending

def profile(program: Program) -> dict[str, str]:
    path = program.folder / "credentials"
    path.write_text(
        "[working]\naws_access_key_id = AKIAREPORTER1EXAMPLE\naws_secret_access_key = "
        "abcdefghijklmnopqrstuvwxyz01234567890abc\n"
    )
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path)}


def test_send_hands_the_refusal_to_the_monitor_without_secrets(program: Program) -> None:
    text = "a line of no interest\n" * 100 + f"export AWS_SECRET_ACCESS_KEY={SECRET}\n" + REFUSED
    with service(lambda *_: (200, '{"counted":1}')) as monitor:
        # The credentials in the environment are those that were just refused.
        env = {**monitor.environment(), **profile(program), "AWS_ACCESS_KEY_ID": "AKIAREFUSED1EXAMPLE",
               "AWS_SECRET_ACCESS_KEY": "x" * 40}
        run = program.run("explain", "-", "--send", "--profile", "working", "--source", "ci/42",
                          stdin=text.encode(), **env)
    assert run.code == 0, run.err
    assert '{"counted":1}' in run.err and "1 secrets taken out" in run.err
    [call] = monitor.calls
    assert call.path == "/2015-03-31/functions/failure-monitor-monitor/invocations"
    assert "Credential=AKIAREPORTER1EXAMPLE/" in call.headers["authorization"]
    sent = json.loads(call.body)
    assert (sent["task"], sent["source"]) == ("report", "ci/42")
    assert REFUSED in sent["text"] and SECRET not in sent["text"]
    assert sent["text"].count("a line of no interest") <= 40


def test_send_without_a_refusal_sends_nothing(program: Program) -> None:
    with service(lambda *_: (200, "{}")) as monitor:
        env = {**monitor.environment(), **profile(program)}
        run = program.run("explain", "-", "--send", "--profile", "working", stdin=b"fine\n", **env)
    assert run.code == 0 and monitor.calls == []


def test_send_that_fails_is_told_and_keeps_the_commands_exit_code(program: Program) -> None:
    program.folder.joinpath("log").write_text(REFUSED)
    with service(lambda *_: (403, '{"message":"no"}')) as monitor:
        env = {**monitor.environment(), **profile(program)}
        args = ("--send", "--profile", "working", "--function", "other")
        done = under(program, "sh", "-c", "cat log; exit 5", args=args, **env)
        run = program.run("explain", "log", *args, **env)
    assert done.returncode == 5 and "cannot invoke other" in done.stderr
    assert run.code == 2 and "cannot invoke other" in run.err
    assert {call.path.split("/")[3] for call in monitor.calls} == {"other"}
