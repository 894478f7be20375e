"""What is said in each golden session: one function, one file, and its text tells what it is about."""

from collections.abc import Callable
from dataclasses import replace

from support.device import HANDLE, TOKEN
from support.golden_errors import ERROR_SCENARIOS
from support.golden_program import golden_image
from support.golden_run import GoldenRun, Setting
from support.scripted_device import BOLUS_ID, BOLUS_TOKEN, LOW, PROXIMITY_SECRET, UTC_S
from support.sessions import PROGRAMMER_PUBLIC

from protocol.emergency_key import EMERGENCY_PRIVATE
from protocol.frame import NO_LINK_ID, FrameKind
from protocol.handshake import Suite
from protocol.link_control import Hello, LinkClass, Ping, SuiteBit, encode_link
from protocol.messages import (
    alarms,
    bonds,
    clock,
    delivery,
    device,
    log,
    program,
    refill,
    service,
    session,
    status,
)
from protocol.program import program_digest
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask, SelfTest
from protocol.requests import EMERGENCY_SLOT
from protocol.vocabulary import (
    AlarmState,
    BolusState,
    BondState,
    CloseReason,
    DeliveryState,
    ErrorCode,
    OverrideReason,
    Priority,
    Role,
    SoftLimit,
    Which,
)

INTENT = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")
FAREWELL = session.SessionCloseRequest(CloseReason.DONE)
EVERYTHING = EventMask.STATUS | EventMask.BOLUS | EventMask.LOG | EventMask.ALARM | EventMask.SESSION
COMMIT = program.ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)


def hello(run: GoldenRun) -> None:
    """Discovery, an echo, a programmer of another version, and leaving in plaintext."""
    run.discover()
    run.frame(FrameKind.LINK, encode_link(Ping(b"echo")))
    later = Hello(2, 3, SuiteBit.KK, b"version2")
    run.frame(FrameKind.LINK, encode_link(later), NO_LINK_ID)
    run.leave()


def enrol(run: GoldenRun) -> None:
    """An unknown programmer enrols with the secret of the implant card and closes."""
    run.open(Suite.NNPSK0)
    run.ask(bonds.BondEnrolRequest(PROGRAMMER_PUBLIC, Role.CLINICIAN, "office µ"), FAREWELL)


def kk_session(run: GoldenRun) -> None:
    """A daily session that only reads: what the pump is, does and has done, and its program."""
    run.open()
    run.ask(
        device.GetDeviceInfoRequest(),
        status.GetStatusRequest(),
        status.GetDayTotalsRequest(1),
        program.GetProgramInfoRequest(Which.ACTIVE),
        program.ReadProgramRequest(4, 0, 192),
        program.ReadProgramRequest(4, 192, 1),
        session.KeepaliveRequest(),
        service.LinkStatsRequest(),
        FAREWELL,
    )


def program_commit(run: GoldenRun) -> None:
    """Begin, abort, begin again, stage, verify and commit; the answer to the commit is lost once."""
    image = golden_image()
    run.open()
    run.ask(program.ProgBeginRequest(0, len(image), INTENT), program.ProgAbortRequest(HANDLE))
    run.ask(program.ProgBeginRequest(0, len(image), INTENT))
    for offset in range(0, len(image), program.MAX_STAGE_BLOCK):
        block = image[offset : offset + program.MAX_STAGE_BLOCK]
        run.ask(program.ProgStageRequest(HANDLE, offset, block))
    run.ask(program.ProgVerifyRequest(HANDLE, program_digest(image)))
    run.ask(COMMIT, program.GetReceiptRequest(INTENT), FAREWELL)


def bolus(run: GoldenRun) -> None:
    """A clinician arms and starts a bolus past a soft limit, with a reason, and ends it early."""
    run.open()
    run.ask(
        delivery.BolusArmRequest(BolusKind.CLINICIAN, 50_000, 300, 1_000_000, INTENT),
        delivery.BolusStartRequest(
            BOLUS_ID, BOLUS_TOKEN, SoftLimit.BOLUS_VOLUME, OverrideReason.CLINICAL_JUDGEMENT
        ),
        delivery.BolusCancelRequest(BOLUS_ID),
        FAREWELL,
    )


