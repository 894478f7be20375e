"""The catalogue: every message once, in the order of OITP/1 section 14.

BOND_CONFIRM and PROXIMITY_TOKEN are additions to that list: without them a clinician could not vouch for
another, and a far-link session could not get its token (ADR 0009).
"""

from typing import Final

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
from protocol.messages.message_spec import (
    COMMIT_MS,
    READ_MS,
    VERIFY_MS,
    Access,
    MessageSpec,
    NotificationSpec,
)
from protocol.vocabulary import Role

_C, _P, _S, _R, _E = Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER, Role.EMERGENCY
_ANY: Final = frozenset((_C, _P, _S, _R, _E))
_ANY_ENROL: Final = _ANY | {Role.ENROL}
_NOT_EMERGENCY: Final = _ANY - {_E}
_CSR: Final = frozenset((_C, _S, _R))
_CS: Final = frozenset((_C, _S))
_CSP: Final = frozenset((_C, _S, _P))
_CP: Final = frozenset((_C, _P))
_CE: Final = frozenset((_C, _E))
_CPE: Final = frozenset((_C, _P, _E))
_CLINICIAN: Final = frozenset((_C,))
_PATIENT: Final = frozenset((_P,))
_SERVICE: Final = frozenset((_S,))
_ENROLLING: Final = frozenset((Role.ENROL,))

