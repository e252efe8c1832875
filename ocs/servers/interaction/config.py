"""Options of the Interaction Server: `etc/ocs-interaction.toml`."""
from __future__ import annotations

from dataclasses import dataclass

from ocs.options import REQUIRED, option, table
from ocs.passwords import is_hash
from ocs.runtime import MessageListenOptions
from ocs.servers.service import CompanionOptions, named_twice

__all__ = ["AgentOptions", "InteractionServerOptions", "ListenOptions", "QueueOptions", "RoutingOptions"]


@dataclass(frozen=True)
class ListenOptions(MessageListenOptions):
    """Where clients connect, and how much of a client is borne."""

    port: int = option(7_040, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")


@dataclass(frozen=True)
class RoutingOptions:
    """How interactions come to agents."""

    invite_timeout_s: float = option(30.0, low=1, high=3_600, unit="seconds",
                                     text="How long an agent may think; then the invitation is taken back and the agent is"
                                          " not ready.")
    submitter_grace_s: float = option(30.0, low=0, high=3_600, unit="seconds of real time",
                                      text="How long interactions stay after the client that submitted them is gone.")
    interactions: int = option(100_000, low=1, high=10_000_000, text="Interactions at the same time.")


@dataclass(frozen=True)
class QueueOptions:
    """A queue of interactions."""

    name: str = option(REQUIRED, example="previews", text="Name, unique.")
    length: int = option(10_000, low=1, high=10_000_000, text="Most interactions that wait in it.")


@dataclass(frozen=True)
class AgentOptions:
    """A person who may log in."""

    id: str = option(REQUIRED, example="1001", text="Attribute AgentID, unique.")
    password_hash: str = option("", secret=True, text="Argon2 hash of the AgentPassword; empty = the client that logs the agent"
                                                      " in answers for it.")
    queues: tuple[str, ...] = option((), example=("previews",), text="Queues that the agent serves; empty = all.")


@dataclass(frozen=True)
class InteractionServerOptions(CompanionOptions):
    """The whole configuration."""

    listen: ListenOptions = table(ListenOptions)
    routing: RoutingOptions = table(RoutingOptions)
    queue: tuple[QueueOptions, ...] = table()
    agent: tuple[AgentOptions, ...] = table()

    def problems(self) -> list[str]:
        """Rules that span tables."""
        known = {one.name for one in self.queue}
        found = super().problems() + named_twice("queue", [one.name for one in self.queue])
        found += named_twice("agent", [one.id for one in self.agent])
        for place, one in enumerate(self.agent, 1):
            found += [f"agent[{place}].queues: there is no queue {name!r}" for name in one.queues if name not in known]
            if one.password_hash and not is_hash(one.password_hash):
                found.append(f"agent[{place}].password_hash: not an Argon2 hash")
        return found
