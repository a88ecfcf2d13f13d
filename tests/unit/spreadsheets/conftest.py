"""A town hall for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.town_hall import TownHall


@pytest.fixture
def hall(tmp_path: Path) -> TownHall:
    """A village without villagers."""
    return TownHall(tmp_path)


@pytest.fixture
def settled(hall: TownHall) -> TownHall:
    """A village whose register was imported."""
    assert hall.register().faults == ()
    return hall
