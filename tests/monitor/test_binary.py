"""The built file itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .elf import AL2023_GLIBC, newest_glibc


@pytest.mark.skipif(sys.platform != "linux", reason="the functions are built on Linux")
def test_it_runs_on_amazon_linux_2023(bootstrap: Path) -> None:
    assert newest_glibc(bootstrap) <= AL2023_GLIBC
    # It needs nothing but the C library and what comes with it.
    linked = subprocess.run(["ldd", bootstrap], capture_output=True, text=True).stdout
    names = {line.split()[0].rsplit("/", 1)[-1].split(".so")[0] for line in linked.splitlines()}
    known = {"linux-vdso", "libc", "libm", "libgcc_s", "libdl", "libpthread", "librt",
             "ld-linux-x86-64", "ld-linux-aarch64"}
    assert names and names <= known, linked
