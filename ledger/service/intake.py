"""From the bytes a client sent to a candidate: read once, checked, its signatures verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ledger.domain.append import Candidate
from ledger.domain.disclosures import check_disclosures
from ledger.domain.entries import Submission, check_submitted, event_bytes, parse_submission
from ledger.domain.judge import check_signatures

PublicKeys = Callable[[str], bytes | None]
"""The raw public key of a key id, if it is known without asking the database."""


class Prepared(NamedTuple):
    """A candidate, and its disclosures as (name, party, text)."""

    candidate: Candidate
    disclosures: Sequence[tuple[str, str, str]]


def prepare(data: bytes, public_key: PublicKeys) -> Prepared:
    """Read a submission and check all that needs no state. Raises `LedgerError`.

    Signatures by keys that ``public_key`` does not know are verified later, against the log.
    """
    return prepare_submission(parse_submission(data), public_key)


def prepare_submission(submission: Submission, public_key: PublicKeys) -> Prepared:
    """As `prepare`, for a submission that was read already."""
    item = _unverified(submission)
    candidate = item.candidate
    signatures = candidate.signatures
    publics = [key for signature in signatures if (key := public_key(signature.key)) is not None]
    if len(publics) < len(signatures):
        return item
    check_signatures(candidate.event_data, signatures, publics)
    return Prepared(candidate._replace(verified=True), item.disclosures)


def read_unverified(data: bytes) -> Prepared:
    """As `prepare`, but no signature is verified yet."""
    return _unverified(parse_submission(data))


def _unverified(submission: Submission) -> Prepared:
    event = submission.event
    event_data = event_bytes(event)
    check_submitted(event_data)
    disclosures = check_disclosures(event, submission.disclosures) if submission.disclosures or event.private else ()
    return Prepared(Candidate(event, event_data, submission.signatures, verified=False), disclosures)