def patient_bolus(run: GoldenRun) -> None:
    """The patient's own controller: a bolus of the prescription, its receipt, and the next one too early."""
    run.open()
    run.ask(delivery.PatientBolusRequest(INTENT), program.GetReceiptRequest(INTENT))
    run.device_refuses(ErrorCode.LOCKOUT, 0xFF, 7_199, delivery.PatientBolusRequest(b"\x02" * 16))
    run.ask(delivery.BolusCancelRequest(BOLUS_ID), FAREWELL)


def delivery_state(run: GoldenRun) -> None:
    """Delivery is slowed for an hour, stopped for half of one, and resumed."""
    run.open()
    for state, minutes, reason in (
        (DeliveryState.MIN_RATE, 60, DeliveryReason.ADVERSE_EFFECT),
        (DeliveryState.STOPPED, 30, DeliveryReason.PROCEDURE),
        (DeliveryState.RUNNING, 0, DeliveryReason.CLINICAL),
    ):
        run.ask(delivery.SetDeliveryRequest(state, minutes, reason, 4))
    run.ask(FAREWELL)


def refill_record(run: GoldenRun) -> None:
    """A refill: what was drawn out, what was filled in, the lot, and its receipt."""
    run.open()
    run.ask(
        refill.RefillRecordRequest(1_900_000, 20_000_000, 4, "LOT-2026µ", INTENT),
        program.GetReceiptRequest(INTENT),
        FAREWELL,
    )


def log_pages(run: GoldenRun) -> None:
    """The log: a page with a gap before and more behind it, one with a corrupt record, and the digest."""
    run.open()
    run.ask(
        log.LogInfoRequest(),
        log.LogReadRequest(1, 1, 2),
        log.LogReadRequest(1, 43, 6),
        log.LogReadRequest(1, 44, 6),
        log.LogDigestRequest(1, 41, 43),
        FAREWELL,
    )


def alarm_story(run: GoldenRun) -> None:
    """An alarm is told, listed, silenced, acknowledged and cleared; each event is acknowledged by number."""
    run.open()
    run.ask(session.SubscribeRequest(EventMask.ALARM, 0))
    run.observe(alarms=(LOW,), alarm_max_prio=Priority.LOW)
    run.ask(session.NotifyAckRequest(1), alarms.GetAlarmsRequest())
    run.ask(alarms.AlarmSilenceRequest(8, 300), alarms.AlarmAckRequest(7))
    run.observe(alarms=(replace(LOW, state=AlarmState.ACKED),))
    run.ask(session.NotifyAckRequest(2))
    run.observe(alarms=(), alarm_max_prio=Priority.NONE)
    run.ask(session.NotifyAckRequest(3), FAREWELL)


def clocks(run: GoldenRun) -> None:
    """The clock is read, set and read again."""
    run.open()
    run.ask(
        clock.GetClockRequest(),
        clock.SetClockRequest(UTC_S, -210, ClockSource.NETWORK),
        clock.GetClockRequest(),
        FAREWELL,
    )


def bond_table(run: GoldenRun) -> None:
    """Who is bonded; a bond is confirmed, another revoked; attempts; a token for the far link."""
    run.open()
    run.ask(
        bonds.BondListRequest(),
        bonds.BondConfirmRequest(1),
        bonds.BondRevokeRequest(2),
        bonds.SecurityStatusRequest(),
        bonds.ProximityTokenRequest(),
        FAREWELL,
    )


def notifications(run: GoldenRun) -> None:
    """All kinds: a status line each 7 s, a bolus, the log, an alarm until it is silent, and the idle end."""
    run.open()
    run.ask(session.SubscribeRequest(EVERYTHING, 7))
    run.observe(bolus_id=BOLUS_ID, bolus_state=BolusState.DELIVERING, bolus_total_nl=50_000, log_last_seq=44)
    run.wait(4_000)
    run.observe(bolus_delivered_nl=9_000)
    run.wait(4_000)
    run.observe(bolus_state=BolusState.DONE, bolus_delivered_nl=50_000, log_last_seq=45)
    run.ask(session.SubscribeRequest(EVERYTHING & ~EventMask.STATUS, 0))
    run.observe(alarms=(LOW,), alarm_max_prio=Priority.LOW)
    run.wait(121_000)
    run.frame(FrameKind.SECURE, bytes(28))


