"""Random agents at random desktops: requests in any order, repeated, late, about others' records, while sessions stop, links drop
and the database is away. A Hypothesis state machine on the world of the scheduler's walk, which looks after the record model;
here each request's answers are counted and looked at, and what was acknowledged is looked for in the database.
"""
from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ocs.dialing.campaign import CallbackDialing
from ocs.dialing.chain import ChainState
from ocs.dialing.results import DialingMode, RecordStatus, RecordType
from protocols.attributes import KVList, KVValue, first
from protocols.desktop import keys
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.events import BASE, EVENTS
from protocols.desktop.index import REQUESTS, RequestKind
from tests.scheduler.bench import CAMPAIGN, DNS, TRUNK
from tests.scheduler.walk import World

__all__ = ["DesktopMachine"]

_AHEAD = {"ChainedRecord", "LogOutTime"}        # these do not end a request
GROUPS: list[dict[str, Any]] = [
    {"mode": DialingMode.PREVIEW}, {"mode": DialingMode.PREVIEW, "agent_preview_mode_start": True, "desktop_chains_limit": 2},
    {}, {"trunk_group_dn": TRUNK, "predictive_callback": CallbackDialing.PREVIEW}]
VALUES: dict[str, st.SearchStrategy[KVValue]] = {
    keys.CALLING_LIST: st.sampled_from(["list", "list", "list", "list", "list", "other", ""]),
    keys.PHONE: st.sampled_from(["+12125550004", "+1 212 555 0010", "+12125550199", "+12125550033", "555"]),
    keys.CUSTOMER_ID: st.sampled_from(["C1", "C2", "x" * 65]),
    keys.CALL_RESULT: st.sampled_from([33, 6, 7, "9", 53, 17, 54]),
    keys.TREATMENT: st.sampled_from(["RecordTreatCampaign", "RecordTreatPersonal", "RecordTreatCampaign", "none"]),
    keys.CHAIN_ATTR: st.sampled_from(["RecordOnly", "AllChain", "AllChain", "RecordOnly", "allchain"]),
    keys.DATE_TIME: st.sampled_from(["03/10/2026 12:40", "03/10/2026 13:00", "3/11/26 9:05", "12/1/2026 10:00",
                                    "03/09/2026 10:00", "31/12/2026 10:00"]),
    keys.CALLBACK_TYPE: st.sampled_from(["Personal", "Campaign", "Personal", "Campaign", "Nobody"]),
    keys.READY_TIME: st.integers(0, 100), keys.ATTEMPTS: st.just(0), keys.CALL_TIME: st.integers(0, 2**40),
    keys.CHAIN_ID: st.integers(1, 60), keys.TZ_NAME: st.sampled_from(["EST", "America/New_York", "Mars"]),
    keys.PHONE_TYPE: st.sampled_from(["Mobile", "4", 4, "Telex"]), keys.RECORD_TYPE: st.sampled_from(["General", 2, "9"]),
    keys.RECORD_STATUS: st.sampled_from(["Ready", "Updated", "Retrieved"]), keys.FROM: st.sampled_from([0, 28_800, 90_000]),
    keys.UNTIL: st.sampled_from([64_800, 86_340, "x"]), keys.AGENT_ID: st.sampled_from(["1001", "1002"]),
}
NUMBERS = st.integers(0, 99_999)


