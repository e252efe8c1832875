"""What was dialed before, as far as attempt rules ask: by whichever list, campaign and server.

It is looked at twice: when chains are retrieved, in one query for all of them, so that most of what must not be dialed yet is put
aside without ado; and again when an attempt's row is committed, just before the dial. Whoever commits first and looks then sees
the other: two servers that take the same number at the same moment may both refrain, and never both dial. The looks of a moment
share a query. While the database is away we go by what was read and by what this server has dialed itself since.
"""
from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Callable, Iterable, Sequence

from twisted.internet.defer import Deferred, TimeoutError
from twisted.logger import Logger, LogLevel

from ocs.clock import IClock
from ocs.dialing.compliance.attempts import PastAttempt, PastWanted, past_needed_s, past_of
from ocs.dialing.compliance.rules import Rule
from ocs.dialing.values import Attempt, Chain
from ocs.errors import OCSError
from ocs.scheduler.running import run

if TYPE_CHECKING:
    from ocs.interfaces import IStore

__all__ = ["PastDials"]

_REMEMBERED = 20_000        # attempts of this server
_LONGEST_S = 5.0            # a dial waits no longer for the database; of the machine's time, where ours runs faster
_Key = str | tuple[str, int]        # a number, or (table, chain_id)


class PastDials:
    """Of one engine. `store` gives the store, which may be set late."""

    log = Logger()

    def __init__(self, clock: IClock, store: Callable[[], IStore]) -> None:
        self._clock, self._store = clock, store
        self._asking: list[tuple[Chain, float, Deferred[Chain]]] = []
        self._own: OrderedDict[str, PastAttempt] = OrderedDict()        # by GUID
        self._by_key: defaultdict[_Key, set[str]] = defaultdict(set)
        self._wanted = self._failing = False

    # -- what the database knows --------------------------------------------------------------------------------------
    async def of_chains(self, chains: Sequence[Chain], rules: Iterable[Rule]) -> list[Chain]:
        """These chains, each with the attempts on it as far as the rules need them; as they were where the database does not
        tell."""
        rules = list(rules)
        if not rules or not chains:
            return list(chains)
        self._wanted = True
        return await self._read([(chain, past_needed_s(rules)) for chain in chains])

    def again(self, chain: Chain, rules: Iterable[Rule]) -> Deferred[Chain]:
        """The same of one chain. Never fails; those who ask in one turn share the query."""
        told: Deferred[Chain] = Deferred()
        self._wanted = True
        self._asking.append((chain, past_needed_s(rules), told))
        if len(self._asking) == 1:
            self._clock.callLater(0, self._ask)
        return told

    def _ask(self) -> None:
        asking, self._asking = self._asking, []

        async def answer() -> None:
            for chain, (_, _, told) in zip(await self._read([(chain, past_s) for chain, past_s, _ in asking]), asking):
                told.callback(chain)

        run(answer(), "looking at what was dialed before")

    async def _read(self, asked: Sequence[tuple[Chain, float]]) -> list[Chain]:
        now = self._clock.wall()
        records: defaultdict[str, list[int]] = defaultdict(list)
        for chain, _ in asked:
            records[chain.table] += [record.record_id for record in chain.records]
        phones = dict.fromkeys(record.contact_info for chain, _ in asked for record in chain.records)
        asking = self._store().past_attempts(PastWanted(
            now - max(past_s for _, past_s in asked), tuple(phones), {table: tuple(ids) for table, ids in records.items()}))
        try:
            found = await asking.addTimeout(_LONGEST_S * max(1.0, self._clock.speed), self._clock)
        except (OCSError, TimeoutError) as error:
            self.log.emit(LogLevel.debug if self._failing else LogLevel.warn,
                          "what others have dialed is not known to the attempt rules: {reason}",
                          reason=str(error) if isinstance(error, OCSError) else "no answer in time")
            self._failing = True
            return [chain for chain, _ in asked]
        self._failing = False
        by_key: defaultdict[_Key, list[PastAttempt]] = defaultdict(list)
        for one in found:
            for key in _keys(one):
                by_key[key].append(one)
        return [replace(chain, past=_of(chain, by_key)) for chain, _ in asked]

    # -- what this server knows ---------------------------------------------------------------------------------------
    def note(self, attempt: Attempt) -> None:
        """An attempt of this server is about to be dialed, or more is known of it."""
        if not self._wanted:
            return
        past = past_of(attempt)
        if past is None:
            self._forget(attempt.guid)
            return
        if attempt.guid not in self._own:
            for key in _keys(past):
                self._by_key[key].add(attempt.guid)
        self._own[attempt.guid] = past
        while len(self._own) > _REMEMBERED:
            self._forget(next(iter(self._own)))

    def _forget(self, guid: str) -> None:
        past = self._own.pop(guid, None)
        for key in () if past is None else _keys(past):
            self._by_key[key].discard(guid)
            if not self._by_key[key]:
                del self._by_key[key]

    def known(self, chain: Chain) -> list[PastAttempt]:
        """Everything that is known of attempts on a chain: what was read, and what this server has dialed meanwhile."""
        known = {one.guid: one for one in chain.past}
        keys: list[_Key] = [(chain.table, chain.chain_id), *{record.contact_info for record in chain.records}]
        known.update((guid, self._own[guid]) for key in keys for guid in self._by_key.get(key, ()))
        return list(known.values())


def _keys(past: PastAttempt) -> tuple[_Key, _Key]:
    return past.phone, (past.table, past.chain_id)


def _of(chain: Chain, by_key: defaultdict[_Key, list[PastAttempt]]) -> tuple[PastAttempt, ...]:
    found = {one.guid: one for one in by_key.get((chain.table, chain.chain_id), ())}
    for record in chain.records:
        found.update((one.guid, one) for one in by_key.get(record.contact_info, ()))
    return tuple(found.values())
