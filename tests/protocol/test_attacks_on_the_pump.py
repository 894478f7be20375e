"""Attacks on what the pump does: P-08 to P-10, P-12, P-14, P-15 and P-17 to P-22 of the safety reference."""

from random import Random

import pytest
from support.pump_bench import HOUR_MS
from support.soak.run import soak
from support.strategies import example_of
from support.ward.clinic import Clinic, refused
from support.ward.programmer import LOST, Programmer

from protocol.application import parse_request, read_header
from protocol.client import BondKey
from protocol.codewords import index_of16
from protocol.drops import DropReason
from protocol.emergency_key import EMERGENCY_PRIVATE
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, to_wire
from protocol.link_control import Hello, LinkClass, encode_link
from protocol.messages.clock import SetClockRequest
from protocol.messages.codec import BodyError
from protocol.messages.delivery import (
    BolusArmRequest,
    BolusCancelRequest,
    BolusStartRequest,
    PatientBolusRequest,
    SetDeliveryRequest,
)
from protocol.messages.log import LogDigestRequest, LogInfoRequest, LogReadRequest
from protocol.messages.program import GetProgramInfoRequest, ReadProgramRequest
from protocol.messages.registry import MESSAGES, Access, by_request_opcode
from protocol.messages.status import GetStatusRequest
from protocol.pump_link import SUITES
from protocol.request_words import BolusKind, ClockSource, DeliveryReason
from protocol.requests import EMERGENCY_SLOT
from protocol.vocabulary import (
    CloseReason,
    DeliveryState,
    ErrorCode,
    EventType,
    LogPageFlag,
    OverrideReason,
    Role,
    Which,
)

YEAR_S = 365 * 86_400


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


# --- P-08, P-09 ---------------------------------------------------------------------------------------------


class Flood:
    """A stranger who tries one handshake after the other, each with new keys on a new discovery."""

    def __init__(self, clinic: Clinic) -> None:
        self.pump = clinic.pump
        self.endpoint = PumpEndpoint(self.pump, Random(7).randbytes)
        self.tried = 0
        self._random = Random(8)
        self._admitted = 0
        self._admit = self.pump.admit_handshake

    def run(self, count: int, every_ms: int) -> int:
        """Send ``count`` openings; return how many the pump spent a key operation on."""
        self.pump.admit_handshake = self._count  # type: ignore[method-assign]
        for number in range(count):
            now = 1_000 + number * every_ms
            self.pump.set_link_time(now)
            if number % 50 == 0:
                hello = encode_link(Hello(1, 1, SUITES, self._random.randbytes(8)))
                self._send(FrameKind.LINK, NO_LINK_ID, hello, now)
            opening = bytes((0x0F, 0x0F, 0, 0)) + self._random.randbytes(48)
            self._send(FrameKind.HANDSHAKE, self.endpoint._link.link_id, opening, now)
        return self._admitted

    def _count(self, link_class: LinkClass) -> int:
        wait_s = self._admit(link_class)
        self._admitted += not wait_s
        return wait_s

    def _send(self, kind: FrameKind, link_id: int, payload: bytes, now: int) -> None:
        wire = to_wire(Frame(kind, Direction.TO_PUMP, 0, link_id, payload))
        for event in self.endpoint.receive(wire, now):
            if type(event).__name__ == "HandshakeFailed":
                self.pump.handshake_failed(event.slot, event.link_class, event.guess)  # type: ignore[union-attr]
        self.endpoint.data_to_send()


def test_p08_a_day_of_guesses_is_a_few_dozen(clinic: Clinic) -> None:
    """Five for nothing, then a lockout that doubles up to an hour; and each of them stands in the log."""
    seq = clinic.pump.controller.log.last_seq
    flood = Flood(clinic)
    assert 20 < flood.run(5_000, 17_280) <= 5 + 13 + 24
    told = [record.type for record in clinic.log(seq + 1)]
    assert told.count(EventType.HS_FAIL) <= 5 + 13 + 24
    assert EventType.ALARM_RAISED in told
    assert flood.endpoint.counters.drops[DropReason.LOCKOUT] > 4_900


def test_p08_a_lockout_does_not_keep_the_emergency_key_out(clinic: Clinic) -> None:
    Flood(clinic).run(40, 100)
    clinic.world.clock.advance_to(6_000)
    assert clinic.pump.lockout_s(LinkClass.NEAR)
    assert not clinic.doctor.connect()
    rescuer = emergency(clinic)
    assert rescuer.ask(suspend(clinic, 60)).delivery_state is DeliveryState.MIN_RATE


