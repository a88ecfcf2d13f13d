"""Whether what must hold does, judged by what was read back from the ledger and what its server answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final

from ledger.core.encoding import decode_base64url
from ledger.core.hashing import key_id
from ledger.scenarios.dacang.erasure import erased_and_proved
from ledger.scenarios.dacang.paperbook import homes_of
from ledger.scenarios.dacang.refusals import (
    CARRIED_AGAIN,
    GONE,
    KEY_AGAIN,
    PARTY_AGAIN,
    REGISTERED_AGAIN,
    TWICE,
)
from ledger.scenarios.dacang.story import Composed
from ledger.scenarios.dacang.village import day_before
from ledger.scenarios.dacang.watcher import Left, Post, Watcher
from ledger.scenarios.reading import Found

REFUSED: Final = {
    "move_out": {GONE: "inactive_party", TWICE: "missing_field", REGISTERED_AGAIN: "party_exists"},
    "paper_book": {CARRIED_AGAIN: "carried_before"},
    "anonymous": {KEY_AGAIN: "key_taken", PARTY_AGAIN: "party_exists"},
}
"""For each sentence, what was tried against it, and the code of the refusal."""
PAGE: Final = 500


def refused_as_meant(found: Found, sentence: str) -> bool:
    """Whether the ledger refused everything that was tried against a sentence."""
    return all(found.answer(mark).code == code for mark, code in REFUSED[sentence].items())


# A move-out keeps history and counts nobody twice -------------------------------------------------------------------


def moves_keep_history(found: Found, made: Composed) -> bool:
    """Everybody who left a household counts there until the day before, and every award counts in one household."""
    watcher: Watcher = found.only.watcher
    last = made.found.plan.split.as_of
    views = {home: _view(found, home, last) for home in (*watcher.groups, *watcher.merged)}
    return (
        refused_as_meant(found, "move_out")
        and _each_counts_once(watcher, views, found.only.figures.residents)
        and {left.action for left in watcher.left} == {"join", "merge", "move_out", "death"}
        and all(_left(found, left, views) for left in watcher.left)
    )


def _each_counts_once(watcher: Watcher, views: dict[str, dict[str, Any]], residents: int) -> bool:
    """Over all households: every resident, every award, all hundredths of merit of the year, each exactly once."""
    members = Counter(member["party"] for view in views.values() for member in view["members"])
    awards = Counter(award["seq"] for view in views.values() for award in view["awards"])
    merit = sum(view["year"]["together"]["merit"] for view in views.values())
    return (
        members == Counter(dict.fromkeys(watcher.homes, 1))
        and members.total() == residents
        and awards == Counter(dict.fromkeys((award.seq for award in watcher.awards.values()), 1))
        and merit == sum(award.merit_units for award in watcher.standing) - watcher.deducted_units
    )


def _left(found: Found, left: Left, views: dict[str, dict[str, Any]]) -> bool:
    """The old household has the days before, and keeps them; the new one, if there is one, has the days from then."""
    day = date.fromisoformat(left.day)
    before, after = _view(found, left.home, day_before(day)), _view(found, left.home, day)
    acts = {award.seq: award.day for award in found.only.watcher.standing if award.subject == left.party}
    kept = _awards_of(views[left.home], left.party)
    stays = found.client.account(found.only.chronicle.name, left.party, limit=1)["standing"]["memberships"]
    gone = {"household": left.home, "until": left.day}
    sound = (
        left.party in _members(before)
        and left.party not in _members(after)
        and kept == {seq for seq, on in acts.items() if on < left.day}
        and any(gone.items() <= stay.items() for stay in stays)
        and (kept or left.action == "death")
    )
    if not left.other:
        return bool(sound)
    there = _awards_of(views[left.other], left.party)
    joined = left.party in _members(_view(found, left.other, day))
    return bool(sound and joined and there == acts.keys() - kept and there)


def _view(found: Found, home: str, day: date) -> dict[str, Any]:
    """A household on a day, with all its awards."""
    name, on = found.only.chronicle.name, day.isoformat()
    view = found.client.household(name, home, on=on, limit=PAGE)
    while (before := view.pop("before", None)) is not None:
        more = found.client.household(name, home, on=on, limit=PAGE, before=before)
        view["awards"] += more["awards"]
        view |= {"before": more["before"]} if "before" in more else {}
    return view


def _members(view: dict[str, Any]) -> set[str]:
    return {member["party"] for member in view["members"]}


def _awards_of(view: dict[str, Any], party: str) -> set[int]:
    return {award["seq"] for award in view["awards"] if award["subject"] == party and "reversed_by" not in award}


# The paper book -----------------------------------------------------------------------------------------------------


def book_came_in(found: Found, made: Composed) -> bool:
    """Each line of the points book stands as balances that name the file; the last group is registered as its sheet."""
    watcher: Watcher = found.only.watcher
    homes, book = made.village.homes, made.book
    lines = [(homes[line.home].party, line) for line in book.lines]
    expected = {(party, "merit"): line.merit_units for party, line in lines}
    expected |= {(party, "spend"): line.spend_units for party, line in lines}
    first, group = made.found.plan.split.registered_on, len(made.village.groups) - 1
    return (
        refused_as_meant(found, "paper_book")
        and len(expected) > 0
        and {account: carried.units for account, carried in watcher.carried.items()} == expected
        and {carried.digest for carried in watcher.carried.values()} == {book.digest}
        and all(
            watcher.homes[made.village.people[person].party] == homes[home].party
            for home in homes_of(made.village, group, first)
            for person in made.village.members_on(home, first)
        )
    )


# Anonymous posts ----------------------------------------------------------------------------------------------------


def anonymous_unlinked(found: Found, made: Composed) -> bool:
    """Posts without a name are answered, some after a referral; party, key and key id stand in no other entry."""
    watcher: Watcher = found.only.watcher
    posts = watcher.anonymous
    return (
        refused_as_meant(found, "anonymous")
        and len(posts) == sum(not one.named for one in made.found.plan.suggestions)
        and all(post.alone and _answered(watcher, post) for post in posts)
        and any(watcher.answers_to(post.id, "referral") for post in posts)
        and _appear_once(found, posts)
        and all(found.client.account(found.only.chronicle.name, post.poster)["count"] == 1 for post in posts)
    )


def _answered(watcher: Watcher, post: Post) -> bool:
    """Whether somebody replied; where the post was referred, both who referred it and whom it went to."""
    repliers = {reply.poster for reply in watcher.answers_to(post.id, "reply")}
    wanted = {party for one in watcher.answers_to(post.id, "referral") for party in (one.poster, one.to)}
    return bool(repliers) and wanted <= repliers


def _appear_once(found: Found, posts: list[Post]) -> bool:
    """Each trace of a poster is in the bytes of one entry alone: that of the post."""
    traces = {trace: post.seq for post in posts for trace in _traces(post)}
    places = {trace: set[int]() for trace in traces}
    for seq, data in enumerate(found.client.entries(found.only.chronicle.name)):
        for trace in traces:
            if trace in data:
                places[trace].add(seq)
    return all(places[trace] == {seq} for trace, seq in traces.items())


def _traces(post: Post) -> Iterator[bytes]:
    yield post.poster.encode()
    yield post.one_time.encode()
    yield key_id(decode_base64url(post.one_time)).encode()


def checks(made: Composed) -> dict[str, Callable[[Found], bool]]:
    """The checks by the id of their sentence."""
    return {
        "move_out": lambda found: moves_keep_history(found, made),
        "paper_book": lambda found: book_came_in(found, made),
        "anonymous": lambda found: anonymous_unlinked(found, made),
        "erased": erased_and_proved,
    }
