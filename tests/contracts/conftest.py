"""Fixtures of the contract tests."""

from __future__ import annotations

import pytest

from .world import Ledger, World


@pytest.fixture
def world() -> World:
    """A fresh chain with a contract of four members and a quorum of three."""
    return World()


@pytest.fixture
def ledger(world: World) -> Ledger:
    """A registered ledger without an anchor."""
    return world.ledger()
