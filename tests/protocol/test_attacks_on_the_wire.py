"""Attacks by whoever holds the line: P-01 to P-07, P-11, P-16 and P-23 of the safety reference."""

import re
import struct
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from support.protocol_pair import SeededEntropy
from support.pump_bench import MONDAY_UTC_S, active_program, pump_at_work
from support.sessions import secret
from support.ward.clinic import Clinic, frame_of, refused
from support.ward.implant import PATIENT_BOLUS, implant
from support.ward.programmer import LOST
from support.wire import flip

from protocol.client import BondKey, PumpClient
from protocol.client_errors import NotBondedError, WrongPumpError
from protocol.drops import DropReason
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, encode_frame, to_wire
from protocol.link_control import Hello, HelloResponse, decode_link, encode_link
from protocol.messages.device import GetDeviceInfoRequest
from protocol.messages.program import GetProgramInfoRequest, ReadProgramRequest
from protocol.messages.status import GetStatusRequest
from protocol.noise import public_key
from protocol.pump_link import SUITES
from protocol.vocabulary import ErrorCode, EventType, Role, Which


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def in_session(clinic: Clinic) -> bool:
    return clinic.world.endpoint.session is not None


def dose_change(clinic: Clinic, rate_nl_h: int = 12_000) -> None:
    """A whole visit: read everything, change the dose, read it back, close."""
    doctor = clinic.doctor
    assert doctor.connect()
    doctor.ask(GetDeviceInfoRequest())
    read_program(clinic)
    verified = clinic.verify(doctor, rate_nl_h)
    doctor.order(verified.commit(), verified.intent, verified.digest)
    read_program(clinic)
    doctor.ask(GetStatusRequest())
    doctor.close()
    clinic.audit()


def read_program(clinic: Clinic) -> None:
    info = clinic.doctor.ask(GetProgramInfoRequest(Which.ACTIVE))
    for at in range(0, info.image_len, 192):
        clinic.doctor.ask(ReadProgramRequest(info.version, at, min(192, info.image_len - at)))


# --- P-01 ---------------------------------------------------------------------------------------------------


def forms_of_number(value: int) -> list[bytes]:
    """A number as it could stand in a frame: binary both ways round, decimal, hexadecimal, BCD."""
    forms = [str(value).encode(), f"{value:,}".encode(), f"{value:x}".encode(), f"{value:X}".encode()]
    digits = str(value)
    forms.append(bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2)))
    for octets, code in ((4, "I"), (8, "Q")):
        if value < 1 << 8 * octets:
            forms += [struct.pack(f"<{code}", value), struct.pack(f">{code}", value)]
    # Fewer different octets than three would be found anywhere.
    return [form for form in forms if len(form) >= 4 and len(set(form)) >= 3]


def forms_of_text(text: str) -> list[bytes]:
    """A text as it could stand in a frame, and every word of it that is too long for chance."""
    words = [text, *(word for word in re.split(r"[ -]", text) if len(word) >= 4)]
    return [
        form
        for word in words
        for form in (word.encode(), word.upper().encode(), word.lower().encode(), word.encode("utf-16-le"))
    ]


def test_p01_an_eavesdropper_learns_no_dose_serial_label_or_patient(clinic: Clinic) -> None:
    """Every octet of a dose change, both ways, searched for every way to write what must stay secret."""
    before = active_program(clinic.pump)
    dose_change(clinic)
    after = active_program(clinic.pump)
    bond = clinic.pump.bond(0)
    assert bond is not None
    numbers = {
        value
        for program in (before, after)
        for value in (
            *(step.rate_nl_h for step in program.schedule.steps),
            *(dose.dose_ng_per_day for dose in program.dose_declarations),
            *(drug.conc_ng_ml for drug in program.drugs),
            PATIENT_BOLUS.volume_nl,
            program.limits.hard_day_nl,
            program.implant.implanted_utc,
        )
    }
    texts = {clinic.pump.identity.serial, bond.label, before.implant.patient_ref, before.drugs[0].name}
    secrets = [form for value in numbers for form in forms_of_number(value)]
    secrets += [form for text in texts for form in forms_of_text(text)]
    out, back = clinic.recording()
    streams = [b"".join(frames) for frames in (out, back)]
    streams += [b"".join(frame_of(wire).payload for wire in out)]
    streams += [b"".join(frame_of(wire, Direction.TO_PROGRAMMER).payload for wire in back)]
    assert len(out) > 15
    assert len(secrets) > 100
    assert [form for form in secrets for stream in streams if form in stream] == []


