"""Permissions, over all tests of the deployed functions: each call that they make must be allowed
by the role that Terraform creates, and each action that is allowed must be used by some test.

The first is checked where the calls are made (`allowed_only`), the second when all workers have
ended, if the whole of tests/infra and tests/monitor ran.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generator, Iterable, Iterator

import pytest

from rigs.permissions import AllowedOnly, Roles, Use, allowed, used
from rigs.proxy import Call

HERE = Path(__file__).parent
FOLDERS = [HERE / "infra", HERE / "monitor"]

# Actions that no call of the program shows, with the reason.
NOT_CALLED = {
    "logs:CreateLogStream": "Lambda writes what the program prints",
    "logs:PutLogEvents": "Lambda writes what the program prints",
    "sqs:DeleteMessage": "Lambda takes the messages from the queue",
    "sqs:GetQueueAttributes": "Lambda takes the messages from the queue",
    "sqs:ReceiveMessage": "Lambda takes the messages from the queue",
    "sqs:SendMessage": "Lambda puts events that failed into the dead-letter queue",
    "xray:PutTelemetryRecords": "Lambda traces",
    "xray:PutTraceSegments": "Lambda traces",
    "kms:Decrypt": "services decrypt what the role reads from them",
    "kms:GenerateDataKey": "services encrypt what the role hands to them",
}

Notes = dict[str, set[Any]]
NOTES = pytest.StashKey[Notes]()
PROBLEMS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTES] = {"used": set(), "allowed": set(), "unchecked": set()}
    config.stash[PROBLEMS] = []


@pytest.fixture(scope="session")
def allowed_only(pytestconfig: pytest.Config) -> AllowedOnly:
    """Fails for calls that the roles do not allow. In place of the roles may stand why there are none."""
    notes = pytestconfig.stash[NOTES]

    def check(calls: Iterable[Call], roles: Roles | str) -> None:
        if isinstance(roles, str):
            notes["unchecked"].add(roles)
            return
        use, refused = used(calls, roles)
        notes["used"] |= use
        notes["allowed"] |= allowed(roles)
        assert not refused, "AWS would refuse:\n" + "\n".join(refused)

    return check


def ran_whole(config: pytest.Config) -> bool:
    """Whether no test of the functions was left out."""
    begin = config.invocation_params.dir
    given = [(begin / argument).resolve() for argument in config.args]  # One test is no folder.
    narrowing = ("collectonly", "keyword", "markexpr", "deselect", "ignore", "ignore_glob")
    narrowed = any(config.getoption(option, None) for option in narrowing)
    return not narrowed and all(any(f.is_relative_to(g) for g in given) for f in FOLDERS)


def superfluous(use: Use, may: Use) -> Iterator[str]:
    """What is allowed and not used, and reasons for what needs none."""
    for role, action in sorted(may - use):
        if action not in NOT_CALLED:
            yield f"the role of {role} allows {action}, which no test uses"
    for action in NOT_CALLED:
        if action in {a for _, a in use}:
            yield f"{action} is used: take it off the list in tests/conftest.py"
        elif action not in {a for _, a in may}:
            yield f"{action} is not allowed anywhere: take it off the list in tests/conftest.py"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for name, found in getattr(node, "workeroutput", {}).get("permissions", {}).items():
        node.config.stash[NOTES][name] |= found


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield
    config, notes = session.config, session.config.stash[NOTES]
    if hasattr(config, "workeroutput"):
        config.workeroutput["permissions"] = notes
    elif not notes["unchecked"] and not session.testsfailed and ran_whole(config):
        config.stash[PROBLEMS] = list(superfluous(notes["used"], notes["allowed"]))
        session.testsfailed += len(config.stash[PROBLEMS])
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for reason in sorted(config.stash[NOTES]["unchecked"]):
        terminalreporter.section("permissions")
        terminalreporter.line(f"The calls of the functions were not compared with their roles: {reason}")
    if problems := config.stash[PROBLEMS]:
        terminalreporter.section("permissions", red=True)
        for problem in problems:
            terminalreporter.line(f"FAILED {problem}", red=True)
