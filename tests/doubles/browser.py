"""A headless Chromium, driven by its own debugging protocol over our own WebSocket client."""
from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread

from protocols.transport import BoundedProtocol
from protocols.websocket_transport import WebSocketEndpoint

__all__ = ["Browser"]


class _Talk(BoundedProtocol):
    """Commands and their answers; events are counted among `events`."""

    def __init__(self) -> None:
        self._waiting: dict[int, Deferred[Any]] = {}
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def dataReceived(self, data: bytes) -> None:
        told = json.loads(data)
        if "id" in told:
            self._waiting.pop(told["id"]).callback(told)
        else:
            self.events.append(told)

    def ask(self, method: str, session: str = "", **params: Any) -> Deferred[Any]:
        self._last += 1
        waiting: Deferred[Any] = Deferred()
        self._waiting[self._last] = waiting
        more = {"sessionId": session} if session else {}
        self.send(json.dumps({"id": self._last, "method": method, "params": params, **more}).encode())
        return waiting


class Browser:
    """One page. `faults` are what the page's scripts have thrown, and what its policy has forbidden."""

    def __init__(self, reactor: Any, program: str) -> None:
        self._reactor, self._program = reactor, program
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process: Any = None

    async def open(self, uri: str, width: int = 1_100, height: int = 760) -> None:
        self._process = subprocess.Popen(
            [self._program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run",
             "--disable-dev-shm-usage", f"--user-data-dir={self._profile.name}", f"--window-size={width},{height}",
             "about:blank"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        line = await deferToThread(self._address)
        match = re.match(r"ws://127\.0\.0\.1:(\d+)(/\S+)", line)
        assert match is not None, line
        endpoint = WebSocketEndpoint(TCP4ClientEndpoint(self._reactor, "127.0.0.1", int(match[1])), self._reactor,
                                     f"127.0.0.1:{match[1]}", match[2], limit=32 * 1024 * 1024)
        self._talk: _Talk = await endpoint.connect(Factory.forProtocol(_Talk))
        targets = (await self._talk.ask("Target.getTargets"))["result"]["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = (await self._talk.ask("Target.attachToTarget", targetId=page, flatten=True))["result"]["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self._talk.ask(f"{domain}.enable", self._session)
        await self._talk.ask("Page.navigate", self._session, url=uri)

    def _address(self) -> str:
        for line in self._process.stderr:
            if "DevTools listening on" in line:
                return str(line.split()[-1])
        raise AssertionError("Chromium does not start")

    async def run(self, script: str) -> Any:
        """The value of an expression, awaited."""
        told = await self._talk.ask("Runtime.evaluate", self._session, expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told["result"], told["result"]["exceptionDetails"]
        return told["result"]["result"].get("value")

    async def shows(self, wanted: str, seconds: float = 40.0) -> str:
        """The visible text of the page, as soon as `wanted` is in it."""
        deadline = time.monotonic() + seconds
        while True:
            text = str(await self.run("document.body ? document.body.innerText : ''"))
            if wanted in text:
                return text
            assert time.monotonic() < deadline, f"{wanted!r} is not on the page:\n{text}\n{self.faults}"
            await deferToThread(time.sleep, 0.05)

    async def type(self, *keys: str) -> None:
        """Press keys: a character, Enter, Escape, Tab; or a whole text."""
        for key in keys:
            if len(key) > 1 and key not in ("Enter", "Escape", "Tab"):
                await self._talk.ask("Input.insertText", self._session, text=key)
                continue
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = {"Enter": 13, "Escape": 27, "Tab": 9}.get(key, ord(key[0].upper()))
            await self._talk.ask("Input.dispatchKeyEvent", self._session, type="keyDown" if text else "rawKeyDown", key=key,
                                 text=text, windowsVirtualKeyCode=code)
            await self._talk.ask("Input.dispatchKeyEvent", self._session, type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def picture(self, path: Path) -> None:
        """A PNG of the page."""
        told = await self._talk.ask("Page.captureScreenshot", self._session)
        path.write_bytes(base64.b64decode(told["result"]["data"]))

    @property
    def faults(self) -> list[str]:
        return [json.dumps(one["params"]) for one in self._talk.events
                if one["method"] == "Runtime.exceptionThrown"
                or one["method"] == "Log.entryAdded" and one["params"]["entry"]["level"] == "error"]

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process.stderr.close()
        self._profile.cleanup()
