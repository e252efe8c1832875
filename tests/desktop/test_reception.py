"""Where every entry hands in its requests: who asks, and how answers travel, is the entry's affair."""
from __future__ import annotations

import pytest

from ocs.desktop.requester import Requester
from protocols.attributes import KVList, first
from protocols.desktop import keys
from protocols.desktop.build import build_request
from protocols.desktop.errors import DesktopErrorCode
from protocols.desktop.messages import parse_request
from tests.conftest import Logged
from tests.scheduler.bench import CAMPAIGN, PREVIEW, Bench, chain, one

AGENT = Requester("7001", "1001")
LOG_OUT = build_request("LogOut", application_id=1, campaign_name=CAMPAIGN)


def desk() -> Bench:
    bench = Bench(one(), mode=PREVIEW)
    bench.login("7001")
    return bench


@pytest.mark.parametrize("request_", [LOG_OUT, ((keys.REQUEST, "Nonsense"), (keys.APPLICATION_ID, 1))])
def test_an_answer_that_cannot_be_sent_harms_nobody(request_: KVList, logged: Logged) -> None:
    bench, answers = desk(), list[KVList]()

    def broken(pairs: KVList) -> None:
        raise RuntimeError("the way back is gone")

    bench.desktops.reception.receive(AGENT, request_, broken)
    assert len(logged.failures(RuntimeError)) == 1
    bench.desktops.reception.receive(AGENT, LOG_OUT, answers.append)
    assert [first(pairs, keys.USER_EVENT) for pairs in answers] == ["LogOutAcknowledge"]


def test_an_entry_may_refuse_what_it_knows_to_be_impossible() -> None:
    bench, answers = desk(), list[KVList]()
    refuse = bench.desktops.reception.refuse
    refuse(AGENT, (*LOG_OUT, (keys.REFERENCE_ID, 4)), DesktopErrorCode.AGENT_NOT_AVAILABLE, "not here", answers.append)
    refuse(AGENT, ((keys.REQUEST, "Nonsense"),), DesktopErrorCode.AGENT_NOT_AVAILABLE, "not here", answers.append)
    refuse(AGENT, ((keys.USER_EVENT, "x"),), DesktopErrorCode.AGENT_NOT_AVAILABLE, "not here", answers.append)
    refuse(AGENT, ((keys.REQUEST, "LogOut"), (keys.APPLICATION_ID, 2)), DesktopErrorCode.AGENT_NOT_AVAILABLE, "", answers.append)
    assert [first(pairs, keys.ERROR_NUMBER) for pairs in answers] == [12, 12]
    assert first(answers[0], keys.REFERENCE_ID) == 4 and first(answers[1], keys.APPLICATION_ID) == 1


def test_a_third_party_asks_about_any_agents_record_and_no_agent_about_anothers() -> None:
    bench = Bench(chain(1, 2), mode=PREVIEW)
    bench.login("7001", "7002")
    handle = bench.preview("7001").record_handle
    request = parse_request(build_request("UpdateCallCompletionStats", application_id=1, campaign_name=CAMPAIGN, call_result=9,
                                          record_handle=handle))
    assert request is not None
    perform = bench.desktops.reception.operations.perform
    (refused,) = bench.wait(perform(Requester("7002", "1002"), request))
    assert first(refused, keys.ERROR_NUMBER) == DesktopErrorCode.RECORD_NOT_FOUND
    (done,) = bench.wait(perform(Requester("", third_party=True, origin="http", name="crm"), request))
    assert first(done, keys.USER_EVENT) == "UpdateCallCompletionStatsAcknowledge"


def test_the_trail_of_do_not_call_requests_names_who_asked() -> None:
    bench = desk()
    ask = build_request("DoNotCall", application_id=1, campaign_name=CAMPAIGN, phone="+12125550101")
    bench.desktops.reception.receive(Requester("", third_party=True, origin="http", name="crm"), ask, lambda pairs: None)
    (entry,) = bench.wait(bench.memory.do_not_call())
    assert (entry.requested_by, entry.origin) == ("crm", "http")


def test_what_is_told_ahead_of_an_answer_goes_the_same_way() -> None:
    bench, answers = desk(), list[KVList]()
    handle = bench.preview().record_handle
    bench.desktops.reception.receive(AGENT, LOG_OUT, answers.append)
    assert [first(pairs, keys.USER_EVENT) for pairs in answers] == ["LogOutTime"]
    bench.ask("7001", "RecordReject", record_handle=handle)
    bench.pass_(0)
    assert [first(pairs, keys.USER_EVENT) for pairs in answers] == ["LogOutTime", "LogOutAcknowledge"]
