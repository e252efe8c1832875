"""The copy that a backup keeps: what the primary sends of each step, and what the backup makes of it.

A copy begins with everything that there is, in pages that the backup asks for, so that no buffer overflows however many calls
there are; from the first moment on the changes of each step come too. They are whole images, so it does not matter which comes
first. Changes are sent before any client hears of the step: what a client knows, the backup has been sent.
"""
from __future__ import annotations

from typing import Iterator

from twisted.logger import Logger

from ocs.clock import IClock
from ocs.servers.tserver.agents import Agent, AgentFloor
from ocs.servers.tserver.call_board import CallBoard
from ocs.servers.tserver.directory import Directory
from ocs.servers.tserver.pair.images import agent_image, call_image, gone_image, read_agent, read_call
from ocs.servers.tserver.sessions import ClientSession
from protocols.message import Message
from protocols.tserver.messages import AgentStatus

__all__ = ["MirrorCopy", "MirrorSource"]

_PAGE = 100     # images; each is below 20 kB or so, by the limit of user data


def _wall_offset(clock: IClock) -> float:
    return clock.wall() - clock.seconds()


class MirrorSource:
    """The primary's side: who keeps copies, and how far each has read."""

    def __init__(self, clock: IClock, board: CallBoard, floor: AgentFloor) -> None:
        self._clock, self._board, self._floor = clock, board, floor
        self._readers: dict[ClientSession, list[str | Agent]] = {}      # what has still to be sent, last first

    def open(self, session: ClientSession) -> None:
        """From now on the client gets changes; it asks for the rest with `page`."""
        agents = [agent for agent in self._floor if agent.status is not AgentStatus.LOGGED_OUT]
        self._readers[session] = [*self._board.calls, *agents]

    def page(self, session: ClientSession) -> int | None:
        """Send some of what the client does not have yet; how much is left then, None for one that has no copy."""
        left = self._readers.get(session)
        if left is None:
            return None
        for _ in range(min(_PAGE, len(left))):
            for image in self._images(left.pop()):
                session.deliver(image)
        return len(left)

    def close(self, session: ClientSession) -> None:
        """The client is gone."""
        self._readers.pop(session, None)

    def close_all(self) -> None:
        """This server does not serve any more."""
        self._readers.clear()

    def send_changes(self) -> None:
        """A step is over."""
        if self._readers:
            changed: list[str | Agent] = [*self._board.changed, *self._floor.changed]
            images = [image for one in changed for image in self._images(one, gone=True)]
            for session in self._readers:
                for image in images:
                    session.deliver(image)
        self._board.changed.clear()
        self._floor.changed.clear()

    def _images(self, one: str | Agent, gone: bool = False) -> Iterator[Message]:
        if isinstance(one, Agent):
            yield agent_image(one, _wall_offset(self._clock))
        elif one in self._board.calls:
            yield call_image(self._board.calls[one])
        elif gone:
            yield gone_image(one)


class MirrorCopy:
    """The backup's side: its own calls and agents are made those of the images. `complete` from the last page on."""

    log = Logger()

    def __init__(self, clock: IClock, board: CallBoard, floor: AgentFloor, directory: Directory) -> None:
        self._clock, self._board, self._floor, self._directory = clock, board, floor, directory
        self.complete = False

    def clear(self) -> None:
        """Nothing is known."""
        self.complete = False
        for call in list(self._board.calls.values()):
            self._board.forget(call)
        for agent in self._floor:
            self._floor.forget(agent)

    def apply(self, image: Message) -> None:
        """Take one image; other messages are ignored. KeyError, TypeError or ValueError for one that does not fit here: the
        other server is configured otherwise."""
        if image.name in ("EventMirrorCall", "EventMirrorCallGone"):
            known = self._board.calls.get(image.attributes["ConnID"])
            call = read_call(image, self._directory.get) if image.name == "EventMirrorCall" else None
            if known is not None:
                self._board.forget(known)
            if call is not None:
                self._board.adopt(call)
        elif image.name == "EventMirrorAgent":
            agent = self._floor.get(image.attributes["AgentID"])
            if agent is None:
                raise ValueError(f"agent {image.attributes['AgentID']} is not configured here")
            self._floor.forget(agent)
            read_agent(image, agent, self._directory.get, _wall_offset(self._clock))
            self._floor.adopt(agent)