class _Watched(World):
    """The walk's world; it also draws requests that are answered through the reception."""

    def __init__(self, record_processed: bool, **group: Any) -> None:
        self.asked: dict[int, tuple[str, KVList, list[KVList]]] = {}        # reference id -> DN, request, its answers
        super().__init__(record_processed, **group)

    def receive(self, dn: str, user_data: KVList) -> None:
        """One request, by way of the entry's own reception."""
        reference_id = 1_000_000 + len(self.asked)
        user_data = (*user_data, (keys.REFERENCE_ID, reference_id))
        answers: list[KVList] = []
        kind = REQUESTS.get(str(first(user_data, keys.REQUEST)))
        self.asked[reference_id] = dn, user_data, answers
        desktops = self.bench.desktops
        held = self._at_hand(user_data)
        mine = held is None or held.agent_dn == dn

        def answered(pairs: KVList) -> None:
            answers.append(pairs)
            check_answer(kind, reference_id, pairs)
            if str(first(pairs, keys.USER_EVENT)).endswith("Acknowledge"):
                spoke = kind is not None and kind.name != "ReadyTime" and first(user_data, keys.RECORD_HANDLE) is not None
                assert mine or not spoke, "an agent touched another one's record"
                self._acknowledged(user_data, pairs, reached)
        reached = None if held is None else [each.record_id for each in held.chain.records]
        desktops.reception.receive(desktops.requester_at(dn), user_data, answered)

    def _at_hand(self, user_data: KVList) -> Any:
        handle = first(user_data, keys.RECORD_HANDLE)
        found = self.bench.context.handles.find(handle) if isinstance(handle, int) else None
        return None if found is None else found[0]

    def _acknowledged(self, user_data: KVList, pairs: KVList, reached: list[int] | None) -> None:
        """What was acknowledged stands in the database."""
        name, phone = str(first(pairs, keys.USER_EVENT)), first(pairs, keys.PHONE)
        if reached is None:
            return
        records = [each for each in self.bench.records().values() if each.record_id in reached]
        if name == "RecordProcessedAcknowledge" and first(user_data, keys.TREATMENT) is None:
            assert any(each.record_status.final for each in records), "processed, and not final"
        if name == "DoNotCallAcknowledge":
            self.blocked.add(str(phone))
            assert any(each.contact_info == phone and each.record_type is RecordType.NO_CALL for each in records)
        if name == "RecordCancelAcknowledge":
            whole = first(pairs, keys.CHAIN_ATTR) == "AllChain"       # then the one that was named may have been final before
            assert any((whole or each.contact_info == phone) and each.record_status is RecordStatus.CANCELLED
                       for each in records), ([(each.contact_info, each.record_status) for each in records], user_data, pairs)

    def end(self) -> None:
        super().end()
        for reference_id, (_, user_data, answers) in self.asked.items():
            final = [first(pairs, keys.USER_EVENT) for pairs in answers if first(pairs, keys.USER_EVENT) not in _AHEAD]
            assert len(final) == 1, f"request {reference_id} {user_data} was answered with {final}"
            assert first(answers[-1], keys.USER_EVENT) not in _AHEAD, "something was told behind the answer"


def check_answer(kind: RequestKind | None, reference_id: int, pairs: KVList) -> None:
    """An answer is one that the tables name, with the keys that they name."""
    name, number = str(first(pairs, keys.USER_EVENT)), first(pairs, keys.ERROR_NUMBER)
    assert first(pairs, keys.REFERENCE_ID) == reference_id and first(pairs, keys.APPLICATION_ID) == 1
    if kind is None:
        assert number == int(DesktopErrorCode.INVALID_REQUEST)
    elif number is not None:
        assert DesktopErrorCode(number) in kind.errors and number != DesktopErrorCode.INTERNAL_ERROR, (kind.name, pairs)
    else:
        assert name in kind.events, (kind.name, name)
    given = {key for key, _ in pairs}
    event = EVENTS[name]
    assert given.issuperset(event.keys), (name, set(event.keys) - given)
    strange = given - {*BASE, *event.keys, *event.optional}
    assert event.fields and not strange & keys.CONTROL_KEYS or not strange, (name, strange)


