"""The enumerations of OITP/1: words of the distance-4 codes with the field's own names.

Values come from OITP/1 sections 13 to 16; where that text leaves one open (drug codes, soft-limit bits,
clock state, reasons) it is fixed here, and nowhere else.
"""

from enum import IntEnum, IntFlag, unique
from typing import Final

from protocol.codewords import codeword16


@unique
class DeliveryState(IntEnum):
    """What the pump is doing with the drug."""

    UNDETERMINED = 0x0F
    STOPPED = 0x33
    MIN_RATE = 0x3C
    RUNNING = 0x55
    BOLUS = 0x5A
    PRIMING = 0x66
    SAFE_STATE = 0x69


@unique
class OpState(IntEnum):
    """Where the pump is in its life."""

    SHELF = 0x33
    IMPLANTED = 0x3C
    ERI = 0x55
    EOS = 0x5A
    FAULT = 0x66


@unique
class Role(IntEnum):
    """What a bond may do. The role belongs to the bond, not to the request."""

    CLINICIAN = 0x33
    PATIENT = 0x3C
    SERVICE = 0x55
    READER = 0x5A
    EMERGENCY = 0x66
    ENROL = 0x69


@unique
class BondState(IntEnum):
    """How far a bond is trusted: provisional bonds read only."""

    PROVISIONAL = 0x33
    CONFIRMED = 0x3C
    REVOKED = 0x55


@unique
class Priority(IntEnum):
    """Alarm priority, lowest first."""

    NONE = 0x0F
    INFO = 0x33
    LOW = 0x3C
    MEDIUM = 0x55
    HIGH = 0x5A


@unique
class AlarmState(IntEnum):
    """Where one alarm instance stands."""

    ACTIVE = 0x33
    SILENCED = 0x3C
    ACKED = 0x55
    CLEARED = 0x5A


@unique
class ReceiptState(IntEnum):
    """What became of a therapy intent."""

    UNKNOWN = 0x0F
    STAGED = 0x33
    VERIFIED = 0x3C
    COMMITTED = 0x55
    SCHEDULED = 0x5A
    ABORTED = 0x66
    EXPIRED = 0x69


@unique
class BolusState(IntEnum):
    """Where the current bolus stands."""

    NONE = 0x0F
    ARMED = 0x33
    DELIVERING = 0x3C
    DONE = 0x55
    CANCELLED = 0x5A
    FAULTED = 0x66


@unique
class Which(IntEnum):
    """Which program a question is about."""

    ACTIVE = 0x33
    STAGED = 0x3C
    PREVIOUS = 0x55


@unique
class ScheduleMode(IntEnum):
    """The kind of rate table."""

    SIMPLE = 0x33
    DAILY = 0x3C
    WEEKLY = 0x55


@unique
class DisplayUnit(IntEnum):
    """The mass unit a drug is shown in: mg or micrograms."""

    MG = 0x33
    MCG = 0x3C


@unique
class Switch(IntEnum):
    """A yes or no that matters for safety, as a codeword instead of one bit."""

    OFF = 0x33
    ON = 0x3C


@unique
class EmergencyPolicy(IntEnum):
    """What the published emergency key may do."""

    NONE = 0x33
    READ = 0x3C
    READ_SUSPEND = 0x55


@unique
class ClockState(IntEnum):
    """Whether the pump knows the civil time."""

    NOT_SET = 0x33
    SET = 0x3C


@unique
class ClientKind(IntEnum):
    """What kind of program opened the session."""

    PROGRAMMER = 0x33
    SCRIPT = 0x3C
    PATIENT_CONTROLLER = 0x55
    TESTER = 0x5A


@unique
class CloseReason(IntEnum):
    """Why a session ends."""

    DONE = 0x33
    IDLE = 0x3C
    EXPIRED = 0x55
    LINK_LOST = 0x5A
    REPLACED = 0x66
    TXN_EXHAUSTED = 0x69
    REVOKED = 0x96
    RESET = 0x99
    HEAD_LOST = 0xA5


@unique
class OverrideReason(IntEnum):
    """Why a clinician goes past a soft limit; NONE where none is passed."""

    NONE = 0x0F
    CLINICAL_JUDGEMENT = 0x33
    TOLERANT_PATIENT = 0x3C
    PALLIATIVE_CARE = 0x55
    SECOND_OPINION = 0x5A
    TRAINING = 0x66


@unique
class DrugCode(IntEnum):
    """Drugs the image names by code; the concentration and the label stand beside it."""

    MORPHINE = codeword16(129)
    BACLOFEN = codeword16(130)
    ZICONOTIDE = codeword16(131)
    HYDROMORPHONE = codeword16(132)
    FENTANYL = codeword16(133)
    SUFENTANIL = codeword16(134)
    BUPIVACAINE = codeword16(135)
    CLONIDINE = codeword16(136)
    SALINE = codeword16(137)


@unique
class AlarmCode(IntEnum):
    """Alarm conditions (OITP/1 section 17)."""

    RESERVOIR_LOW = 0x0303
    RESERVOIR_EMPTY = 0x030C
    REFILL_DUE = 0x0330
    ERI = 0x033F
    EOS = 0x0356
    BATTERY_LOW = 0x0359
    MOTOR_STALL = 0x0365
    STALL_RECOVERED = 0x036A
    LONG_STOP = 0x0395
    OCCLUSION_SUSPECT = 0x039A
    OVERINFUSION_SUSPECT = 0x03A6
    PUMP_RESET = 0x03A9
    MEMORY_FAULT = 0x03C0
    CLOCK_LOST = 0x03CF
    TEMP_RANGE = 0x03F3
    SELF_TEST_FAIL = 0x03FC
    PATIENT_BOLUS_DENIED = 0x0505
    SECURITY_LOCKOUT = 0x050A
    TELEMETRY_ABUSE = 0x0536
    PROGRAM_CORRUPT = 0x0539
    EMERGENCY_SUSPEND = 0x0550
    WATCHDOG = 0x055F
    RESTART_LOOP = 0x0563


