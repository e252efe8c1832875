"""How campaign groups stand, as notifications: one post at each change, and now and then while they are loaded.

What is posted is how things are: nobody repeats a post that failed, the next one says it all again. A post that takes longer than
the interval is not followed by another to the same service. Keys: reference of the HTTP interfaces, section 5.
"""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocs.clock import IClock
from ocs.dialing.campaign import CampaignGroup
from ocs.dialing.results import CallResult
from ocs.dialing.session import SessionEvent, SessionState
from ocs.errors import OCSError
from ocs.links.http import Answer, HttpClient
from ocs.links.http_options import CampaignGroupStateOptions, first_rule
from protocols.desktop import keys
from protocols.errors import ProtocolError
from protocols.http_messages.bodies import encode_object

__all__ = ["GroupStanding", "ListStanding", "StateNotifier", "state_body"]

_TOLD = frozenset({SessionEvent.LOADED, SessionEvent.START, SessionEvent.STOP, SessionEvent.UNLOADED})
_UNDER_WAY_LIMIT = 8            # posts to one service; one more is left out
_ABANDONED = CallResult.DROPPED


@dataclass(frozen=True)
class ListStanding:
    """What is to be told of one of its lists: as of the group."""

    results: Mapping[CallResult, int] = field(default_factory=dict)
    time_to_complete_s: float | None = None


@dataclass(frozen=True)
class GroupStanding:
    """What is to be told of a campaign group: the GUID of its session, its calls of this run of the server by result, how many
    agents are logged in, how many of these are on a call, and in how many seconds its lists are done with, if that is known."""

    group: CampaignGroup
    state: SessionState
    guid: str
    results: Mapping[CallResult, int]
    agents: int = 0
    busy: int = 0
    time_to_complete_s: float | None = None
    lists: Mapping[str, ListStanding] = field(default_factory=dict)


def state_body(standing: GroupStanding, now: float) -> dict[str, Any]:
    """What is posted. Figures that are not known are null."""
    group, running = standing.group, standing.state is SessionState.RUNNING
    answered, dropped = _people(standing.results)
    return {
        keys.USER_EVENT: "CampaignGroupState", "GSW_TENANT_NAME": "undefined", keys.CAMPAIGN_NAME: group.campaign,
        keys.CAMPAIGN_GROUP_NAME: group.name, keys.CAMPAIGN_GROUP_DBID: group.dbid, "GSW_CAMPAIGN_GROUP_GUID": standing.guid,
        "GSW_GROUP_NAME": group.group.name, "GSW_CAMPAIGN_GROUP_STATUS": int(standing.state), "GSW_TIMESTAMP": int(now),
        **({"GSW_DIAL_MODE": group.mode.desktop, "GSW_OPTIMIZE_BY": group.pacing.method.word,
            "GSW_OPTIMIZE_GOAL": group.pacing.goal} if running else {}),
        "GSW_STAT_BUSY_FACTOR": round(standing.busy / standing.agents, 4) if standing.agents else None,
        "GSW_STAT_OVERDIAL_RATE": round(dropped / (answered + dropped), 4) if answered + dropped else None,
        **_figures(standing),
        "GSW_CALLING_LISTS": [{keys.CALLING_LIST: one.name, keys.CALLING_LIST_DBID: one.dbid,
                               **_figures(standing.lists.get(one.name, ListStanding()))} for one in group.lists],
    }


def _figures(standing: GroupStanding | ListStanding) -> dict[str, Any]:
    """What is told of a group and of each list."""
    calls, left_s = sum(standing.results.values()), standing.time_to_complete_s
    return {"GSW_STAT_HIT_RATIO": round(sum(_people(standing.results)) / calls, 4) if calls else None,
            "GSW_STAT_TIME_TO_COMPLETE": None if left_s is None else round(left_s)}


def _people(results: Mapping[CallResult, int]) -> tuple[int, int]:
    """Calls that people answered: those that came to an agent, those that were dropped."""
    return results.get(CallResult.ANSWER, 0), results.get(_ABANDONED, 0)


class StateNotifier:
    """Tells the services of `rules`. `standings()` gives every campaign group that is loaded."""

    log = Logger()

    def __init__(self, client: HttpClient, rules: Sequence[CampaignGroupStateOptions], clock: IClock) -> None:
        self._client, self._rules, self._clock = client, tuple(rules), clock
        self._standings: Callable[[], Iterable[GroupStanding]] = tuple
        self._timers: dict[int, IDelayedCall] = {}
        self._under_way: Counter[str] = Counter()
        self.sent, self.failed = 0, 0

    def start(self, standings: Callable[[], Iterable[GroupStanding]]) -> None:
        """Tell now and then from now on; `standings()` are the GroupStanding of all groups that are loaded."""
        self._standings = standings
        for number, rule in enumerate(self._rules):
            if rule.enabled:
                self._timers[number] = self._clock.callLater(rule.interval_s, self._tick, number)

    def stop(self) -> None:
        """No more of it."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def changed(self, standing: GroupStanding, event: SessionEvent) -> None:
        """A campaign group was loaded, started, stopped, unloaded."""
        if event in _TOLD:
            self._tell([standing], None)

    def regrouped(self, standing: GroupStanding, before: CampaignGroup) -> None:
        """It goes on in another mode, or to another goal."""
        after = standing.group
        if (before.mode, before.pacing) != (after.mode, after.pacing) and standing.state is SessionState.RUNNING:
            self._tell([standing], None)

    def _tick(self, number: int) -> None:
        rule = self._rules[number]
        self._timers[number] = self._clock.callLater(rule.interval_s, self._tick, number)
        self._tell(self._standings(), rule)

    def _tell(self, standings: Iterable[GroupStanding], of: CampaignGroupStateOptions | None) -> None:
        for standing in standings:
            rule = first_rule(self._rules, standing.group.name)
            if rule is not None and of in (None, rule):
                self._post(rule.uri, standing)

    def _post(self, uri: str, standing: GroupStanding) -> None:
        if self._under_way[uri] >= _UNDER_WAY_LIMIT:
            self.failed += 1
            return
        self._under_way[uri] += 1
        asked = self._client.request("POST", uri, encode_object(state_body(standing, self._clock.wall())),
                                     name="campaign group state")
        asked.addCallbacks(self._answered, self._not_answered).addBoth(self._over, uri)

    def _answered(self, answer: Answer) -> None:
        self.sent += 1
        if not answer.done:
            self._fail(f"status {answer.status}")

    def _not_answered(self, failure: Failure) -> None:
        failure.trap(ProtocolError, OCSError)
        self._fail(failure.getErrorMessage())

    def _fail(self, reason: str) -> None:
        self.failed += 1
        self.log.debug("campaign group state not told: {reason}", reason=reason)

    def _over(self, result: Any, uri: str) -> None:
        self._under_way[uri] -= 1
        if isinstance(result, Failure):
            self.log.failure("campaign group state", result)
