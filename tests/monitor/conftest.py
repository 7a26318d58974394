"""A deployment of the functions, without its intake queue: tests hand over what that would."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from infra.roles import planned
from rigs.aws import REGION, Moto
from rigs.clock import Clock
from rigs.fixtures import clock, lookup, moto, moto_server, proxy  # noqa: F401
from rigs.lookup_events import LookupEvents
from rigs.permissions import AllowedOnly, Roles
from rigs.proxy import Proxy

from .deployment import BUCKET, MEMBER_ROLE, NAME, ROOT, WEBHOOK, Deployment


@pytest.fixture(scope="session")
def bootstrap() -> Path:
    """The built functions: what FAILURE_MONITOR_BOOTSTRAP names, or a fresh build."""
    if named := os.environ.get("FAILURE_MONITOR_BOOTSTRAP"):
        return Path(named).resolve()
    command = ["cargo", "build", "--quiet", "--locked", "--bin", "bootstrap"]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "bootstrap"


@pytest.fixture(scope="session")
def roles(
    moto_server: Moto, tmp_path_factory: pytest.TempPathFactory  # noqa: F811
) -> Roles | str:
    """What Terraform lets a deployment with these names do, or why that cannot be known here."""
    if not shutil.which("terraform"):
        return "terraform is not installed"
    variables = {
        "name": NAME,
        "member_role": MEMBER_ROLE,
        "slack": {"webhook_parameter": WEBHOOK},
        "trail": {"bucket": BUCKET, "announced_by": "eventbridge"},
    }
    try:
        return planned(moto_server, tmp_path_factory.mktemp("roles") / "infra", REGION, variables)
    except pytest.skip.Exception as skipped:
        return str(skipped)


@pytest.fixture
def deployed(
    bootstrap: Path, roles: Roles | str, allowed_only: AllowedOnly,
    moto: Moto, lookup: LookupEvents, proxy: Proxy, clock: Clock,  # noqa: F811
) -> Iterator[Deployment]:
    deployment = Deployment(bootstrap, moto, lookup, proxy, clock)
    yield deployment
    deployment.stop()
    allowed_only(proxy.calls, roles)
