"""Whatever links are lost, whenever: a number whose do-not-call request was acknowledged by one server is dialed by none.

Three servers, each with its list in memory, its feed of the database and its links; a database that commits after a while;
random requests, dials, cuts and joins. Every server dials what its own list lets pass, at any moment."""
from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.dialing.dnc import ChangeKind, DoNotCallChange, DoNotCallList
from ocs.dialing.values import DoNotCallEntry
from tests.doubles.clock import VirtualClock
from tests.doubles.peers import FakePeerRequests, PeerWorld

SERVERS = 3
FEED_S = 0.25               # how often a server asks the database


class _Server(FakePeerRequests):
    """What a peer blocks goes into the list that this server dials by."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = DoNotCallList(followed=True)

    def block(self, entries: Any) -> None:
        for entry in entries:
            self.listed.add(entry)


class _World(PeerWorld):
    def __init__(self) -> None:
        clock = VirtualClock()
        super().__init__(clock, tuple(range(1, SERVERS + 1)), [_Server() for _ in range(SERVERS)])
        self.committed: list[DoNotCallEntry] = []
        self.acknowledged: set[str] = set()
        self.wrong: list[tuple[int, str]] = []
        self.dialed = 0
        for server in range(SERVERS):
            clock.callLater(FEED_S * (server + 1) / SERVERS, self.feed, server)

    def feed(self, server: int) -> None:
        listed = self.requests[server].listed
        for sequence, entry in enumerate(self.committed, 1):
            listed.follow(DoNotCallChange(sequence, ChangeKind.ADD, entry.phone, request_id=entry.request_id))
            listed.passed(sequence)
        self.clock.callLater(FEED_S, self.feed, server)

    def ask(self, server: int, phone: str, commit_s: float) -> None:
        """A request at this server, as `RecordOperations` does it."""
        entry = DoNotCallEntry(phone=phone, internal=True)
        self.requests[server].listed.add(entry)
        notice = self.peers[server].block([entry])

        def commit() -> None:
            self.committed.append(entry)
            notice.everywhere().addCallback(lambda _: self.acknowledged.add(phone))
        self.clock.callLater(commit_s, commit)

    def dial(self, server: int, phone: str) -> None:
        if self.requests[server].listed.blocks(None, phone) is None:
            self.dialed += 1
            if phone in self.acknowledged:
                self.wrong.append((server, phone))

    def dial_everything(self) -> None:
        for server in range(SERVERS):
            for phone in PHONES:
                self.dial(server, phone)


PHONES = [f"+1212555{n:04d}" for n in range(6)]
PLACE = st.integers(0, SERVERS - 1)
STEPS = st.lists(st.one_of(
    st.tuples(st.just("ask"), PLACE, st.sampled_from(PHONES), st.sampled_from((0.0, 0.01, 0.3, 2.0))),
    st.tuples(st.just("cut"), PLACE, PLACE), st.tuples(st.just("join"), PLACE, PLACE),
    st.tuples(st.just("wait"), st.sampled_from((0.0, 0.0, 0.0, 0.05, 0.24, 0.6, 1.5)))), max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.booleans(), STEPS)
def test_no_number_is_dialed_by_anybody_after_the_acknowledgement(linked: bool, steps: list[Any]) -> None:
    world = _World()
    if linked:
        world.join_all()
    asked = set()
    for what, *rest in steps:
        if what == "ask":
            world.ask(*rest)
            asked.add(rest[1])
        elif what == "wait":
            world.clock.advance(rest[0])
        elif rest[0] != rest[1]:
            (world.cut if what == "cut" else world.join)(*rest)
        world.dial_everything()
    for _ in range(40):                 # every request is acknowledged in the end, also where nobody answers
        world.clock.advance(0.1)
        world.dial_everything()
    assert world.wrong == [] and world.acknowledged == asked
    assert world.dialed > 0 or asked == set(PHONES)


def test_a_request_that_was_removed_again_is_not_brought_back_by_late_news_of_it() -> None:
    """The database told the addition and the removal before the peer's own word arrived."""
    listed, entry = DoNotCallList(followed=True), DoNotCallEntry(phone=PHONES[0])
    listed.follow(DoNotCallChange(1, ChangeKind.ADD, PHONES[0], request_id=entry.request_id))
    listed.follow(DoNotCallChange(2, ChangeKind.REMOVE, PHONES[0], everywhere=True))
    listed.add(entry)
    assert listed.blocks(None, PHONES[0]) is None
    listed.add(DoNotCallEntry(phone=PHONES[0]))     # another request is another word
    assert listed.blocks(None, PHONES[0]) == "phone"
