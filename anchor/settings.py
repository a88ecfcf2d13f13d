"""``anchor.toml``: the chains, ledgers, members and keys of an anchor process. Paths are relative to the file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from anchor.profiles import Profile, profile_of
from ledger.core.note import ED25519, VerifierKey
from ledger.core.receipt import Address, DigestHex
from ledger.core.types import MAX_INT, parse_origin, short_name
from ledger.errors import ConfigError, LedgerError
from ledger.files import replace_file
from ledger.store.outbox import ContractKey

FILE_NAME: Final = "anchor.toml"
HEADER: Final = "# Written by `gongfen anchor`; edit it freely, it is read when a command starts.\n"


class _Section(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class ChainSection(_Section, frozen=True, kw_only=True):
    """A contract and the node to reach it by. ``confirmations`` overrides the profile's."""

    id: Annotated[int, Meta(ge=1, le=MAX_INT)]
    contract: Address
    code_hash: DigestHex
    first_block: Annotated[int, Meta(ge=0)] = 0
    profile: str
    rpc: str
    confirmations: Annotated[int, Meta(ge=1, le=1_000_000)] | UnsetType = UNSET

    @property
    def key(self) -> ContractKey:
        """The contract as the outbox names it."""
        return ContractKey(self.id, self.contract)

    @property
    def kind(self) -> Profile:
        """The profile."""
        return profile_of(self.profile)

    @property
    def depth(self) -> int:
        """Blocks that must stand, the anchor's own included."""
        return self.kind.confirmations if isinstance(self.confirmations, UnsetType) else self.confirmations


class MemberSection(_Section, frozen=True):
    """A member whose key lies here, and the file of what it signed."""

    key: str
    memory: str


class LedgerSection(_Section, frozen=True):
    """A ledger, the keys of its log as the operator pinned them, and the key that signs its heads."""

    origin: str
    log_keys: Annotated[list[str], Meta(min_length=1, max_length=16)]
    head_key: str

    @property
    def name(self) -> str:
        """Its short name."""
        return short_name(self.origin)

    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """The log's keys."""
        return tuple(VerifierKey.parse(text) for text in self.log_keys)


class AnchorSettings(_Section, frozen=True, kw_only=True):
    """The whole file."""

    format: Literal["gongfen-anchor/1"] = "gongfen-anchor/1"
    server: str = "http://127.0.0.1:8000"
    interval_s: Annotated[float, Meta(gt=0, le=86_400)] = 30.0
    submitter: str = "keys/submitter.key"
    chain: Annotated[list[ChainSection], Meta(max_length=16)] = []
    member: Annotated[list[MemberSection], Meta(max_length=64)] = []
    ledger: Annotated[list[LedgerSection], Meta(max_length=10_000)] = []


def load_settings(path: Path) -> AnchorSettings:
    """Read the file. Raises `ConfigError` with the field at fault."""
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), AnchorSettings)
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}; `gongfen anchor deploy` writes it", field=str(path)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not TOML: {error}", field=str(path)) from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{str(error)[:1].lower()}{str(error)[1:]}", field=str(path)) from error
    _check(settings)
    return settings


def _check(settings: AnchorSettings) -> None:
    for place, ledger in enumerate(settings.ledger):
        field = f"ledger[{place}]"
        try:
            parse_origin(ledger.origin)
            keys = ledger.verifier_keys()
        except LedgerError as error:
            raise ConfigError(error.message, field=field, expected=error.expected, got=error.got) from error
        if any(key.name != ledger.origin or key.type != ED25519 for key in keys):
            raise ConfigError("not a key of this ledger's log", field=f"{field}.log_keys", expected=ledger.origin)
    for section, values in (
        ("chain", [chain.key for chain in settings.chain]),
        ("ledger", [ledger.name for ledger in settings.ledger]),
        ("member", [member.key for member in settings.member]),
    ):
        if len(set(values)) != len(values):
            raise ConfigError("listed twice", field=section)
    for chain in settings.chain:
        profile_of(chain.profile)


def save_settings(path: Path, settings: AnchorSettings) -> None:
    """Write the file, as a whole and durably."""
    _check(settings)
    values = msgspec.to_builtins(settings)
    tables = {name: values.pop(name) for name in ("chain", "member", "ledger") if name in values}
    top = {"format": settings.format, "server": settings.server, "interval_s": settings.interval_s,
           "submitter": settings.submitter}  # fmt: skip
    parts = [HEADER, *_lines(top)]
    for name, sections in tables.items():
        for section in sections:
            parts += [f"\n[[{name}]]\n", *_lines(section)]
    replace_file(path, "".join(parts).encode())


def trust_chain(chain: ChainSection) -> str:
    """The ``[[chain]]`` part of a verifier's trust file (formats §9). The verifier checks it by means of its own."""
    section = {
        "id": chain.id,
        "contract": chain.contract,
        "code_hash": chain.code_hash,
        "confirmations": chain.depth,
        "profile": chain.profile,
        "rpc": [chain.rpc],
    }
    return "".join(["[[chain]]\n", *_lines(section)])


def _lines(values: dict[str, Any]) -> list[str]:
    """TOML of strings, numbers and lists of strings; JSON spells these the same way."""
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
