"""One golden session for each family of error codes, with every code of the family in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from support.device import HANDLE, TOKEN
from support.golden_run import CONFIRM, GoldenRun, Setting
from support.strategies import example_of

from protocol.messages import bonds, delivery, log, program, refill, session, status
from protocol.messages.codec import codec_of
from protocol.messages.registry import by_name
from protocol.vocabulary import BondState, ErrorCode, OverrideReason, Role, SoftLimit, Which

INTENT = b"\x01" * 16
COMMIT = program.ProgCommitRequest(HANDLE, TOKEN, SoftLimit(0), OverrideReason.NONE, 0)
BEGIN = program.ProgBeginRequest(0, 193, INTENT)
VERIFY = program.ProgVerifyRequest(HANDLE, bytes(32))
PAGE = log.LogReadRequest(1, 1, 6)
ARM = example_of(delivery.BolusArmRequest)
START = example_of(delivery.BolusStartRequest)
SET = example_of(delivery.SetDeliveryRequest)
STATUS = status.GetStatusRequest()


def _octets(body: Any) -> bytes:  # noqa: ANN401 - any request body
    kind: type = type(body)
    octets: bytes = codec_of(kind).encode(body)
    return octets


def request(run: GoldenRun) -> None:
    """0x7: requests that are no good in form; what no programmer would send is sealed by hand."""
    commit, stage, refill_spec = (by_name(n) for n in ("PROG_COMMIT", "PROG_STAGE", "REFILL_RECORD"))
    good = _octets(COMMIT)
    run.open()
    run.say(ErrorCode.OPCODE_NOT_A_CODEWORD, commit, good, opcode=0x1145)
    run.say(ErrorCode.UNKNOWN_OPCODE, commit, b"", opcode=0x0066)
    run.say(ErrorCode.UNSUPPORTED_REV, commit, good, edit=(4, 2))
    run.say(ErrorCode.BAD_LENGTH, commit, good + b"\0")
    run.say(ErrorCode.BAD_LENGTH, commit, good, edit=(6, 20))
    run.say(ErrorCode.RESERVED_NONZERO, commit, good, edit=(5, 1))
    run.say(ErrorCode.RESERVED_NONZERO, commit, good[:15] + b"\x80" + good[16:])
    run.say(ErrorCode.BAD_ENUM, commit, good[:16] + b"\0" + good[17:])
    run.say(ErrorCode.OUT_OF_RANGE, by_name("LOG_READ"), _octets(replace(PAGE, max_records=7)))
    run.say(ErrorCode.TOO_LARGE, stage, bytes(6) + bytes([193]) + bytes(193))
    lot = _octets(example_of(refill.RefillRecordRequest))
    run.say(ErrorCode.BAD_TEXT, refill_spec, lot[:12] + b"\xff" + lot[13:])
    run.device_refuses(ErrorCode.FEATURE_ABSENT, 0xFF, 0, ARM)


def state(run: GoldenRun) -> None:
    """0xB: requests that do not fit the state of the pump."""
    run.open()
    run.say(ErrorCode.TXN_SEQUENCE, by_name("GET_STATUS"), b"", ahead=4)
    for code, field, detail, body in (
        (ErrorCode.BUSY, 0xFF, 0, BEGIN),
        (ErrorCode.NOT_APPLICABLE, 0, 0, delivery.BolusCancelRequest(99)),
        (ErrorCode.HANDLE_UNKNOWN, 0, 0, program.ProgAbortRequest(1)),
        (ErrorCode.HANDLE_EXPIRED, 0, 0, program.ProgAbortRequest(HANDLE)),
        (ErrorCode.VERSION_CONFLICT, 0, 5, BEGIN),
        (ErrorCode.IMAGE_INCOMPLETE, 0xFF, 192, VERIFY),
        (ErrorCode.DIGEST_MISMATCH, 1, 0, VERIFY),
        (ErrorCode.TOKEN_MISMATCH, 1, 0, COMMIT),
        (ErrorCode.NOT_VERIFIED, 0, 0, COMMIT),
        (ErrorCode.NO_RECORDS, 1, 0, log.LogDigestRequest(1, 900, 901)),
        (ErrorCode.LOG_EPOCH_CHANGED, 0, 2, PAGE),
        (ErrorCode.INTENT_REUSED, 2, 0, BEGIN),
    ):
        run.device_refuses(code, field, detail, body)


def therapy(run: GoldenRun) -> None:
    """0xD: requests that the rules of therapy forbid; ``detail`` says by how much, or until when."""
    run.open()
    for code, field, detail, body in (
        (ErrorCode.IMAGE_MALFORMED, 0xFF, 2, VERIFY),
        (ErrorCode.SCHEDULE_INVALID, 0xFF, 0, VERIFY),
        (ErrorCode.HARD_LIMIT, 2, 24_000_001, VERIFY),
        (ErrorCode.SOFT_LIMIT_UNACKED, 2, int(SoftLimit.RATE | SoftLimit.DAY_VOLUME), COMMIT),
        (ErrorCode.DOSE_MISMATCH, 0xFF, 0x111E, VERIFY),
        (ErrorCode.LOCKOUT, 0xFF, 1_800, ARM),
        (ErrorCode.DAILY_MAX, 0xFF, 0, ARM),
        (ErrorCode.RESERVOIR_INSUFFICIENT, 1, 0, ARM),
        (ErrorCode.BOLUS_ACTIVE, 0xFF, 12, ARM),
        (ErrorCode.BRIDGE_REQUIRED, 0xFF, 0, VERIFY),
        (ErrorCode.DELIVERY_STOPPED, 0xFF, 0, START),
        (ErrorCode.CLOCK_REQUIRED, 4, 0, COMMIT),
    ):
        run.device_refuses(code, field, detail, body)


def security(run: GoldenRun) -> None:
    """0xE: requests that this caller may not make, at last since its bond is revoked."""
    run.open(confirm=False)
    run.refused(ErrorCode.SESSION_NOT_CONFIRMED, STATUS)
    run.ask(CONFIRM)
    run.refused(ErrorCode.ROLE_FORBIDDEN, delivery.PatientBolusRequest(INTENT))
    run.head(False)
    run.wait(5_000)
    run.refused(ErrorCode.PROXIMITY_REQUIRED, COMMIT)
    run.head(True)
    run.bond(0, BondState.PROVISIONAL)
    run.refused(ErrorCode.BOND_PROVISIONAL, BEGIN)
    run.bond(0, BondState.CONFIRMED)
    enrol = bonds.BondConfirmRequest(1)
    run.device_refuses(ErrorCode.LOCKED_OUT, 0xFF, 16, STATUS)
    run.device_refuses(ErrorCode.BOND_TABLE_FULL, 0xFF, 0, enrol)
    run.device_refuses(ErrorCode.POLICY_FORBIDS, 0, 0, SET)
    run.device_refuses(ErrorCode.SIMULATION_ONLY, 0xFF, 0, SET)
    run.bond(0, BondState.REVOKED)
    run.refused(ErrorCode.BOND_REVOKED, STATUS)


def device(run: GoldenRun) -> None:
    """0xF: the pump itself cannot."""
    run.open()
    for code, detail, body in (
        (ErrorCode.INTERNAL, 0, STATUS),
        (ErrorCode.STORAGE, 0, COMMIT),
        (ErrorCode.MOTOR, 0, START),
        (ErrorCode.POWER, 0, START),
        (ErrorCode.CLOCK_INVALID, 0, COMMIT),
        (ErrorCode.SAFE_STATE, 0, SET),
        (ErrorCode.SELF_TEST_FAILED, 4, program.GetProgramInfoRequest(Which.STAGED)),
    ):
        run.device_refuses(code, 0xFF, detail, body)
    run.ask(session.KeepaliveRequest())


ERROR_SCENARIOS: dict[str, tuple[Callable[[GoldenRun], None], Setting]] = {
    "errors_7": (request, Setting()),
    "errors_b": (state, Setting()),
    "errors_d": (therapy, Setting()),
    "errors_e": (security, Setting(role=Role.CLINICIAN)),
    "errors_f": (device, Setting()),
}
