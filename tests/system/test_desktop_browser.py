"""The workplace in a real browser: an agent logs in at /desktop, takes three predictive calls and a preview, sets a callback and
a do-not-call, all by keyboard; the database says so, too. Skipped where there is no Chromium."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from ocs.app.config import OCSOptions
from ocs.app.demo.configs import CALLING_LIST, ocs_config, tserver_config, write_config
from ocs.app.demo.directory import State
from ocs.app.demo.intake import take_in
from ocs.app.demo.options import DemoOptions
from ocs.dialing.results import CallResult, DialingMode, RecordType
from ocs.servers.tserver.config import TServerOptions
from tests.conftest import needs
from tests.doubles.browser import Browser
from tests.system.test_desktop_port import CLOCK, EVERYBODY_ANSWERS, Center

LOOKS = "looks"         # the list, and the campaign, of previews


class TwoCampaigns(Center):
    """A predictive campaign and one of previews, for the same agents; the page is served."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, DialingMode.PREDICTIVE)
        contacts = folder / "looks.csv"
        contacts.write_text("\n".join(["name,phone", *(f"Preview {n},+1212555{1_000 + n:04}" for n in range(5))]) + "\n")
        take_in(self.backend, DemoOptions(contacts=contacts, dnc=None, agents=1, mode=DialingMode.PREVIEW, speed=1.0, now=None,
                                          seed=1, directory=folder), LOOKS, State(), lambda text: None)

    async def serve(self) -> str:
        """Start; the page's address."""
        values = tserver_config(self.plan)
        values["simulator"].update(EVERYBODY_ANSWERS)
        write_config(self.folder / "tserver.toml", TServerOptions, values)
        facts = await self.tserver.start()
        values = ocs_config(self.plan, int(facts["tserver"]["port"]))
        script = self.folder / "script.txt"
        script.write_text("Good morning, {name}! I am calling about your garden.\nMay I ask two questions?\n")
        values["desktop_port"].update(script=[{"name": "demo", "file": str(script), "form": ["name"]}],
                                      break_codes=["Tea", "Lunch"])
        values["http_server"] = {"enabled": True, "port": 0}
        values["calling_list"].append({**values["calling_list"][0], "name": LOOKS, "dbid": 102, "dial_log_destination": ""})
        values["campaign"].append({**values["campaign"][0], "name": LOOKS, "dbid": 202, "lists": [LOOKS]})
        values["campaign_group"].append({**values["campaign_group"][0], "campaign": LOOKS, "dbid": 402, "mode": "preview"})
        values["campaign_group"][0].update(ring_tone="vip", cpn_digits="+12125550199")
        write_config(self.folder / "ocs.toml", OCSOptions, values)
        ready = await self.ocs.start()
        return f"http://127.0.0.1:{ready['http_server']['port']}/desktop"

    def row_in(self, table: str, phone: str) -> dict[str, Any]:
        self.table = table
        return self.row_of(phone)


async def a_call(browser: Browser, answers: bool = True) -> str:
    """Ready, answer (or leave that to the page), hang up: the number."""
    await browser.type("r")
    if answers:
        assert "(tone vip)" in await browser.shows("RINGING")
        assert await browser.run("[ringing.tone, ringing.context.state, ringing.gain !== null]") == ["vip", "running", True]
        await browser.type("a")
    text = await browser.shows("TALKING")
    found = re.search(r"TALKING\s+(\+1415555\d{4})", text)
    assert found is not None, text
    assert "Good morning, Person" in text and "local time" in text and "+12125550199" in text
    assert await browser.run("ringing.tone") is None
    await browser.type("h")
    await browser.shows("to be settled")
    return found[1]


@pytest.mark.timeout(180)
@pytest_twisted.ensureDeferred
async def test_an_agent_works_in_the_browser(tmp_path: Path) -> None:
    center, browser = TwoCampaigns(tmp_path), Browser(CLOCK, needs("chromium"))
    person = center.person
    try:
        await browser.open(await center.serve())
        await browser.shows("Log in")
        for field, text in (("agent", person.login), ("password", "wrong"), ("dn", person.dn), ("queue", person.queue)):
            await browser.run(f"document.getElementById('{field}').focus()")
            await browser.type(text)
        await browser.type("Enter")
        await browser.shows("not this password")
        await browser.run("(field => { field.value = ''; field.focus(); })(document.getElementById('password'))")
        await browser.type(person.password, "Enter")
        await browser.shows("logged in")
        await browser.shows("demo Predictive")
        await browser.type("n")
        await browser.shows("Why?")
        await browser.type("2")
        await browser.shows("NOT READY: LUNCH")

        notes = await browser.run("['vip', 'vip', 'gold', ''].map(name => melody(name).map(note => Math.round(note[0])))")
        assert notes[0] == notes[1] and len({str(each) for each in notes}) == 3
        first = await a_call(browser)
        await browser.picture(tmp_path / "call.png")
        await browser.type("s")
        await browser.shows("What came of it?")
        await browser.type("6")
        await browser.shows("About the contact")
        await browser.type("Enter")
        await browser.shows("settled: Wrong party")
        assert center.row_in(CALLING_LIST, first)["call_result"] == CallResult.WRONG_PARTY

        second = await a_call(browser)
        await browser.type("k")
        await browser.shows("Call back later")
        await browser.run("document.querySelector('[name=who]').value = 'Personal'")
        await browser.type("Enter")
        await browser.shows("About the contact")
        await browser.type("Enter")
        await browser.shows("callback at ")
        row = center.row_in(CALLING_LIST, second)
        assert row["record_type"] == RecordType.PERSONAL_CALLBACK and row["agent_id"] == person.login

        await browser.run("document.getElementById('auto').checked = true")
        third = await a_call(browser, answers=False)
        await browser.type("x")
        await browser.shows("Do not call any more")
        await browser.type("1")
        await browser.shows(f"{third} is not called any more")
        assert center.row_in(CALLING_LIST, third)["record_type"] == RecordType.NO_CALL

        await browser.type("p")
        text = await browser.shows("c calls it")
        fourth = re.search(r"\+1212555\d{4}", text)
        assert fourth is not None and "Preview" in text
        await browser.type("c")
        await browser.shows("TALKING")
        await browser.type("h")
        await browser.shows("to be settled")
        await browser.type("s")
        await browser.shows("What came of it?")
        await browser.type("Enter")
        await browser.shows("settled: Answer")
        assert center.row_in(LOOKS, fourth[0])["call_result"] == CallResult.ANSWER
        await browser.type("m")
        await browser.shows("calls ring silently")
        assert await browser.run("(ringing.once(''), [ringing.gain, localStorage.getItem('desktop-muted')])") == [None, "yes"]
        await browser.type("l")
        await browser.shows("Which campaign?")
        await browser.type("1")
        assert "left" in await browser.shows(" is left: nothing comes from there any more")
        await browser.type("l")
        await browser.shows("Come back to")
        await browser.type("1")
        await browser.shows("back in ")
        await browser.picture(tmp_path / "desktop.png")
        assert (tmp_path / "desktop.png").stat().st_size > 10_000
        await browser.type("q")
        await browser.shows("logged out")
        # the password that was wrong is the only thing that went wrong
        assert [fault for fault in browser.faults if "favicon" not in fault] == []
    finally:
        browser.close()
        await center.close()
