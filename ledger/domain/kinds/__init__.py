"""Every kind of event this ledger knows. A new family is one more module and one more line here."""

from __future__ import annotations

from typing import Final

from ledger.domain.events import Body
from ledger.domain.kinds.books import BalanceCarried, RulebookAdopted
from ledger.domain.kinds.commitments import StateCommitted
from ledger.domain.kinds.corrections import EntryReversed
from ledger.domain.kinds.founding import LedgerCreated, RoleChanged
from ledger.domain.kinds.parties import CredentialChanged, PartyChanged
from ledger.domain.kinds.points import PointsAwarded, PointsRedeemed, TaskPublished

KINDS: Final[dict[str, type[Body]]] = {
    body.kind: body
    for body in (
        LedgerCreated,
        RoleChanged,
        PartyChanged,
        CredentialChanged,
        RulebookAdopted,
        BalanceCarried,
        TaskPublished,
        PointsAwarded,
        PointsRedeemed,
        EntryReversed,
        StateCommitted,
    )
}