def test_p08_guessing_on_the_far_link_does_not_lock_the_near_one(clinic: Clinic) -> None:
    for _ in range(12):
        clinic.pump.handshake_failed(0, LinkClass.FAR, True)
    assert clinic.pump.lockout_s(LinkClass.FAR)
    assert not clinic.pump.lockout_s(LinkClass.NEAR)
    assert clinic.doctor.connect()


def test_p09_a_day_of_handshakes_costs_next_to_no_battery(clinic: Clinic) -> None:
    """One every 17 s: what the flood takes out of the cell is below a thousandth of it."""
    cell = clinic.pump.plant.state.cell
    before = cell.telemetry_charge
    admitted = Flood(clinic).run(5_000, 17_280)
    spent = cell.telemetry_charge - before
    profile = clinic.pump.profile
    assert 0 < spent <= admitted * profile.handshake_charge_nah * HOUR_MS
    assert spent < profile.battery_capacity_uah * HOUR_MS


def test_p09_noise_and_replays_cost_no_key_operation_at_all(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    clinic.doctor.close()
    out, _ = clinic.recording()
    charge = clinic.pump.plant.state.cell.telemetry_charge
    for _ in range(20):
        clinic.attack(*out[1:], b"\0" + bytes(range(1, 200)) + b"\0")
        clinic.world.let_pass(500)
    assert clinic.pump.plant.state.cell.telemetry_charge == charge


# --- P-10, P-12, P-13, P-14, P-15 ---------------------------------------------------------------------------


@pytest.mark.parametrize(("waits_ms", "reason"), [(121_000, CloseReason.IDLE)], ids=["left open"])
def test_p10_a_session_left_open_ends_and_takes_its_unfinished_work_along(
    clinic: Clinic, waits_ms: int, reason: CloseReason
) -> None:
    assert clinic.doctor.connect()
    verified = clinic.verify(clinic.doctor)
    before, seq = clinic.therapy(), clinic.pump.controller.log.last_seq
    clinic.world.let_pass(waits_ms)
    assert clinic.world.endpoint.session is None
    assert [record.type for record in clinic.log(seq + 1)] == [EventType.PROG_ABORT, EventType.SESSION_CLOSE]
    assert clinic.doctor.ask(verified.commit()) is LOST
    assert clinic.therapy() == before
    assert clinic.colleague.connect(), f"there is room for another after {reason.name}"


def test_p10_no_session_lasts_longer_than_eight_hours(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    asked = 0
    while clinic.status(clinic.doctor) is not LOST:
        clinic.world.let_pass(115_000)
        asked += 1
    assert 8 * HOUR_MS // 115_000 - 1 <= asked <= 8 * HOUR_MS // 115_000 + 1


def test_p12_every_opcode_that_is_not_in_the_catalogue_is_refused() -> None:
    """All 65,536 words: no hidden request, and never one taken for another."""
    known = {spec.request_opcode for spec in MESSAGES}
    for word in range(0x1_0000):
        told = _said_of(word)
        if word not in known:
            hidden = index_of16(word) is None
            assert told is (ErrorCode.OPCODE_NOT_A_CODEWORD if hidden else ErrorCode.UNKNOWN_OPCODE)
        else:
            assert told in (ErrorCode.BAD_LENGTH, by_request_opcode(word))


def _said_of(word: int) -> object:
    """What becomes of a request with this opcode and no body: its message, or an error."""
    plaintext = word.to_bytes(2, "little") + bytes((1, 0, 1, 0, 0, 0))
    header = read_header(plaintext)
    assert header is not None
    try:
        return parse_request(header, plaintext)[0]
    except BodyError as error:
        return error.code


def test_p12_reading_ends_where_the_program_ends(clinic: Clinic) -> None:
    """The one request with an offset reads a program and nothing behind it."""
    assert clinic.doctor.connect()
    info = clinic.doctor.ask(GetProgramInfoRequest(Which.ACTIVE))
    tail = clinic.doctor.ask(ReadProgramRequest(info.version, info.image_len - 1, 192))
    assert len(tail.data) == 1
    for offset in (info.image_len, info.image_len + 1, 0xFFFF):
        beyond = clinic.doctor.ask(ReadProgramRequest(info.version, offset, 1))
        assert refused(beyond, ErrorCode.OUT_OF_RANGE)
    stranger = clinic.doctor.ask(ReadProgramRequest(info.version + 9, 0, 1))
    assert refused(stranger, ErrorCode.VERSION_CONFLICT)


def test_p13_random_and_mutated_frames_change_nothing() -> None:
    """A short soak; the long one stands in test_soak.py."""
    report = soak(8_000, seed=13)
    assert report.frames == 8_000
    assert sum(report.drops.values()) > 5_000


def test_p14_p15_nothing_that_changes_the_pump_writes_memory_calibration_or_firmware() -> None:
    """The whole list: one for raw memory, a calibration or a firmware image would have to be added here."""
    changing = {spec.name for spec in MESSAGES if spec.access in (Access.WRITE, Access.THERAPY)}
    assert changing == {
        "PROG_BEGIN", "PROG_STAGE", "PROG_VERIFY", "PROG_COMMIT", "PROG_ABORT",
        "BOLUS_ARM", "BOLUS_START", "BOLUS_CANCEL", "PATIENT_BOLUS", "SET_DELIVERY",
        "SET_CLOCK", "ALARM_ACK", "ALARM_SILENCE", "REFILL_RECORD", "SELF_TEST",
        "BOND_ENROL", "BOND_REVOKE", "BOND_CONFIRM", "PROXIMITY_TOKEN",
    }  # fmt: skip


# --- P-17, P-18, P-19, P-20 ---------------------------------------------------------------------------------


def test_p17_the_patient_may_do_what_the_role_says_and_nothing_else(clinic: Clinic) -> None:
    """Every request of the catalogue from the patient's programmer; denied by default."""
    assert clinic.patient.connect()
    before = clinic.therapy()
    for spec in MESSAGES:
        if Role.PATIENT not in spec.roles:
            answer = clinic.patient.ask(example_of(spec.request))
            assert refused(answer, ErrorCode.ROLE_FORBIDDEN), spec.name
    assert clinic.therapy() == before
    clinic.audit()


@pytest.mark.parametrize("lost", range(1, 6))
def test_p18_lost_answers_never_double_a_bolus(clinic: Clinic, lost: int) -> None:
    assert clinic.patient.connect()
    intent = clinic.patient.new_intent()
    clinic.lose_answers(lost, after=1)
    answer = clinic.patient.order(PatientBolusRequest(intent), intent)
    assert (answer is LOST) == (lost == 5)
    assert clinic.patient.resolve()
    started = [record for record in clinic.log() if record.type is EventType.BOLUS_START]
    assert len(started) == 1
    assert clinic.world.ledger.took_effect(next(reversed_orders(clinic)))
    clinic.audit()


def reversed_orders(clinic: Clinic) -> "reversed[tuple[int, int]]":
    keys = [key for key, asked in clinic.world.ledger.asked.items() if asked.name == "PATIENT_BOLUS"]
    return reversed(keys)


def test_p19_a_crash_of_the_communication_leaves_delivery_as_it_was(clinic: Clinic) -> None:
    """Whatever arrives makes the endpoint fail; the drug flows as in a pump that nobody talks to."""
    alone = Clinic()
    assert clinic.doctor.connect()

    def crash(_data: bytes, _now_ms: int) -> list[object]:
        raise RuntimeError("the communication task has crashed")

    receive = clinic.world.endpoint.receive
    clinic.world.endpoint.receive = crash  # type: ignore[method-assign, assignment]
    for _ in range(10):
        clinic.attack(b"anything")
        clinic.world.jump_pump(HOUR_MS)
    clinic.world.endpoint.receive = receive  # type: ignore[method-assign]
    alone.world.clock.advance_to(clinic.world.now_ms())
    alone.world.jump_pump(10 * HOUR_MS)
    assert clinic.pump.belief() == alone.pump.belief()
    assert clinic.world.host.internal_errors == 10
    assert clinic.doctor.connect()


def emergency(clinic: Clinic) -> Programmer:
    """Somebody with the published key, the head on the pump for as long as it takes."""
    rescuer = clinic.join(BondKey(clinic.pump.static_public, EMERGENCY_SLOT, EMERGENCY_PRIVATE))
    assert rescuer.connect()
    clinic.world.let_pass(30_000)
    return rescuer


def suspend(
    clinic: Clinic, minutes: int, state: DeliveryState = DeliveryState.MIN_RATE
) -> SetDeliveryRequest:
    return SetDeliveryRequest(state, minutes, DeliveryReason.EMERGENCY, clinic.version)


def test_p20_break_glass_slows_the_pump_and_can_do_no_more(clinic: Clinic) -> None:
    rescuer = emergency(clinic)
    rate = clinic.status(rescuer).rate_nl_h
    for spec in MESSAGES:
        if Role.EMERGENCY not in spec.roles:
            assert refused(rescuer.ask(example_of(spec.request)), ErrorCode.ROLE_FORBIDDEN), spec.name
    for state in (DeliveryState.STOPPED, DeliveryState.RUNNING):
        answer = rescuer.ask(suspend(clinic, 60 if state is DeliveryState.STOPPED else 0, state))
        assert refused(answer, ErrorCode.POLICY_FORBIDS)
    assert refused(rescuer.ask(suspend(clinic, 24 * 60 + 1)), ErrorCode.POLICY_FORBIDS)
    assert clinic.status(rescuer).rate_nl_h == rate
    seq = clinic.pump.controller.log.last_seq
    slowed = rescuer.ask(suspend(clinic, 60))
    assert slowed.rate_nl_h < rate
    assert {EventType.DELIVERY_STATE, EventType.ALARM_RAISED} <= {
        record.type for record in clinic.log(seq + 1)
    }
    clinic.world.jump_pump(HOUR_MS)
    assert clinic.status(rescuer).delivery_state is DeliveryState.RUNNING, "it resumes by itself"


def test_p20_break_glass_needs_the_head_for_thirty_seconds(clinic: Clinic) -> None:
    rescuer = clinic.join(BondKey(clinic.pump.static_public, EMERGENCY_SLOT, EMERGENCY_PRIVATE))
    assert rescuer.connect()
    assert refused(rescuer.ask(suspend(clinic, 60)), ErrorCode.PROXIMITY_REQUIRED)


# --- P-21, P-22 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step_s", [YEAR_S, -YEAR_S], ids=["a year ahead", "a year back"])
def test_p21_setting_the_clock_frees_no_bolus(clinic: Clinic, step_s: int) -> None:
    assert clinic.patient.connect()
    given = clinic.patient.new_intent()
    assert clinic.patient.order(PatientBolusRequest(given), given).lockout_s
    clinic.patient.close()
    clinic.world.jump_pump(20 * 60_000)
    assert clinic.doctor.connect()
    utc_s = clinic.status(clinic.doctor).utc_s
    clinic.doctor.ask(SetClockRequest(utc_s + step_s, 0, ClockSource.PROGRAMMER))
    clinic.doctor.close()
    assert clinic.patient.connect()
    asked = clinic.patient.new_intent()
    answer = clinic.patient.order(PatientBolusRequest(asked), asked)
    assert refused(answer, ErrorCode.LOCKOUT)
    assert 2_300 < answer.detail <= 2_400, "40 of the 60 min are left, whatever the calendar says"
    clinic.audit()


def test_p21_setting_the_clock_frees_no_transaction_and_no_lockout(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    armed = clinic.doctor.ask(arm(clinic.doctor.new_intent()))
    utc_s = clinic.status(clinic.doctor).utc_s
    clinic.doctor.ask(SetClockRequest(utc_s - YEAR_S, 0, ClockSource.PROGRAMMER))
    clinic.world.let_pass(61_000)
    late = clinic.doctor.ask(
        BolusStartRequest(armed.bolus_id, armed.token, armed.soft_flags, OverrideReason.CLINICAL_JUDGEMENT)
    )
    assert refused(late, ErrorCode.HANDLE_EXPIRED)


def arm(intent: bytes) -> BolusArmRequest:
    return BolusArmRequest(BolusKind.CLINICIAN, 5_000, 600, 100_000, intent)


@pytest.mark.parametrize("how", ["changed", "deleted", "swapped"])
def test_p22_a_log_that_was_tampered_with_gives_another_digest(clinic: Clinic, how: str) -> None:
    assert clinic.doctor.connect()
    info = clinic.doctor.ask(LogInfoRequest())
    span = LogDigestRequest(info.log_epoch, info.first_seq, info.last_seq)
    before = clinic.doctor.ask(span)
    storage, cell = clinic.pump.storage, f"log.{info.last_seq - 3:04d}"
    octets = storage.read(cell)
    assert octets is not None
    if how == "changed":
        storage.flip_bit(cell, 100)
    elif how == "deleted":
        storage.fail_reads(cell)
    else:
        other = storage.read(f"log.{info.last_seq - 4:04d}")
        assert other is not None
        storage.write(cell, other)
    assert clinic.doctor.ask(span).chain != before.chain
    page = clinic.doctor.ask(LogReadRequest(info.log_epoch, info.last_seq - 3, 1))
    assert LogPageFlag.CORRUPT in page.flags
    assert page.records[0].type is EventType.DATA_CORRUPT


def test_p22_no_request_writes_or_removes_log_records(clinic: Clinic) -> None:
    """Numbers only rise; the whole therapy of a visit adds records and takes none."""
    assert clinic.doctor.connect()
    before = clinic.log()
    bolus = clinic.doctor.ask(arm(clinic.doctor.new_intent()))
    clinic.doctor.ask(BolusCancelRequest(bolus.bolus_id))
    clinic.doctor.ask(GetStatusRequest())
    after = clinic.log()
    assert after[: len(before)] == before
    assert [record.seq for record in after] == list(range(after[0].seq, after[0].seq + len(after)))
    assert EventType.BOLUS_END in [record.type for record in after[len(before) :]]
