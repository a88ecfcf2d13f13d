"""One exception hierarchy. Each subclass says whose fault it is; this module imports nothing of ours.

Messages are lower case, say what was expected and what came, and never hold a secret.
"""

from __future__ import annotations

from typing import ClassVar


class LedgerError(Exception):
    """Root of every error this project raises on purpose.

    ``code`` is stable and machine-readable; ``field`` is the path of the offending value (``body.amount_units``);
    ``expected`` and ``got`` are short texts. The HTTP layer turns these four into an RFC 9457 problem.
    """

    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        expected: object = None,
        got: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.expected = None if expected is None else _short(expected)
        self.got = None if got is None else _short(got)

    def __str__(self) -> str:
        parts = [f"{self.field}: {self.message}" if self.field else self.message]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        return "; ".join(parts)


class FormatError(LedgerError):
    """The bytes are not what formats §1-§9 allow. The sender's fault."""

    default_code = "malformed"


class SignatureError(LedgerError):
    """A signature or key does not hold. The signer's fault."""

    default_code = "bad_signature"


class ProofError(LedgerError):
    """Evidence does not prove what it claims. Whoever handed out the evidence is at fault."""

    default_code = "bad_proof"


class RefusalError(LedgerError):
    """A well-formed event that the rules of the village do not allow. The actor's fault."""

    default_code = "refused"


class ConflictError(LedgerError):
    """The same id with other bytes, or a state that moved on. The caller's fault."""

    default_code = "conflict"


class NotFoundError(LedgerError):
    """What was asked for is not here."""

    default_code = "not_found"


class AccessError(LedgerError):
    """The caller may not do this."""

    default_code = "forbidden"


class BusyError(LedgerError):
    """A bound is reached; nothing was stored; try again later."""

    default_code = "busy"


class StateError(LedgerError):
    """Stored state contradicts itself or its keys: the process refuses to go on. The operator's to mend."""

    default_code = "bad_state"


class ConfigError(LedgerError):
    """A setting is missing or wrong. The operator's fault; the message says what to do."""

    default_code = "bad_config"


class ChainError(LedgerError):
    """The chain node could not be reached, or answered against its contract."""

    default_code = "chain"


def _short(value: object, limit: int = 200) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
