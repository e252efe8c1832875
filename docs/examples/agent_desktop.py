"""An agent in a few lines: answers each call, says who was on the line, settles the record, and is ready again.

    python docs/examples/agent_desktop.py tcp://127.0.0.1:7060 1001 PASSWORD 7001 6001 [CALLS]

The address is that of the server's desktop port (docs/desktop-port.md); `ocs serve-lab` writes it, and agents that nobody uses,
into its endpoints.json. Ctrl-C ends it.
"""
from __future__ import annotations

import sys
from typing import Any

from twisted.internet.task import react

from protocols.desktop.client import connect_to
from protocols.desktop.names import AgentResult


async def work(reactor: Any, uri: str, agent: str, password: str, dn: str, queue: str, calls: str = "1000000") -> None:
    """Take so many calls, then go home."""
    desktop = connect_to(reactor, uri, agent, password)
    await desktop.start()
    await desktop.log_in(dn, queue)
    for _ in range(int(calls)):
        await desktop.ready()
        desk = await desktop.until(lambda desk: desk.ringing)
        call = desk.ringing
        await desktop.answer()
        record = call.record
        print(f"{call.number}: {dict(record.fields) if record else 'no record'}")
        await desktop.until(lambda desk: not desk.calls)
        if record is not None:
            await desktop.processed(record, AgentResult.ANSWER, {"Remarks": "taken by the example"})
    await desktop.log_out()
    await desktop.stop()


if __name__ == "__main__":
    react(work, sys.argv[1:])
