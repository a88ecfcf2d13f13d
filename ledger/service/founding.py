"""Making a ledger: its keys and entry 0; and signing events with key files."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from ledger.core.encoding import JSON, encode_base64url
from ledger.core.signature import sign_event
from ledger.core.types import parse_origin, short_name
from ledger.domain.entries import Submission, event_bytes, parse_event
from ledger.domain.events import Signature
from ledger.domain.fields import day_of, encode
from ledger.errors import ConflictError, LedgerError
from ledger.keys import KeyFile, new_event_key, new_log_key, read_key, write_key
from ledger.service.commit import Answer
from ledger.service.intake import prepare_submission
from ledger.service.storage import Storage
from ledger.store import entries as log
from ledger.store.database import reading, writing


def create_ledger(
    storage: Storage,
    origin: str,
    *,
    roots: Sequence[KeyFile],
    profile: str,
    threshold: int = 1,
    units: Sequence[str] = ("merit", "spend"),
) -> Answer:
    """Make a ledger: its log key, its event key, and entry 0, signed by every root key and the ledger's own.

    ``storage`` is open for writing. Raises `ConflictError` if the origin or its short name is taken.
    """
    name = short_name(parse_origin(origin))
    with reading(storage.engine) as connection:
        taken = [row for row in log.all_ledgers(connection) if name == row.name]
    if taken and not _is_unfinished(storage, taken[0], origin):
        raise ConflictError("a ledger of this name exists", code="ledger_exists", field="origin", got=taken[0].origin)
    storage.vault  # noqa: B018 - made before the first ledger, or its absence is noticed now
    log_key = _key_of(storage.settings.keys_dir / f"{name}.log.key", lambda: new_log_key(origin))
    event_key = _key_of(storage.settings.keys_dir / f"{name}.event.key", new_event_key)
    body: dict[str, JSON] = {
        "origin": origin,
        "log_key": str(log_key.verifier_key),
        "profile": profile,
        "units": list[JSON](sorted(units)),
        "ledger": dict(event_key.holder()),
        "root": {"threshold": threshold, "keys": [dict(key.holder()) for key in roots]},
    }
    event: dict[str, JSON] = {
        "v": 1,
        "ledger": origin,
        "id": str(uuid.uuid4()),
        "kind": "ledger_created",
        "occurred_on": day_of(storage.clock()),
        "actor": roots[0].party_id,
        "body": body,
    }
    submission = sign_submission(event, [*roots, event_key])
    if taken:
        row = taken[0]
    else:
        with writing(storage.engine) as connection:
            row = log.add_ledger(connection, name, origin)
    answer = storage.writer(row).append([prepare_submission(submission, lambda _: None)])[0]
    if isinstance(answer, LedgerError):
        raise answer
    return answer


def _is_unfinished(storage: Storage, row: log.LedgerRow, origin: str) -> bool:
    """Whether creating this ledger was cut off before entry 0 was written."""
    with reading(storage.engine) as connection:
        return row.origin == origin and log.read_head(connection, row.ledger_id).size == 0


def _key_of(path: Path, make: Callable[[], KeyFile]) -> KeyFile:
    if not path.exists():
        write_key(path, make())
    return read_key(path, "event" if path.name.endswith(".event.key") else "log")


def sign_submission(event: dict[str, JSON], keys: Sequence[KeyFile], disclosures: Sequence[str] = ()) -> Submission:
    """An event signed by each key: the first is the actor's, the rest are put in order (formats §4)."""
    signed = [
        Signature(key=key.key_id, suite="ed25519", sig=encode_base64url(sign_event(event, key.seed))) for key in keys
    ]
    ordered = [signed[0], *sorted(signed[1:], key=lambda signature: signature.key)]
    parsed = parse_event(encode(event))
    event_bytes(parsed)
    return Submission(event=parsed, signatures=ordered, disclosures=list(disclosures))
