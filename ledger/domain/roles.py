"""Roles, grants and who must sign what.

A key gains power by `role_changed` alone, a resident's card or phone by `credential_changed`. A grant made in entry s
holds from the entry after s until the entry that revokes it, exclusive (formats §7).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from msgspec import UNSET, Struct

from ledger.core.signature import MAX_SIGNATURES
from ledger.domain.facts import Key
from ledger.domain.fields import ANYWHERE
from ledger.errors import RefusalError

Role = Literal[
    "township",
    "clerk",
    "issuer",
    "oversight",
    "reviewer",
    "council",
    "village",
    "shop",
    "finance",
    "data_officer",
    "decider",
    "helper",
    "community",
    "department",
]
"""The roles that `role_changed` grants."""
CARRIED_ROLES: Final = ("card", "phone")
"""The roles that `credential_changed` grants, to residents and households."""
ONE_TIME_ROLE: Final = "poster"
"""The role that an anonymous post gives its own key, for this one entry."""


REMEMBERED_MAX: Final = 4096
"""Answers of `authorise_again` that are remembered."""


class Requirement(Struct, frozen=True, gc=False):
    """At least ``at_least`` and at most ``at_most`` different parties sign in one of ``roles``.

    ``scope`` is the party the role must cover, ``party`` the only party that may fill it.
    """

    roles: tuple[str, ...]
    at_least: int = 1
    scope: str = ANYWHERE
    party: str | None = None
    at_most: int = MAX_SIGNATURES


class Signer(Struct, frozen=True, gc=False):
    """A signature's key and its party."""

    key: str
    party: str


class _Authority(NamedTuple):
    """That these keys may sign under these requirements, for every entry from ``since`` on.

    From there no grant of theirs begins or ends any more. The objects are held so that their ids stay theirs.
    """

    requirements: Sequence[Requirement]
    keys: Sequence[Key]
    since: int
    signers: list[Signer]


_remembered: Final[dict[tuple[object, ...], _Authority]] = {}


def roles_in_force(key: Key, seq: int) -> list[tuple[str, str]]:
    """The (role, scope) pairs of a key that hold for entry ``seq``."""
    return [
        (grant.role, grant.scope)
        for grant in key.grants
        if grant.from_ < seq and (grant.until is UNSET or seq < grant.until)
    ]


def authorise(requirements: Sequence[Requirement], keys: Sequence[Key], *, actor: str, seq: int) -> list[Signer]:
    """Check that the signers, in the order of the entry, may sign an entry ``seq`` (formats §9, step authorised).

    The first is the actor's; no party signs twice; every signer fills a requirement, and every requirement is filled
    by enough different parties. Raises `RefusalError`.
    """
    if keys[0].party != actor:
        raise RefusalError(
            "the first signature is the actor's",
            code="not_actor",
            field="signatures",
            expected=actor,
            got=keys[0].party,
        )
    if len(keys) > 1 and len({key.party for key in keys}) != len(keys):
        raise RefusalError(
            "a party signed twice",
            code="signed_twice",
            field="signatures",
            expected="a different party for each signature",
            got=", ".join(key.party for key in keys),
        )
    choices = [_fillable(requirements, key, seq) for key in keys]
    if not _assign(requirements, choices, [0] * len(requirements)):
        wanted = " and ".join(f"{r.at_least} × {'/'.join(r.roles)}" for r in requirements if r.at_least)
        raise RefusalError(
            "not enough signers in the roles that this kind demands",
            code="not_enough_signers",
            field="signatures",
            expected=wanted,
            got=f"{len(keys)} signature(s)",
        )
    return [Signer(key.key, key.party) for key in keys]


def authorise_again(
    requirements: Sequence[Requirement], keys: Sequence[Key], *, actor: str, seq: int
) -> Sequence[Signer]:
    """As `authorise`, where the same signers come again and again, their keys as the same objects.

    What held once for such objects is remembered, for it holds for every later entry.
    """
    name = (id(requirements), actor, *map(id, keys))
    known = _remembered.get(name)
    if known is not None and seq >= known.since:
        return known.signers
    signers = authorise(requirements, keys, actor=actor, seq=seq)
    ends = [grant.from_ + 1 if grant.until is UNSET else grant.until for key in keys for grant in key.grants]
    if seq >= (since := max(ends)):
        if len(_remembered) >= REMEMBERED_MAX:
            _remembered.clear()
        _remembered[name] = _Authority(requirements, tuple(keys), since, signers)
    return signers


def _fillable(requirements: Sequence[Requirement], key: Key, seq: int) -> list[int]:
    choices = []
    for index, need in enumerate(requirements):
        if need.party is not None and need.party != key.party:
            continue
        for grant in key.grants:
            if (
                grant.role in need.roles
                and (grant.scope == ANYWHERE or grant.scope == need.scope)
                and grant.from_ < seq
                and (grant.until is UNSET or seq < grant.until)
            ):
                choices.append(index)
                break
    if not choices:
        raise _not_authorised(requirements, key, seq)
    return choices


def _not_authorised(requirements: Sequence[Requirement], key: Key, seq: int) -> RefusalError:
    held = roles_in_force(key, seq)
    return RefusalError(
        "this key holds no role that may sign this kind of event here",
        code="not_authorised",
        field="signatures",
        expected=" or ".join(sorted({role for need in requirements for role in need.roles})),
        got=", ".join(sorted({role for role, _ in held})) or f"no role in force at entry {seq} for key {key.key}",
    )


def _assign(requirements: Sequence[Requirement], choices: list[list[int]], filled: list[int], signer: int = 0) -> bool:
    """Whether signers from ``signer`` on can each fill one requirement, so that all are met; tries every way."""
    if signer == len(choices):
        for need, count in zip(requirements, filled, strict=True):  # noqa: SIM110 - half the time of all()
            if count < need.at_least:
                return False
        return True
    for index in choices[signer]:
        if filled[index] == requirements[index].at_most:
            continue
        filled[index] += 1
        if _assign(requirements, choices, filled, signer + 1):
            return True
        filled[index] -= 1
    return False
