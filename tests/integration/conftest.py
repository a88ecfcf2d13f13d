"""A village behind the application, on SQLite, and on PostgreSQL where one is given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.config import Settings
from ledger.scenarios.processes import Processes
from ledger.scenarios.scenario import Scenario
from ledger.scenarios.town import Town
from tests.helpers.storage import BOTH, database
from tests.unit.api.world import World, founded, running, serving


@pytest.fixture(scope="module", params=BOTH)
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A founded ledger in a new database, one for each test module and kind of database."""
    folder = tmp_path_factory.mktemp("village")
    with database(request.param, folder) as url:
        made = Settings(data_dir=folder, database_url=url, commit_interval_s=3600)
        founded(made)
        yield made


@pytest.fixture(scope="module")
def world(settings: Settings) -> Iterator[World]:
    """The village with its officers, residents and rule book, served in process."""
    with running(settings) as made:
        made.populate()
        yield made


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server process over a village of its own."""
    made = Settings(data_dir=tmp_path_factory.mktemp("served"))
    founded(made)
    with serving(made) as url:
        yield url


@pytest.fixture(scope="module")
def town(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A server process over the ledgers of the test module's own `scenario`, nothing sent to it yet."""
    folder = tmp_path_factory.mktemp("town")
    with Processes(folder / "logs") as processes:
        made = Town(folder, processes)
        made.found(scenario)
        made.serve()
        yield made
