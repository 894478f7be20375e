"""Reading a pump: all that one interrogation brings, the little that every role may read, the newest log."""

from collections.abc import Callable

from programmer_tui.problems import trouble
from programmer_tui.views import Belief, Glance, Trouble
from protocol.client_calls import PumpCalls
from protocol.messages.log import MAX_PAGE, LogRecord
from protocol.messages.program import GetProgramInfoResponse
from protocol.program import DIGEST_SIZE, Program, ProgramImageError, decode_program, program_digest
from protocol.vocabulary import LogPageFlag


def interrogate(pump: PumpCalls, now_ms: Callable[[], int], now_utc_s: Callable[[], int]) -> Belief:
    """Read device, program, clock, alarms, log state and, last, the status.

    Raises:
        ServiceError: the program read does not match its digest, or is malformed.
        ClientError, LinkError: the pump or the link failed.
    """
    device = pump.get_device_info()
    info = pump.get_program_info()
    image = pump.read_image(info)
    program = image_program(info, image)
    clock = pump.get_clock()
    alarms = pump.get_alarms().alarms
    log_info = pump.log_info()
    status = pump.get_status()
    return Belief(now_ms(), now_utc_s(), device, status, clock, alarms, info, program, image, log_info)


def glance(pump: PumpCalls, now_utc_s: Callable[[], int], *, with_clock: bool) -> Glance:
    """Read device, clock where the role may, alarms and, last, the status.

    Raises:
        ClientError, LinkError: the pump or the link failed.
    """
    device = pump.get_device_info()
    clock = pump.get_clock() if with_clock else None
    alarms = pump.get_alarms().alarms
    return Glance(now_utc_s(), device, pump.get_status(), clock, alarms)


def image_program(info: GetProgramInfoResponse, image: bytes) -> Program | None:
    """Return the program in ``image``, or None where the pump has none.

    Raises:
        ServiceError: the image is not the one that ``info`` describes.
    """
    if not info.image_len:
        return None
    if program_digest(image)[:DIGEST_SIZE] != info.digest:
        raise trouble(
            Trouble.NOT_VERIFIED,
            f"Program version {info.version} was read, and its digest is not the one the pump states.",
            "Interrogate again; do not program this pump while they differ.",
        )
    try:
        return decode_program(image)
    except ProgramImageError as error:
        raise trouble(
            Trouble.NOT_VERIFIED,
            f"Program version {info.version} in the pump cannot be read: {error}.",
            "Do not program this pump with this programmer.",
        ) from error


def read_newest_log(pump: PumpCalls, newest: int) -> tuple[LogRecord, ...]:
    """Return the ``newest`` log records that the pump holds, oldest first.

    Raises:
        ClientError, LinkError: the pump or the link failed.
    """
    info = pump.log_info()
    from_seq = max(info.first_seq, info.last_seq - newest + 1)
    records: list[LogRecord] = []
    while len(records) < newest:
        page = pump.log_read(info.log_epoch, from_seq, min(MAX_PAGE, newest - len(records)))
        records += page.records
        if not page.records or LogPageFlag.MORE not in page.flags:
            break
        from_seq = page.records[-1].seq + 1
    return tuple(records)
