"""Options of the CPD Server: `etc/ocs-cpdserver.toml`."""
from __future__ import annotations

from dataclasses import dataclass

from ocs.links.options import LinkOptions
from ocs.options import option, table
from ocs.runtime import MessageListenOptions
from ocs.servers.cpdserver.detection import DetectionSettings
from ocs.servers.service import CompanionOptions
from protocols.cpd.messages import Recognition

__all__ = ["CPDServerOptions", "ChannelOptions", "DetectionOptions", "ListenOptions", "TServerLinkOptions"]


@dataclass(frozen=True)
class ListenOptions(MessageListenOptions):
    """Where clients connect, and how much of a client is borne."""

    port: int = option(7_020, low=0, high=65_535, text="TCP port; 0 = any free one, told in the ready file.")


@dataclass(frozen=True)
class TServerLinkOptions(LinkOptions):
    """The T-Server of the switch on whose lines it calls."""

    application: str = option("cpdserver", text="Application name with which to register.")


@dataclass(frozen=True)
class ChannelOptions:
    """The channels, and what happens on them."""

    trunk_group: str = option("6850", text="DN of the trunk group from which it calls.")
    number: int = option(100, low=1, high=10_000, text="Calls at the same time: customers and engaging calls together.")
    ring_timeout_s: float = option(30.0, low=1, high=600, unit="seconds",
                                   text="How long a number rings where the request has no Timeout.")
    unmoved_s: float = option(30.0, low=1, high=3_600, unit="seconds",
                              text="How long a call that is classified may wait for its client to move it; then it is released.")
    engaged_limit_s: float = option(1_800.0, low=10, high=86_400, unit="seconds",
                                    text="How long an agent may be engaged without a customer; then the call is released.")
    client_grace_s: float = option(30.0, low=0, high=3_600, unit="seconds of real time",
                                   text="How long the calls of a client stay up after it is gone.")


@dataclass(frozen=True)
class DetectionOptions:
    """What `telephony_preset` means, in seconds of voice and silence after an answer."""

    recognition: Recognition = option(Recognition.TELEPHONY_PRESET, text="For requests that name no depth of analysis.")
    initial_silence_s: float = option(2.5, low=0.2, high=30, unit="seconds", text="Silence at first that counts as silence.")
    greeting_s: float = option(1.5, low=0.2, high=30, unit="seconds", text="So much voice is a machine's.")
    after_greeting_silence_s: float = option(0.8, low=0.1, high=10, unit="seconds",
                                             text="So much silence after a first word is a person who waits.")
    total_analysis_s: float = option(5.0, low=0.5, high=60, unit="seconds", text="Then a call counts as a person's.")
    minimum_word_s: float = option(0.1, low=0.02, high=1, unit="seconds", text="Voice that is shorter is no word.")
    between_words_s: float = option(0.05, low=0.02, high=1, unit="seconds", text="Silence that ends a word.")
    maximum_words: int = option(2, low=1, high=50, text="More words are a machine's.")
    maximum_word_s: float = option(5.0, low=0.2, high=30, unit="seconds", text="A word that lasts so long is a machine's.")

    @property
    def settings(self) -> DetectionSettings:
        """The preset."""
        return DetectionSettings(
            self.initial_silence_s, self.greeting_s, self.after_greeting_silence_s, self.total_analysis_s, self.minimum_word_s,
            self.between_words_s, self.maximum_words, self.maximum_word_s)


@dataclass(frozen=True)
class CPDServerOptions(CompanionOptions):
    """The whole configuration."""

    listen: ListenOptions = table(ListenOptions)
    tserver: TServerLinkOptions = table(TServerLinkOptions)
    channels: ChannelOptions = table(ChannelOptions)
    detection: DetectionOptions = table(DetectionOptions)
