"""What each verb of `cisterna pump` prints with ``--json``, for the page of the command line."""

from typing import Final

from protocol.messages.alarms import Alarm, AlarmAckResponse, AlarmSilenceResponse
from protocol.messages.bonds import BondConfirmResponse, BondEntry, SecurityStatusResponse
from protocol.messages.clock import GetClockResponse, SetClockResponse
from protocol.messages.delivery import (
    BolusArmResponse,
    BolusCancelResponse,
    BolusStartResponse,
    PatientBolusResponse,
    SetDeliveryResponse,
)
from protocol.messages.device import GetDeviceInfoResponse
from protocol.messages.log import LogDigestResponse
from protocol.messages.program import GetProgramInfoResponse, ProgVerifyResponse, ReceiptResponse
from protocol.messages.refill import RefillRecordResponse
from protocol.messages.service import LinkStatsResponse, SelfTestResponse
from protocol.messages.status import GetDayTotalsResponse, GetStatusResponse

VERBS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "status",
        (
            "`read_at_utc_s`, and four parts: `device`, `status` and `clock` with the fields below (`clock` "
            "is null for a role that may not read it), and `alarms`, a list. `emergency status` gives the "
            "same."
        ),
        ("device", "status", "clock", "alarms[]"),
    ),
    ("info", "The part `device` of `status`.", ()),
    ("day-totals", "`days[]`, today first: `day_back` and the fields below.", ("days[]",)),
    (
        "clock",
        (
            "The part `clock` of `status`. `clock set` gives `answer` with the fields below, and the `clock`"
            " as it is then."
        ),
        ("clock set, answer",),
    ),
    (
        "alarms",
        (
            "`alarms`, a list; each alarm has the fields of `alarms[]` above and `title`, its name in words."
            " `alarms ack` and `alarms silence` give the fields below."
        ),
        ("alarms ack", "alarms silence"),
    ),
    (
        "program",
        (
            "`info` with the fields below; `prescription` with `drug`, `display_unit`, `conc_ng_ml`, `mode`,"
            " `dose_ng_per_day`, `day_volume_nl` and `steps[]` of `start_min` and `rate_nl_h`; `sections` "
            "with the other sections of the [program image](program-image.md). The last two are null without"
            " a program."
        ),
        ("info",),
    ),
    (
        "log",
        (
            "`log_epoch` and `records[]`, oldest first: `seq`, `uptime_s`, `utc_s` (0 where the clock was "
            "not set), `type`, `title`, `words`, `actor_slot` (255 the pump itself), `payload` "
            "(hexadecimal). With `--all` or `--verify` also `gaps[]` of `from_seq` and `to_seq` (overwritten"
            " before they were read), `corrupt_seqs[]` and `restarts` (the log was wiped meanwhile). With "
            "`--verify`, `verdict`: `same`, `runs[]` of `from_seq`, `to_seq`, `own_chain` and `pump_chain`, "
            "`bad_crc_seqs[]` and `bad_checkpoint_seqs[]`; the records themselves only together with "
            "`--all`. With `--digest` the fields below."
        ),
        ("log --digest",),
    ),
    (
        "set-dose",
        (
            "A rehearsal gives `committed` false and `proposal`: `base_version`, `intent_id`, `prescription`"
            " as above, and `pump_summary` with the fields below but the token. With `--commit`: `receipt`, "
            "`verified`, `checks[]` of `label`, `sent`, `reported`, `same`, `soft_ack[]`, `reason`, and "
            "three times in UTC seconds: `sent_utc_s`, `accepted_utc_s`, `read_back_utc_s`."
        ),
        ("pump_summary", "receipt"),
    ),
    (
        "bolus give",
        (
            "A rehearsal gives `started` false and `bolus`: `kind`, `intent_id`, `volume_nl`, `duration_s`, "
            "`rate_nl_h` and `dose_ng` by this programmer, and `pump_summary` with the fields below but the "
            "token. With `--commit` a therapy result, see the next section."
        ),
        ("bolus, pump_summary",),
    ),
    (
        "A therapy result",
        (
            "`bolus give --commit`, `bolus cancel`, `patient-bolus`, `stop`, `minimum-rate`, `resume`, "
            "`refill --commit` and `emergency suspend` give `kind`, `what`, `intent_id`, `answer` with the "
            "fields below, `receipt` (null for what has none), `verified`, `checks[]` of `label`, `sent`, "
            "`reported`, `same`, and the `status` read afterwards."
        ),
        (
            "bolus give, answer",
            "bolus cancel, answer",
            "patient-bolus, answer",
            "stop, minimum-rate, resume, emergency suspend, answer",
            "refill, answer",
        ),
    ),
    (
        "refill",
        "Without `--commit`: `recorded` false, `expected_residual_nl`, `withdrawn_nl` and `filled_nl`.",
        (),
    ),
    ("receipt", "The fields of `receipt` above.", ()),
    (
        "resolve",
        (
            "`resolution`, null where nothing was unknown, else `applied`, `text`, `kind`, `intent_id` and "
            "`receipt` (null where the pump's log told of it)."
        ),
        (),
    ),
    (
        "bonds",
        "`bonds[]` with the fields below. `bonds confirm` and `bonds revoke` give `slot` and `log_seq`.",
        ("bonds[]", "bonds confirm"),
    ),
    ("security", "The fields below.", ("security",)),
    ("link-stats", "The fields below.", ("link-stats",)),
    ("self-test", "The fields below, sets of tests as lists of names.", ("self-test",)),
    (
        "watch",
        (
            "One line for each notification: `message`, `repeated` (it was received before), and the fields "
            "of its body in [the protocol](protocol.md); an alarm with its `title`."
        ),
        (),
    ),
)
"""Verb, what it prints, and the tables of fields that belong to it."""

PARTS: Final[dict[str, type]] = {
    "device": GetDeviceInfoResponse,
    "status": GetStatusResponse,
    "clock": GetClockResponse,
    "alarms[]": Alarm,
    "days[]": GetDayTotalsResponse,
    "clock set, answer": SetClockResponse,
    "alarms ack": AlarmAckResponse,
    "alarms silence": AlarmSilenceResponse,
    "info": GetProgramInfoResponse,
    "log --digest": LogDigestResponse,
    "receipt": ReceiptResponse,
    "pump_summary": ProgVerifyResponse,
    "bolus, pump_summary": BolusArmResponse,
    "bolus give, answer": BolusStartResponse,
    "bolus cancel, answer": BolusCancelResponse,
    "patient-bolus, answer": PatientBolusResponse,
    "stop, minimum-rate, resume, emergency suspend, answer": SetDeliveryResponse,
    "refill, answer": RefillRecordResponse,
    "bonds[]": BondEntry,
    "bonds confirm": BondConfirmResponse,
    "security": SecurityStatusResponse,
    "link-stats": LinkStatsResponse,
    "self-test": SelfTestResponse,
}
"""The message body behind each table."""
