"""Files that survive and stay closed: key files, tokens, a member's memory, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.auth import TokenFile
from ledger.errors import ConfigError
from ledger.files import read_secret, replace_file, write_secret


def test_a_secret_is_its_owners_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    write_secret(path, b"one")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="exists already"):
        write_secret(path, b"two")
    assert read_secret(path) == b"one"
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="open to others"):
        read_secret(path)


def test_a_file_is_replaced_whole_also_over_what_a_crash_left(tmp_path: Path) -> None:
    path = tmp_path / "anchor.toml"
    (tmp_path / "anchor.toml.new").write_bytes(b"half of")
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["anchor.toml"]


def test_only_a_missing_token_file_means_that_no_token_was_made(tmp_path: Path) -> None:
    assert TokenFile.of(tmp_path).read() == []
    (tmp_path / "tokens.json").symlink_to("tokens.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        TokenFile.of(tmp_path).read()
