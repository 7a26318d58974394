"""Fixtures of the tests of the configuration."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

from rigs.aws import Moto

from .terraform import Terraform, copy_of_infra


class FilledMoto(Moto):
    """The rigs' moto with its gaps filled."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.moto_server"],
            cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "moto did not start"
        self.port = int(line)
        self._clients = {}


@pytest.fixture(scope="session", autouse=True)
def needs_terraform() -> None:
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")


@pytest.fixture(scope="module")
def aws() -> Iterator[FilledMoto]:
    """An account with nothing in it."""
    server = FilledMoto()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The configuration, initialised, without anything to talk to."""
    terraform = Terraform(copy_of_infra(tmp_path_factory.mktemp("offline") / "infra"))
    terraform.init("-backend=false")
    return terraform
