"""A deployment of the functions, without its intake queue: tests hand over what that would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from rigs.aws import Moto
from rigs.clock import Clock
from rigs.fixtures import clock, lookup, moto, moto_server, proxy  # noqa: F401
from rigs.lookup_events import LookupEvents
from rigs.proxy import Proxy

from .deployment import ROOT, Deployment


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    """The built functions: what FAILURE_MONITOR_BOOTSTRAP names, or a fresh build."""
    if named := os.environ.get("FAILURE_MONITOR_BOOTSTRAP"):
        return Path(named).resolve()
    command = ["cargo", "build", "--quiet", "--locked", "--bin", "bootstrap"]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "bootstrap"


@pytest.fixture
def deployed(
    bootstrap: Path, moto: Moto, lookup: LookupEvents, proxy: Proxy, clock: Clock  # noqa: F811
) -> Iterator[Deployment]:
    deployment = Deployment(bootstrap, moto, lookup, proxy, clock)
    yield deployment
    deployment.stop()
