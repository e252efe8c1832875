"""Agents, links, numbers and the log of requests in the API."""
from __future__ import annotations

from collections import Counter

from ocs.app.web.api.routing import ApiError, Call, Route
from ocs.app.web.api.site import Site
from ocs.app.web.api.values import audit
from ocs.app.web.api.values import system as values
from ocs.dialing.session import SessionState
from ocs.store.api_tokens import Role
from ocs.store.compliance import rule_periods_of
from ocs.store.request_log import logged_requests

__all__ = ["routes"]


def routes(site: Site) -> list[Route]:
    """Of the server as a whole."""
    system, supervisor = _System(site), Role.SUPERVISOR
    return [
        Route("GET", "/agents", "Agents who are logged in.", supervisor, system.agents, values.Agents),
        Route("GET", "/agents/{agent_id}", "An agent who is logged in; agents see themselves only.", Role.AGENT, system.agent,
              values.Agent, errors=(404,)),
        Route("GET", "/links", "Connections to other servers.", supervisor, system.links, values.Links),
        Route("GET", "/metrics", "The server in numbers, at this moment.", supervisor, system.metrics, values.Metrics),
        Route("GET", "/audit/rules", "Which calling rules were in force for a campaign, and held its dialing back, and when.",
              supervisor, system.rules, audit.RulePeriods, query=audit.RulesQuery, errors=(503,)),
        Route("GET", "/audit/requests", "The log of requests, where it is kept.", supervisor, system.requests, audit.Requests,
              query=audit.AuditQuery, errors=(503,)),
    ]


class _System:
    """The handlers."""

    def __init__(self, site: Site) -> None:
        self._site, self._engine = site, site.engine

    def _agents(self) -> dict[str, values.Agent]:
        found: dict[str, values.Agent] = {}
        for session in self._engine.sessions.values():
            for agent in self._engine.context.agents.of(session.group):
                if agent.dn in found:
                    found[agent.dn].campaign_groups.append(session.group.name)
                else:
                    found[agent.dn] = values.Agent(agent_id=agent.agent_id, dn=agent.dn, state=agent.state_name,
                                                   campaign_groups=[session.group.name])
        return found

    def agents(self, call: Call) -> values.Agents:
        return values.Agents(agents=list(self._agents().values()))

    def agent(self, call: Call) -> values.Agent:
        agent_id = call.path["agent_id"]
        if call.client.role is Role.AGENT and call.client.agent_id != agent_id:
            raise ApiError(403, "agents see themselves only")
        for agent in self._agents().values():
            if agent.agent_id == agent_id:
                return agent
        raise ApiError(404, "no such agent is logged in")

    def links(self, call: Call) -> values.Links:
        return values.Links(links=[
            values.Link(name=one.name, address=str(one.peer), state=one.state.value, up=one.up, tls=bool(one.tls),
                        since=one.since, attempts=one.attempts, last_error=one.last_error or "") for one in self._site.links])

    def metrics(self, call: Call) -> values.Metrics:
        sessions = list(self._engine.sessions.values())
        results: Counter[str] = Counter()
        not_dialed: Counter[str] = Counter()
        for session in sessions:
            results.update({result.label: count for result, count in session.results.items()})
            not_dialed.update(session.tally.total)
        return values.Metrics(
            at=self._engine.context.clock.wall(), campaign_groups_loaded=len(self._engine.loaded()),
            campaign_groups_running=sum(session.state is SessionState.RUNNING for session in sessions),
            agents=len(self._agents()), calls=sum(len(session.calls) for session in sessions),
            records_held=sum(len(session.held) for session in sessions),
            do_not_call_entries=len(self._engine.context.do_not_call),
            links_down=sum(not one.up for one in self._site.links), results=dict(results), not_dialed=dict(not_dialed))

    async def rules(self, call: Call) -> audit.RulePeriods:
        query = call.query
        found = await self._site.read(lambda work: rule_periods_of(work, query.campaign, query.since, query.till))
        return audit.RulePeriods(periods=[audit.RulePeriod(
            kind=one.kind.value, campaign_group=one.campaign_group, rule=one.rule, version=one.version, source=one.source,
            reason=one.reason, began_at=one.began_at, seen_at=one.seen_at, ended_at=one.ended_at) for one in found])

    async def requests(self, call: Call) -> audit.Requests:
        rows = await self._site.read(lambda work: logged_requests(work, call.query.after, call.query.limit))
        return audit.Requests(rows=[audit.RequestRow(
            sequence=number, at=one.at, request=one.request_type.name.lower().replace("_", "-"), agent_id=one.agent_id, dn=one.dn,
            record_handle=one.record_handle, phone=one.phone, error=one.error) for number, one in rows])
