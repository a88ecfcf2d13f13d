"""The verifier's trust: a file of the verifier's own, never taken from what is verified (formats §9)."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Annotated, Final, NoReturn

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.core.note import COSIGNATURE, ED25519, VerifierKey
from ledger.core.types import MAX_INT, parse_origin
from ledger.errors import ConfigError, LedgerError

TRUST_MAX_BYTES: Final = 1 << 20

KeyText = Annotated[str, Meta(max_length=512)]
Small = Annotated[int, Meta(ge=0, le=64)]


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Log(_Section, frozen=True):
    origin: str
    keys: Annotated[list[KeyText], Meta(min_length=1, max_length=16)]


class _Witness(_Section, frozen=True):
    key: KeyText
    audits: bool = False


class Policy(_Section, frozen=True):
    """What a checkpoint needs: cosignatures, how many of them by auditors, chains that hold its anchor, its age."""

    witnesses: Small = 0
    auditors: Small = 0
    chains: Small = 0
    max_age_days: Annotated[int, Meta(ge=1, le=36_500)] | UnsetType = UNSET


class TrustedChain(_Section, frozen=True):
    """A contract on a chain that the verifier trusts, and the nodes to ask about it.

    ``contract`` is ``0x`` and lower-case hex, ``code_hash`` the hex keccak-256 of the contract's runtime code. An
    anchor counts when ``confirmations`` blocks stand, its own included.
    """

    id: Annotated[int, Meta(ge=1, le=MAX_INT)]
    contract: Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{40}$", min_length=42, max_length=42)]
    code_hash: Annotated[str, Meta(pattern=r"^(0x)?[0-9a-fA-F]{64}$", min_length=64, max_length=66)] | UnsetType = UNSET
    confirmations: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    profile: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", max_length=40)] | UnsetType = UNSET
    rpc: Annotated[list[Annotated[str, Meta(max_length=2000)]], Meta(max_length=16)] = []


class _File(_Section, frozen=True):
    policy: Policy
    log: Annotated[list[_Log], Meta(min_length=1, max_length=10_000)]
    witness: Annotated[list[_Witness], Meta(max_length=64)] = []
    chain: Annotated[list[TrustedChain], Meta(max_length=64)] = []


class Trust(Struct, frozen=True):
    """Whom the verifier believes: log keys by origin, witness keys, those of auditors, chains, and how many of each."""

    logs: dict[str, tuple[VerifierKey, ...]]
    witnesses: tuple[VerifierKey, ...]
    auditors: frozenset[bytes]
    policy: Policy
    chains: tuple[TrustedChain, ...]

    @classmethod
    def parse(cls, text: str) -> Trust:
        """The trust that a TOML text states. Raises `ConfigError` with the field at fault."""
        file = _read(text)
        logs = _logs(file)
        witnesses = _witnesses(file, {key.public_key for keys in logs.values() for key in keys})
        audits = [key.public_key for key, section in zip(witnesses, file.witness, strict=True) if section.audits]
        _check_policy(file.policy, len(witnesses), len(audits), len(file.chain))
        return cls(logs, witnesses, frozenset(audits), file.policy, _chains(file))


@lru_cache(maxsize=16)
def trust_of(text: str) -> Trust:
    """`Trust.parse`, remembered: a verifier of many receipts reads its file once."""
    return Trust.parse(text)


def _read(text: str) -> _File:
    if len(text) > TRUST_MAX_BYTES:
        raise ConfigError("trust file too large", expected=f"at most {TRUST_MAX_BYTES} characters")
    try:
        return msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"trust file is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        sentence, _, place = str(error).partition(" - at `$")
        field = place.rstrip("`").lstrip(".") or None
        raise ConfigError(f"trust file: {sentence[:1].lower()}{sentence[1:]}", field=field) from error


def _logs(file: _File) -> dict[str, tuple[VerifierKey, ...]]:
    logs: dict[str, tuple[VerifierKey, ...]] = {}
    for place, section in enumerate(file.log):
        field = f"log[{place}].origin"
        try:
            origin = parse_origin(section.origin)
        except LedgerError as error:
            _refuse(error, field)
        if origin in logs:
            raise ConfigError("a log is listed twice", field=field, got=origin)
        keys = tuple(_key(text, f"log[{place}].keys[{at}]", ED25519) for at, text in enumerate(section.keys))
        if len(set(keys)) != len(keys):
            raise ConfigError("a key is listed twice", field=f"log[{place}].keys")
        for at, key in enumerate(keys):
            if key.name != origin:
                raise ConfigError(
                    "not a key of this log", field=f"log[{place}].keys[{at}]", expected=origin, got=key.name
                )
        logs[origin] = keys
    return logs


def _witnesses(file: _File, log_keys: set[bytes]) -> tuple[VerifierKey, ...]:
    seen = set(log_keys)  # a log that cosigns its own checkpoint is no witness
    witnesses = []
    for place, section in enumerate(file.witness):
        key = _key(section.key, f"witness[{place}].key", COSIGNATURE)
        if key.public_key in seen:
            raise ConfigError(
                "a public key is listed twice: a quorum counts different keys", field=f"witness[{place}].key"
            )
        seen.add(key.public_key)
        witnesses.append(key)
    return tuple(witnesses)


def _chains(file: _File) -> tuple[TrustedChain, ...]:
    chains: dict[tuple[int, str], TrustedChain] = {}
    for place, chain in enumerate(file.chain):
        contract = chain.contract.lower()
        if (chain.id, contract) in chains:
            raise ConfigError("a contract is listed twice", field=f"chain[{place}].contract", got=contract)
        if len(set(chain.rpc)) != len(chain.rpc):
            raise ConfigError("a node is listed twice", field=f"chain[{place}].rpc")
        code_hash = chain.code_hash
        if not isinstance(code_hash, UnsetType):
            code_hash = code_hash.removeprefix("0x").lower()
            if len(code_hash) != 64:
                raise ConfigError("not a digest", field=f"chain[{place}].code_hash", expected="64 hex digits")
        chains[chain.id, contract] = msgspec.structs.replace(chain, contract=contract, code_hash=code_hash)
    return tuple(chains.values())


def _check_policy(policy: Policy, witnesses: int, auditors: int, chains: int) -> None:
    if not policy.witnesses and not policy.chains:
        raise ConfigError(
            "a policy with neither witnesses nor chains trusts the log alone", field="policy", expected="at least one"
        )
    for name, wanted, listed in (
        ("witnesses", policy.witnesses, witnesses),
        ("auditors", policy.auditors, auditors),
        ("chains", policy.chains, chains),
    ):
        if wanted > listed:
            raise ConfigError(
                "more than the file lists", field=f"policy.{name}", expected=f"at most {listed}", got=str(wanted)
            )
    if policy.auditors > policy.witnesses:
        raise ConfigError(
            "auditors are counted among the witnesses",
            field="policy.auditors",
            expected=f"at most {policy.witnesses}",
            got=str(policy.auditors),
        )


def _key(text: str, field: str, kind: int) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except LedgerError as error:
        _refuse(error, field)
    if key.type != kind:
        raise ConfigError("key of another type", field=field, expected=f"0x0{kind}", got=f"0x0{key.type}")
    return key


def _refuse(error: LedgerError, field: str) -> NoReturn:
    raise ConfigError(error.message, field=field, expected=error.expected, got=error.got) from error
