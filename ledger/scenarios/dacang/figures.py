"""The figures that dacang must land on, and those that it adds to the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ledger.scenarios.dacang.erasure import listed
from ledger.scenarios.dacang.refusals import ATTEMPTS
from ledger.scenarios.dacang.story import Composed
from ledger.scenarios.dacang.watcher import Watcher
from ledger.scenarios.reading import Found


def lands(made: Composed) -> dict[str, int]:
    """What the report must say, counted where it stands at the end of the year."""
    size, plan = made.size, made.found.plan
    return {
        "residents": size.residents,
        "households": size.households,
        "groups": size.groups,
        **_spread("groups_of", Counter(size.homes_per_group)),
        **_spread("households_of", Counter(size.people_per_home)),
        "plates": size.households,
        "listings": len(plan.stated.listings),
        "wants": len(plan.wants),
        "suggestions": len(plan.suggestions),
        "anonymous": sum(not suggestion.named for suggestion in plan.suggestions),
        "imported_balances": 2 * len(made.book.lines),
        "erased": 1,
        "refusals": len(ATTEMPTS),
    }


def further(found: Found, made: Composed) -> Mapping[str, int]:
    """Figures of its own: sizes of groups and households, plates in force, posts, listings exactly as stated."""
    watcher: Watcher = found.only.watcher
    plan, book = made.found.plan, made.book
    types = Counter(post.type for post in watcher.posts.values())
    offers = listed(found, "offer") & Counter(plan.stated.listings)
    return {
        **_spread("groups_of", Counter(Counter(watcher.groups.values()).values())),
        **_spread("households_of", watcher.households()),
        "moved_out": sum(left.action == "move_out" for left in watcher.left),
        "deceased": sum(left.action == "death" for left in watcher.left),
        "merged": len(watcher.merged),
        "plates": len(watcher.plates),
        "listings": offers.total(),
        "wants": listed(found, "want").total(),
        "suggestions": types["suggestion"],
        "anonymous": len(watcher.anonymous),
        "referrals": types["referral"],
        "replies": types["reply"],
        "notices": types["notice"],
        "honours": watcher.honours,
        "imported_balances": sum(carried.digest == book.digest for carried in watcher.carried.values()),
        "erased": len(watcher.erased),
    }


def _spread(name: str, sizes: Counter[int]) -> dict[str, int]:
    """How many have each size, as ``<name>_<size>``."""
    return {f"{name}_{size}": number for size, number in sorted(sizes.items())}
