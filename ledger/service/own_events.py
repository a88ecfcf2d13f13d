"""Events that the ledger itself signs, with the key that entry 0 names."""

from __future__ import annotations

import uuid

from ledger.core.encoding import encode_base64url
from ledger.core.signature import sign_event_bytes
from ledger.domain.append import Candidate
from ledger.domain.entries import EVENTS, event_bytes
from ledger.domain.events import Body, Signature
from ledger.keys import KeyFile
from ledger.service.intake import Prepared


def own_event(origin: str, key: KeyFile, body: Body, day: str) -> Prepared:
    """A new event of the ledger, about what it did on a day."""
    event = EVENTS[body.kind](  # type: ignore[call-arg]
        v=1,
        ledger=origin,
        id=str(uuid.uuid4()),
        occurred_on=day,
        actor=key.party_id,
        body=body,
    )
    data = event_bytes(event)
    signature = Signature(key=key.key_id, suite="ed25519", sig=encode_base64url(sign_event_bytes(data, key.seed)))
    return Prepared(Candidate(event, data, [signature], verified=True), ())
