"""What a built program needs of the system it runs on."""

from __future__ import annotations

import re
from pathlib import Path

# https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html: the base of provided.al2023.
AL2023_GLIBC = (2, 34)


def newest_glibc(program: Path) -> tuple[int, int]:
    """The highest version of a symbol of glibc that the program names."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", program.read_bytes())
    return max((int(major), int(minor)) for major, minor in versions)
