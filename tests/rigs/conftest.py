"""Fixtures of the rigs' own tests."""

from .fixtures import clock, lookup, moto, moto_server, proxy  # noqa: F401
