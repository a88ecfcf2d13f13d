"""The disclosures that come with a submitted event, against what its kind may carry (formats §6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ledger.core.disclosure import match
from ledger.core.encoding import JSON
from ledger.core.types import DIGEST_HEX_PATTERN
from ledger.domain.entries import check_nfc
from ledger.domain.events import Event
from ledger.errors import FormatError, ProofError, RefusalError

TEXT_MAX: Final = 2000
"""Characters of a private text."""
_DIGEST = re.compile(DIGEST_HEX_PATTERN)


def check_disclosures(event: Event, disclosures: Sequence[str]) -> list[tuple[str, str, str]]:
    """Match disclosures with the digests in ``event.private``; answers (name, the party each is about, its text).

    Raises `FormatError` for a disclosure that is malformed or ill-typed, `RefusalError` for one that is missing,
    superfluous, misnamed or doubled, or that the kind does not have.
    """
    body = event.body
    private = event.private or {}
    try:
        values = match(private, disclosures, complete=True)
    except ProofError as error:
        raise RefusalError(
            error.message,
            code=error.code,
            field=error.field,
            expected=error.expected or ", ".join(sorted(private)) or "none",
            got=error.got or f"{len(disclosures)} disclosures",
        ) from error
    holder = body.holder()
    for name, value in values.items():
        if name not in body.private or holder is None:
            raise RefusalError(
                "a private field that this kind does not have",
                code="unknown_private",
                field=f"private.{name}",
                expected=", ".join(body.private) or "none",
                got=name,
            )
        _check_value(name, value, body.private[name])
    return [(name, str(holder), text) for name, text in zip(values, disclosures, strict=True)]


def _check_value(name: str, value: JSON, wanted: str) -> None:
    if wanted == "integer":
        expected, good = "an integer", type(value) is int
    elif wanted == "digest":
        expected, good = "64 lower-case hex digits", type(value) is str and len(value) == 64 and _is_digest(value)
    else:
        expected, good = f"text of 1 to {TEXT_MAX} characters", type(value) is str and 1 <= len(value) <= TEXT_MAX
    if not good:
        raise FormatError(
            "a private field of another type",
            code="bad_private",
            field=f"private.{name}",
            expected=expected,
            got=type(value).__name__,
        )
    check_nfc(value, f"private.{name}")


def _is_digest(text: str) -> bool:
    return _DIGEST.match(text) is not None
