"""IVR applications: what a called party hears and may answer, written down in the configuration as named steps.

Within a step the order is: change user data, play, collect, post; then the call is transferred or released, or another step
follows: the one for the digits, the one for a failed post, `next`; without any the application ends.
"""
from __future__ import annotations

from dataclasses import dataclass

from twisted.logger import Logger

from ocs.options import REQUIRED, option, table
from ocs.servers.tserver.ivr.steps import Change, Collect, HangUp, Play, Post, Transfer, Treatment
from protocols.http_messages.templates import BodyTemplate, TemplateError, UriTemplate

__all__ = ["ApplicationStepOptions", "IvrApplicationOptions", "run"]

log = Logger()
_MOST_STEPS = 200       # of one call: an application may lead in a circle, but not for ever


@dataclass(frozen=True)
class ApplicationStepOptions:
    """One step of an application."""

    name: str = option(REQUIRED, text="Name of the step.", example="greeting")
    set: tuple[str, ...] = option((), text="Pairs `KEY=value` that the call's user data get.")
    play: str = option("", text="Prompt to play.")
    seconds: float = option(3.0, low=0, high=3_600, unit="seconds", text="How long the prompt takes.")
    collect: int = option(0, low=0, high=32, text="How many digits to listen for after the prompt; 0 = none.")
    timeout_s: float = option(5.0, low=0.1, high=120, unit="seconds", text="How long to listen.")
    digits: tuple[str, ...] = option((), text="Which step follows which digits: `1=agent`; `*=again` for any other digits,"
                                              " `=silence` for none.")
    post: str = option("", text="URI to POST to, with `{names}` of the call's user data and `{digits}`.")
    body: str = option("", text="JSON document to post, with `{names}` as in `post`.")
    failed: str = option("", text="Step that follows where the POST is not answered with success.")
    transfer: str = option("", text="DN or number to which the call goes.")
    hang_up: bool = option(False, text="Release the call.")
    next: str = option("", text="Step that follows; empty = the application ends.")

    def problems(self) -> list[str]:
        found = [f"set: {pair!r} is not KEY=value" for pair in self.set if not pair.partition("=")[0] or "=" not in pair]
        found += [f"digits: {one!r} is not DIGITS=step" for one in self.digits if "=" not in one]
        if self.digits and not self.collect:
            found.append("digits: nothing is collected")
        if self.transfer and self.hang_up:
            found.append("hang_up: the call is transferred already")
        try:
            if self.post:
                UriTemplate(self.post)
        except TemplateError as error:
            found.append(f"post: {error}")
        try:
            BodyTemplate(self.body)
        except TemplateError as error:
            found.append(f"body: {error}")
        return found

    def after(self, digits: str) -> str:
        """The step that follows these digits ("" = none came)."""
        branches = dict(branch.split("=", 1) for branch in self.digits)
        return branches.get(digits, branches.get("*", self.next) if digits else self.next)

    @property
    def names(self) -> list[str]:
        """Every step that may follow."""
        named = [*(branch.split("=", 1)[-1] for branch in self.digits if "=" in branch), self.failed, self.next]
        return [name for name in named if name]


@dataclass(frozen=True)
class IvrApplicationOptions:
    """An application, for TreatmentType 13 (PlayApplication) with `APP_ID` its name."""

    name: str = option(REQUIRED, text="Name of the application.", example="survey")
    step: tuple[ApplicationStepOptions, ...] = table()

    def problems(self) -> list[str]:
        known = [step.name for step in self.step]
        found = [] if known else ["step: there is none"]
        found += [f"step[{place}].name: {name!r} is configured twice"
                  for place, name in enumerate(known, 1) if name in known[:place - 1]]
        return found + [f"step[{place}]: there is no step {name!r}" for place, step in enumerate(self.step, 1)
                        for name in step.names if name not in known]


def run(application: IvrApplicationOptions) -> Treatment:
    """The application as a treatment."""
    steps = {step.name: step for step in application.step}
    step, digits = application.step[0], ""
    for _ in range(_MOST_STEPS):
        following = step.next
        if step.set:
            yield Change(tuple((key, value) for key, _, value in (pair.partition("=") for pair in step.set)))
        if step.play:
            yield Play(step.play, step.seconds)
        if step.collect:
            offered = "".join(digit for digit, _, _ in (branch.partition("=") for branch in step.digits) if len(digit) == 1
                              and digit != "*")
            digits = yield Collect(step.collect, step.timeout_s, offered)
            following = step.after(digits)
        if step.post and not (yield Post(step.post, step.body, digits)) and step.failed:
            following = step.failed
        elif step.transfer:
            yield Transfer(step.transfer)
        elif step.hang_up:
            yield HangUp()
        if not following:
            return digits
        step = steps[following]
    log.warn("application {name} went through {limit} steps with one call and is ended", name=application.name,
             limit=_MOST_STEPS)
    return digits
