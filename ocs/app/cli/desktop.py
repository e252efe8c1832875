"""`ocs desktop`: an agent's workplace in the terminal."""
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.logger import globalLogBeginner, textFileLogObserver

from ocs.errors import OCSError
from protocols.errors import ProtocolError, RequestRefused

__all__ = ["desktop"]

_ADDRESS = "tcp://127.0.0.1:7060"


@click.command()
@click.argument("address", required=False)
@click.option("--agent", help="Agent id or employee id.")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="File whose first line is the password; asked for where it is not given.")
@click.option("--dn", help="Extension at which to log in.")
@click.option("--queue", help="Queue to take calls from; the switch's own choice for the agent where it is not given.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Certificates (PEM) of the authorities to trust, with tls:// and wss://; the machine's where it is not given.")
@click.option("--directory", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Directory of a running `ocs serve-lab` or `ocs demo`: address and a free agent from its endpoints.json.")
@click.option("--place", type=click.IntRange(min=1), default=1, show_default=True, help="Which of its free agents.")
@click.option("--auto-answer", is_flag=True, help="Take calls as they ring.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="File for messages of this program.")
def desktop(address: str | None, agent: str | None, password_file: Path | None, dn: str | None, queue: str | None,
            ca: Path | None, directory: Path | None, place: int, auto_answer: bool, log: Path | None) -> None:
    """An agent's workplace in the terminal: log in, take calls, look at records, settle them.

    ADDRESS is that of a server's desktop port: tcp://HOST:PORT (the default, port 7060), tls://, ws:// or wss://. Everything is
    done with the keyboard; ? shows the keys.
    """
    told = _of_directory(directory, place) if directory is not None else {}
    address = address or told.get("address") or _ADDRESS
    agent = agent or told.get("login") or click.prompt("Agent id")
    password = password_file.read_text(encoding="utf-8").split("\n")[0].strip() if password_file else told.get("password", "")
    password = password or click.prompt("Password", hide_input=True)
    dn = dn or told.get("dn") or click.prompt("Extension (DN)")
    queue = queue or told.get("queue", "")
    ca = ca or told.get("ca")
    _begin_log(log)
    from ocs.app.agent_terminal.application import run_until_done
    try:
        run_until_done(lambda reactor: _work(reactor, address, agent, password, dn, queue, ca, auto_answer))
    except RequestRefused as error:
        raise OCSError(f"{address}: {error.text}") from None
    except (ConnectError, DNSLookupError, ProtocolError, ValueError) as error:
        raise OCSError(f"{address}: {error}") from None


async def _work(reactor: Any, address: str, agent: str, password: str, dn: str, queue: str, ca: Path | None,
                auto_answer: bool) -> None:
    from ocs.app.agent_terminal.application import Terminal
    from ocs.app.agent_terminal.workplace import Workplace
    from protocols.desktop.client import connect_to

    made = connect_to(reactor, address, agent, password, authorities=ca)
    terminal = Terminal(lambda changed, leave, ring: Workplace(made, time.time, changed, leave, auto_answer, ring))
    made.listen(terminal.workplace.desk_changed)
    try:
        await _asked(made.start())
        terminal.workplace.preparation = await _asked(made.preparation())
        await _asked(made.log_in(dn, queue))
        terminal.workplace.tell("logged in: r makes you ready, ? shows the keys")
        await terminal.run()
    finally:
        await _asked(made.stop())
    if made.taken_over:
        raise ProtocolError("another desktop of this agent has taken over")


def _asked(wanted: Deferred[Any]) -> Any:
    """A Deferred, for asyncio to wait for."""
    import asyncio
    return wanted.asFuture(asyncio.get_running_loop())


def _of_directory(directory: Path, place: int) -> dict[str, Any]:
    path = directory / "endpoints.json"
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        server, person = told["servers"]["desktop"], told["agents"][place - 1]
        scheme = "tls" if server["tls"] else "tcp"
        return {**person, "address": f"{scheme}://{server['host']}:{server['port']}", "ca": server.get("ca")}
    except (OSError, ValueError) as error:
        raise OCSError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    except (KeyError, IndexError):
        raise OCSError(f"{path}: there is no desktop port, or no free agent {place}") from None


def _begin_log(path: Path | None) -> None:
    """Nothing may be written over the screen: messages go to the file, or nowhere."""
    observers = [] if path is None else [textFileLogObserver(path.open("a", encoding="utf-8"))]
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False)
