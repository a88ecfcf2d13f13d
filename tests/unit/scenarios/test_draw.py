"""Draws are the same for the same labels on every machine, and leave each other alone."""

from __future__ import annotations

import pytest

from ledger.scenarios.draw import Draw


def test_a_draw_is_pinned_so_that_no_machine_and_no_python_tells_another_story() -> None:
    draw = Draw("foshan", "20211217")
    taken = draw.take(40).hex()
    assert taken == "4b6fdd78ec6b474c952e97be062582d6883002a4c7cf5cb221dec2945f0574e3c5a4fa95ac07341e"
    assert [draw.below(1000) for _ in range(5)] == [297, 597, 243, 12, 27]
    assert draw.shuffled("abcdefgh") == list("gbdhfcea")


def test_the_same_labels_give_the_same_stream_and_others_another() -> None:
    assert Draw("a", "b").take(32) == Draw("a").split("b").take(32)
    assert Draw("a", "b").take(32) != Draw("a", "c").take(32)


def test_what_one_stream_draws_does_not_move_another() -> None:
    draw = Draw("a")
    first = draw.split("b").take(8)
    draw.take(1000)
    assert draw.split("b").take(8) == first


def test_taking_in_parts_gives_the_bytes_of_taking_at_once() -> None:
    parts, whole = Draw("a"), Draw("a")
    assert parts.take(5) + parts.take(60) + parts.take(1) == whole.take(66)


@pytest.mark.parametrize("bound", [1, 2, 7, 1000])
def test_numbers_stay_below_their_bound(bound: int) -> None:
    draw = Draw("bound")
    assert {draw.below(bound) for _ in range(50 * bound)} <= set(range(bound))


def test_shuffling_keeps_every_item_and_picking_picks_one_of_them() -> None:
    draw, items = Draw("a"), list(range(50))
    assert sorted(draw.shuffled(items)) == items
    assert draw.pick(items) in items
