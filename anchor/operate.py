"""What the commands do: deploying, registering, and opening the service on a data directory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Engine

from anchor.connect import connect
from anchor.deploy import deploy, register_ledgers
from anchor.keys import EvmKey, Use, new_key, read_key, write_key
from anchor.leader import Leader
from anchor.members import MemberMemory
from anchor.profiles import profile_of
from anchor.service import AnchorService, open_service
from anchor.settings import (
    AnchorSettings,
    ChainSection,
    LedgerSection,
    MemberSection,
    load_settings,
    save_settings,
)
from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.core.note import VerifierKey
from ledger.core.types import short_name
from ledger.errors import ConfigError, FormatError, StateError
from ledger.store.database import open_engine

KEYS: Final = "keys"


class Deployment(NamedTuple):
    """What `deploy` made."""

    chain: ChainSection
    submitter: str
    members: list[str]
    quorum: int


def deploy_contract(
    path: Path, *, rpc: str, profile: str, members: int | None, quorum: int | None, server: str | None,
    confirmations: int | None,
) -> Deployment:  # fmt: skip
    """Deploy a contract and write it into the settings file, which is made, with keys, if there is none.

    A settings file that exists keeps its members and submitter, and gets one more chain. Raises `LedgerError`.
    """
    folder, kind = path.parent, profile_of(profile)
    settings = load_settings(path) if path.exists() else _new_settings(folder, 3 if members is None else members)
    if members is not None and members != len(settings.member):
        raise ConfigError("the settings file has other members", field=str(path), expected=members,
                          got=len(settings.member))  # fmt: skip
    submitter = read_key(folder / settings.submitter, "submitter")
    addresses = [read_key(folder / section.key, "member").address for section in settings.member]
    needed = len(addresses) // 2 + 1 if quorum is None else quorum
    made = deploy(connect(rpc, kind), kind, submitter.account, addresses, needed)
    chain = ChainSection(
        id=made.key.chain_id,
        contract=made.key.contract,
        code_hash=made.code_hash,
        first_block=made.block,
        profile=profile,
        rpc=rpc,
        confirmations=msgspec.UNSET if confirmations is None else confirmations,
    )
    if any(present.key == chain.key for present in settings.chain):
        raise ConfigError(
            "another chain with this id, and a contract of this address, is in the file: give each development chain "
            "an id of its own, or begin with another folder",
            field=str(path),
            got=f"{chain.contract} on {chain.id}",
        )
    grown = msgspec.structs.replace(settings, chain=[*settings.chain, chain], server=server or settings.server)
    save_settings(path, grown)
    return Deployment(chain, submitter.address, addresses, needed)


def _new_settings(folder: Path, members: int) -> AnchorSettings:
    if not 1 <= members <= 64:
        raise ConfigError("not a number of members", field="members", expected="1 to 64", got=members)
    settings = AnchorSettings(
        member=[
            MemberSection(f"{KEYS}/member-{number}.key", f"{KEYS}/member-{number}.json")
            for number in range(1, members + 1)
        ]
    )
    _key(folder / settings.submitter, "submitter")
    for section in settings.member:
        _new_member(folder, section)
    return settings


def _new_member(folder: Path, section: MemberSection) -> None:
    """A member's key and its empty memory; one that has a key already keeps both, for a memory is never made anew."""
    if (folder / section.key).exists():
        MemberMemory(folder / section.memory, read_key(folder / section.key, "member").address)
        return
    key = new_key("member")
    MemberMemory.create(folder / section.memory, key.address)
    write_key(folder / section.key, key)


def _key(path: Path, use: Use, origin: str | None = None) -> EvmKey:
    """The key of a file, which is made if there is none."""
    if not path.exists():
        write_key(path, new_key(use, origin))
    return read_key(path, use, origin)


def register(path: Path, client: LedgerClient, names: Sequence[str], log_keys: Sequence[str]) -> dict[str, list[str]]:
    """Take ledgers of the server into the settings file and register all of the file's ledgers on every chain.

    Without names, all of the server's. ``log_keys`` are those that the operator has from elsewhere; a ledger whose
    key is not among them has it pinned as entry 0 states it. Answers what was registered now, by contract.
    """
    settings = load_settings(path)
    given = {key.name: str(key) for key in map(VerifierKey.parse, log_keys)}
    served = {ledger["name"]: ledger["origin"] for ledger in client.ledgers()}
    for name in names:
        if name not in served:
            raise ConfigError("the server has no such ledger", field="ledger", expected=", ".join(served), got=name)
    present = {section.origin for section in settings.ledger}
    fresh = [
        _section(path.parent, client, name, served[name], given)
        for name in (names or served)
        if served[name] not in present
    ]
    settings = msgspec.structs.replace(settings, ledger=[*settings.ledger, *fresh])
    save_settings(path, settings)
    return {chain.contract: _register_on(path.parent, settings, chain) for chain in settings.chain}


def _section(folder: Path, client: LedgerClient, name: str, origin: str, given: dict[str, str]) -> LedgerSection:
    if short_name(origin) != name:
        raise StateError("the server names a ledger otherwise than its origin does", expected=origin, got=name)
    log_key = given.get(origin) or founding_log_key(client.entry(name, 0), origin)
    file = f"{KEYS}/{name}.head.key"
    _key(folder / file, "head", origin)
    return LedgerSection(origin, [log_key], file)


def founding_log_key(entry: bytes, origin: str) -> str:
    """The log key that a ledger's entry 0 states. Raises `FormatError` if that is another ledger's."""
    try:
        event = json.loads(entry)["event"]
        stated, text = event["ledger"], event["body"]["log_key"]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError("not the entry that founds a ledger", field="entry") from error
    key = VerifierKey.parse(text)
    if stated != origin or key.name != origin:
        raise FormatError("entry 0 of another ledger", field="entry", expected=origin, got=str(stated))
    return str(key)


def _register_on(folder: Path, settings: AnchorSettings, chain: ChainSection) -> list[str]:
    ledgers = [
        (section.origin, read_key(folder / section.head_key, "head", section.origin).address)
        for section in settings.ledger
    ]
    submitter = read_key(folder / settings.submitter, "submitter").account
    members = [read_key(folder / section.key, "member").account for section in settings.member]
    return register_ledgers(connect(chain.rpc, chain.kind), chain.kind, chain.key, submitter, ledgers, members)


class Opened(NamedTuple):
    """The service with what it stands on."""

    service: AnchorService
    settings: AnchorSettings
    engine: Engine
    client: LedgerClient
    leader: Leader


@contextmanager
def opened(path: Path, server_settings: Settings, token: str | None) -> Iterator[Opened]:
    """The service of a settings file, on the ledger server's database. Raises `LedgerError` on doubtful state."""
    settings = load_settings(path)
    engine = open_engine(server_settings.database)
    leader = Leader(engine)
    try:
        with LedgerClient(settings.server, token) as client:
            yield Opened(open_service(engine, client, settings, path.parent), settings, engine, client, leader)
    finally:
        leader.release()
        engine.dispose()


def lead(leader: Leader) -> None:
    """Raises `StateError` if another anchor process works on this database."""
    if not leader.hold():
        raise StateError("another anchor process works on this database; stop it first", code="locked")
