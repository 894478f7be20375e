"""Therapy intents: what a person wants done, as it is stored before the pump is told of it."""

from dataclasses import dataclass
from enum import Enum, unique


@unique
class IntentKind(Enum):
    """What is to be done. The first four have a receipt in the pump; of the others its log tells."""

    PROGRAM = "program"
    BOLUS = "bolus"
    PATIENT_BOLUS = "patient bolus"
    REFILL = "refill"
    CANCEL = "cancel"
    DELIVERY = "delivery"


@unique
class IntentState(Enum):
    """What this programmer knows of an intent."""

    STAGED = "staged"
    SENT = "sent"
    APPLIED = "applied"
    NOT_APPLIED = "not applied"


@dataclass(frozen=True, slots=True)
class Intent:
    """One therapy intent.

    Attributes:
        intent_id: 16 random octets.
        pump_public: key of the pump it is for.
        what: the change in words.
        base_version: program version it was made on.
        digest: SHA-256 of the program it makes, empty where it makes none.
        created_utc_s: civil time at which it was stored.
        state: what is known of it.
        receipt_version: program version of its receipt, 0 where none.
        kind: what is to be done.
        subject: number of the bolus it ends, or the word of the delivery state it sets; else 0.
        log_seq: newest log record of the pump before it was sent; 0 where its receipt tells of it.
        actor_slot: bond slot it is sent from, as the pump's log names it.
    """

    intent_id: bytes
    pump_public: bytes
    what: str
    base_version: int
    digest: bytes
    created_utc_s: int
    state: IntentState = IntentState.STAGED
    receipt_version: int = 0
    kind: IntentKind = IntentKind.PROGRAM
    subject: int = 0
    log_seq: int = 0
    actor_slot: int = 0
