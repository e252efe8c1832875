"""The engine's numbers from the configuration."""
from __future__ import annotations

from ocs.app.config import DialingOptions
from ocs.dialing.results import CallResult
from ocs.scheduler.context import EngineOptions

__all__ = ["engine_numbers"]


def engine_numbers(dialing: DialingOptions, application_id: int) -> EngineOptions:
    """What the table [dialing] says, in the engine's units."""
    at_logout = dialing.agent_logout_preview_call_result
    return EngineOptions(
        application_id=application_id, tick_s=dialing.pacing_tick_s,
        stale_clean_s=60.0 * dialing.stale_clean_timeout_min,
        agent_logout_preview_call_result=None if at_logout < 0 else CallResult(at_logout),
        record_processed=dialing.record_processed,
        treatment_sched_threshold_s=60.0 * dialing.treatment_sched_threshold_min,
        check_dnc_list=dialing.check_dnc_list, check_dnc_callback=dialing.check_dnc_callback,
        cancel_on_desktop=dialing.cancel_on_desktop, customer_id_field=dialing.customer_id_field, request_log=dialing.request_log,
        personal_callback_wait_s=60.0 * dialing.personal_callback_wait_min,
        callback_missed_tolerance_s=60.0 * dialing.callback_missed_tolerance_min,
        callback_answer_s=60.0 * dialing.callback_answer_min, callback_again_s=60.0 * dialing.callback_again_min)
