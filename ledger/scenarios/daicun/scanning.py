"""Paper cards scanned in the field: numbered and dated on the device, synced in the evening, some of them twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.daicun.village import Worker
from ledger.scenarios.office import Office
from ledger.scenarios.scribe import Signed

SHANGHAI: Final = timezone(timedelta(hours=8))
STEP_S: Final = 45
"""Seconds from one scan of a device to its next."""


class Scanner:
    """A social worker's device. Its numbers go up by one from scan to scan, and are never used again.

    ``scans`` are the submissions that it made on the first day, ``last`` number and time of its last one.
    """

    def __init__(self, worker: Worker, number: int) -> None:
        self.worker = worker
        self.id = f"scanner-{number + 1}"
        self.scans: list[Signed] = []
        self.last: dict[str, JSON] = {}
        self._count = 0
        self._clock = 0

    def arrive(self, day: str, hour: str) -> None:
        """The worker comes to where a part of the day begins."""
        begins = datetime.fromisoformat(f"{day}T{hour}:00").replace(tzinfo=SHANGHAI)
        self._clock = max(self._clock, int(begins.timestamp()) * 1000)

    def stamp(self) -> dict[str, JSON]:
        """The number and time of the next scan."""
        self._count += 1
        self._clock += STEP_S * 1000
        self.last = {"captured_at": self._clock, "id": self.id, "seq": self._count}
        return self.last

    def scan(
        self,
        office: Office,
        subject: str,
        rule: str,
        day: str,
        details: Mapping[str, JSON],
        *,
        stamp: Mapping[str, JSON] | None = None,
        quantity: int = 1,
        task: str | None = None,
        mark: str = "",
    ) -> Signed:
        """Award whoever the scanned card names, signed on the device. ``stamp`` uses a number again, on purpose."""
        office.scribe.write(
            "points_awarded",
            [self.worker.actor],
            office.award_body(subject, rule, quantity=quantity, task=task),
            day=day,
            private=details,
            rule=office.named(rule),
            device=stamp or self.stamp(),
            mark=mark,
        )
        return office.scribe.written[-1]
