"""`check-key`: where a secret survives, judged by the real readers, and whether it is live."""

from __future__ import annotations

import configparser
import json
import random
import shlex
import string
import subprocess
import urllib.parse
from typing import Any, Callable

import pytest
import yaml
from conftest import Program, Run
from loopback import STS_IDENTITY, service, sts_error

ID = "AKIADEPLOYCI1EXAMPLE"
SECRET = "hQ7z+vB2/nX9kLmT4wRyD8sJfP3cG6aU1eZxKoiN"
PLAIN = "hQ7zvB2nX9kLmT4wRyD8sJfP3cG6aU1eZxKoiNab"


def check(program: Program, pair: str, *args: str, **env: str) -> Run:
    """Runs it, and checks that no output holds a piece of the secret."""
    run = program.run("check-key", *args, stdin=pair.encode(), **env)
    for secret in (SECRET, PLAIN):
        for at in range(len(secret) - 5):
            piece = secret[at:at + 6]
            assert piece not in run.out and piece not in run.err
    return run


def media(program: Program, secret: str) -> dict[str, bool]:
    run = program.run("check-key", "--offline", "--format", "json", stdin=f"{ID}\n{secret}".encode())
    return {one["id"]: one["survives"] for one in run.json["media"]}


@pytest.mark.parametrize(
    "pair",
    [
        f"{ID}\n{SECRET}\n",
        f"AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n",
        json.dumps({"AccessKey": {"UserName": "ci", "AccessKeyId": ID, "Status": "Active",
                                  "SecretAccessKey": SECRET}}),
    ],
)
def test_reads_every_form_and_masks_the_id(program: Program, pair: str) -> None:
    run = check(program, pair, "--offline")
    assert run.code == 0, run.out
    assert "AKIA****MPLE" in run.out and ID not in run.out
    assert "40 characters of A-Z, a-z, 0-9, +, /" in run.out
    assert all(len(line) <= 80 for line in run.out.splitlines())
    assert ID in check(program, pair, "--offline", "--unmask").out


def test_url_safe_fails_on_plus_and_slash(program: Program) -> None:
    assert check(program, f"{ID}\n{SECRET}\n", "--offline", "--url-safe").code == 1
    assert check(program, f"{ID}\n{PLAIN}\n", "--offline", "--url-safe").code == 0
    assert check(program, f"{ID}\n{SECRET}\n", "--offline").code == 0


@pytest.mark.parametrize(
    "pair, says",
    [
        (f"{ID}\n{SECRET}\r\n", "carriage return"),
        (f"{ID}\n{SECRET[:-1]}\n", "39 characters"),
        (f"{ID}\n\"{PLAIN}\n", "quotation marks"),
        (f"ASIADEPLOYCI1EXAMPLE\n{SECRET}\n", "session token"),
        (f"AIDADEPLOYCI1EXAMPLE\n{SECRET}\n", "does not begin with AKIA"),
    ],
)
def test_unsound_pairs_fail(program: Program, pair: str, says: str) -> None:
    run = check(program, pair, "--offline")
    assert run.code == 1 and says in " ".join(run.out.split())


@pytest.mark.parametrize("pair", ["", "\n", ID, f"{SECRET}\n{ID}\n", '{"a": "' + SECRET + '"'])
def test_what_is_no_pair(program: Program, pair: str) -> None:
    run = check(program, pair, "--offline")
    assert run.code == 2 and run.err.startswith("error: ")


# ---- the rules against the readers that really read these media

