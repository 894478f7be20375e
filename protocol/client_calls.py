"""One typed method per message, for whoever has a way to send a request and get its response.

Ranges and units stand with the fields of the bodies in `protocol.messages`.
"""

from abc import ABC, abstractmethod
from typing import Any, Final, TypeVar

from protocol.client_errors import ClientError
from protocol.messages import alarms, clock, device, log, program, session, status
from protocol.vocabulary import OverrideReason, SoftLimit, Which

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
