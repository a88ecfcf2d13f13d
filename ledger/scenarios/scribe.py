"""Writing events down as signed submissions (formats §3, §6, §11), each with bytes that follow from the seed alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ledger.client import join_submission
from ledger.core import disclosure
from ledger.core.encoding import JSON, canonical, encode_base64url
from ledger.core.signature import sign_event_bytes
from ledger.scenarios.actors import Actor
from ledger.scenarios.draw import Draw


class Signed(NamedTuple):
    """One submission, ready to send.

    ``phase`` groups what may be sent together, in order; ``alone`` asks for a request of its own. ``refused`` is the
    code of the refusal that is expected, or None where the event is to be accepted.
    """

    phase: str
    id: str
    kind: str
    data: bytes
    alone: bool = False
    refused: str | None = None


class Scribe:
    """Writes the events of one ledger, in order. The stream ``draw`` gives event ids and the salts of disclosures."""

    def __init__(self, origin: str, draw: Draw) -> None:
        self.written: list[Signed] = []
        self.phase = ""
        self._origin = origin
        self._refused: str | None = None
        self._ids = draw.split("event ids")
        self._salts = draw.split("salts")

    def new_id(self) -> str:
        """An event id (UUID version 4), for an event that another must name before it is written."""
        return str(uuid.UUID(bytes=self._ids.take(16), version=4))

    def write(
        self,
        kind: str,
        signers: Sequence[Actor],
        body: Mapping[str, JSON],
        *,
        day: str,
        private: Mapping[str, str] | None = None,
        event_id: str | None = None,
        alone: bool = False,
        rule: dict[str, JSON] | None = None,
        causes: Sequence[str] = (),
        reverses: str | None = None,
    ) -> str:
        """Write one event, signed by all ``signers``, the actor first. Answers its id.

        ``private`` are details in the clear, which become disclosures.
        """
        shown = [disclosure.make(self._salts.take(16), name, value) for name, value in (private or {}).items()]
        event: dict[str, JSON] = {
            "v": 1,
            "ledger": self._origin,
            "id": event_id or self.new_id(),
            "kind": kind,
            "occurred_on": day,
            "actor": signers[0].party,
            "body": dict(body),
        }
        if private:
            event["private"] = {name: disclosure.digest(text) for name, text in zip(private, shown, strict=True)}
        if rule is not None:
            event["rule"] = rule
        if causes:
            event["causes"] = list[JSON](causes)
        if reverses is not None:
            event["reverses"] = reverses
        event_data = canonical(event)
        data = join_submission(event_data, _signatures(event_data, signers), shown)
        refused = self._refused
        self.written.append(Signed(self.phase, str(event["id"]), kind, data, alone or refused is not None, refused))
        return str(event["id"])

    @contextmanager
    def expecting(self, code: str) -> Iterator[None]:
        """What is written within is meant to be refused, with this code."""
        self._refused = code
        try:
            yield
        finally:
            self._refused = None


def _signatures(event_data: bytes, signers: Sequence[Actor]) -> bytes:
    """The actor's signature first, the rest sorted by key id (formats §4)."""
    ordered = [signers[0], *sorted(signers[1:], key=lambda actor: actor.key_id)]
    return canonical(
        [
            {"key": a.key_id, "suite": "ed25519", "sig": encode_base64url(sign_event_bytes(event_data, a.seed))}
            for a in ordered
        ]
    )
