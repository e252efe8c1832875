"""A change of attempts or records waits until it has been told of; everything else does not, and the order stays."""
from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from zope.interface.verify import verifyObject

from ocs.dialing.values import Attempt, ChainSave, Record
from ocs.interfaces import IStore
from ocs.store.memory import MemoryStore
from ocs.store.told_first import ToldFirst
from tests.contracts.stores import result

RECORD = Record(1, 1, 0, "+12125550001")
ATTEMPT = Attempt("G", "list", 1, 1, 0, "+12125550001", 1, "spring", "east", "s", 0.0)


def test_changes_wait_in_order_and_reading_does_not() -> None:
    memory, told = MemoryStore(), []        # type: MemoryStore, list[Deferred[None]]
    memory.add_list("list", [RECORD])

    def tell() -> Deferred[None]:
        told.append(Deferred())
        return told[-1]
    store = ToldFirst(memory, tell)
    opened, saved = store.open_attempts([ATTEMPT]), store.save(ChainSave("list", attempts=(ATTEMPT,)))
    assert not opened.called and not saved.called and memory.attempts == {}
    assert len(result(store.records("list", 10))) == 1
    told[0].callback(None)
    assert opened.called and not saved.called and set(memory.attempts) == {"G"}
    told[1].callback(None)
    assert result(saved) is None


def test_it_is_a_store_and_fails_as_the_one_behind_it() -> None:
    memory = MemoryStore()
    store = ToldFirst(memory, lambda: succeed(None))
    assert verifyObject(IStore, store)
    memory.available = False
    failed: list[object] = []
    store.save(ChainSave("list")).addErrback(lambda failure: failed.append(failure.type.__name__))
    assert failed == ["DatabaseAway"]
