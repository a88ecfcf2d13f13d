"""Events made of rows: drafts in the clear, then signed submissions whose bytes follow from row and key alone.

The same row, imported again with the same key, gives the same bytes, so the ledger answers that it stands there already
(formats §11). Both the event's id and the salts come from a secret that the actor's key gives: an id that anybody could
compute from a row would let anybody test a guess of what stands in it.
"""

from __future__ import annotations

import hmac
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core import disclosure
from ledger.core.encoding import JSON, canonical
from ledger.domain.disclosures import check_disclosures
from ledger.domain.entries import Submission
from ledger.domain.fields import encode
from ledger.keys import KeyFile
from ledger.service.founding import sign_submission
from ledger.service.spreadsheets.logview import Deed

_DOMAIN: Final = b"gongfen/sheet/v1\n"


class Draft(NamedTuple):
    """An event as the rows of a sheet say it. ``private`` is in the clear; ``rows`` are numbers as the clerk sees them.

    ``deed`` is what it would look like in the log, for kinds that may come twice.
    """

    rows: tuple[int, ...]
    kind: str
    day: str
    body: Mapping[str, JSON]
    private: Mapping[str, str]
    rule: Mapping[str, JSON] | None = None
    deed: Deed | None = None


class Sealed(NamedTuple):
    """A draft with its event's id and the submission that the server takes."""

    draft: Draft
    id: str
    data: bytes


def seal(drafts: Sequence[Draft], origin: str, keys: Sequence[KeyFile]) -> list[Sealed]:
    """Sign drafts for a ledger with every key, the actor's first.

    Drafts that say the same are told apart by their number among these. Raises `FormatError` if one is no event.
    """
    secret = _mac(keys[0].seed, _DOMAIN, origin.encode())
    seen: Counter[bytes] = Counter()
    sealed = []
    for draft in drafts:
        content = canonical(_content(draft, origin))
        sealed.append(
            _seal(draft, origin, keys, secret, _mac(secret, b"id\n", seen[content].to_bytes(4, "big"), content))
        )
        seen[content] += 1
    return sealed


def _seal(draft: Draft, origin: str, keys: Sequence[KeyFile], secret: bytes, name: bytes) -> Sealed:
    event_id = str(uuid.UUID(bytes=name[:16], version=4))
    shown = {
        detail: disclosure.make(_mac(secret, b"salt\n", name, detail.encode())[: disclosure.SALT_SIZE], detail, value)
        for detail, value in draft.private.items()
    }
    event = _content(draft, origin)
    event.pop("private")
    event |= {"v": 1, "id": event_id, "actor": keys[0].party_id}
    if shown:
        event["private"] = {detail: disclosure.digest(text) for detail, text in shown.items()}
    submission: Submission = sign_submission(event, keys, list(shown.values()))
    check_disclosures(submission.event, submission.disclosures)
    return Sealed(draft, event_id, encode(submission))


def _content(draft: Draft, origin: str) -> dict[str, JSON]:
    """All that a draft says."""
    content: dict[str, JSON] = {
        "ledger": origin,
        "kind": draft.kind,
        "occurred_on": draft.day,
        "body": dict(draft.body),
        "private": dict[str, JSON](draft.private),
    }
    if draft.rule is not None:
        content["rule"] = dict(draft.rule)
    return content


def _mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.digest(key, b"".join(parts), "sha256")
