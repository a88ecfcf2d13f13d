"""Every kind of event this ledger knows. A new family is one more module and one more line here."""

from __future__ import annotations

from typing import Final

from ledger.domain.events import Body
from ledger.domain.kinds.benefits import BenefitChanged
from ledger.domain.kinds.books import BalanceCarried, RulebookAdopted
from ledger.domain.kinds.civic import CivicPosted
from ledger.domain.kinds.commitments import StateCommitted
from ledger.domain.kinds.corrections import EntryReversed
from ledger.domain.kinds.credentials import CredentialChanged
from ledger.domain.kinds.founding import LedgerCreated, RoleChanged
from ledger.domain.kinds.parties import PartyChanged
from ledger.domain.kinds.points import PointsAwarded, PointsDeducted
from ledger.domain.kinds.recognition import HonourChanged, RatingPublished
from ledger.domain.kinds.rights import PersonalDataErased
from ledger.domain.kinds.spending import MerchantSettled, PointsExpired, PointsRedeemed
from ledger.domain.kinds.tasks import TaskPublished
from ledger.domain.kinds.workflow import ClaimDeclared, ClaimReviewed, TaskClaimed

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
        TaskClaimed,
        ClaimDeclared,
        ClaimReviewed,
        PointsAwarded,
        PointsDeducted,
        PointsRedeemed,
        MerchantSettled,
        PointsExpired,
        EntryReversed,
        RatingPublished,
        HonourChanged,
        BenefitChanged,
        CivicPosted,
        PersonalDataErased,
        StateCommitted,
    )
}
