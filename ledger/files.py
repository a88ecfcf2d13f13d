"""Files that must survive a power cut, and files that nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ledger.errors import ConfigError


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file with mode 600, durably. An existing file is never overwritten: raises `ConfigError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_new(path, data)
    except FileExistsError as error:
        raise ConfigError("key file exists already; move it away first", field=str(path)) from error
    _sync(path.parent)


def read_secret(path: Path, what: str = "key file") -> bytes:
    """The content of a file that is its owner's only. Raises `ConfigError` if it is missing or open to others.

    ``what`` is the word for it in errors.
    """
    try:
        mode = path.stat().st_mode
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror}", field=str(path)) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"{what} is open to others; run chmod 600 on it",
            field=str(path),
            expected="mode 600",
            got=oct(mode & 0o777),
        )
    return data


def replace_file(path: Path, data: bytes) -> None:
    """Give a file new content, as a whole and durably, with mode 600; whoever reads sees the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    _write_new(draft, data)
    draft.replace(path)
    _sync(path.parent)


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """A file's name is durable only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
