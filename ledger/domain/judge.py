"""Deciding one event: authority, form, the kind's own rules, balances. Appending and replaying call the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import UNSET, Struct

from ledger.core.encoding import decode_base64url
from ledger.core.signature import verify_event_bytes
from ledger.core.types import MAX_INT, Digest
from ledger.domain.events import Body, Context, Event, Facts, Signature
from ledger.domain.facts import LEDGER, RECORDED_PREFIX, Account, Fact, Key, Ledger, Mark
from ledger.domain.figures import count_figures, counts, figure_keys
from ledger.domain.kinds.founding import LedgerCreated
from ledger.domain.register import members_key, members_of, person_behind, person_key
from ledger.domain.roles import Signer, authorise_again
from ledger.errors import FormatError, RefusalError, SignatureError


class Judgement(Struct, frozen=True, gc=False):
    """What an accepted event does: whom it concerns, what it moves, the new facts and the new balances by party."""

    parties: list[str]
    postings: list[tuple[str, int]]
    changes: dict[str, Fact]
    balances: dict[str, dict[str, int]]


def needs(event: Event, keys: Sequence[str], today: str) -> list[str]:
    """The key of every fact that `judge` reads for an event signed with ``keys`` (key ids)."""
    body = event.body
    named = [LEDGER, *body.needs(event, keys, today), *figure_keys(event)]
    for key in keys:
        named += (f"key:{key}", person_key(key))
    named += [f"account:{party}" for party in body.parties()]
    named += map(members_key, body.decides_about())
    if event.device:
        named.append(_capture_key(event))
    if event.causes:
        named += [f"{RECORDED_PREFIX}{cause}" for cause in event.causes]
    return named


def signing_keys(event: Event, signatures: Sequence[Signature], facts: Facts, seq: int) -> list[Key]:
    """The key of each signature: from the log, or from the event itself where its kind brings keys.

    Raises `RefusalError`.
    """
    own = event.body.own_keys(event, seq)
    known: Mapping[str, Fact | None] = facts if own is None else own
    keys = []
    for signature in signatures:
        key = known.get(f"key:{signature.key}")
        if not isinstance(key, Key):
            if own is None and facts[LEDGER] is None:
                raise RefusalError(
                    "the ledger has no entry 0 yet",
                    code="not_created",
                    field="kind",
                    expected="ledger_created",
                    got=event.body.kind,
                )
            raise RefusalError(
                "no party holds this key",
                code="unknown_key",
                field="signatures",
                expected="a key that the log knows",
                got=signature.key,
            )
        keys.append(key)
    return keys


def check_order(signatures: Sequence[Signature]) -> None:
    """The actor's signature first, the rest sorted by key id, no key twice (formats §4). Raises `FormatError`."""
    rest = [signature.key for signature in signatures[1:]]
    if rest and (rest != sorted(set(rest)) or signatures[0].key in rest):
        raise FormatError(
            "signatures out of order",
            code="bad_order",
            field="signatures",
            expected="the actor's first, the rest sorted by key id, none twice",
            got=", ".join(signature.key for signature in signatures),
        )


@lru_cache(maxsize=65_536)
def public_bytes(public: str) -> bytes:
    """The 32 bytes of a public key in base64url. Raises `FormatError`."""
    return decode_base64url(public, "key.public", size=32)


def check_signatures(event_data: bytes, signatures: Sequence[Signature], publics: Sequence[bytes]) -> None:
    """Every signature over the event's bytes, by the raw public key of the same place. Raises `SignatureError`."""
    for index, (signature, public) in enumerate(zip(signatures, publics, strict=True)):
        try:
            verify_event_bytes(event_data, decode_base64url(signature.sig, size=64), public)
        except (SignatureError, FormatError) as error:
            raise SignatureError(
                "the signature does not hold over the canonical event",
                field=f"signatures.{index}",
                expected=f"Ed25519 by key {signature.key}",
                got=signature.sig,
            ) from error


def judge(
    event: Event, keys: Sequence[Key], facts: Facts, *, seq: int, at_ms: int, today: str, map_root: Digest | None = None
) -> Judgement:
    """Decide an event as entry ``seq``; signatures are checked apart. ``today`` is the day of ``at_ms`` in Shanghai.

    Raises `RefusalError` or `FormatError`; then the event has no effect.
    """
    body = event.body
    units: Sequence[str]
    if isinstance(body, LedgerCreated):
        origin, units, authority_seq = body.origin, body.units, 1
    else:
        ledger = facts[LEDGER]
        assert isinstance(ledger, Ledger), "before entry 0 there is no key to sign with"
        origin, units, authority_seq = ledger.origin, ledger.units, seq
    signers = authorise_again(body.requirements(), keys, actor=event.actor, seq=authority_seq)
    _check_form(event, origin, today)
    captured = _check_history(event, facts, seq)
    _check_people(body, signers, facts)
    decision = body.decide(event, facts, Context(seq, at_ms, today, signers, map_root))
    if captured:
        decision.changes.update(captured)
    if decision.postings or counts(event):
        decision.changes.update(count_figures(event, decision.postings, facts))
    balances = _balances(event, decision.postings, facts, units)
    return Judgement(body.parties(), decision.postings, decision.changes, balances)