def of_shell(word: str) -> str | None:
    done = subprocess.run(["sh", "-c", f"printf %s {word}"], capture_output=True, cwd="/",
                          stdin=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"}, text=True)
    return done.stdout if done.returncode == 0 and not done.stderr else None


def of_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(f"key: {text}\n")["key"]
    except (yaml.YAMLError, ValueError, TypeError, KeyError):
        return None


def of_json(text: str) -> Any:
    try:
        return json.loads(f'"{text}"')
    except ValueError:
        return None


def of_query(text: str) -> str | None:
    return urllib.parse.parse_qs(f"x={text}").get("x", [None])[0]


def of_userinfo(text: str) -> str | None:
    try:
        parts = urllib.parse.urlsplit(f"https://user:{text}@example.com/")
        password = parts.password
        return urllib.parse.unquote(password) if password and parts.hostname == "example.com" else None
    except ValueError:
        return None


def of_ini(text: str) -> str | None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(f"[default]\naws_secret_access_key = {text}\n")
        return parser["default"]["aws_secret_access_key"]
    except (configparser.Error, KeyError):
        return None


READERS: dict[str, Callable[[str], Any]] = {
    "shell-unquoted": of_shell,
    "shell-single": lambda text: of_shell(f"'{text}'"),
    "shell-double": lambda text: of_shell(f'"{text}"'),
    "json": of_json,
    "yaml-plain": of_yaml,
    "url-query": of_query,
    "url-userinfo": of_userinfo,
    "credentials-file": of_ini,
}
HOSTILE = "\\\"'`$!#&*?;|<>()[]{}~%@:, =^-_."


def secrets() -> list[str]:
    """Real ones, which are base64, and such with characters that something takes for its own."""
    chance = random.Random(20260102)
    base64 = string.ascii_letters + string.digits + "+/"
    made = ["".join(chance.choices(base64, k=40)) for _ in range(20)]
    for special in HOSTILE:
        for place in (0, 20, 39):
            letters = chance.choices(string.ascii_letters + string.digits, k=40)
            letters[place] = special
            made.append("".join(letters))
    made += ["1" * 40, "12345e67", "0x1234567890abcdef", "true", "1_000_000", "2026-01-02",
             "190:20:30", "a%2Fb", "a${HOME}b", "a: b", "a #b", "x" + "=" * 2, "-1.5e+10", "~"]
    return made


def test_what_survives_really_does(program: Program) -> None:
    """Where it says that a secret survives, the real reader must give the secret back."""
    harmed = dict.fromkeys(READERS, 0)
    for secret in secrets():
        said = media(program, secret)
        for medium, read in READERS.items():
            if said[medium]:
                assert read(secret) == secret, (medium, secret)
            else:
                harmed[medium] += 1
    assert all(count > 0 for count in harmed.values()), harmed


def test_what_is_harmed_really_is_for_secrets_of_aws(program: Program) -> None:
    """For what AWS issues, the rules are neither too lax nor too strict."""
    for secret in secrets()[:20] + ["+" * 40, "/" * 40, "1" * 40, "/a+" * 13 + "b"]:
        said = media(program, secret)
        for medium, read in READERS.items():
            # A path like /a*b needs a pattern: base64 has none.
            assert said[medium] == (read(secret) == secret), (medium, secret)
        assert shlex.split(secret) == [secret] and said["shell-unquoted"]


# ---- live

def ask(program: Program, codes: list[str], *args: str) -> tuple[Run, list[float], str]:
    """STS answers each call with the next code, the last for ever; "" is a good answer."""
    def answer(_: object, number: int) -> tuple[int, str]:
        code = codes[min(number, len(codes)) - 1]
        return (403, sts_error(code)) if code else (200, STS_IDENTITY)

    with service(answer) as sts:
        run = check(program, f"{ID}\n{SECRET}\n", *args, **sts.environment())
    sent = "".join(call.body + str(call.headers) for call in sts.calls)
    assert SECRET not in sent
    return run, [call.at for call in sts.calls], sent


def test_a_live_key(program: Program) -> None:
    run, calls, sent = ask(program, [""])
    assert run.code == 0 and len(calls) == 1
    assert "Live: STS knows it as arn:aws:iam::111122223333:user/ci" in run.out
    assert f"Credential={ID}/" in sent and "Action=GetCallerIdentity" in sent


def test_a_new_key_is_waited_for_and_never_asked_twice_within_5_seconds(program: Program) -> None:
    run, calls, _ = ask(program, ["InvalidClientTokenId", ""], "--wait", "10s")
    assert run.code == 0 and len(calls) == 2
    assert calls[1] - calls[0] >= 5
    assert "after 5 s and 2 calls" in run.out


def test_a_key_that_stays_unknown(program: Program) -> None:
    run, calls, _ = ask(program, ["InvalidClientTokenId"], "--wait", "1s")
    assert run.code == 1 and len(calls) == 1 and "Not live" in run.out


def test_a_wrong_secret(program: Program) -> None:
    run, _, _ = ask(program, ["SignatureDoesNotMatch"], "--wait", "0s", "--format", "json")
    assert run.code == 1
    assert run.json["live"] == {"state": "refused", "code": "SignatureDoesNotMatch",
                                "seconds": 0, "calls": 1}


def test_sts_that_cannot_be_asked(program: Program) -> None:
    run, _, _ = ask(program, ["ServiceUnavailable"])
    assert run.code == 2 and "could not be asked" in run.out
    with service(lambda *_: (200, STS_IDENTITY)) as gone:
        env = gone.environment()
    run = check(program, f"{ID}\n{SECRET}\n", **env)
    assert run.code == 2 and "could not be asked" in run.out


def test_offline_asks_nobody(program: Program) -> None:
    run, calls, _ = ask(program, [""], "--offline")
    assert calls == [] and run.code == 0