def head_lost(run: GoldenRun) -> None:
    """Without the programming head therapy is refused, with it taken; after a minute the session ends."""
    run.open()
    run.head(False)
    run.wait(5_000)
    run.refused(ErrorCode.PROXIMITY_REQUIRED, COMMIT)
    run.ask(status.GetStatusRequest())
    run.head(True)
    run.ask(COMMIT)
    run.head(False)
    run.wait(60_000)
    run.frame(FrameKind.SECURE, bytes(28))


def far_token(run: GoldenRun) -> None:
    """The far link: a plain session reads, one with the proximity token treats, and the token is spent."""
    run.open()
    run.refused(ErrorCode.PROXIMITY_REQUIRED, COMMIT)
    run.ask(FAREWELL)
    run.open(Suite.KKPSK2, PROXIMITY_SECRET)
    run.ask(COMMIT, FAREWELL)
    run.refused_in_plaintext(Suite.KKPSK2, 0, PROXIMITY_SECRET)


def emergency(run: GoldenRun) -> None:
    """The published key: told how long to wait, then reads the status and slows delivery."""
    run.open()
    run.refused(ErrorCode.PROXIMITY_REQUIRED, status.GetStatusRequest())
    run.wait(30_000)
    run.ask(
        status.GetStatusRequest(),
        delivery.SetDeliveryRequest(DeliveryState.MIN_RATE, 60, DeliveryReason.EMERGENCY, 4),
        FAREWELL,
    )


def lab_plaintext(run: GoldenRun) -> None:
    """A pump started for the laboratory: nothing is encrypted, the role is the one of the option."""
    run.open_lab()
    run.ask(status.GetStatusRequest(), service.SelfTestRequest(SelfTest.MEMORY | SelfTest.BATTERY))
    run.refused(ErrorCode.ROLE_FORBIDDEN, COMMIT)
    run.ask(FAREWELL)


def refused(run: GoldenRun) -> None:
    """Handshakes that are told off in plaintext: unknown slot, revoked, no such suite, busy, locked out."""
    run.discover()
    run.refused_in_plaintext(slot=5)
    run.bond(0, BondState.REVOKED)
    run.refused_in_plaintext()
    run.bond(0, BondState.CONFIRMED)
    run.refused_in_plaintext(Suite.KKPSK2, 0, PROXIMITY_SECRET)
    run.elsewhere(True)
    run.refused_in_plaintext()
    run.elsewhere(False)
    run.lockout(60)
    run.refused_in_plaintext()
    run.discover()


_FAR = Setting(link_class=LinkClass.FAR, tokens={0: PROXIMITY_SECRET})

SCENARIOS: dict[str, tuple[Callable[[GoldenRun], None], Setting]] = {
    "hello": (hello, Setting()),
    "enrol": (enrol, Setting(bonded=False)),
    "session": (kk_session, Setting()),
    "program_commit": (program_commit, Setting(lost_answer=9)),
    "bolus": (bolus, Setting()),
    "patient_bolus": (patient_bolus, Setting(role=Role.PATIENT)),
    "delivery": (delivery_state, Setting()),
    "refill": (refill_record, Setting()),
    "log": (log_pages, Setting()),
    "alarms": (alarm_story, Setting()),
    "clock": (clocks, Setting()),
    "bonds": (bond_table, Setting()),
    "notifications": (notifications, Setting()),
    "head_lost": (head_lost, Setting()),
    "far_token": (far_token, _FAR),
    "emergency": (
        emergency,
        Setting(role=Role.EMERGENCY, slot=EMERGENCY_SLOT, static=EMERGENCY_PRIVATE),
    ),
    "lab_plaintext": (lab_plaintext, Setting(bonded=False, lab_role=Role.SERVICE)),
    "refused": (refused, Setting(tokens={0: PROXIMITY_SECRET})),
    **ERROR_SCENARIOS,
}
"""Name of the file, what happens, and what it begins with. The lost answer is that to the commit."""
