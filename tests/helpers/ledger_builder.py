"""A small real ledger in memory, built with the product's own planner: for tests that need true receipts.

    ledger = LedgerBuilder.village()
    seq = ledger.award("zhang", private={"place": "village hall"})
    size = ledger.commit()
    chain = FakeChain()
    chain.anchor([ledger.head(size)])
    data = serialise(ledger.receipt(seq, size, chains=[chain]))
    verify(data, ledger.trust(chains=[chain]), chain=chain, now_ms=chain.now_ms)

Everything is deterministic: keys, ids, salts and times come from names and counters. Nothing here is secret.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from msgspec import to_builtins

from ledger.core import statemap
from ledger.core.batch import Head as BatchHead
from ledger.core.disclosure import digest as disclosure_digest
from ledger.core.disclosure import make as make_disclosure
from ledger.core.encoding import encode_base64url
from ledger.core.hashing import ledger_id, state_key
from ledger.core.merkle import inclusion_path, leaf_hash, root_of
from ledger.core.note import Checkpoint, VerifierKey, cosign, sign_note
from ledger.core.receipt import (
    AbsenceProof,
    Commitment,
    MapProof,
    OtherLeaf,
    Receipt,
    Statement,
    StatementEntry,
)
from ledger.core.signature import sign_event_bytes
from ledger.core.types import Digest, Origin
from ledger.domain.append import EMPTY, Appended, Candidate, Head, Planner
from ledger.domain.entries import event_bytes, parse_entry, parse_event
from ledger.domain.events import Signature
from ledger.domain.facts import MAP_TYPES, RECORDED_PREFIX, Fact, Key, encode_fact, fact_type
from ledger.domain.fields import day_of
from ledger.domain.judge import needs
from ledger.domain.state import record_of
from ledger.errors import LedgerError
from tests.helpers.cast import BOOK, WITNESSES, Person, Witness, seed_of, trust_file
from tests.helpers.fake_chain import FakeChain

ORIGIN = "gongfen.example/foshan-village"
START_MS = 1_637_370_000_000


class LedgerBuilder:
    """Appends real events one by one and proves them. Sizes count entries; ``seq`` is an entry's index."""

    def __init__(self, origin: str = ORIGIN, *, witnesses: Sequence[Witness] = WITNESSES) -> None:
        self.origin = Origin(origin)
        self.id = ledger_id(origin)
        self.witnesses = tuple(witnesses)
        self.log_seed = seed_of("log of " + origin)
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self.disclosures: dict[int, list[str]] = {}
        self.facts: dict[str, Fact | None] = {}
        self.maps: dict[int, dict[bytes, bytes]] = {}
        self.at_ms = START_MS
        self._head: Head = EMPTY
        self._count = 0
        self.people: dict[str, Person] = {}

    def person(self, name: str, *, key: str | None = None) -> Person:
        """The party called ``name``; ``key`` names another key of the same party."""
        return self.people.setdefault(key or name, Person.of(name, key=key))

    # Founding -----------------------------------------------------------------------------------------------------

    @classmethod
    def village(cls, origin: str = ORIGIN, *, witnesses: Sequence[Witness] = WITNESSES) -> LedgerBuilder:
        """A founded village: officers, a rule book, the issuer ``village``, a shop, two residents with cards."""
        ledger = cls(origin, witnesses=witnesses)
        ledger.found()
        for name, role in (
            ("clerk", "clerk"),
            ("clerk two", "clerk"),
            ("council", "council"),
            ("oversight", "oversight"),
            ("village", "issuer"),
        ):
            ledger.grant(name, role)
        ledger.append(
            "rulebook_adopted",
            {
                "book": BOOK,
                "effective_on": "2021-01-01",
                "votes": {"eligible": 10, "present": 8, "in_favour": 7, "against": 1},
            },
            ["council", "oversight", "township one"],
        )
        for name, kind in (
            ("cooperative", "organisation"),
            ("shop", "shop"),
            ("zhang", "resident"),
            ("li", "resident"),
        ):
            ledger.register(name, kind)
        ledger.grant("shop", "shop", scope="shop")
        ledger.issue_card("zhang")
        return ledger

    def found(self) -> int:
        """Entry 0: two township keys, of which one may act, and the ledger's own."""
        township = [self.person("township one"), self.person("township two")]
        body = {
            "origin": self.origin,
            "log_key": str(VerifierKey.of(name=self.origin, key=self.log_seed)),
            "profile": "foshan",
            "units": ["merit", "spend"],
            "ledger": self.person("ledger").holder(),
            "root": {"threshold": 1, "keys": [person.holder() for person in township]},
        }
        return self.append("ledger_created", body, ["township one", "township two", "ledger"])

    def grant(self, name: str, role: str, *, scope: str = "*", action: str = "grant", key: str | None = None) -> int:
        """Give a party's key a role, everywhere or for the affairs of the party ``scope``."""
        person = self.person(name, key=key)
        body = {
            "action": action,
            "party": person.party,
            "role": role,
            "scope": scope if scope == "*" else self.person(scope).party,
            "key": person.key_ref(),
        }
        return self.append("role_changed", body, ["township one"])

    def register(self, name: str, kind: str) -> int:
        """Register a party; its name is a private detail."""
        body = {"action": "register", "party": self.person(name).party, "type": kind}
        return self.append("party_changed", body, ["clerk", "clerk two"], private={"name": name})

    def issue_card(self, name: str) -> int:
        """Issue a resident's card; its key is called ``<name>'s card``."""
        card = self.person(name, key=f"{name}'s card")
        body = {
            "action": "issue",
            "party": card.party,
            "medium": "card",
            "key": card.key_ref(),
            "daily_cap_units": 10_000,
        }
        return self.append("credential_changed", body, ["clerk"])

    # Daily life ---------------------------------------------------------------------------------------------------

    def award(self, subject: str = "zhang", quantity: int = 1, *, private: dict[str, Any] | None = None) -> int:
        """Points for volunteering, in both units."""
        body = {
            "amount_units": 200 * quantity,
            "issuer": self.person("cooperative").party,
            "quantity": quantity,
            "subject": self.person(subject).party,
            "units": ["merit", "spend"],
        }
        return self.append("points_awarded", body, ["village"], rule="volunteer", private=private)

    def redeem(self, subject: str = "zhang", amount: int = 100) -> int:
        """Points exchanged at the shop with the card."""
        body = {
            "amount_units": amount,
            "bill_fen": amount,
            "issuer": self.person("cooperative").party,
            "shop": self.person("shop").party,
            "subject": self.person(subject).party,
        }
        return self.append("points_redeemed", body, ["shop", f"{subject}'s card"], rule="exchange")

    def reverse(self, seq: int, subject: str = "zhang") -> int:
        """Take an award back."""
        target = parse_entry(self.entries[seq])
        undo = [{"account": p.account, "delta": -p.delta} for p in target.effects.postings]
        body = {
            "act": {"occurred_on": target.event.occurred_on, "rule": to_builtins(target.event.rule)},
            "issuer": self.person("cooperative").party,
            "reason": "mistake",
            "subject": self.person(subject).party,
            "undo": undo,
        }
        return self.append("entry_reversed", body, ["village", "oversight"], reverses=target.event.id)

    def commit(self) -> int:
        """Append the commitment of the state map; answers the checkpoint's size."""
        size = len(self.entries)
        self.maps[size + 1] = self.state_map()
        root = statemap.root_of(self.maps[size + 1])
        self.append("state_committed", {"root": root.hex(), "size": size}, ["ledger"], map_root=root)
        return size + 1

    # Appending ----------------------------------------------------------------------------------------------------

    def append(
        self,
        kind: str,
        body: dict[str, Any],
        signers: Sequence[str],
        *,
        rule: str | None = None,
        reverses: str | None = None,
        private: dict[str, Any] | None = None,
        map_root: Digest | None = None,
    ) -> int:
        """Sign an event with the keys of ``signers``, the actor's first, and append it. Raises what refuses it."""
        self._count += 1
        people = [self.people.get(name) or self.person(name) for name in signers]
        shown = self._disclose(private or {})
        event: dict[str, Any] = {
            "v": 1,
            "ledger": self.origin,
            "id": f"00000000-0000-4000-8000-{self._count:012x}",
            "kind": kind,
            "occurred_on": day_of(self.at_ms),
            "actor": people[0].party,
            "body": body,
        }
        if rule:
            event["rule"] = {"book": "points", "version": 1, "id": rule}
        if reverses:
            event["reverses"] = reverses
        if shown:
            event["private"] = {name: disclosure_digest(text) for name, text in shown.items()}
        outcome = self._plan(json.dumps(event).encode(), people, map_root)
        if not isinstance(outcome, Appended):
            raise outcome if isinstance(outcome, LedgerError) else AssertionError(outcome)
        self.entries.append(outcome.data)
        self.leaves.append(outcome.leaf)
        self.disclosures[outcome.seq] = list(shown.values())
        return outcome.seq

    def _disclose(self, private: dict[str, Any]) -> dict[str, str]:
        salt = sha256(b"salt %d" % self._count).digest()[:16]
        return {name: make_disclosure(salt, name, value) for name, value in private.items()}

    def event_bytes(self, event: dict[str, Any]) -> bytes:
        """The canonical bytes of an event, which its signers sign."""
        return event_bytes(parse_event(json.dumps(event).encode()))

    def signatures(self, canonical: bytes, people: Sequence[Person]) -> list[dict[str, str]]:
        """The signatures of an event, the actor's first."""
        ordered = [people[0], *sorted(people[1:], key=lambda person: person.key)]
        return [
            {"key": p.key, "suite": "ed25519", "sig": encode_base64url(sign_event_bytes(canonical, p.seed))}
            for p in ordered
        ]

    def unsafe_replace_last(self, data: bytes) -> None:
        """Put other bytes in the last entry's place, as a cheating log might; no rule is asked."""
        self.entries[-1], self.leaves[-1] = data, leaf_hash(data)
        self._head = self._head._replace(last_leaf=leaf_hash(data))
        self.disclosures[len(self.entries) - 1] = []

    def _plan(self, data: bytes, people: Sequence[Person], map_root: Digest | None) -> object:
        event = parse_event(data)
        canonical = event_bytes(event)
        signatures = [Signature(**signature) for signature in self.signatures(canonical, people)]
        self.at_ms += 1000
        for name in needs(event, [signature.key for signature in signatures], day_of(self.at_ms)):
            self.facts.setdefault(name, self._recorded(name))
        planner = Planner(self._head, self.facts, {}, now_ms=self.at_ms)
        plan = planner.plan([Candidate(event, canonical, signatures, False)], map_root=map_root)
        self._head = plan.head
        return plan.outcomes[0]

    def _recorded(self, name: str) -> Fact | None:
        if name.startswith(RECORDED_PREFIX):
            for data in self.entries:
                entry = parse_entry(data)
                if entry.event.id == name.removeprefix(RECORDED_PREFIX):
                    return record_of(entry)
        return None

    # Proving ------------------------------------------------------------------------------------------------------

    def state_map(self) -> dict[bytes, bytes]:
        """The state map after all entries so far: map key → value bytes."""
        items: dict[bytes, bytes] = {}
        for name, fact in self.facts.items():
            if fact is not None and fact_type(name) in MAP_TYPES:
                kind, _, identifier = name.partition(":")
                items[state_key(kind, identifier)] = encode_fact(fact)
        return items

    def head(self, size: int) -> BatchHead:
        """(ledger id, size, root), as a batch takes it."""
        return self.id, size, root_of(self.leaves[:size])

    def checkpoint(
        self, size: int, *, witnesses: Sequence[Witness] | None = None, time_s: int | None = None, seed: bytes = b""
    ) -> str:
        """The checkpoint of ``size``, signed by the log key (or ``seed``) and cosigned as of ``time_s``."""
        text = Checkpoint(self.origin, size, root_of(self.leaves[:size])).text()
        note = sign_note(text, name=self.origin, key=seed or self.log_seed)
        for witness in self.witnesses if witnesses is None else witnesses:
            when = self.at_ms // 1000 + 1 if time_s is None else time_s
            note = cosign(note, name=witness.name, key=witness.seed, time_s=when)
        return note

    def path(self, index: int, size: int) -> list[bytes]:
        """The inclusion path of an entry in the tree of ``size``."""
        return inclusion_path(self.leaves[:size], index)

    def commitment(self, size: int) -> Commitment:
        """The commitment that ends the checkpoint of ``size``."""
        return Commitment(entry=self.entries[size - 1], path=self.path(size - 1, size))

    def map_proof(self, kind: str, identifier: str, size: int) -> MapProof:
        """That the map committed at ``size`` holds a value."""
        items, key = self.maps[size], state_key(kind, identifier)
        proof = statemap.prove(items, key)
        assert isinstance(proof, statemap.Presence), f"no {kind} {identifier} in the map"
        return MapProof.of(items[key], proof.path)

    def early_receipt(self, seq: int, size: int | None = None) -> Receipt:
        """The receipt of an entry before its commitment."""
        size = size or len(self.entries)
        return Receipt(
            entry=self.entries[seq],
            disclosures=self.disclosures[seq],
            index=seq,
            path=self.path(seq, size),
            checkpoint=self.checkpoint(size),
        )

    def receipt(
        self, seq: int, size: int, *, chains: Sequence[FakeChain] = (), checkpoint: str | None = None
    ) -> Receipt:
        """The receipt of an entry at the committed checkpoint of ``size``, with its anchors on ``chains``."""
        return Receipt(
            entry=self.entries[seq],
            disclosures=self.disclosures[seq],
            index=seq,
            path=self.path(seq, size),
            commitment=self.commitment(size),
            keys=[self.map_proof("key", signature.key, size) for signature in self._signatures(seq)],
            checkpoint=checkpoint or self.checkpoint(size),
            anchors=[chain.proof(self.head(size)) for chain in chains],
        )

    def statement(
        self, name: str, size: int, *, chains: Sequence[FakeChain] = (), checkpoint: str | None = None
    ) -> Statement:
        """The statement about a party at the committed checkpoint of ``size``; of absence if nothing concerns it."""
        party = self.person(name).party
        seqs = [seq for seq in range(size) if party in parse_entry(self.entries[seq]).effects.parties]
        keys = dict.fromkeys(signature.key for seq in seqs for signature in self._signatures(seq))
        return Statement(
            party=party,
            entries=[
                StatementEntry(
                    entry=self.entries[seq],
                    disclosures=self.disclosures[seq],
                    index=seq,
                    path=self.path(seq, size),
                )
                for seq in seqs
            ],
            commitment=self.commitment(size),
            keys=[self.map_proof("key", key, size) for key in keys],
            checkpoint=checkpoint or self.checkpoint(size),
            anchors=[chain.proof(self.head(size)) for chain in chains],
            **({"account": self.map_proof("account", party, size)} if seqs else {}),
            **({} if seqs else {"absence": self._absence(party, size)}),
        )

    def _absence(self, party: str, size: int) -> AbsenceProof:
        proof = statemap.prove(self.maps[size], state_key("account", party))
        assert isinstance(proof, statemap.Absence), "the party has an account"
        path = [sibling.hex() for sibling in proof.path]
        if proof.other is None:
            return AbsenceProof(path=path)
        key, value_hash = proof.other
        return AbsenceProof(path=path, other=OtherLeaf(key=key.hex(), value_hash=value_hash.hex()))

    def _signatures(self, seq: int) -> Sequence[Signature]:
        return parse_entry(self.entries[seq]).signatures

    def key_fact(self, name: str) -> Key:
        """The fact of a person's key now."""
        fact = self.facts[f"key:{self.people[name].key}"]
        assert isinstance(fact, Key)
        return fact

    # Trusting -----------------------------------------------------------------------------------------------------

    def trust(
        self,
        *,
        chains: Sequence[FakeChain] = (),
        policy: dict[str, Any] | None = None,
        logs: Sequence[str] = (),
        **changes: object,
    ) -> str:
        """A trust file that asks for every witness and every given chain; ``changes`` go into each chain's section."""
        keys = [str(VerifierKey.of(name=self.origin, key=self.log_seed)), *logs]
        sections = [chain.trusted(**changes) for chain in chains]
        return trust_file(self.origin, keys, self.witnesses, sections, policy or {})