def test_p01_the_search_would_find_them() -> None:
    """The same search over what was said in plaintext finds all of it."""
    clinic = Clinic()
    said: list[bytes] = []
    clinic.world.endpoint._tap = lambda _direction, plaintext: said.append(plaintext)
    dose = active_program(clinic.pump).dose_declarations[0].dose_ng_per_day
    assert clinic.doctor.connect()
    clinic.doctor.ask(GetDeviceInfoRequest())
    read_program(clinic)
    spoken = b"".join(said)
    assert any(form in spoken for form in forms_of_number(dose))
    for text in (clinic.pump.identity.serial, active_program(clinic.pump).implant.patient_ref):
        assert any(form in spoken for form in forms_of_text(text))


def test_p01_two_visits_cannot_be_told_to_be_of_one_pump(clinic: Clinic) -> None:
    """What is in the clear, the key hint, changes with every HELLO."""
    hints = set[bytes]()
    for _ in range(3):
        assert clinic.doctor.connect()
        clinic.doctor.close()
    for wire in clinic.recording()[1]:
        frame = frame_of(wire, Direction.TO_PROGRAMMER)
        if frame.kind is FrameKind.LINK:
            message = decode_link(frame.payload)
            assert isinstance(message, HelloResponse)
            hints.add(message.key_hint)
    assert len(hints) == 3


# --- P-02, P-03, P-04, P-05, P-06 ---------------------------------------------------------------------------


def test_p02_a_forged_command_changes_nothing_and_is_counted(clinic: Clinic) -> None:
    """Records of a stranger's own making, in the name of the session at hand."""
    assert clinic.doctor.connect()
    session = clinic.world.endpoint.session
    assert session is not None
    before = clinic.therapy()
    for number in range(20):
        payload = (100 + number).to_bytes(4, "little") + SeededEntropy(number)(60)
        clinic.attack(to_wire(Frame(FrameKind.SECURE, Direction.TO_PUMP, number, session.link_id, payload)))
    assert clinic.drops(DropReason.AUTH) == 20
    assert clinic.therapy() == before
    assert clinic.status(clinic.doctor).program_version == clinic.version


def test_p02_a_stranger_without_a_bond_opens_no_session_and_is_logged(clinic: Clinic) -> None:
    stranger = clinic.join(replace(clinic.doctor._bond, private=secret("stranger")))
    seq = clinic.pump.controller.log.last_seq
    assert not stranger.connect()
    assert clinic.world.endpoint.session is None
    assert [record.type for record in clinic.log(seq + 1)] == [EventType.HS_FAIL]
    assert clinic.doctor.connect()


