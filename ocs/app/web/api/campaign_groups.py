"""Campaign groups in the API: how they stand, what they decided and why, and the orders that they take."""
from __future__ import annotations

from collections import Counter
from typing import Any, Awaitable, Callable

from twisted.logger import Logger

from ocs.app.web.api.routing import Call, Route
from ocs.app.web.api.site import Site, api_error
from ocs.app.web.api.values import campaign_groups as values
from ocs.app.web.api.values.words import LimitQuery, word
from ocs.dialing.results import DialingMode, OptimizationMethod
from ocs.dialing.session import SessionState
from ocs.errors import OCSError
from ocs.scheduler.mode_change import Course
from ocs.scheduler.session import DialingSession
from ocs.store.api_tokens import Role

__all__ = ["routes"]

_MODES = {mode.word: mode for mode in DialingMode}
_METHODS = {method.word: method for method in OptimizationMethod}


def routes(site: Site) -> list[Route]:
    """Of campaign groups."""
    groups = _CampaignGroups(site)
    one, agent, supervisor = "/campaign-groups/{campaign_group}", Role.AGENT, Role.SUPERVISOR

    def order(verb: str, summary: str, do: Callable[[DialingSession, Any], Any], body: Any = None) -> Route:
        return Route("POST", f"{one}/{verb}", summary, supervisor, groups.ordered(verb, do), values.CampaignGroup, body=body,
                     body_optional=body is not None, errors=(404, 409, 503))

    return [
        Route("GET", "/campaign-groups", "All campaign groups, and how they stand.", agent, groups.all, values.CampaignGroups),
        Route("GET", one, "A campaign group, by name (Campaign@Group) or number.", agent, groups.one, values.CampaignGroup,
              errors=(404,)),
        Route("GET", f"{one}/decisions", "What its pacing decided lately, and why; the latest first.", supervisor,
              groups.decisions, values.Decisions, query=LimitQuery, errors=(404,)),
        order("load", "Load it: its lists are read, its records retrieved.", groups.load, values.LoadOrder),
        order("start", "Let it dial.", groups.start, values.StartOrder),
        order("stop", "No new calls.", lambda session, _: site.campaigns.stop(session)),
        order("unload", "Give everything back when its calls have ended, or at once.", groups.unload, values.UnloadOrder),
        order("mode", "Let it go on in another mode or to another goal, until it is unloaded.", groups.set_course,
              values.StartOrder),
        order("pause", "Hold the dialing.", lambda session, _: site.campaigns.pause(session)),
        order("resume", "Go on after a pause.", lambda session, _: site.campaigns.resume(session)),
    ]


class _CampaignGroups:
    """The handlers."""

    log = Logger()

    def __init__(self, site: Site) -> None:
        self._site, self._campaigns = site, site.campaigns

    def all(self, call: Call) -> values.CampaignGroups:
        return values.CampaignGroups(campaign_groups=[self._told(one) for one in self._site.engine.sessions.values()])

    def one(self, call: Call) -> values.CampaignGroup:
        return self._told(self._site.session(call.path["campaign_group"]))

    def decisions(self, call: Call) -> values.Decisions:
        session = self._site.session(call.path["campaign_group"])
        return values.Decisions(decisions=[
            values.Decision(at=one.at, calls=one.calls, condition=one.condition.value, reason=one.reason)
            for one in session.loop.decisions.latest(call.query.limit)])

    def ordered(self, verb: str, do: Callable[[DialingSession, Any], Any]) -> Callable[[Call], Awaitable[values.CampaignGroup]]:
        """A handler that carries out an order, notes in the log who gave it, and tells how the group stands then."""
        async def handler(call: Call) -> values.CampaignGroup:
            session = self._site.session(call.path["campaign_group"])
            try:
                done = do(session, call.body)
                if hasattr(done, "__await__"):
                    await done
            except OCSError as error:
                self.log.info("order of {client}: {verb} {session}: {reason}", client=call.client.name, verb=verb,
                              session=session.group.name, reason=str(error))
                raise api_error(error) from None
            self.log.info("order of {client}: {verb} {session}: done", client=call.client.name, verb=verb,
                          session=session.group.name)
            return self._told(session)
        return handler

    async def load(self, session: DialingSession, order: values.LoadOrder) -> None:
        await self._campaigns.load(session, order.auto_completion)

    def start(self, session: DialingSession, order: values.StartOrder) -> None:
        self._campaigns.start(session, _course(order), order.auto_completion)

    def set_course(self, session: DialingSession, order: values.StartOrder) -> None:
        self._campaigns.set_course(session, _course(order), order.auto_completion)

    def unload(self, session: DialingSession, order: values.UnloadOrder) -> None:
        """Nobody waits here for its calls to end: how it stands tells how far it is."""
        if order.force:
            self._campaigns.force_unload(session)
        else:
            self._campaigns.unload(session)

    def _told(self, session: DialingSession) -> values.CampaignGroup:
        group, running = session.group, session.state is SessionState.RUNNING
        facts, decisions = self._campaigns.facts(session), session.loop.decisions
        agents = Counter(agent.state_name for agent in session.context.agents.of(group))
        return values.CampaignGroup(
            name=group.name, dbid=group.dbid, campaign=group.campaign, campaign_dbid=group.campaign_dbid,
            group=group.group.name, group_dbid=group.group.dbid, state=word(session.state), paused=session.paused,
            mode=group.mode.word, optimize_by=OptimizationMethod(facts.optimize_by).word,
            optimize_goal=float(facts.optimize_goal), auto_completion=self._campaigns.completion.wanted(session),
            condition=session.loop.condition.value if running else "", why_not=session.why_not if running else "",
            agents=dict(agents), calls=len(session.calls), buffered=len(session.buffer), held=len(session.held),
            callbacks=len(session.callbacks),
            not_dialed=dict(session.tally.total),
            results={result.label: count for result, count in session.results.items()},
            lists=[values.ListShare(calling_list=one.name, share=one.share, active=one.active,
                                    fault=session.lists.faults.get(one.name, "")) for one in group.lists],
            abandoned_calls=[
                values.AbandonedCalls(rule=one.rule.name, version=one.rule.version, begin=one.begin, answered=one.answered,
                                      abandoned=one.abandoned, rate=one.rate, limit=one.limit, budget=one.budget,
                                      held_back=one.spent) for one in session.compliance.readings],
            held_back=session.compliance.progressive_only,
            last_decision=decisions[-1].reason if running and len(decisions) else "")


def _course(order: values.StartOrder) -> Course:
    return Course(None if order.mode is None else _MODES[order.mode],
                  None if order.optimize_by is None else _METHODS[order.optimize_by], order.optimize_goal)
