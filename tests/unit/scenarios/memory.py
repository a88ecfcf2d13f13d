"""A ledger in memory for scenarios: the product's own reading, planning and replaying, without disk or network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ledger.core.encoding import JSON, encode_base64url
from ledger.core.note import VerifierKey
from ledger.domain.append import EMPTY, Appended, Candidate, Known, Planner
from ledger.domain.entries import Entry, check_submitted, event_bytes, parse_entry, parse_submission
from ledger.domain.state import ReplayFacts
from ledger.errors import LedgerError
from ledger.scenarios.actors import Actor
from ledger.scenarios.data import read_profile
from ledger.scenarios.draw import Draw
from ledger.scenarios.drive import Answered
from ledger.scenarios.errands import Errand
from ledger.scenarios.scenario import Chronicle
from ledger.scenarios.scribe import Scribe, Signed
from ledger.service.intake import prepare_submission

NOW_MS = 1_767_225_600_000
"""2026-01-01 in Shanghai: after every scenario."""


class MemoryLedger:
    """Entry 0 and whatever is sent after it; ``data`` are the bytes of the entries, ``said`` the last refusal."""

    def __init__(self, chronicle: Chronicle) -> None:
        self.data: list[bytes] = []
        self._seqs: dict[str, int] = {}
        self._facts = ReplayFacts(self._seqs, lambda seq: self.data[seq])
        self._known: dict[str, Known] = {}
        self._head = EMPTY
        self.said = ""
        assert self.send(_founding(chronicle)) is None

    def send(self, signed: Signed) -> str | None:
        """Append one submission; answers the code of its refusal, or None."""
        try:
            submission = parse_submission(signed.data)
            check_submitted(event_bytes(submission.event))
            candidate = prepare_submission(submission, lambda _: None).candidate
        except LedgerError as error:
            self.said = str(error)
            return error.code
        return self._append(candidate)

    def drive(self, chronicle: Chronicle) -> dict[str, Answered]:
        """Send a whole story; every answer must be as meant. Answers those to marked events."""
        marked: dict[str, Answered] = {}
        for signed in chronicle.tell(marked):
            if signed is None:
                continue
            if isinstance(signed, Errand):
                signed.run(MemoryDesk(self))
                continue
            if signed.again:
                self.remember([signed])
            size, code = len(self.data), self.send(signed)
            assert code == signed.refused, (signed.phase, signed.kind, self.said)
            replayed = code is None and len(self.data) == size
            assert replayed == signed.again, (signed.phase, signed.kind, "sent before")
            if signed.mark:
                seq = -1 if code else self._seqs[signed.id]
                marked[signed.mark] = Answered(signed, seq, replayed, code or "")
        return marked

    def _append(self, candidate: Candidate) -> str | None:
        planner = Planner(self._head, self._facts, self._known, now_ms=NOW_MS)
        plan = planner.plan([candidate])
        outcome = plan.outcomes[0]
        if isinstance(outcome, LedgerError):
            self.said = str(outcome)
            return outcome.code
        if isinstance(outcome, Appended):
            self.data.append(outcome.data)
            self._seqs[outcome.event_id] = outcome.seq
            self._known = {outcome.event_id: Known(outcome.seq, outcome.leaf, outcome.at_ms, candidate.event_data)}
            self._head = plan.head
        return None

    def remember(self, events: Iterable[Signed]) -> None:
        """Have events that stand in the log known as such, for conflicts of their ids."""
        for signed in events:
            seq = self._seqs[signed.id]
            data = event_bytes(parse_submission(signed.data).event)
            entry = parse_entry(self.data[seq])
            self._known[signed.id] = Known(seq, self._head.last_leaf, entry.chain.at, data)

    def entries(self) -> Iterator[Entry]:
        """Every entry, in order."""
        return map(parse_entry, self.data)

    def spend_never_below_zero(self, issuer: str) -> bool:
        """Whether no balance of `spend` but the issuer's was ever below zero."""
        held: dict[str, int] = {}
        for entry in self.entries():
            for posting in entry.effects.postings:
                held[posting.account] = held.get(posting.account, 0) + posting.delta
                if posting.account.endswith("/spend") and posting.account[:28] != issuer and held[posting.account] < 0:
                    return False
        return True


class MemoryDesk:
    """What an errand asks of a ledger, which must take all that it sends."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger

    def entries(self) -> Iterator[bytes]:
        return iter(self._ledger.data)

    def check(self, submissions: Sequence[bytes]) -> Sequence[dict[str, Any] | LedgerError]:
        return [{"seq": len(self._ledger.data) + place, "replayed": False} for place in range(len(submissions))]

    def submit(self, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        for data in submissions:
            event = parse_submission(data).event
            code = self._ledger.send(Signed("errand", event.id, event.body.kind, data))
            assert code is None, (event.body.kind, self._ledger.said)
            yield {"seq": len(self._ledger.data) - 1, "replayed": False}

    def commit(self) -> None:
        """Nobody asks a ledger in memory for receipts."""


def _founding(chronicle: Chronicle) -> Signed:
    """Entry 0, which the server makes where there is one."""
    ledger = Actor.drawn(Draw("test", "ledger"), "账本", "ledger")
    holders: list[JSON] = [{"party": root.party, **root.reference()} for root in chronicle.roots]
    body: dict[str, JSON] = {
        "origin": chronicle.origin,
        "log_key": str(VerifierKey.of(name=chronicle.origin, key=Draw("test", "log").take(32))),
        "profile": chronicle.profile,
        "units": list[JSON](read_profile(chronicle.profile).units),
        "ledger": {"party": ledger.party, "public": encode_base64url(ledger.public), "suite": "ed25519"},
        "root": {"threshold": len(chronicle.roots), "keys": holders},
    }
    scribe = Scribe(chronicle.origin, Draw("test", "founding"))
    scribe.write("ledger_created", [*chronicle.roots, ledger], body, day="2020-12-01")
    return scribe.written[0]