class DesktopMachine(RuleBasedStateMachine):
    """Whatever they do, each request gets its one answer, and no record is lost, dialed twice, or held by two."""

    world: _Watched | None = None

    @initialize(group=st.sampled_from(GROUPS), record_processed=st.booleans())
    def begin(self, group: dict[str, Any], record_processed: bool) -> None:
        self.world = _Watched(record_processed, **group)
        for dn in DNS[:3]:
            self.world.step("agent", DNS.index(dn))

    def _at_hand(self) -> list[str]:
        """DNs of those who have a record to look at or to settle, or a call."""
        assert self.world is not None
        return [each.agent_dn for each in self.world.session.held if each.agent_dn]

    def _handle(self, dn: str, whose: str, number: int) -> int:
        """A handle of this agent's record, of another's, of one that nobody has at hand, or one that was never given."""
        assert self.world is not None
        held = sorted(self.world.session.held, key=lambda each: each.first_handle)
        chosen = {"mine": [each for each in held if each.agent_dn == dn],
                  "theirs": [each for each in held if each.agent_dn not in ("", dn)],
                  "nobody's": [each for each in held if each.state is ChainState.BUFFERED], "unknown": []}[whose]
        if not chosen:
            return number
        one = chosen[number % len(chosen)]
        return one.first_handle + number // 7 % len(one.chain.records)

    @rule(data=st.data(), name=st.sampled_from([*REQUESTS, "RecordProceed"]), dn=st.sampled_from(DNS), number=NUMBERS,
          whose=st.sampled_from(["mine", "mine", "mine", "mine", "theirs", "nobody's", "unknown"]))
    def ask(self, data: st.DataObject, name: str, dn: str, whose: str, number: int) -> None:
        """A request with keys of its own and some that mean nothing."""
        assert self.world is not None
        if name in ("DoNotCall", "RequestRecordCancel", "AddRecord") and number % 3:
            whose = "mine"      # else the list is soon empty
        if whose in ("mine", "theirs") and not self._at_hand():
            self.works(DNS[number % 3], number)
        at_hand = self._at_hand()
        if whose == "mine" and at_hand:
            dn = sorted(at_hand)[number % len(at_hand)]
        kind = REQUESTS.get(name)
        pairs: list[tuple[str, KVValue]] = [(keys.REQUEST, name), (keys.APPLICATION_ID, 1)]
        for key in () if kind is None else kind.keys:
            needed = key in kind.mandatory or key in kind.one_of[:1]
            if key == keys.CAMPAIGN_NAME:
                pairs.append((key, CAMPAIGN if number % 20 else "autumn"))
            elif not needed and data.draw(st.integers(0, 3), label=f"whether {key}"):
                continue
            elif key == keys.RECORD_HANDLE:
                pairs.append((key, self._handle(dn, whose, number)))
            else:
                pairs.append((key, data.draw(VALUES[key], label=key)))
        if number % 4 == 0:
            pairs.append((("Age", 44), ("CustomerName", "N"), ("Private", "x"), ("Age", "old"))[number // 4 % 4])
        self.world.receive(dn, tuple(pairs))
        self._go_on()

    @rule(dn=st.sampled_from(DNS[:3]), number=NUMBERS)
    def works(self, dn: str, number: int) -> None:
        """An agent comes in, if not there yet, and asks for a record, or goes ready for a call."""
        assert self.world is not None
        world, base = self.world, ((keys.APPLICATION_ID, 1), (keys.CAMPAIGN_NAME, CAMPAIGN))
        if world.bench.agents.agent_at(dn) is None or number % 2:
            world.step("agent", DNS.index(dn))
        if world.session.group.mode is DialingMode.PREVIEW:
            if world.session.group.agent_preview_mode_start and number % 3:
                world.receive(dn, ((keys.REQUEST, "PreviewDialingModeStart"), *base))
            world.receive(dn, ((keys.REQUEST, "PreviewRecordRequest"), *base))
            if number % 5:
                self.happens("dial", DNS.index(dn))
        elif world.switch.calls:
            conn_id = sorted(world.switch.calls)[number % len(world.switch.calls)]
            if conn_id not in world.talks and world.switch.calls[conn_id].name == "make_predictive_call":
                world._connect(conn_id, dn)
        self._go_on()

    @rule(dn=st.sampled_from(DNS), number=NUMBERS)
    def ask_again(self, dn: str, number: int) -> None:
        """A request that was sent before, by this or another agent, however late."""
        assert self.world is not None
        if self.world.asked:
            old = list(self.world.asked.values())[number % len(self.world.asked)]
            pairs = tuple(pair for pair in old[1] if pair[0] != keys.REFERENCE_ID)
            self.world.receive(old[0] if number % 4 else dn, pairs)
            self._go_on()

    @rule(what=st.sampled_from(["time", "agent", "agent", "call", "call", "call", "dial", "link", "database", "operator",
                                "request", "network"]), number=NUMBERS)
    def happens(self, what: str, number: int) -> None:
        """Agents, customers, the network, the database and the operator do what they like."""
        assert self.world is not None
        for _, _, answers in list(self.world.asked.values())[-5:]:
            self.world.previews += [pairs for pairs in answers if first(pairs, keys.USER_EVENT) == "PreviewRecord"
                                    and pairs not in self.world.previews]
        self.world.step(what, number)

    def _go_on(self) -> None:
        assert self.world is not None
        self.world.bench.clock.advance(0)

    @invariant()
    def holds(self) -> None:
        """The record model."""
        if self.world is not None:
            self.world.check()

    def teardown(self) -> None:
        if self.world is not None:
            self.world.end()
