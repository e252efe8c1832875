"""What the operator's console can ask and order: each verb gives plain data."""
from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import Any

from zope.interface import implementer

from ocs.app.console import IConsoleVerbs
from ocs.dialing.callbacks import CallbackNews
from ocs.dialing.campaign import CallingList
from ocs.dialing.results import DialingMode, OptimizationMethod, RecordStatus
from ocs.dialing.session import SessionState
from ocs.log import masked, set_level
from ocs.scheduler.mode_change import Course
from ocs.scheduler.session import DialingSession

__all__ = ["Verbs"]


def _word(member: Any) -> str:
    return str(member.name.lower().replace("_", " "))


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")


def _member(kind: type[Any], text: str, what: str) -> Any:
    """The member of an enumeration by its word; None for no word. ValueError names those that there are."""
    words = {one.word: one for one in kind}
    if text and text not in words:
        raise ValueError(f"{what} {text!r}: there are {', '.join(words)}")
    return words[text] if text else None


def _falling(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(counts.most_common())


def _callbacks(session: DialingSession) -> dict[str, int]:
    """What happened to callbacks, by the public names of the events."""
    return {news.value: session.callbacks.counts[news] for news in CallbackNews if session.callbacks.counts[news]}


def _rules(session: DialingSession) -> dict[str, str]:
    """The calling rules of a session; of those about abandoned calls, how they stand."""
    known = {one.rule.name: one for one in session.compliance.readings}
    told = {}
    for rule in session.group.rules:
        stands = known.get(rule.name)
        parts = [part for part, there in (("hours", rule.hours), ("attempts", rule.about_attempts)) if there]
        if stands is not None:
            more = f"{stands.budget:.1f} more may be" if stands.budget >= 0 else f"{-stands.budget:.1f} too many"
            parts.insert(0, f"{stands.text.partition(': ')[2]}, {more}" + ("; held back" if stands.spent else ""))
        told[f"{rule.name} ({rule.version})"] = "; ".join(parts)
    return told


@implementer(IConsoleVerbs)
class Verbs:
    """The verbs over one running server."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def status(self) -> dict[str, Any]:
        engine = self._server.engine
        not_dialed: Counter[str] = Counter()
        callbacks: Counter[str] = Counter()
        for session in engine.sessions.values():
            not_dialed.update(session.tally.total)
            callbacks.update(_callbacks(session))
        return {
            "application": f"{self._server.options.application.name} ({self._server.options.application.dbid})",
            "time": _moment(self._server.clock.wall()),
            "speed": self._server.clock.speed,
            "database": str(self._server.spooled),
            "configuration": self._server.reloading.state(),
            **self._server.auditing.state(),
            "ICON": str(self._server.reporting),
            **{f"link {link.name}": "up" if link.up else f"{link.state.value}: {link.last_error or 'never up yet'}"
               for link in self._server.links},
            "Stat Server": str(self._server.agent_source),
            "desktops": str(self._server.desktop_side),
            **{f"peer {row['peer']}": f"{row['state']}{': ' * bool(row['sessions'])}{row['sessions']}"
               for row in self._server.peering.rows()},
            "sessions running": sum(each.state is SessionState.RUNNING for each in engine.sessions.values()),
            "calls in progress": sum(len(each.calls) for each in engine.sessions.values()),
            "records held": sum(len(each.held) for each in engine.sessions.values()),
            "do-not-call entries": len(self._server.context.do_not_call),
            "not dialed": _falling(not_dialed),
            "held back by rules": "; ".join(f"{each.group.name}: {each.compliance.progressive_only}" for each in engine.loaded()
                                            if each.compliance.progressive_only),
            "callbacks": callbacks,
        }

    def sessions(self) -> list[dict[str, Any]]:
        return [self._session_row(session) for session in self._server.engine.sessions.values()]

    def _session_row(self, session: DialingSession) -> dict[str, Any]:
        running = session.state is SessionState.RUNNING
        agents = Counter(agent.state_name for agent in self._server.agents.of(session.group))
        decisions = session.loop.decisions
        return {"session": session.group.name, "mode": session.group.mode.word, "state": _word(session.state),
                "condition": _word(session.loop.condition) if running else "", "calls": len(session.calls),
                "agents": agents, "buffer": len(session.buffer), "held": len(session.held),
                "not dialed": session.tally.total.total(), "callbacks": len(session.callbacks),
                "last decision": decisions[-1].reason if running and len(decisions) else ""}

    def session(self, group: str) -> dict[str, Any]:
        session = self._server.engine.session(group)
        records = Counter(_word(held.state) for held in session.held)
        lists = {each.name: each.share if each.active else "inactive" for each in session.group.lists}
        return {**self._session_row(session), "paced": self._pace(session), "lists": lists,
                "records held": _falling(records), "callbacks waiting": len(session.callbacks),
                "not dialed": _falling(session.tally.total), "rules": _rules(session), "callbacks": _callbacks(session),
                "asked outside": _falling(Counter({reason.value: count for reason, count in session.verdicts.items()})),
                "results": _falling(Counter({result.label: count for result, count in session.results.items()}))}

    @staticmethod
    def _pace(session: DialingSession) -> str:
        """By what it decides, and what it has learned."""
        if not session.rules.predictive:
            return ""
        pacer, forbidden = session.feed.pacer, session.compliance.progressive_only
        known = (f"hit ratio {pacer.calls.hit_ratio:.2f}, handle time {pacer.agents.handle_s:.0f} s" if pacer.ready
                 else "progressive until enough is known")
        told = f"{session.group.pacing.text}; {known}; {pacer.budget.answered} answered, {pacer.budget.abandoned} abandoned"
        return f"{told}; progressive only: {forbidden}" if forbidden else told

    def calls(self) -> list[dict[str, Any]]:
        now = self._server.clock.wall()
        return [{"conn id": held.call.conn_id, "state": _word(held.call.state), "record": held.record.record_id,
                 "handle": held.handle, "phone": masked(held.record.contact_info), "agent": held.agent_id,
                 "seconds": round(now - (held.call.dialed_at or now))}
                for session in self._server.engine.sessions.values() for held in session.calls if held.call is not None]

    async def _records(self, calling_list: str, limit: int) -> list[dict[str, Any]]:
        tables = {one.name: one.reads for one in self._server.options.calling_list}
        records = await self._server.store.records(tables.get(calling_list, calling_list), limit)
        return [{"record": record.record_id, "chain": f"{record.chain_id}/{record.chain_n}",
                 "phone": masked(record.contact_info), "type": _word(record.record_type),
                 "status": _word(RecordStatus(record.record_status)), "result": record.call_result.label,
                 "attempts": record.attempt, "zone": record.tz_name} for record in records]

    def records(self, calling_list: str, limit: int = 20) -> Any:
        if not isinstance(calling_list, str) or not isinstance(limit, int) or not 1 <= limit <= 1_000:
            raise ValueError("records('list name', limit=1..1000)")
        return self._records(calling_list, limit)

    def links(self) -> list[dict[str, Any]]:
        return [{"link": link.name, "address": link.peer, "tls": "yes" if link.tls else "no", "state": link.state.value,
                 "since": _moment(link.since), "tries": link.attempts, "last error": link.last_error}
                for link in self._server.links]

    def peers(self) -> list[dict[str, Any]]:
        return list(self._server.peering.rows())

    async def _load(self, session: DialingSession) -> str:
        await session.load()
        faults = "; ".join(session.lists.faults.values())
        return f"{session.group.name} is loaded" + (f", but for lists with faults: {faults}" if faults else "")

    def load(self, group: str) -> Any:
        return self._load(self._server.engine.session(group))

    def start(self, group: str) -> str:
        session = self._server.engine.session(group)
        session.start()
        return f"{session.group.name} is running"

    def stop(self, group: str) -> str:
        session = self._server.engine.session(group)
        session.stop()
        return f"{session.group.name} is stopped; {len(session.calls)} calls go on"

    def unload(self, group: str, force: bool = False) -> Any:
        session = self._server.engine.session(group)
        unloaded = session.force_unload() if force else session.unload()
        if unloaded.called:
            return f"{session.group.name} is unloaded"
        return f"{session.group.name} is {_word(session.state)}: {len(session.calls)} calls, {len(session.held)} records held"

    def pause(self, group: str) -> str:
        session = self._server.engine.session(group)
        session.pause()
        return f"{session.group.name} is paused"

    def resume(self, group: str) -> str:
        session = self._server.engine.session(group)
        session.resume()
        return f"{session.group.name} goes on"

    def mode(self, group: str, mode: str = "", method: str = "", goal: float = -1.0) -> str:
        session = self._server.engine.session(group)
        course = Course(_member(DialingMode, mode, "mode"), _member(OptimizationMethod, method, "method"),
                        None if goal < 0 else float(goal))
        self._server.campaigns.set_course(session, course)
        return f"{session.group.name} dials {session.group.mode.word}, paced {session.group.pacing.text}"

    def decisions(self, group: str, count: int = 20) -> list[dict[str, Any]]:
        if not isinstance(count, int) or not 1 <= count <= 1_000:
            raise ValueError("decisions('campaign group', count=1..1000)")
        decisions = self._server.engine.session(group).loop.decisions.latest(count)
        return [{"at": _moment(one.at), "calls": one.calls, "condition": one.condition.value, "reason": one.reason}
                for one in decisions]

    def lists(self) -> list[dict[str, Any]]:
        return [self._list_row(session, one) for session in self._server.engine.sessions.values() for one in session.group.lists]

    def _list_row(self, session: DialingSession, one: CallingList) -> dict[str, Any]:
        fault, texts = session.lists.faults.get(one.name, ""), {} if one.filter is None else one.filter.by_option
        return {"session": session.group.name, "list": one.name, "table": one.reads, "share": one.share,
                "dialed": f"no: {fault}" if fault else "yes" if one.active and one.share else "no",
                **{name: " ".join(text for option, text in texts.items() if option.startswith(name))
                   for name in ("criteria", "order_by")}}

    async def _reload(self) -> Any:
        return await self._server.reloading.reload() or "nothing has changed"

    def reread_dnc(self) -> str:
        self._server.do_not_call.reread()
        return "the do-not-call list is read again in the background"

    def reload(self) -> Any:
        return self._reload()

    def log_level(self, name: str) -> str:
        set_level(name)
        return f"log level {name}"
