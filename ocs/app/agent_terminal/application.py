"""The terminal around a `Workplace`: prompt_toolkit reads the keys and draws the lines; Twisted runs on the same asyncio loop."""
from __future__ import annotations

import asyncio
import time
from typing import Any, Callable

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from ocs.app.agent_terminal.screen import render
from ocs.app.agent_terminal.workplace import Workplace

__all__ = ["Terminal", "run_until_done"]

STYLES = Style.from_dict({
    "ready": "bg:ansigreen fg:ansiblack bold", "away": "bg:ansiyellow fg:ansiblack bold", "bad": "fg:ansired bold",
    "good": "fg:ansigreen", "call": "fg:ansicyan bold", "title": "bold", "dim": "fg:ansigray", "rule": "fg:ansigray",
    "script": "italic", "entry": "bold", "chosen": "reverse"})
_NAMED = {Keys.Up: "up", Keys.Down: "down", Keys.Enter: "enter", Keys.Escape: "escape", Keys.Backspace: "backspace",
          Keys.Tab: "tab", Keys.ControlU: "clear", Keys.ControlC: "escape"}


class Terminal:
    """Build with a function that makes the workplace from (changed, leave, ring); `run` until the agent leaves."""

    def __init__(self, make: Callable[[Callable[[], None], Callable[[], None], Callable[[], None]], Workplace],
                 wall: Callable[[], float] = time.time, input: Input | None = None, output: Output | None = None) -> None:
        self._wall = wall
        self._application: Application[None] = Application(
            Layout(Window(FormattedTextControl(self._text, show_cursor=False))), key_bindings=self._bindings(), style=STYLES,
            full_screen=True, input=input, output=output, refresh_interval=1.0)
        self._application.ttimeoutlen = 0.1     # Escape alone is a key
        self.workplace = make(self._changed, self.leave, self._ring)

    async def run(self) -> None:
        """Until the agent leaves."""
        await self._application.run_async()

    def leave(self) -> None:
        """End `run`."""
        if self._application.is_running and not self._application.future.done():     # type: ignore[union-attr]
            self._application.exit()

    def _changed(self) -> None:
        self._application.invalidate()

    def _ring(self) -> None:
        """The terminal's bell: a sound, or whatever the terminal is set to do instead."""
        self._application.output.bell()
        self._application.output.flush()

    def _text(self) -> FormattedText:
        size = self._application.output.get_size()
        lines = render(self.workplace.view, self._wall(), size.columns, size.rows)
        return FormattedText([(f"class:{style}" if style else "", f"{text}\n" if place < len(lines) - 1 else text)
                              for place, (style, text) in enumerate(lines)])

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        for key, name in _NAMED.items():
            bindings.add(key, eager=key is not Keys.Escape)(self._named(name))

        @bindings.add(Keys.Any)
        def typed(event: KeyPressEvent) -> None:
            for each in event.data if event.data.isprintable() else "":
                self.workplace.key(each)

        @bindings.add(Keys.BracketedPaste)
        def pasted(event: KeyPressEvent) -> None:
            if self.workplace.view.dialog is not None:      # pasted text is never a row of commands
                for each in event.data.splitlines()[0] if event.data else "":
                    self.workplace.key(each)
        return bindings

    def _named(self, name: str) -> Callable[[KeyPressEvent], None]:
        return lambda event: self.workplace.key(name)


def run_until_done(main: Callable[[Any], Any]) -> None:
    """Run `await main(reactor)` on asyncio's loop with Twisted on top of it; its error is raised."""
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor as installed
    reactor: Any = installed
    outcome: list[BaseException] = []

    async def whole() -> None:
        try:
            await main(reactor)
        except BaseException as error:
            outcome.append(error)
        finally:
            reactor.stop()

    reactor.callWhenRunning(lambda: outcome or loop.create_task(whole()))
    reactor.run(installSignalHandlers=False)
    if outcome:
        raise outcome[0]
