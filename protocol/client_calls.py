"""One typed method per message, for whoever has a way to send a request and get its response.

Ranges and units stand with the fields of the bodies in `protocol.messages`.
"""

from abc import ABC, abstractmethod
from typing import Any, Final, TypeVar

from protocol.client_errors import ClientError
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
from protocol.request_words import BolusKind, ClockSource, DeliveryReason, EventMask, SelfTest
from protocol.vocabulary import DeliveryState, OverrideReason, SoftLimit, Which

Response = TypeVar("Response")
NO_SOFT_LIMIT: Final = SoftLimit(0)


class PumpCalls(ABC):
    """The message catalogue as methods. Each may raise what ``call`` raises."""

    @abstractmethod
    def call(self, body: Any, expect: type[Response]) -> Response:
        """Send the request ``body``; return its response, which is an ``expect``."""

    def keepalive(self) -> session.KeepaliveResponse:
        """KEEPALIVE: keep the session open."""
        return self.call(session.KeepaliveRequest(), session.KeepaliveResponse)

    def get_device_info(self) -> device.GetDeviceInfoResponse:
        """GET_DEVICE_INFO: what this pump is."""
        return self.call(device.GetDeviceInfoRequest(), device.GetDeviceInfoResponse)

    def get_status(self) -> status.GetStatusResponse:
        """GET_STATUS: what the pump believes now."""
        return self.call(status.GetStatusRequest(), status.GetStatusResponse)

    def get_program_info(self, which: Which = Which.ACTIVE) -> program.GetProgramInfoResponse:
        """GET_PROGRAM_INFO: version, size and digest of a program."""
        return self.call(program.GetProgramInfoRequest(which), program.GetProgramInfoResponse)

    def read_program(self, version: int, offset: int, length: int) -> program.ReadProgramResponse:
        """READ_PROGRAM: one block of an image, ``length`` 1..192 octets."""
        return self.call(program.ReadProgramRequest(version, offset, length), program.ReadProgramResponse)

    def read_image(self, info: program.GetProgramInfoResponse) -> bytes:
        """Read the whole image that ``info`` describes, block by block.

        Raises:
            ClientError: the pump sent an empty block.
        """
        image = b""
        while len(image) < info.image_len:
            length = min(program.MAX_READ_BLOCK, info.image_len - len(image))
            block = self.read_program(info.version, len(image), length)
            if not block.data:
                raise ClientError(
                    f"The pump sent nothing at octet {len(image)} of the {info.image_len} of its program. "
                    "Interrogate again."
                )
            image += block.data
        return image

    def prog_begin(self, base_version: int, image_len: int, intent_id: bytes) -> program.ProgBeginResponse:
        """PROG_BEGIN: open a programming transaction on ``base_version``."""
        return self.call(
            program.ProgBeginRequest(base_version, image_len, intent_id), program.ProgBeginResponse
        )

    def prog_stage(self, handle: int, offset: int, data: bytes) -> program.ProgStageResponse:
        """PROG_STAGE: stage one block of at most 192 octets."""
        return self.call(program.ProgStageRequest(handle, offset, data), program.ProgStageResponse)

    def prog_verify(self, handle: int, sha256: bytes) -> program.ProgVerifyResponse:
        """PROG_VERIFY: let the pump check the staged image and compute its own summary."""
        return self.call(program.ProgVerifyRequest(handle, sha256), program.ProgVerifyResponse)

    def prog_commit(
        self,
        handle: int,
        token: bytes,
        soft_ack: SoftLimit = NO_SOFT_LIMIT,
        override_reason: OverrideReason = OverrideReason.NONE,
        effective_utc_s: int = 0,
    ) -> program.ReceiptResponse:
        """PROG_COMMIT: make the verified image the active program."""
        body = program.ProgCommitRequest(handle, token, soft_ack, override_reason, effective_utc_s)
        return self.call(body, program.ReceiptResponse)

    def prog_abort(self, handle: int) -> program.ProgAbortResponse:
        """PROG_ABORT: drop the transaction."""
        return self.call(program.ProgAbortRequest(handle), program.ProgAbortResponse)

    def get_receipt(self, intent_id: bytes) -> program.ReceiptResponse:
        """GET_RECEIPT: what became of an intent."""
        return self.call(program.GetReceiptRequest(intent_id), program.ReceiptResponse)

    def get_clock(self) -> clock.GetClockResponse:
        """GET_CLOCK: uptime and civil time."""
        return self.call(clock.GetClockRequest(), clock.GetClockResponse)

    def log_info(self) -> log.LogInfoResponse:
        """LOG_INFO: which records the pump holds."""
        return self.call(log.LogInfoRequest(), log.LogInfoResponse)

    def log_read(self, log_epoch: int, from_seq: int, max_records: int = log.MAX_PAGE) -> log.LogReadResponse:
        """LOG_READ: one page of at most 6 records, oldest first."""
        return self.call(log.LogReadRequest(log_epoch, from_seq, max_records), log.LogReadResponse)

    def get_alarms(self) -> alarms.GetAlarmsResponse:
        """GET_ALARMS: every alarm that stands."""
        return self.call(alarms.GetAlarmsRequest(), alarms.GetAlarmsResponse)

    def subscribe(self, event_mask: EventMask, status_period_s: int = 0) -> session.SubscribeResponse:
        """SUBSCRIBE: ask for notifications, a status line every ``status_period_s`` (0 none)."""
        return self.call(session.SubscribeRequest(event_mask, status_period_s), session.SubscribeResponse)

    def notify_ack(self, notify_seq: int) -> session.NotifyAckResponse:
        """NOTIFY_ACK: acknowledge every notification up to ``notify_seq``."""
        return self.call(session.NotifyAckRequest(notify_seq), session.NotifyAckResponse)

    def get_day_totals(self, day_back: int = 0) -> status.GetDayTotalsResponse:
        """GET_DAY_TOTALS: what one of the last 31 local days brought, 0 today."""
        return self.call(status.GetDayTotalsRequest(day_back), status.GetDayTotalsResponse)

    # --- delivery -----------------------------------------------------------------------------------------

    def bolus_arm(
        self, kind: BolusKind, volume_nl: int, duration_s: int, declared_dose_ng: int, intent_id: bytes
    ) -> delivery.BolusArmResponse:
        """BOLUS_ARM: prepare a bolus; the pump answers its own arithmetic and a token."""
        body = delivery.BolusArmRequest(kind, volume_nl, duration_s, declared_dose_ng, intent_id)
        return self.call(body, delivery.BolusArmResponse)

    def bolus_start(
        self,
        bolus_id: int,
        token: bytes,
        soft_ack: SoftLimit = NO_SOFT_LIMIT,
        override_reason: OverrideReason = OverrideReason.NONE,
    ) -> delivery.BolusStartResponse:
        """BOLUS_START: start the armed bolus."""
        body = delivery.BolusStartRequest(bolus_id, token, soft_ack, override_reason)
        return self.call(body, delivery.BolusStartResponse)

    def bolus_cancel(self, bolus_id: int) -> delivery.BolusCancelResponse:
        """BOLUS_CANCEL: end a bolus early."""
        return self.call(delivery.BolusCancelRequest(bolus_id), delivery.BolusCancelResponse)

    def patient_bolus(self, intent_id: bytes) -> delivery.PatientBolusResponse:
        """PATIENT_BOLUS: ask for a bolus of the prescription."""
        return self.call(delivery.PatientBolusRequest(intent_id), delivery.PatientBolusResponse)

    def set_delivery(
        self, target: DeliveryState, max_minutes: int, reason: DeliveryReason, program_version: int
    ) -> delivery.SetDeliveryResponse:
        """SET_DELIVERY: stop or slow delivery for ``max_minutes``, or resume it (0 minutes)."""
        body = delivery.SetDeliveryRequest(target, max_minutes, reason, program_version)
        return self.call(body, delivery.SetDeliveryResponse)

    def refill_record(
        self, withdrawn_nl: int, filled_nl: int, program_version: int, lot: str, intent_id: bytes
    ) -> refill.RefillRecordResponse:
        """REFILL_RECORD: tell the pump that its reservoir was emptied and filled."""
        body = refill.RefillRecordRequest(withdrawn_nl, filled_nl, program_version, lot, intent_id)
        return self.call(body, refill.RefillRecordResponse)

    # --- clock, log, alarms -------------------------------------------------------------------------------

    def set_clock(
        self, utc_s: int, utc_offset_min: int = 0, source: ClockSource = ClockSource.PROGRAMMER
    ) -> clock.SetClockResponse:
        """SET_CLOCK: set civil time."""
        return self.call(clock.SetClockRequest(utc_s, utc_offset_min, source), clock.SetClockResponse)

    def log_digest(self, log_epoch: int, from_seq: int, to_seq: int) -> log.LogDigestResponse:
        """LOG_DIGEST: the hash of a run of records."""
        return self.call(log.LogDigestRequest(log_epoch, from_seq, to_seq), log.LogDigestResponse)

    def alarm_ack(self, instance: int) -> alarms.AlarmAckResponse:
        """ALARM_ACK: say that a person has seen an alarm."""
        return self.call(alarms.AlarmAckRequest(instance), alarms.AlarmAckResponse)

    def alarm_silence(self, instance: int, seconds: int) -> alarms.AlarmSilenceResponse:
        """ALARM_SILENCE: silence an alarm for a time, a HIGH one for at most 300 s."""
        return self.call(alarms.AlarmSilenceRequest(instance, seconds), alarms.AlarmSilenceResponse)

    # --- bonds and service --------------------------------------------------------------------------------

    def bond_list(self) -> bonds.BondListResponse:
        """BOND_LIST: who is bonded."""
        return self.call(bonds.BondListRequest(), bonds.BondListResponse)

    def bond_confirm(self, slot: int) -> bonds.BondConfirmResponse:
        """BOND_CONFIRM: vouch for a provisional bond."""
        return self.call(bonds.BondConfirmRequest(slot), bonds.BondConfirmResponse)

    def bond_revoke(self, slot: int) -> bonds.BondRevokeResponse:
        """BOND_REVOKE: end a bond for good."""
        return self.call(bonds.BondRevokeRequest(slot), bonds.BondRevokeResponse)

    def proximity_token(self) -> bonds.ProximityTokenResponse:
        """PROXIMITY_TOKEN: fetch the token of one far-link session."""
        return self.call(bonds.ProximityTokenRequest(), bonds.ProximityTokenResponse)

    def security_status(self) -> bonds.SecurityStatusResponse:
        """SECURITY_STATUS: failed handshakes, lockout, replays and forgeries."""
        return self.call(bonds.SecurityStatusRequest(), bonds.SecurityStatusResponse)

    def link_stats(self) -> service.LinkStatsResponse:
        """LINK_STATS: what this link has received, refused and sent."""
        return self.call(service.LinkStatsRequest(), service.LinkStatsResponse)

    def self_test(self, tests: SelfTest) -> service.SelfTestResponse:
        """SELF_TEST: run self-tests while the pump delivers."""
        return self.call(service.SelfTestRequest(tests), service.SelfTestResponse)
