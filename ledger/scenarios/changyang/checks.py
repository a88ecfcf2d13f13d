"""Whether the sentences of changyang hold, by what is read back from its ledgers and what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from ledger.scenarios.changyang.plan import Stated
from ledger.scenarios.changyang.watching import Sale, Watch
from ledger.scenarios.reading import Found, ReadBack

OWN_REVIEWS: Final = {"own act reviewed": "own_case", "own declaration reviewed": "own_claim"}
"""What a reviewer tried, and how it was refused."""
STARS: Final = 10


def checks(stated: Stated) -> dict[str, Callable[[Found], bool | None]]:
    """The check of each sentence, by its id. Appeals are not built yet, so theirs is missing."""
    return {
        "anchored": _anchored_in_one_batch,
        "reviewed": _reviewed_by_others,
        "old_act": _judged_by_the_old_rule,
        "exchange": lambda found: _merit_stays(found, stated),
        "pacesetter": _ten_stars,
    }


def watch_of(ledger: ReadBack) -> Watch:
    """What was seen of a ledger."""
    watch = ledger.watcher
    assert isinstance(watch, Watch), "changyang watches every ledger"
    return watch


def _refused(found: Found, mark: str, code: str) -> bool:
    """Whether somebody tried, and was refused with this code in every ledger where it was tried."""
    codes = [ledger.answers[mark].code for ledger in found.ledgers if mark in ledger.answers]
    return bool(codes) and set(codes) == {code}


def _anchored_in_one_batch(found: Found) -> bool | None:
    """Not judged where no chain was asked for and none has anything."""
    anchored = found.anchored()
    if anchored.ledgers == 0 and not found.chain:
        return None
    return anchored == (len(found.ledgers), 1)


def _reviewed_by_others(found: Found) -> bool:
    """No review by the declarer, the subject or their household; no award without one; and it was tried in vain."""
    watches = [watch_of(ledger) for ledger in found.ledgers]
    return all(_refused(found, mark, code) for mark, code in OWN_REVIEWS.items()) and all(
        watch.reviews and not watch.own_reviews and not watch.unreviewed for watch in watches
    )


def _judged_by_the_old_rule(found: Found) -> bool:
    """Where villagers voted again, what was done before and awarded after it has the old rule and its points."""
    voted = [ledger for ledger in found.ledgers if len(watch_of(ledger).books) > 1]
    return bool(voted) and all(
        "old act" in ledger.answers
        and ledger.answers["old act"].seq in watch_of(ledger).old_acts
        and not watch_of(ledger).misjudged
        and ledger.answers["old act by the new rule"].code == "rule_not_in_force"
        for ledger in voted
    )


def _sales(found: Found) -> Iterator[Sale]:
    for ledger in found.ledgers:
        yield from watch_of(ledger).sales.values()


def _merit_stays(found: Found, stated: Stated) -> bool:
    """No exchange moves merit; the rice costs exactly its points; and the server's own account says the same."""
    ledger = next(one for one in found.ledgers if "rice" in one.answers)
    rice = watch_of(ledger).sales[ledger.answers["rice"].seq]
    held = found.client.account(ledger.chronicle.name, rice.subject, limit=1)["balances"]
    return (
        rice.before - rice.after == Counter(spend=stated.exchange.units)
        and held["merit"] == rice.before["merit"]
        and all(sale.before["merit"] == sale.after["merit"] for sale in _sales(found))
    )


def _ten_stars(found: Found) -> bool:
    """Every village has a pacesetter with ten stars, whose benefit a decider granted; nine stars were refused."""
    watches = [watch_of(ledger) for ledger in found.ledgers]
    return _refused(found, "pacesetter with nine stars", "honours_missing") and all(
        watch.pacesetters and set(watch.pacesetters.values()) == {STARS} and watch.granted == set(watch.pacesetters)
        for watch in watches
    )
