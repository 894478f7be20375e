"""Enumerations of what is asked for: kinds of bolus, reasons of a stop, notifications, self-tests.

They stand beside `protocol.vocabulary`, which holds what the pump is and tells. Values come from OITP/1
section 13; where that text leaves one open it is fixed here, and nowhere else.
"""

from enum import IntEnum, IntFlag, unique


@unique
class BolusKind(IntEnum):
    """What a bolus is for. PATIENT is what PATIENT_BOLUS gives; it cannot be armed."""

    CLINICIAN = 0x33
    PRIME = 0x3C
    BRIDGE = 0x55
    PATIENT = 0x5A


@unique
class DeliveryReason(IntEnum):
    """Why delivery was stopped, slowed or resumed; NONE where the pump did it by itself."""

    NONE = 0x0F
    CLINICAL = 0x33
    PROCEDURE = 0x3C
    ADVERSE_EFFECT = 0x55
    DEVICE_CHECK = 0x5A
    EMERGENCY = 0x66
    TRAINING = 0x69


@unique
class ClockSource(IntEnum):
    """Where the time that a programmer sets comes from."""

    PROGRAMMER = 0x33
    NETWORK = 0x3C
    OPERATOR = 0x55


class EventMask(IntFlag):
    """Which notifications a programmer wants."""

    STATUS = 1 << 0
    BOLUS = 1 << 1
    LOG = 1 << 2
    ALARM = 1 << 3
    SESSION = 1 << 4


class SelfTest(IntFlag):
    """Self-tests the pump can run while it delivers."""

    MEMORY = 1 << 0
    PROGRAM = 1 << 1
    LOG_CHAIN = 1 << 2
    CLOCK = 1 << 3
    BATTERY = 1 << 4
    MOTOR = 1 << 5
    ALARM_TONE = 1 << 6
