"""Writing events down as signed submissions (formats §3, §6, §11), each with bytes that follow from the seed alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ledger.client import join_submission
from ledger.core import disclosure
from ledger.core.encoding import JSON, canonical, encode_base64url
from ledger.core.signature import sign_event_bytes
from ledger.scenarios.actors import Actor
from ledger.scenarios.draw import Draw
from ledger.scenarios.errands import Errand


class Signed(NamedTuple):
    """One submission, ready to send.

    ``phase`` groups what may be sent together, in order; ``alone`` asks for a request of its own. ``refused`` is the
    code of the refusal that is expected, or None where the event is to be accepted; ``again``: it was sent before, and
    the ledger must say so. By its ``mark`` the story and the musts find the answer again.
    """

    phase: str
    id: str
    kind: str
    data: bytes
    alone: bool = False
    refused: str | None = None
    mark: str = ""
    again: bool = False


class Scribe:
    """Writes the events of one ledger, in order. The stream ``draw`` gives event ids and the salts of disclosures.

    ``written`` are those that were not taken yet.
    """

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
        private: Mapping[str, JSON] | None = None,
        event_id: str | None = None,
        alone: bool = False,
        rule: Mapping[str, JSON] | None = None,
        causes: Sequence[str] = (),
        reverses: str | None = None,
        device: Mapping[str, JSON] | None = None,
        actor: str | None = None,
        mark: str = "",
    ) -> str:
        """Write one event, signed by all ``signers``, the actor first. Answers its id.

        ``private`` are details in the clear, which become disclosures. ``actor`` is the first signer's party, unless
        another one is given. ``mark`` has the answer kept under it.
        """
        shown = [disclosure.make(self._salts.take(16), name, value) for name, value in (private or {}).items()]
        event: dict[str, JSON] = {
            "v": 1,
            "ledger": self._origin,
            "id": event_id or self.new_id(),
            "kind": kind,
            "occurred_on": day,
            "actor": actor or signers[0].party,
            "body": dict(body),
        }
        if private:
            event["private"] = {name: disclosure.digest(text) for name, text in zip(private, shown, strict=True)}
        if rule is not None:
            event["rule"] = dict(rule)
        if causes:
            event["causes"] = list[JSON](causes)
        if reverses is not None:
            event["reverses"] = reverses
        if device is not None:
            event["device"] = dict(device)
        event_data = canonical(event)
        data = join_submission(event_data, _signatures(event_data, signers), shown)
        refused = self._refused
        alone = alone or refused is not None
        self.written.append(Signed(self.phase, str(event["id"]), kind, data, alone, refused, mark))
        return str(event["id"])

    def repeat(self, signed: Signed, *, mark: str = "") -> None:
        """Send a submission once more, byte for byte, as somebody does who heard no answer."""
        self.written.append(signed._replace(phase=self.phase, mark=mark, again=True))

    @contextmanager
    def expecting(self, code: str) -> Iterator[None]:
        """What is written within is meant to be refused, with this code."""
        self._refused = code
        try:
            yield
        finally:
            self._refused = None

    def take(self) -> list[Signed]:
        """What was written and not taken yet."""
        taken, self.written = self.written, []
        return taken


def told(scribe: Scribe, story: Iterable[bool | Errand | None]) -> Iterator[Signed | Errand | None]:
    """What a story writes, handed on whenever the story yields, so that it never lies in memory as a whole.

    A story that yields `True` goes on when all that it wrote is answered (`ledger.scenarios.scenario.Told`), one that
    yields an errand when that is done as well.
    """
    for wait in story:
        yield from scribe.take()
        if isinstance(wait, Errand):
            yield wait
        elif wait:
            yield None
    yield from scribe.take()


def _signatures(event_data: bytes, signers: Sequence[Actor]) -> bytes:
    """The actor's signature first, the rest sorted by key id (formats §4)."""
    ordered = [signers[0], *sorted(signers[1:], key=lambda actor: actor.key_id)]
    return canonical(
        [
            {"key": a.key_id, "suite": "ed25519", "sig": encode_base64url(sign_event_bytes(event_data, a.signing_key))}
            for a in ordered
        ]
    )