@unique
class EventType(IntEnum):
    """Log record types (OITP/1 section 16)."""

    BOOT = 0x0906
    POWER_DOWN = 0x0909
    CLOCK_SET = 0x0935
    TIME_REF = 0x093A
    SESSION_OPEN = 0x0953
    SESSION_CLOSE = 0x095C
    HS_FAIL = 0x0960
    BOND_ADDED = 0x096F
    BOND_REVOKED = 0x0990
    PROG_COMMIT = 0x099F
    PROG_ABORT = 0x09A3
    PROG_ACTIVATED = 0x09AC
    STEP_CHANGE = 0x09C5
    DELIVERY_STATE = 0x09CA
    BOLUS_ARMED = 0x09F6
    BOLUS_START = 0x09F9
    BOLUS_END = 0x0A05
    PATIENT_BOLUS_DENIED = 0x0A0A
    REFILL = 0x0A36
    RESERVOIR_MARK = 0x0A39
    ALARM_RAISED = 0x0A50
    ALARM_ACK = 0x0A5F
    ALARM_CLEARED = 0x0A63
    DAY_TOTAL = 0x0A6C
    SELF_TEST = 0x0A93
    FAULT = 0x0A9C
    CHAIN_CHECKPOINT = 0x0AA0
    SOFT_LIMIT_OVERRIDE = 0x0AAF
    DATA_CORRUPT = 0x0AC6


class SoftLimit(IntFlag):
    """Bits of ``soft_flags`` and ``soft_ack``: what a program passes and a person must acknowledge."""

    RATE = 1 << 0
    HOUR_VOLUME = 1 << 1
    DAY_VOLUME = 1 << 2
    BOLUS_VOLUME = 1 << 3
    RESERVOIR_UNDER_ONE_DAY = 1 << 4


class LogPageFlag(IntFlag):
    """Bits of the ``flags`` octet of a log page."""

    MORE = 0x01
    GAP = 0x02
    CORRUPT = 0x04


class LogRecordFlag(IntFlag):
    """Bits of the ``flags`` octet of a log record."""

    CLOCK_UNSET = 0x01
    FIRST_AFTER_BOOT = 0x02
    CONTINUES = 0x04


class Feature(IntFlag):
    """Bits of ``features`` in the device information."""

    WEEKLY_SCHEDULE = 1 << 0
    FAR_LINK = 1 << 1
    LEVEL_SENSOR = 1 << 2
    FLOW_ACTIVATED_VALVE = 1 << 3
    BOLUS = 1 << 4
    NOTIFICATIONS = 1 << 5


@unique
class ErrorCode(IntEnum):
    """Codes of the ERROR message (OITP/1 section 15); the high nibble is the family."""

    UNKNOWN_OPCODE = 0x70
    BAD_LENGTH = 0x71
    UNSUPPORTED_REV = 0x72
    BAD_ENUM = 0x73
    OUT_OF_RANGE = 0x74
    RESERVED_NONZERO = 0x75
    FEATURE_ABSENT = 0x76
    TOO_LARGE = 0x77
    OPCODE_NOT_A_CODEWORD = 0x78
    BAD_TEXT = 0x79
    BUSY = 0xB0
    TXN_SEQUENCE = 0xB1
    NOT_APPLICABLE = 0xB2
    HANDLE_UNKNOWN = 0xB3
    HANDLE_EXPIRED = 0xB4
    VERSION_CONFLICT = 0xB5
    IMAGE_INCOMPLETE = 0xB6
    DIGEST_MISMATCH = 0xB7
    TOKEN_MISMATCH = 0xB8
    NOT_VERIFIED = 0xB9
    NO_RECORDS = 0xBA
    LOG_EPOCH_CHANGED = 0xBB
    INTENT_REUSED = 0xBC
    IMAGE_MALFORMED = 0xD0
    SCHEDULE_INVALID = 0xD1
    HARD_LIMIT = 0xD2
    SOFT_LIMIT_UNACKED = 0xD3
    DOSE_MISMATCH = 0xD4
    LOCKOUT = 0xD5
    DAILY_MAX = 0xD6
    RESERVOIR_INSUFFICIENT = 0xD7
    BOLUS_ACTIVE = 0xD8
    BRIDGE_REQUIRED = 0xD9
    DELIVERY_STOPPED = 0xDA
    CLOCK_REQUIRED = 0xDB
    ROLE_FORBIDDEN = 0xE0
    PROXIMITY_REQUIRED = 0xE1
    SESSION_NOT_CONFIRMED = 0xE2
    BOND_REVOKED = 0xE3
    LOCKED_OUT = 0xE4
    BOND_TABLE_FULL = 0xE5
    BOND_PROVISIONAL = 0xE6
    POLICY_FORBIDS = 0xE7
    SIMULATION_ONLY = 0xE8
    INTERNAL = 0xF0
    STORAGE = 0xF1
    MOTOR = 0xF2
    POWER = 0xF3
    CLOCK_INVALID = 0xF4
    SAFE_STATE = 0xF5
    SELF_TEST_FAILED = 0xF6


NO_FIELD: Final = 0xFF
"""``field`` of an ERROR that is not about one field of the body."""


class LimitField(IntEnum):
    """``field`` of a HARD_LIMIT error: which limit of the image was passed."""

    RATE = 0
    HOUR_VOLUME = 1
    DAY_VOLUME = 2
    BOLUS_VOLUME = 3
    FACTORY_LIMITS = 4
