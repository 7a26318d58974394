"""Fixtures that tests of rigs and of functions share; a `conftest.py` imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from .aws import Moto
from .clock import Clock
from .lookup_events import LookupEvents
from .proxy import Proxy


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Moto]:
    """One a worker: it takes seconds to start."""
    server = Moto()
    yield server
    server.stop()


@pytest.fixture
def moto(moto_server: Moto) -> Moto:
    """AWS with nothing in it."""
    moto_server.reset()
    return moto_server


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def lookup(clock: Clock, moto: Moto) -> Iterator[LookupEvents]:
    """An event history without records."""
    server = LookupEvents(clock, moto.account_of)
    yield server
    server.stop()


@pytest.fixture
def proxy(moto: Moto, lookup: LookupEvents) -> Iterator[Proxy]:
    """The one address of all of AWS."""
    server = Proxy(moto.url, cloudtrail=lookup.url)
    yield server
    server.stop()
