"""Whatever happens at a primary, its backup knows the same after each step; and when it takes over, the switch is consistent and
everything goes on."""
from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocs.servers.tserver.pair.handover import Handover
from ocs.servers.tserver.pair.mirror import MirrorCopy
from protocols.codec import MESSAGE_PACK
from protocols.message import Message
from tests.servers.tserver.pair_world import SharedDriver, pictured
from tests.servers.tserver.test_anything_goes import Walk, steps
from tests.servers.tserver.world import World


class Shadow:
    """A server that keeps a copy of a world's: what it is sent goes through the codec."""

    def __init__(self, world: World) -> None:
        self.world = World(driver=SharedDriver, beside=world)
        self.copy = MirrorCopy(world.clock, self.world.server.board, self.world.server.floor, self.world.server.directory)
        session: Any = self
        world.server.mirror.open(session)
        while world.server.mirror.page(session):
            pass

    def deliver(self, image: Message) -> None:
        decoder = MESSAGE_PACK.decoder()
        decoder.receive(MESSAGE_PACK.encode(image))
        read = decoder.next_message()
        assert read is not None
        self.copy.apply(read)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=50), st.lists(steps, min_size=10, max_size=50))
def test_a_backup_knows_what_its_primary_knows_and_goes_on_with_it(before: list[Any], after: list[Any]) -> None:
    walk = Walk(World(driver=SharedDriver))
    shadow = Shadow(walk.world)
    for kind, *what in before:
        getattr(walk, kind)(*what)
        assert pictured(shadow.world.server) == pictured(walk.world.server), kind
    walk.world.server.driver.gone = True        # whatever it still does, neither the switch nor the copy hears of it
    walk.world.server.mirror.close_all()
    lost, walk.world = walk.world, shadow.world
    Handover(shadow.world.server).begin()
    shadow.world.assert_consistent()
    walk.clients = [walk.client(place) for place in range(3)]
    for kind, *what in after:
        getattr(walk, kind)(*what)
        for client in walk.clients:
            assert not any(message.attributes.get("ErrorCode") == 52 for message in client.news())
        walk.world.assert_consistent()
    lost.server.stop()
    walk.world.stop()
