"""The rules with the real firmware behind the endpoint: every therapy request, judged by the chart."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from support.pump_bench import active_program, with_steps
from support.ward import weather
from support.ward.chart import COUNTED, Chart
from support.ward.implant import PATIENT_BOLUS, implant
from support.ward.ledger import Key
from support.ward.programmer import Answer, Programmer
from support.ward.rules import WHO, WardRules, reply_is_good
from support.ward.weather import Weather

from firmware_model.pump import Pump
from protocol.client import BondKey
from protocol.messages.alarms import AlarmAckRequest, GetAlarmsRequest
from protocol.messages.clock import GetClockRequest, SetClockRequest
from protocol.messages.delivery import (
    BolusArmRequest,
    BolusCancelRequest,
    BolusStartRequest,
    PatientBolusRequest,
    SetDeliveryRequest,
)
from protocol.messages.device import GetDeviceInfoRequest
from protocol.messages.log import LogInfoRequest
from protocol.messages.program import (
    MAX_STAGE_BLOCK,
    GetProgramInfoRequest,
    ProgAbortRequest,
    ProgBeginRequest,
    ProgCommitRequest,
    ProgStageRequest,
    ProgVerifyRequest,
)
from protocol.messages.refill import RefillRecordRequest
from protocol.messages.session import KeepaliveRequest, NotifyAckRequest, SubscribeRequest
from protocol.messages.status import GetDayTotalsRequest, GetStatusRequest
from protocol.program import encode_program
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask
from protocol.requests import Request
from protocol.vocabulary import DeliveryState, OverrideReason, Which

CLINICIANS = st.sampled_from((0, 2))
EVERYTHING = EventMask.STATUS | EventMask.BOLUS | EventMask.LOG | EventMask.ALARM | EventMask.SESSION
RATES = (9_000, 11_000, 15_000, 30_000)
QUESTIONS = (
    GetStatusRequest(),
    GetClockRequest(),
    GetAlarmsRequest(),
    GetDeviceInfoRequest(),
    GetDayTotalsRequest(0),
    GetProgramInfoRequest(Which.ACTIVE),
    LogInfoRequest(),
    KeepaliveRequest(),
    SubscribeRequest(EVERYTHING, 1),
    NotifyAckRequest(3),
    SetClockRequest(1_772_448_067, 60, ClockSource.PROGRAMMER),
    SetClockRequest(1_803_984_067, -60, ClockSource.OPERATOR),
    *(AlarmAckRequest(instance) for instance in range(1, 5)),
)


class FirmwareRules(WardRules):
    """Three programmers and one implanted pump."""

    pump: Pump
    chart: Chart
    extra: Counter[str]
    intents: dict[tuple[str, int], bytes]

    def admit(self) -> tuple[Pump, list[BondKey], tuple[bytes, ...]]:
        self.pump = implant().wake()
        program = active_program(self.pump)
        self.chart = Chart(self.pump, program.limits, PATIENT_BOLUS)
        self.extra, self.intents = Counter(), {}
        self.programs = [encode_program(with_steps(program, (0, rate))) for rate in RATES]
        self.pending: tuple[Programmer, Any, bytes, bytes] | None = None
        self.bolus_id = 0
        return self.pump, list(implant().keys), ()

    # --- what the base wants to know ----------------------------------------------------------------------

    def effects(self) -> Counter[str]:
        self.chart.read()
        return self.chart.counts

    def counted(self, orders: Counter[str]) -> Counter[str]:
        return Counter({name: orders[name] for name in COUNTED})

    def is_absolute(self, key: Key) -> bool:
        return self.world.ledger.asked[key].name not in COUNTED

    def took_effect(self, key: Key) -> bool | None:
        body = self.world.ledger.executed[key].body
        if isinstance(body, BolusCancelRequest):
            return self.chart.was_cancelled(body)
        return self.chart.was_set(body)

    def receipts(self) -> Mapping[bytes, Any]:
        return self.chart.receipts()

    def look_closer(self) -> None:
        self.chart.check()

    def intent_of(self, request: Request) -> bytes:
        name, body = request.spec.name, request.body
        if name == "PROG_COMMIT":
            return self.intents.get(("PROG_BEGIN", body.handle), b"")
        if name == "BOLUS_START":
            return self.intents.get(("BOLUS_ARM", body.bolus_id), b"")
        return getattr(body, "intent_id", b"") if name in ("PATIENT_BOLUS", "REFILL_RECORD") else b""

    def note(self, request: Request, reply: Any) -> None:  # noqa: ANN401 - any reply
        if request.spec.name in ("PROG_BEGIN", "BOLUS_ARM") and reply_is_good(reply):
            number = reply.handle if request.spec.name == "PROG_BEGIN" else reply.bolus_id
            self.intents[request.spec.name, number] = request.body.intent_id

    # --- rules --------------------------------------------------------------------------------------------

    @rule(who=WHO, question=st.sampled_from(QUESTIONS), sky=weather.ANY)
    def a_question(self, who: int, question: object, sky: Weather) -> None:
        self.bring(sky)
        self.people[who].ask(question)
        self.clear_up()

    @rule(
        who=CLINICIANS,
        number=st.integers(0, len(RATES) - 1),
        later_s=st.sampled_from((0, 0, 600)),
        sky=weather.ANY,
    )
    def a_program_is_verified(self, who: int, number: int, later_s: int, sky: Weather) -> None:
        person, image = self.free(who), self.programs[number]
        if person is None:
            return
        self.bring(sky)
        intent = person.new_intent()
        summary = self._stage(person, image, intent)
        if summary is not None:
            clock = person.ask(GetClockRequest())
            is_set = later_s and hasattr(clock, "utc_s") and clock.utc_s
            effective = clock.utc_s + later_s if is_set else 0
            reason = OverrideReason.CLINICAL_JUDGEMENT
            commit = ProgCommitRequest(summary.handle, summary.token, summary.soft_flags, reason, effective)
            self.pending = (person, commit, intent, hashlib.sha256(image).digest())
        self.clear_up()

    def _stage(self, person: Programmer, image: bytes, intent: bytes) -> Answer:
        """The pump's summary, or None where it did not come so far."""
        info = [person.ask(GetProgramInfoRequest(which)) for which in (Which.ACTIVE, Which.STAGED)]
        versions: list[int] = [getattr(one, "version", 0) for one in info]
        opened = person.ask(ProgBeginRequest(max(versions), len(image), intent))
        if not hasattr(opened, "handle"):
            return None
        for at in range(0, len(image), MAX_STAGE_BLOCK):
            person.ask(ProgStageRequest(opened.handle, at, image[at : at + MAX_STAGE_BLOCK]))
        summary = person.ask(ProgVerifyRequest(opened.handle, hashlib.sha256(image).digest()))
        return summary if hasattr(summary, "token") else None

    @precondition(lambda self: self.pending is not None)
    @rule(sky=weather.ANY, drop=st.sampled_from((False, False, False, True)))
    def the_program_is_committed_or_dropped(self, sky: Weather, drop: bool) -> None:
        """Committed, and the token tried once more, which is no order of anybody; or given up."""
        assert self.pending is not None
        (person, commit, intent, digest), self.pending = self.pending, None
        self.bring(sky)
        if drop:
            person.ask(ProgAbortRequest(commit.handle))
        elif person.uncertain is None:
            person.order(commit, intent, digest)
            person.ask(commit)
        self.clear_up()

    @rule(
        who=CLINICIANS,
        volume_nl=st.sampled_from((5_000, 20_000, 45_000)),
        duration_s=st.sampled_from((60, 600, 3_600)),
        sky=weather.ANY,
        later=weather.ANY,
    )
    def a_bolus(self, who: int, volume_nl: int, duration_s: int, sky: Weather, later: Weather) -> None:
        """Armed and started; the token once more is no order of anybody, but a rogue tries it."""
        person = self.free(who)
        if person is None:
            return
        intent = person.new_intent()
        self.bring(sky)
        dose_ng = volume_nl * 20
        armed = person.ask(BolusArmRequest(BolusKind.CLINICIAN, volume_nl, duration_s, dose_ng, intent))
        self.clear_up()
        if hasattr(armed, "token"):
            self.bring(later)
            reason = OverrideReason.CLINICAL_JUDGEMENT
            start = BolusStartRequest(armed.bolus_id, armed.token, armed.soft_flags, reason)
            person.order(start, intent)
            self.bolus_id = armed.bolus_id
            person.ask(start)
        self.clear_up()

    @rule(sky=weather.ANY, patience_ms=st.sampled_from((0, 0, 3_600_000)), resets=st.integers(0, 2))
    def a_patient_bolus(self, sky: Weather, patience_ms: int, resets: int) -> None:
        """Asked for, and asked for again after each reset: a reset must not grant a dose."""
        self.world.jump_pump(patience_ms)
        for number in range(1 + resets):
            person = self.free(1)
            if person is not None:
                intent = person.new_intent()
                self.bring(sky)
                answer = person.order(PatientBolusRequest(intent), intent)
                self.bolus_id = getattr(answer, "bolus_id", self.bolus_id)
                self.clear_up()
            if number < resets:
                self.world.lose_power()
                self.world.jump_pump(15_000)  # No bolus begins during the tests of a start.
                self.look()

    @precondition(lambda self: self.bolus_id)
    @rule(who=WHO, sky=weather.ANY)
    def a_cancellation(self, who: int, sky: Weather) -> None:
        person = self.free(who)
        if person is not None:
            self.bring(sky)
            person.order(BolusCancelRequest(self.bolus_id))
            self.clear_up()

    @rule(
        who=CLINICIANS,
        state=st.sampled_from((DeliveryState.STOPPED, DeliveryState.MIN_RATE, DeliveryState.RUNNING)),
        sky=weather.ANY,
    )
    def delivery_is_set(self, who: int, state: DeliveryState, sky: Weather) -> None:
        person = self.free(who)
        if person is None:
            return
        minutes = 0 if state is DeliveryState.RUNNING else 600
        status = person.ask(GetStatusRequest())
        version = getattr(status, "program_version", 0)
        self.bring(sky)
        person.order(SetDeliveryRequest(state, minutes, DeliveryReason.CLINICAL, version))
        self.clear_up()

    @rule(who=CLINICIANS, filled_nl=st.sampled_from((20_000_000, 5_000_000)), sky=weather.ANY)
    def a_refill(self, who: int, filled_nl: int, sky: Weather) -> None:
        person = self.free(who)
        if person is None:
            return
        intent = person.new_intent()
        version = getattr(person.ask(GetStatusRequest()), "program_version", 0)
        self.bring(sky)
        person.order(RefillRecordRequest(1_000, filled_nl, version, "LOT", intent), intent)
        self.clear_up()