def test_p03_a_command_played_again_in_its_session_is_refused(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    verified = clinic.verify(clinic.doctor)
    clinic.doctor.order(verified.commit(), verified.intent, verified.digest)
    after = clinic.therapy()
    out, _ = clinic.recording()
    records = [wire for wire in out if frame_of(wire).kind is FrameKind.SECURE]
    clinic.attack(*records, *reversed(records))
    assert clinic.drops(DropReason.REPLAY) == 2 * len(records)
    assert clinic.therapy() == after
    clinic.status(clinic.doctor)
    clinic.audit()


@pytest.mark.parametrize("reset", [False, True], ids=["later", "after a reset"])
def test_p04_a_recorded_visit_is_refused_entirely(clinic: Clinic, reset: bool) -> None:
    """The whole dose change of yesterday, played to the pump that is alone, and to the pump in a session."""
    dose_change(clinic, 12_000)
    dose_change(clinic, 9_000)
    first, _ = clinic.recording()
    if reset:
        clinic.world.lose_power()
    before, executed = clinic.therapy(), len(clinic.world.ledger.executed)
    clinic.attack(*first)
    assert not in_session(clinic)
    assert clinic.doctor.connect()
    session = clinic.world.endpoint.session
    assert session is not None
    for wire in first:
        frame = frame_of(wire)
        if frame.kind is not FrameKind.LINK:
            clinic.attack(to_wire(replace(frame, link_id=session.link_id)))
    clinic.attack(*first)
    assert len(clinic.world.ledger.executed) == executed + 1, "SESSION_CONFIRM of the genuine programmer"
    assert clinic.therapy() == before
    assert clinic.status(clinic.doctor) is not LOST
    clinic.audit()


def test_p05_a_commit_that_is_held_back_too_long_is_refused(clinic: Clinic) -> None:
    """Delay is the attack: the record is genuine and unused, and comes when its transaction is over."""
    assert clinic.doctor.connect()
    verified = clinic.verify(clinic.doctor)
    before = clinic.therapy()
    clinic.lose_requests(5, after=1)
    assert clinic.doctor.order(verified.commit(), verified.intent, verified.digest) is LOST
    held = clinic.recording()[0][-1]
    clinic.world.let_pass(125_000)
    clinic.attack(held)
    assert clinic.doctor.resolve()
    clinic.attack(held)
    assert clinic.therapy() == before
    clinic.audit()


def test_p05_records_out_of_order_are_refused(clinic: Clinic) -> None:
    """A later record was accepted: the earlier one is too late."""
    assert clinic.doctor.connect()
    clinic.lose_requests(1)
    clinic.status(clinic.doctor)
    lost, arrived = clinic.recording()[0][-2:]
    assert frame_of(lost).payload[:4] < frame_of(arrived).payload[:4]
    clinic.attack(lost)
    assert clinic.drops(DropReason.REPLAY) == 1


@pytest.mark.parametrize("kind", [FrameKind.HANDSHAKE, FrameKind.SECURE], ids=lambda kind: str(kind.name))
def test_p06_every_single_bit_flip_is_refused_though_the_crc_is_right(
    clinic: Clinic, kind: FrameKind
) -> None:
    """The frame never arrived unharmed, so nothing but the damage speaks against it."""
    assert clinic.doctor.connect()
    if kind is FrameKind.SECURE:
        clinic.lose_requests(5)
        assert clinic.status(clinic.doctor) is LOST
        wire = clinic.recording()[0][-1]
    else:
        wire = clinic.recording()[0][1]
    frame, executed = frame_of(wire), len(clinic.world.ledger.executed)
    assert frame.kind is kind
    session = clinic.world.endpoint.session
    for bit in range(8 * len(frame.payload)):
        clinic.attack(to_wire(replace(frame, payload=flip(frame.payload, bit))))
        clinic.world.clock.advance_to(clinic.world.now_ms() + 10)
    assert len(clinic.world.ledger.executed) == executed
    assert clinic.world.endpoint.session is session
    if kind is FrameKind.SECURE:
        clinic.attack(wire)
        assert len(clinic.world.ledger.executed) == executed + 1, "the frame itself was good"


@pytest.mark.parametrize("kind", FrameKind, ids=lambda kind: str(kind.name))
def test_p06_every_single_bit_flip_of_a_frame_of_each_kind_is_refused(kind: FrameKind) -> None:
    from protocol.frame import decode_frame

    octets = encode_frame(Frame(kind, Direction.TO_PUMP, 7, 0x1234, bytes(range(40))))
    for bit in range(8 * len(octets)):
        assert not isinstance(decode_frame(flip(octets, bit), Direction.TO_PUMP), Frame)


# --- P-07 ---------------------------------------------------------------------------------------------------


def edit_hello(wire: bytes, **changes: Any) -> bytes:  # noqa: ANN401 - values of any field
    frame = frame_of(wire)
    message = decode_link(frame.payload)
    assert isinstance(message, Hello)
    return to_wire(replace(frame, payload=encode_link(replace(message, **changes))))


@pytest.mark.parametrize("changes", [{"suites": 1}, {"suites": 3}, {"ver_max": 9}], ids=str)
def test_p07_an_edited_hello_ends_in_a_refused_and_logged_handshake(
    clinic: Clinic, changes: dict[str, int]
) -> None:
    """A man in the middle offers the pump less than the programmer did: the transcripts differ."""
    to_pump, seq = clinic.world.to_pump, clinic.pump.controller.log.last_seq
    send = to_pump.send

    def middle(data: bytes, now_ms: int) -> None:
        hello = frame_of(data).link_id == NO_LINK_ID
        send(edit_hello(data, **changes) if hello else data, now_ms)

    to_pump.send = middle  # type: ignore[method-assign]
    assert not clinic.doctor.connect()
    assert clinic.world.endpoint.session is None
    assert EventType.HS_FAIL in [record.type for record in clinic.log(seq + 1)]


@pytest.mark.parametrize(
    ("versions", "reason"), [((0, 0), DropReason.LINK_MESSAGE), ((2, 9), DropReason.STATE)], ids=str
)
def test_p07_another_version_is_refused(
    clinic: Clinic, versions: tuple[int, int], reason: DropReason
) -> None:
    hello = encode_link(Hello(1, 1, SUITES, b"oldstyle"))
    payload = hello[:1] + bytes(versions) + hello[3:]
    clinic.attack(to_wire(Frame(FrameKind.LINK, Direction.TO_PUMP, 0, NO_LINK_ID, payload)))
    assert clinic.drops(reason) == 1
    assert clinic.world.endpoint._link.discovery is None


# --- P-11, P-16, P-23 ---------------------------------------------------------------------------------------


def client_of(clinic: Clinic) -> PumpClient:
    return PumpClient(clinic.world.open_handle(), entropy=SeededEntropy("visitor"))


def test_p11_another_pump_on_the_head_is_recognised_before_anything_is_said(clinic: Clinic) -> None:
    """Two pumps in one room: the key hint tells them apart, and no handshake goes out."""
    neighbour = pump_at_work(8, MONDAY_UTC_S)
    key = replace(clinic.doctor._bond, pump_public=neighbour.static_public)
    with pytest.raises(WrongPumpError):
        client_of(clinic).connect(key)
    assert [frame_of(wire).kind for wire in clinic.recording()[0]] == [FrameKind.LINK]


def test_p11_frames_for_another_link_are_not_heard(clinic: Clinic) -> None:
    assert clinic.doctor.connect()
    wire = clinic.recording()[0][-1]
    frame = frame_of(wire)
    clinic.attack(to_wire(replace(frame, link_id=frame.link_id ^ 1)))
    assert clinic.drops(DropReason.LINK_ID) == 1


def test_p16_keys_of_one_pump_do_not_open_another() -> None:
    """No fleet key: neither the bond nor the card of pump A is any good at pump B, made just before it."""
    clinic, other = Clinic(), pump_at_work(8, MONDAY_UTC_S)
    assert other.identity.serial != clinic.pump.identity.serial
    assert other.static_private != clinic.pump.static_private
    assert other.enrol_psk != clinic.pump.enrol_psk
    stolen = implant().keys[0]
    elsewhere = Clinic(other, tuple(replace(key, pump_public=other.static_public) for key in implant().keys))
    with pytest.raises(NotBondedError):
        client_of(elsewhere).connect(replace(stolen, pump_public=other.static_public))
    card = clinic.pump.card
    with pytest.raises(NotBondedError):
        client_of(elsewhere).enrol(card.secret, other.static_public, secret("thief"), Role.CLINICIAN, "thief")
    assert elsewhere.world.endpoint.session is None


def test_p16_a_serial_number_says_nothing_of_the_keys() -> None:
    """Pumps of neighbouring serial numbers share no octets of their keys beyond chance."""
    keys = [pump_at_work(seed, MONDAY_UTC_S).static_private for seed in range(3)]
    for one, two in pairwise(keys):
        assert sum(a == b for a, b in zip(one, two, strict=True)) < 6


def test_p23_a_status_that_the_pump_did_not_send_is_not_believed(clinic: Clinic) -> None:
    """The genuine answer is lost; a stranger sends an old one, and old ones under new counters."""
    assert clinic.doctor.connect()
    clinic.status(clinic.doctor)
    old = clinic.recording()[1][-1]
    frame = frame_of(old, Direction.TO_PROGRAMMER)
    clinic.lose_answers(5)
    forged = [old]
    for number in range(40):
        payload = (50 + number).to_bytes(4, "little") + frame.payload[4:]
        forged.append(to_wire(replace(frame, payload=payload)))
    for at, wire in enumerate(forged):
        clinic.world.to_programmer.put(wire, clinic.world.now_ms() + 10 * at)
    assert clinic.status(clinic.doctor) is LOST
    clinic.audit()


def test_a_frame_of_ours_sent_back_is_not_taken(clinic: Clinic) -> None:
    """Reflection: the pump takes none of its own words, with the direction bit as it was or turned."""
    dose_change(clinic)
    assert clinic.doctor.connect()
    session = clinic.world.endpoint.session
    assert session is not None
    before, executed = clinic.therapy(), len(clinic.world.ledger.executed)
    _, back = clinic.recording()
    for wire in back:
        frame = frame_of(wire, Direction.TO_PROGRAMMER)
        clinic.attack(wire, to_wire(replace(frame, direction=Direction.TO_PUMP, link_id=session.link_id)))
    assert clinic.drops(DropReason.FLAGS) == len(back)
    assert clinic.therapy() == before
    assert len(clinic.world.ledger.executed) == executed
    assert clinic.status(clinic.doctor) is not LOST


def test_the_public_key_of_a_bond_is_not_its_private_key() -> None:
    """A stolen bond table opens nothing: it holds public keys."""
    clinic = Clinic()
    bond = clinic.pump.bond(0)
    assert bond is not None
    thief = clinic.join(BondKey(clinic.pump.static_public, 0, bond.static_public))
    assert not thief.connect()
    assert public_key(bond.static_public) != bond.static_public
    assert not refused(clinic.status(clinic.doctor), ErrorCode.BUSY)
