"""Bearer tokens: who may append, read, disclose and operate, and on which ledgers.

A token is ``gongfen_<id>_<secret>`` with 32 random bytes of secret. The file ``tokens.json`` in the data directory
holds only the SHA-256 of each secret: a secret with that much entropy needs no slow hash. As long as no token was ever
made the server is open, and binds to loopback only; once one was made it never opens again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from ledger.core.encoding import encode_base64url
from ledger.errors import AccessError, ConfigError, FormatError, LedgerError, NotFoundError
from ledger.files import read_secret, replace_file
from ledger.service.storage import now_ms

logger = structlog.get_logger(__name__)

Scope = Literal["append", "read", "disclose", "operate"]
SCOPES: Final[dict[Scope, str]] = {
    "append": "submit events",
    "read": "see entries, accounts, households, tasks, receipts and entry bundles",
    "disclose": "see private details in receipts and households; takes `read` as well",
    "operate": "have the state committed and due points lapse, read metrics",
}
EVERY_LEDGER: Final = "*"
PREFIX: Final = "gongfen"
REFRESH_S: Final = 1.0
"""How soon a running server notices that a token was made or revoked."""


class Token(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A token as stored. ``digest`` is the hex SHA-256 of its secret; times are ms since 1970 UTC."""

    id: str
    digest: str
    scopes: list[Scope]
    ledgers: list[str]
    created_at: int
    label: str = ""
    expires_at: int | UnsetType = UNSET
    revoked_at: int | UnsetType = UNSET

    def standing(self, at_ms: int) -> Literal["active", "expired", "revoked"]:
        """Whether it counts at a moment."""
        if not isinstance(self.revoked_at, UnsetType):
            return "revoked"
        if not isinstance(self.expires_at, UnsetType) and at_ms >= self.expires_at:
            return "expired"
        return "active"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["gongfen-tokens/1"]
    tokens: list[Token]


class TokenFile:
    """The tokens of one data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, data_dir: Path) -> TokenFile:
        """The token file of a data directory."""
        return cls(data_dir / "tokens.json")

    def read(self) -> list[Token]:
        """Every token ever made. Raises `ConfigError` if the file is damaged or open to others."""
        try:
            data = read_secret(self.path, "token file")
        except ConfigError as error:
            if isinstance(error.__cause__, FileNotFoundError):  # nothing else counts as "no token was ever made"
                return []
            raise
        try:
            return msgspec.json.decode(data, type=_File).tokens
        except msgspec.DecodeError as error:
            raise ConfigError(f"not a token file: {error}", field=str(self.path)) from error

    def create(
        self, scopes: Sequence[Scope], ledgers: Sequence[str], *, label: str = "", expires_at: int | None = None
    ) -> tuple[str, Token]:
        """A new token: its text, which is shown this once, and what is stored."""
        if not scopes:
            raise ConfigError("a token needs a scope", field="scope", expected=", ".join(SCOPES))
        secret = encode_base64url(secrets.token_bytes(32))
        token = Token(
            id=secrets.token_hex(8),
            digest=_digest(secret),
            scopes=sorted(set(scopes)),
            ledgers=sorted(set(ledgers)) or [EVERY_LEDGER],
            created_at=now_ms(),
            label=label,
            expires_at=UNSET if expires_at is None else expires_at,
        )
        with self._locked():
            self._write([*self.read(), token])
        return f"{PREFIX}_{token.id}_{secret}", token

    def revoke(self, token_id: str) -> Token:
        """Make a token useless from now on; it stays listed. Raises `NotFoundError`."""
        with self._locked():
            tokens = self.read()
            for place, token in enumerate(tokens):
                if token.id == token_id:
                    if isinstance(token.revoked_at, UnsetType):
                        tokens[place] = replace(token, revoked_at=now_ms())
                        self._write(tokens)
                    return tokens[place]
        raise NotFoundError("no such token; `gongfen token list` shows their ids", field="id", got=token_id)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One change at a time: a lost update could bring a revoked token back."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, tokens: list[Token]) -> None:
        data = msgspec.json.format(msgspec.json.encode(_File("gongfen-tokens/1", tokens)))
        replace_file(self.path, data + b"\n")


class Gate:
    """Decides whether a request may pass. Follows the token file while the server runs."""

    def __init__(self, file: TokenFile, *, clock: Callable[[], int] = now_ms) -> None:
        self._file = file
        self._clock = clock
        self._tokens: dict[bytes, Token] = {}
        self._closed = False
        self._stamp: object = None
        self._next_look = 0.0
        self._load()

    @property
    def open(self) -> bool:
        """Whether no token was ever made."""
        if time.monotonic() >= self._next_look:
            self._look()
        return not self._closed

    def admit(self, authorization: bytes | None, scope: Scope, ledger: str | None = None) -> None:
        """Raise `AccessError` unless the ``Authorization`` header carries a token of this scope for this ledger.

        ``ledger`` is None for what concerns the server as a whole.
        """
        if self.open:
            return
        token = self._token(authorization)
        if scope not in token.scopes:
            raise AccessError("the token lacks a scope", field="scope", expected=scope, got=", ".join(token.scopes))
        if EVERY_LEDGER not in token.ledgers and ledger not in token.ledgers:
            raise AccessError(
                "the token is for other ledgers", field="ledger", expected=ledger or "every ledger", got="another"
            )

    def _token(self, authorization: bytes | None) -> Token:
        kind, _, text = (authorization or b"").partition(b" ")
        parts = text.strip().split(b"_", 2)
        if kind.lower() != b"bearer" or len(parts) != 3 or parts[0] != PREFIX.encode():
            raise _unauthenticated("a bearer token is needed")
        token = self._tokens.get(parts[1])
        if token is None or not hmac.compare_digest(hashlib.sha256(parts[2]).hexdigest(), token.digest):
            raise _unauthenticated("no such token")
        if (standing := token.standing(self._clock())) != "active":
            raise _unauthenticated(f"the token is {standing}")
        return token

    def _look(self) -> None:
        self._next_look = time.monotonic() + REFRESH_S
        with contextlib.suppress(FileNotFoundError):
            found = self._file.path.stat()
            if (found.st_mtime_ns, found.st_ino) != self._stamp:
                try:
                    self._load()
                except LedgerError:  # the tokens known so far still count; the operator has to mend the file
                    logger.exception("token file was not read again")

    def _load(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            found = self._file.path.stat()
            self._stamp = (found.st_mtime_ns, found.st_ino)
        tokens = self._file.read()
        self._tokens = {token.id.encode(): token for token in tokens}
        self._closed = self._closed or bool(tokens)
        self._next_look = time.monotonic() + REFRESH_S


def parse_scope(text: str) -> Scope:
    """A scope by its name. Raises `FormatError`."""
    for scope in SCOPES:
        if scope == text:
            return scope
    raise FormatError("no such scope", field="scope", expected=", ".join(SCOPES), got=text)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _unauthenticated(message: str) -> AccessError:
    return AccessError(
        message, code="unauthenticated", field="Authorization", expected="Bearer, and a token of `gongfen token create`"
    )
