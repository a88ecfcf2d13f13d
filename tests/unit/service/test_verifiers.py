"""Signatures are verified in other processes where there are many, in this one where that is quicker; all the same."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

import pytest
from nacl.signing import SigningKey

from ledger.core import ed25519
from ledger.core.encoding import encode_base64url
from ledger.core.signature import sign_event_bytes
from ledger.service.verifiers import SignatureChecker, Signed

KEY = SigningKey(bytes(32))
PUBLIC = ed25519.public_key(KEY)


def signed(number: int, *, sound: bool = True) -> Signed:
    data = b'{"n":%d}' % number
    return (data if sound else data + b" ", encode_base64url(sign_event_bytes(data, KEY)), PUBLIC)


class Counting(SignatureChecker):
    """Counts the groups that go to the pool."""

    handed = 0

    def check(self, items: Sequence[Signed]) -> Future[list[int]]:
        self.handed += 1
        return super().check(items)


GROUPS = {
    "no group": ([], 0),
    "one that is alone": ([[signed(0), signed(1, sound=False)]], 0),
    "two": ([[signed(0, sound=False)], [signed(1), signed(2)]], 2),
    "more than may be in flight": ([[signed(n, sound=n % 3 != 0)] for n in range(12)], 12),
}


@pytest.mark.parametrize("processes", [0, 1, 2])
@pytest.mark.parametrize("name", GROUPS)
def test_the_failing_places_come_group_by_group_in_order(name: str, processes: int) -> None:
    groups, handed = GROUPS[name]
    with Counting(processes) as checker:
        found = list(checker.check_ahead(groups, ahead=3))
        assert checker.handed == handed
    assert found == [[place for place, item in enumerate(group) if item[0].endswith(b" ")] for group in groups]