# fmt: off
MESSAGES: Final[tuple[MessageSpec, ...]] = (
    MessageSpec("SESSION_CONFIRM", 0, 1, session.SessionConfirmRequest, session.SessionConfirmResponse,
                _ANY_ENROL, Access.SESSION,
                "First record of a session: confirms the keys, names the client, tells role and limits."),
    MessageSpec("KEEPALIVE", 0, 2, session.KeepaliveRequest, session.KeepaliveResponse,
                _ANY_ENROL, Access.READ,
                "Keeps an idle session open and tells the least one wants to know."),
    MessageSpec("SESSION_CLOSE", 0, 3, session.SessionCloseRequest, session.SessionCloseResponse,
                _ANY_ENROL, Access.SESSION,
                "Ends the session; staged bytes are wiped, delivery goes on."),
    MessageSpec("SUBSCRIBE", 0, 4, session.SubscribeRequest, session.SubscribeResponse,
                _ANY, Access.SESSION,
                "Says which notifications are wanted; there are none before."),
    MessageSpec("NOTIFY_ACK", 0, 5, session.NotifyAckRequest, session.NotifyAckResponse,
                _ANY, Access.SESSION,
                "Acknowledges notifications, so that they are not repeated."),
    MessageSpec("GET_DEVICE_INFO", 1, 1, device.GetDeviceInfoRequest, device.GetDeviceInfoResponse,
                _ANY, Access.READ,
                "What this pump is and what it can do."),
    MessageSpec("GET_STATUS", 2, 1, status.GetStatusRequest, status.GetStatusResponse,
                _ANY, Access.READ,
                "What the pump believes at this moment."),
    MessageSpec("GET_DAY_TOTALS", 2, 2, status.GetDayTotalsRequest, status.GetDayTotalsResponse,
                _NOT_EMERGENCY, Access.READ,
                "What one of the last local days brought."),
    MessageSpec("GET_PROGRAM_INFO", 3, 1, program.GetProgramInfoRequest, program.GetProgramInfoResponse,
                _CSR, Access.READ,
                "Version, size and digest of a program."),
    MessageSpec("READ_PROGRAM", 3, 2, program.ReadProgramRequest, program.ReadProgramResponse,
                _CSR, Access.READ,
                "One block of a program image."),
    MessageSpec("PROG_BEGIN", 4, 1, program.ProgBeginRequest, program.ProgBeginResponse,
                _CLINICIAN, Access.WRITE,
                "Opens a programming transaction on a known program version (compare and set)."),
    MessageSpec("PROG_STAGE", 4, 2, program.ProgStageRequest, program.ProgStageResponse,
                _CLINICIAN, Access.WRITE,
                "Stages one block of the image; any order, repeatable."),
    MessageSpec("PROG_VERIFY", 4, 3, program.ProgVerifyRequest, program.ProgVerifyResponse,
                _CLINICIAN, Access.WRITE,
                "The pump checks the staged image and answers its own summary and a token.", VERIFY_MS),
    MessageSpec("PROG_COMMIT", 4, 4, program.ProgCommitRequest, program.ReceiptResponse,
                _CLINICIAN, Access.THERAPY,
                "Makes the verified image the active program; the answer is a durable receipt.", COMMIT_MS),
    MessageSpec("PROG_ABORT", 4, 5, program.ProgAbortRequest, program.ProgAbortResponse,
                _CLINICIAN, Access.WRITE,
                "Drops the transaction; the active program is untouched."),
    MessageSpec("GET_RECEIPT", 4, 6, program.GetReceiptRequest, program.ReceiptResponse,
                _CSP, Access.READ,
                "What became of a therapy intent; the last 16 are kept over resets. Patients see their own."),
    MessageSpec("BOLUS_ARM", 5, 1, delivery.BolusArmRequest, delivery.BolusArmResponse,
                _CLINICIAN, Access.WRITE,
                "Prepares a bolus; the pump answers its own arithmetic and a token.", VERIFY_MS),
    MessageSpec("BOLUS_START", 5, 2, delivery.BolusStartRequest, delivery.BolusStartResponse,
                _CLINICIAN, Access.THERAPY,
                "Starts the armed bolus; its receipt is durable.", COMMIT_MS),
    MessageSpec("BOLUS_CANCEL", 5, 3, delivery.BolusCancelRequest, delivery.BolusCancelResponse,
                _CPE, Access.THERAPY,
                "Ends a bolus early; a patient only their own.", COMMIT_MS),
    MessageSpec("PATIENT_BOLUS", 5, 4, delivery.PatientBolusRequest, delivery.PatientBolusResponse,
                _PATIENT, Access.THERAPY,
                "The patient asks for a bolus of the prescription.", COMMIT_MS),
    MessageSpec("SET_DELIVERY", 5, 5, delivery.SetDeliveryRequest, delivery.SetDeliveryResponse,
                _CE, Access.THERAPY,
                "Stops or slows delivery for a time, or resumes it.", COMMIT_MS),
    MessageSpec("GET_CLOCK", 6, 1, clock.GetClockRequest, clock.GetClockResponse,
                _NOT_EMERGENCY, Access.READ,
                "Uptime and civil time as the pump knows them."),
    MessageSpec("SET_CLOCK", 6, 2, clock.SetClockRequest, clock.SetClockResponse,
                _CS, Access.WRITE,
                "Sets civil time; lockouts and dose windows do not follow it."),
    MessageSpec("LOG_INFO", 7, 1, log.LogInfoRequest, log.LogInfoResponse,
                _NOT_EMERGENCY, Access.READ,
                "Which log records the pump holds."),
    MessageSpec("LOG_READ", 7, 2, log.LogReadRequest, log.LogReadResponse,
                _NOT_EMERGENCY, Access.READ,
                "One page of log records, oldest first; the patient role sees its own events."),
    MessageSpec("LOG_DIGEST", 7, 3, log.LogDigestRequest, log.LogDigestResponse,
                _CS, Access.READ,
                "The hash of a run of log records, to compare two downloads.", VERIFY_MS),
    MessageSpec("GET_ALARMS", 8, 1, alarms.GetAlarmsRequest, alarms.GetAlarmsResponse,
                _ANY, Access.READ,
                "Every alarm that stands."),
    MessageSpec("ALARM_ACK", 8, 2, alarms.AlarmAckRequest, alarms.AlarmAckResponse,
                _CP, Access.WRITE,
                "Says that a person has seen an alarm; a patient only those of low priority."),
    MessageSpec("ALARM_SILENCE", 8, 3, alarms.AlarmSilenceRequest, alarms.AlarmSilenceResponse,
                _CP, Access.WRITE,
                "Silences an alarm for a time; a patient only those of low priority."),
    MessageSpec("BOND_ENROL", 9, 1, bonds.BondEnrolRequest, bonds.BondEnrolResponse,
                _ENROLLING, Access.WRITE,
                "Stores a programmer's static key; only in a session opened with the card secret."),
    MessageSpec("BOND_LIST", 9, 2, bonds.BondListRequest, bonds.BondListResponse,
                _CS, Access.READ,
                "Who is bonded with the pump."),
    MessageSpec("BOND_REVOKE", 9, 3, bonds.BondRevokeRequest, bonds.BondRevokeResponse,
                _CLINICIAN, Access.WRITE,
                "Ends a bond for good, and its session with it."),
    MessageSpec("SECURITY_STATUS", 9, 4, bonds.SecurityStatusRequest, bonds.SecurityStatusResponse,
                _CS, Access.READ,
                "Failed handshakes, lockout, replays and forgeries."),
    MessageSpec("BOND_CONFIRM", 9, 5, bonds.BondConfirmRequest, bonds.BondConfirmResponse,
                _CLINICIAN, Access.WRITE,
                "A confirmed clinician vouches for a provisional bond."),
    MessageSpec("PROXIMITY_TOKEN", 9, 6, bonds.ProximityTokenRequest, bonds.ProximityTokenResponse,
                _CP, Access.WRITE,
                "Fetches the token of one far-link session that may treat.", READ_MS, head_only=True),
    MessageSpec("LINK_STATS", 10, 1, service.LinkStatsRequest, service.LinkStatsResponse,
                _ANY, Access.READ,
                "What this link has received, refused and sent."),
    MessageSpec("SELF_TEST", 10, 2, service.SelfTestRequest, service.SelfTestResponse,
                _SERVICE, Access.WRITE,
                "Runs self-tests while the pump delivers.", VERIFY_MS, head_only=True),
    MessageSpec("REFILL_RECORD", 11, 1, refill.RefillRecordRequest, refill.RefillRecordResponse,
                _CLINICIAN, Access.THERAPY,
                "Tells the pump that its reservoir was emptied and filled.", COMMIT_MS),
)
"""Every request of this pump."""

NOTIFICATIONS: Final[tuple[NotificationSpec, ...]] = (
    NotificationSpec("STATUS_PUSH", 2, 1, status.StatusPush, False,
                     "A status line, once in each status period."),
    NotificationSpec("BOLUS_PROGRESS", 5, 1, delivery.BolusProgress, False,
                     "A bolus has begun, goes on or has ended."),
    NotificationSpec("LOG_APPENDED", 7, 1, log.LogAppended, False,
                     "New log records are there."),
    NotificationSpec("ALARM_EVENT", 8, 1, alarms.AlarmEvent, True,
                     "An alarm was raised or has changed."),
    NotificationSpec("SESSION_ENDING", 0, 1, session.SessionEnding, True,
                     "The session ends soon."),
)
"""Every notification of this pump."""
# fmt: on
