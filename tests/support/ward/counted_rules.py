"""The rules with a pump of counters behind the endpoint: every request that changes something."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.stateful import rule
from support.device import HANDLE, TOKEN
from support.sessions import PUMP_PUBLIC, secret
from support.ward import weather
from support.ward.counted import CountedPump
from support.ward.rules import WHO, WardRules
from support.ward.weather import Weather

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
from protocol.messages.program import ProgBeginRequest, ProgCommitRequest
from protocol.messages.refill import RefillRecordRequest
from protocol.messages.session import KeepaliveRequest, NotifyAckRequest, SubscribeRequest
from protocol.messages.status import GetStatusRequest
from protocol.noise import public_key
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask
from protocol.requests import Request
from protocol.vocabulary import DeliveryState, OverrideReason, ReceiptState, Role, SoftLimit

ROLES = (Role.CLINICIAN, Role.PATIENT, Role.CLINICIAN)
COMMIT = ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)
START = BolusStartRequest(1, TOKEN, SoftLimit(0), OverrideReason.NONE)
QUESTIONS = (
    GetStatusRequest(),
    GetClockRequest(),
    GetAlarmsRequest(),
    KeepaliveRequest(),
    SubscribeRequest(EventMask.STATUS | EventMask.ALARM | EventMask.SESSION, 1),
    NotifyAckRequest(3),
    SetClockRequest(1_772_448_067, 60, ClockSource.PROGRAMMER),
    AlarmAckRequest(1),
)


class CountedRules(WardRules):
    """All requests that change something, whatever state the pump is in."""

    device: CountedPump
    reads_programs = False

    def admit(self) -> tuple[CountedPump, list[BondKey], tuple[bytes, ...]]:
        self.device = CountedPump()
        keys = []
        for slot, role in enumerate(ROLES):
            private = secret(f"programmer {slot}")
            self.device.add_bond(slot, role, public=public_key(private))
            keys.append(BondKey(PUMP_PUBLIC, slot, private))
        return self.device, keys, ()

    def effects(self) -> Counter[str]:
        return self.device.effects

    def receipts(self) -> Mapping[bytes, ReceiptState]:
        return {intent: receipt.state for intent, receipt in self.device.receipts.items()}

    def intent_of(self, request: Request) -> bytes:
        name, body = request.spec.name, request.body
        if name == "PROG_COMMIT":
            return self.device.intent_id
        if name == "BOLUS_START":
            return self.device.armed
        return getattr(body, "intent_id", b"") if name in ("PATIENT_BOLUS", "REFILL_RECORD") else b""

    # --- rules --------------------------------------------------------------------------------------------

    @rule(who=WHO, question=st.sampled_from(QUESTIONS), sky=weather.ANY)
    def a_question(self, who: int, question: object, sky: Weather) -> None:
        self.bring(sky)
        self.people[who].ask(question)
        self.clear_up()

    @rule(who=st.sampled_from((0, 2)), sky=weather.ANY, later=weather.ANY)
    def a_program(self, who: int, sky: Weather, later: Weather) -> None:
        person = self.free(who)
        if person is None:
            return
        intent = person.new_intent()
        self.bring(sky)
        status = person.ask(GetStatusRequest())
        if hasattr(status, "program_version"):
            person.ask(ProgBeginRequest(status.program_version, 1, intent))
            self.clear_up()
            self.bring(later)
            if self.device.intent_id == intent:
                person.order(COMMIT, intent)
        self.clear_up()

    @rule(who=st.sampled_from((0, 2)), sky=weather.ANY, later=weather.ANY)
    def a_bolus(self, who: int, sky: Weather, later: Weather) -> None:
        person = self.free(who)
        if person is None:
            return
        intent = person.new_intent()
        self.bring(sky)
        armed = person.ask(BolusArmRequest(BolusKind.CLINICIAN, 1_000, 60, 0, intent))
        self.clear_up()
        if hasattr(armed, "bolus_id") and self.device.armed == intent:
            self.bring(later)
            person.order(START, intent)
        self.clear_up()

    @rule(sky=weather.ANY)
    def a_patient_bolus(self, sky: Weather) -> None:
        person = self.free(1)
        if person is not None:
            intent = person.new_intent()
            self.bring(sky)
            person.order(PatientBolusRequest(intent), intent)
            self.clear_up()

    @rule(who=st.sampled_from((0, 2)), sky=weather.ANY)
    def a_refill(self, who: int, sky: Weather) -> None:
        person = self.free(who)
        if person is not None:
            intent = person.new_intent()
            self.bring(sky)
            person.order(RefillRecordRequest(0, 20_000_000, 1, "LOT", intent), intent)
            self.clear_up()

    @rule(
        who=st.sampled_from((0, 2)),
        state=st.sampled_from((DeliveryState.STOPPED, DeliveryState.MIN_RATE)),
        sky=weather.ANY,
    )
    def a_stop(self, who: int, state: DeliveryState, sky: Weather) -> None:
        person = self.free(who)
        if person is not None:
            self.bring(sky)
            person.order(SetDeliveryRequest(state, 30, DeliveryReason.CLINICAL, 1))
            self.clear_up()

    @rule(who=WHO, sky=weather.ANY)
    def a_cancellation(self, who: int, sky: Weather) -> None:
        person = self.free(who)
        if person is not None:
            self.bring(sky)
            person.order(BolusCancelRequest(1))
            self.clear_up()