def _check_form(event: Event, origin: str, today: str) -> None:
    body = event.body
    if event.ledger != origin:
        raise RefusalError(
            "signed for another ledger", code="wrong_ledger", field="ledger", expected=origin, got=event.ledger
        )
    if event.occurred_on > today:
        raise RefusalError(
            "in the future",
            code="future_dated",
            field="occurred_on",
            expected=f"at most {today}",
            got=event.occurred_on,
        )
    if (event.rule is not UNSET) != body.takes_rule:
        raise _unexpected("rule", body.takes_rule)
    if (event.reverses is not UNSET) != body.takes_reverses:
        raise _unexpected("reverses", body.takes_reverses)
    if event.private and not event.private.keys() <= body.private.keys():
        raise RefusalError(
            "a private field that this kind does not have",
            code="unknown_private",
            field="private",
            expected=", ".join(body.private) or "none",
            got=", ".join(event.private),
        )


def _check_people(body: Body, signers: Sequence[Signer], facts: Facts) -> None:
    """Different parties must be different people, as far as the log knows, and nobody decides the own case."""
    people = [person_behind(signer, facts) for signer in signers]
    if len(people) > 1 and len(set(people)) != len(people):
        raise RefusalError(
            "one person signed twice, for different parties",
            code="same_person",
            field="signatures",
            expected="a different person for each signature",
            got=", ".join(people),
        )
    decided = body.decides_about()
    about = {*decided, *(member for party in decided for member in members_of(facts, party))}
    for signer, person in zip(signers, people, strict=True):
        if own := about & {signer.party, person}:
            raise RefusalError(
                "nobody decides the own case",
                code="own_case",
                field="signatures",
                expected="signers who are not whom the event is about, nor of that household",
                got=min(own),
            )


def _unexpected(field: str, wanted: bool) -> RefusalError:
    return RefusalError(
        f"this kind {'needs' if wanted else 'takes no'} {field}",
        code="missing_field" if wanted else "superfluous_field",
        field=field,
        expected=field if wanted else "nothing",
        got="nothing" if wanted else field,
    )


def _capture_key(event: Event) -> str:
    """The fact key of a capture: a device's numbers count for the actor who signs with it."""
    assert event.device, "asked only for events that were captured on a device"
    return f"mark:captured/{event.actor}/{event.device.id}/{event.device.seq}"


def _check_history(event: Event, facts: Facts, seq: int) -> dict[str, Fact] | None:
    """What an event says about earlier ones; answers the mark of its capture, if it came from a device."""
    for cause in event.causes or ():
        if facts[f"{RECORDED_PREFIX}{cause}"] is None:
            raise RefusalError(
                "no such entry",
                code="unknown_entry",
                field="causes",
                expected="ids of earlier entries",
                got=cause,
            )
    if not event.device:
        return None
    key = _capture_key(event)
    if facts[key] is not None:
        raise RefusalError(
            "this capture of the device was recorded before",
            code="captured_before",
            field="device.seq",
            expected="a number that the device did not use yet",
            got=str(event.device.seq),
        )
    return {key: Mark(seq)}


def _balances(
    event: Event, postings: list[tuple[str, int]], facts: Facts, units: Sequence[str]
) -> dict[str, dict[str, int]]:
    """The balances after the postings. Raises `RefusalError` where ``spend`` of a non-issuer would fall below 0."""
    balances: dict[str, dict[str, int]] = {}
    if not postings:
        return balances
    issuer = event.body.bearer()
    for account, delta in postings:
        party, unit = account[:28], account[29:]
        held = balances.get(party)
        if held is None:
            fact = facts[f"account:{party}"]
            held = balances[party] = dict(fact.balances) if isinstance(fact, Account) else dict.fromkeys(units, 0)
        before = held.get(unit)
        if before is None:
            raise RefusalError(
                "this ledger has no such unit", code="unknown_unit", field="body", expected=", ".join(units), got=unit
            )
        after = held[unit] = before + delta
        if not -MAX_INT <= after <= MAX_INT:
            raise RefusalError(
                "the balance would leave the range of amounts",
                code="overflow",
                field="body.amount_units",
                expected=f"within ±{MAX_INT}",
                got=str(after),
            )
        if after < 0 and delta < 0 and unit == "spend" and party != issuer:
            raise RefusalError(
                "not enough points",
                code="insufficient_balance",
                field="body.amount_units",
                expected=f"at most {max(before, 0)}",
                got=str(-delta),
            )
    return balances
