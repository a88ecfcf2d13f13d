"""The clock of the anchor process: one job, "anchor whatever is not anchored", so that a missed or doubled tick is
harmless. Jobs live in memory: a store that two schedulers shared would run each tick twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from anchor.leader import Leader
from anchor.service import AnchorService, RoundResult

logger = structlog.get_logger(__name__)
JOB_ID: Final = "anchor"


class Ticker:
    """Runs rounds while this process leads."""

    def __init__(
        self,
        service: AnchorService,
        leader: Leader,
        *,
        interval_s: float,
        after: Callable[[Sequence[RoundResult]], None] = lambda _: None,
    ) -> None:
        """``after`` is called with the outcome of every round."""
        self._service = service
        self._leader = leader
        self._after = after
        self._leads: bool | None = None
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._scheduler.add_job(
            self.tick,
            "interval",
            seconds=interval_s,
            id=JOB_ID,
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    def start(self) -> None:
        """Start ticking in a thread of its own; the first tick is at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """Let a round that is under way end, then let another process lead."""
        self._scheduler.shutdown(wait=True)
        self._leader.release()

    def tick(self) -> None:
        """One round, if this process leads. Nothing that goes wrong ends the clock: the next tick tries again."""
        try:
            leads = self._leader.hold()
            if leads != self._leads:
                logger.info("leading" if leads else "standing by: another process anchors")
                self._leads = leads
            if leads:
                self._after(self._service.round())
        except Exception:  # a fault of one round must not end anchoring for good; it is logged, and shown as lag
            logger.exception("a round failed")
