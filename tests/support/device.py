"""A small pump behind the endpoint: it counts what it executes and does nothing else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from support.sessions import CARD_SECRET, PROGRAMMER_PUBLIC, PUMP_PUBLIC, PUMP_STATIC
from support.strategies import example_of

from protocol.handshake import enrol_psk
from protocol.link_control import LinkClass
from protocol.messages.bonds import BondEnrolResponse
from protocol.messages.device import GetDeviceInfoResponse
from protocol.messages.program import (
    MAX_STAGE_BLOCK,
    DoseSummary,
    ProgAbortResponse,
    ProgBeginResponse,
    ProgStageResponse,
    ProgVerifyResponse,
    ReceiptResponse,
)
from protocol.messages.session import SessionConfirmResponse
from protocol.messages.status import GetStatusResponse
from protocol.requests import Bond, Caller, Observation, Refusal, Request
from protocol.vocabulary import (
    BolusState,
    BondState,
    CloseReason,
    DeliveryState,
    DrugCode,
    ErrorCode,
    Priority,
    ReceiptState,
    Role,
)

HANDLE = 0x0A0B0C0D
TOKEN = b"\x11\x22\x33\x44\x55\x66\x77\x88"
SESSION_CRC = 0xC1C2C3C4
"""What the device says its schema has; a constant, so that frozen vectors do not move with the wording."""


QUIET = Observation(
    uptime_s=86_400,
    delivery_state=DeliveryState.RUNNING,
    rate_nl_h=5_000,
    reservoir_nl=13_200_000,
    alarm_max_prio=Priority.NONE,
    log_last_seq=40,
    bolus_id=0,
    bolus_state=BolusState.NONE,
    bolus_delivered_nl=0,
    bolus_total_nl=0,
    alarms=(),
)
"""A pump on which nothing happens."""


@dataclass
class CountingDevice:
    """Implements `protocol.requests.Device`.

    ``commits`` is what a therapy command changes; a programmer learns it as the program version. Every
    request executed is in ``executed`` with its session and transaction.
    """

    static_private: bytes = PUMP_STATIC
    enrol_psk: bytes = enrol_psk(CARD_SECRET, PUMP_PUBLIC)
    boot_count: int = 3
    uptime_s: int = 86_400
    bonds: dict[int, Bond] = field(default_factory=dict)
    commits: int = 0
    executed: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    opened: list[Caller] = field(default_factory=list)
    closed: list[tuple[int, CloseReason]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    staged: bytearray = field(default_factory=bytearray)
    intent_id: bytes = bytes(16)
    receipts: dict[bytes, ReceiptResponse] = field(default_factory=dict)
    far_link: bool = False
    lockouts: dict[LinkClass, int] = field(default_factory=dict)
    waits: dict[LinkClass, int] = field(default_factory=dict)
    admitted: Counter[LinkClass] = field(default_factory=Counter)
    guesses: Counter[LinkClass] = field(default_factory=Counter)
    tokens: dict[int, bytes] = field(default_factory=dict)
    elsewhere: bool = False
    observation: Observation = field(default_factory=lambda: QUIET)

    def add_bond(
        self,
        slot: int = 0,
        role: Role = Role.CLINICIAN,
        state: BondState = BondState.CONFIRMED,
        public: bytes = PROGRAMMER_PUBLIC,
    ) -> Bond:
        """Know a programmer."""
        self.bonds[slot] = Bond(slot, public, role, state, f"bond {slot}")
        return self.bonds[slot]

    def bond(self, slot: int) -> Bond | None:
        return self.bonds.get(slot)

    def session_opened(self, caller: Caller) -> None:
        self.opened.append(caller)
        if caller.with_token:
            self.tokens.pop(caller.slot, None)

    def session_closed(self, session_id: int, reason: CloseReason) -> None:
        self.closed.append((session_id, reason))

    def handshake_failed(self, slot: int, link_class: LinkClass, guess: bool) -> None:
        self.failures.append(slot)
        self.guesses[link_class] += guess

    def lockout_s(self, link_class: LinkClass) -> int:
        return self.lockouts.get(link_class, 0)

    def admit_handshake(self, link_class: LinkClass) -> int:
        self.admitted[link_class] += 1
        return self.waits.get(link_class, 0)

    def proximity_psk(self, slot: int) -> bytes | None:
        return self.tokens.get(slot)

    def session_elsewhere(self, session_id: int | None) -> bool:
        return self.elsewhere

    def observe(self) -> Observation:
        return self.observation

    def handle(self, request: Request) -> object:
        caller = request.caller
        self.executed[caller.session_id, caller.last_txn + 1, request.spec.name] += 1
        answer = _ANSWERS.get(request.spec.name)
        return answer(self, request) if answer else example_of(request.spec.response)


def _confirm(device: CountingDevice, request: Request) -> object:
    caller = request.caller
    return SessionConfirmResponse(
        caller.session_id, caller.role, 0x3FF, 120, SESSION_CRC, device.boot_count, device.uptime_s
    )


def _device_info(_device: CountingDevice, _request: Request) -> object:
    return replace(example_of(GetDeviceInfoResponse), serial="TEST-0001", reservoir_capacity_nl=20_000_000)


def _status(device: CountingDevice, request: Request) -> object:
    return replace(
        example_of(GetStatusResponse),
        uptime_s=device.uptime_s,
        program_version=device.commits,
        last_txn_id=request.caller.last_txn,
        reservoir_nl=13_200_000,
    )


def _enrol(device: CountingDevice, request: Request) -> object:
    body = request.body
    slot = next(slot for slot in range(8) if slot not in device.bonds)
    device.bonds[slot] = Bond(slot, body.static_pub, body.role, BondState.PROVISIONAL, body.label)
    return BondEnrolResponse(slot, PUMP_PUBLIC, 60)


def _begin(device: CountingDevice, request: Request) -> object:
    body = request.body
    if body.base_version != device.commits:
        return Refusal(ErrorCode.VERSION_CONFLICT, 0, device.commits)
    device.staged = bytearray(body.image_len)
    device.intent_id = body.intent_id
    return ProgBeginResponse(HANDLE, 900, MAX_STAGE_BLOCK)


def _stage(device: CountingDevice, request: Request) -> object:
    body = request.body
    end = body.offset + len(body.data)
    device.staged[body.offset : end] = body.data
    return ProgStageResponse(HANDLE, end, end)


def _verify(device: CountingDevice, request: Request) -> object:
    if sha256(device.staged).digest() != request.body.sha256:
        return Refusal(ErrorCode.DIGEST_MISMATCH, 1)
    doses = (DoseSummary(DrugCode.MORPHINE, 4_800_000),)
    return replace(
        example_of(ProgVerifyResponse), handle=HANDLE, token=TOKEN, day_volume_nl=240_000, doses=doses
    )


def _commit(device: CountingDevice, request: Request) -> object:
    device.commits += 1
    receipt = ReceiptResponse(
        ReceiptState.COMMITTED,
        device.commits,
        device.uptime_s,
        0,
        device.commits,
        sha256(device.staged).digest()[:16],
        device.intent_id,
    )
    device.receipts[device.intent_id] = receipt
    return receipt


def _abort(_device: CountingDevice, request: Request) -> object:
    return ProgAbortResponse(request.body.handle)


def _receipt(device: CountingDevice, request: Request) -> object:
    unknown = ReceiptResponse(ReceiptState.UNKNOWN, 0, 0, 0, 0, bytes(16), request.body.intent_id)
    return device.receipts.get(request.body.intent_id, unknown)


_ANSWERS: dict[str, Callable[[CountingDevice, Request], object]] = {
    "SESSION_CONFIRM": _confirm,
    "GET_DEVICE_INFO": _device_info,
    "GET_STATUS": _status,
    "BOND_ENROL": _enrol,
    "PROG_BEGIN": _begin,
    "PROG_STAGE": _stage,
    "PROG_VERIFY": _verify,
    "PROG_COMMIT": _commit,
    "PROG_ABORT": _abort,
    "GET_RECEIPT": _receipt,
}
