"""The registry of links: states, and since when; listeners who fail harm nobody."""
from __future__ import annotations

from ocs.links.registry import Links, LinkState, LinkStatus
from tests.conftest import Logged
from tests.doubles.clock import VirtualClock


def test_since_counts_from_going_up_or_from_being_up_no_more() -> None:
    clock = VirtualClock()
    links = Links(clock)
    record = links.add("tserver", "a:1")
    made = clock.wall()
    for state in (LinkState.CONNECTING, LinkState.LOGGING_IN, LinkState.WAITING, LinkState.CONNECTING):
        clock.advance(1.0)
        record.became(state)
        assert record.status.since == made and not record.status.up
    clock.advance(1.0)
    record.became(LinkState.UP)
    assert record.status.since == clock.wall() and record.status.up
    up = clock.wall()
    clock.advance(60.0)
    record.became(LinkState.UP)
    assert record.status.since == up
    record.became(LinkState.WAITING, error="cut")
    assert (record.status.since, record.status.last_error) == (clock.wall(), "cut")


def test_every_change_is_told_to_everybody_although_one_of_them_fails(logged: Logged) -> None:
    links = Links(VirtualClock())
    heard: list[LinkStatus] = []
    links.add_listener(lambda status: [][0])
    links.add_listener(heard.append)
    record = links.add("tserver", "a:1")
    record.became(LinkState.CONNECTING, attempts=1)
    record.became(LinkState.WAITING, peer="b:2", error="nobody is there")
    assert [status.state for status in heard] == [LinkState.CONNECTING, LinkState.WAITING]
    assert heard[-1] == next(iter(links)) and (heard[-1].attempts, heard[-1].peer) == (1, "b:2")
    assert len(logged.failures(IndexError)) == 2
