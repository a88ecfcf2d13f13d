"""Settings of the ledger's processes, from the environment (``GONGFEN_…``) or a ``.env`` file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting has a default that is safe on one machine: SQLite, loopback, no token needed there."""

    model_config = SettingsConfigDict(env_prefix="GONGFEN_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("var")
    database_url: str = ""
    """Default: ``ledger.db`` in the data directory."""
    key_store_url: str = ""
    """The party keys' own database. Default: ``keystore.db`` in the data directory; leave it out of backups."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    commit_interval_s: Annotated[float, Field(gt=0)] = 30.0
    """How often the state map is committed to the log when something came."""
    writer_process: bool = True
    """Whether the writer runs in a process of its own, beside the one that talks HTTP."""
    queue_max: Annotated[int, Field(ge=1)] = 20_000
    """Events that may wait in a ledger's queue; beyond it the answer is 503."""
    group_max: Annotated[int, Field(ge=1, le=10_000)] = 2_000
    gather_ms: Annotated[float, Field(ge=0, le=100)] = 4.0
    """How long the sequencer waits under load for a group to fill; never when idle."""

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'ledger.db'}"

    @property
    def key_store(self) -> str:
        """The key store URL in force."""
        return self.key_store_url or f"sqlite:///{self.data_dir / 'keystore.db'}"

    @property
    def keys_dir(self) -> Path:
        """Where the server's key files lie."""
        return self.data_dir / "keys"
