"""The page of the messages: opcode, bodies, roles and bound of each, and its octets explained."""

from itertools import groupby
from typing import Final

from protocol.application import HEADER, HEADER_SIZE, build_message
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import fields_of
from protocol.messages.registry import (
    ERROR_OPCODE,
    MESSAGES,
    NOTIFICATIONS,
    MessageSpec,
    NotificationSpec,
    by_name,
    describe_opcode,
)
from workbench.generators.markdown import hex16, join, page, summary, table
from workbench.generators.octets import Run, body_runs, field_rows, layout_runs, run_block
from workbench.generators.privileges import senders
from workbench.generators.samples import sample

ENUMERATIONS: Final = "enumerations.md"
FIELD_HEAD: Final = ("offset", "octets", "field", "type", "unit", "range", "meaning")
_GROUPS: Final = {
    0: "Session", 1: "Device", 2: "Status", 3: "Reading a program", 4: "Changing the program",
    5: "Delivery", 6: "Clock", 7: "Log", 8: "Alarms", 9: "Bonds", 10: "Service", 11: "Refill",
}  # fmt: skip
_ACCESS: Final = {
    "A": "session",
    "R": "read",
    "W": "write",
    "T": "therapy",
}
_SAMPLE_TXN: Final = 7
_HEADER_TEXTS: Final = {
    "opcode": "which message",
    "txn": "number of the request, 0 where nothing was asked",
    "rev": "revision of the body",
    "mflags": "flags of the message",
    "body_len": "what follows",
}


def messages_page() -> str:
    """Return the page with every message of the registry."""
    about = (
        "Every request of this pump with its response, the notifications, and the ERROR message. The octets "
        "of the examples are those that the codec gives; they start with the 8 octets of the application "
        "header and are shown before sealing: offset, octets, field, value, meaning. How they travel is in "
        "[OITP/1 on the wire](protocol.md)."
    )
    parts = [about]
    for group, specs in groupby(MESSAGES, key=lambda spec: spec.group):
        parts.append(f"## Group {group}: {_GROUPS[group]}")
        parts += [_message_part(spec) for spec in specs]
    parts.append("## Notifications")
    parts += [_notification_part(spec) for spec in NOTIFICATIONS]
    return page("Messages", *parts, _error_part())


def _message_part(spec: MessageSpec) -> str:
    facts = [
        ("number", f"{spec.group}.{spec.index}"),
        ("opcodes", f"request {hex16(spec.request_opcode)}, response {hex16(spec.response_opcode)}"),
        ("class", f"{spec.access.value} ({_ACCESS[spec.access.value]})"),
        ("who may send it", senders(spec)),
        ("answered within", f"{spec.bound_ms} ms"),
    ]
    return join(
        f"### {spec.name}",
        spec.text,
        table(("", ""), facts),
        _body_part("Request", spec.request),
        _body_part("Response", spec.response),
        "Example request:",
        example(spec.request, spec.request_opcode),
        "Example response:",
        example(spec.response, spec.response_opcode),
    )


def _notification_part(spec: NotificationSpec) -> str:
    repeated = "repeated until NOTIFY_ACK" if spec.acknowledged else "once; what it tells can be asked for"
    facts = [
        ("number", f"{spec.group}.{spec.index}"),
        ("opcode", hex16(spec.opcode)),
        ("sent", f"to whoever asked for it with SUBSCRIBE, {repeated}"),
    ]
    return join(
        f"### {spec.name}",
        spec.text,
        table(("", ""), facts),
        _body_part("Notification", spec.body),
        "Example:",
        example(spec.body, spec.opcode, 0),
    )


def _body_part(title: str, body: type) -> str:
    codec = codec_of(body)
    size = (
        f"{codec.fixed_size}"
        if codec.max_size == codec.fixed_size
        else f"{codec.fixed_size + 1} to {codec.max_size}"
    )
    heading = f"**{title}** `{body.__name__}`, {size} octets. {summary(body)}"
    if not fields_of(body):
        return heading
    return join(heading, table(FIELD_HEAD, field_rows(body, ENUMERATIONS)), _items_part(body))


def _items_part(body: type) -> str:
    items = [field.item for field in fields_of(body).values() if field.item is not None]
    return join(*(_body_part("Each", item) for item in items))


def example(body: type, opcode: int, txn: int = _SAMPLE_TXN) -> str:
    """Return the sample of ``body`` as a message, octet run by octet run."""
    value = sample(body)
    encoded = codec_of(body).encode(value)
    return message_block(value, encoded, build_message(opcode, txn, encoded))


def message_block(value: object, encoded: bytes, plaintext: bytes) -> str:
    """Return header and body of a message, octet run by octet run."""
    return run_block([*header_runs(plaintext), *body_runs(value, encoded, HEADER_SIZE)])


def header_runs(plaintext: bytes) -> list[Run]:
    """Return the runs of an application header."""
    header = HEADER.parse(plaintext[:HEADER_SIZE])
    meanings = {
        "opcode": describe_opcode(header.opcode),
        "txn": str(header.txn),
        "rev": str(header.rev),
        "mflags": "CACHED" if header.mflags else "none",
        "body_len": f"{header.body_len} octets",
    }
    return layout_runs(HEADER, plaintext[:HEADER_SIZE], meanings, 0, _HEADER_TEXTS)


def _error_part() -> str:
    refused = by_name("PROG_BEGIN")
    return join(
        "## ERROR",
        f"Answers any request that is refused; opcode {hex16(ERROR_OPCODE)}. The codes are in "
        "[error codes](error-codes.md).",
        _body_part("Error", ErrorBody),
        f"Example, the answer to {refused.name} on a version that is no longer the active one:",
        example(ErrorBody, ERROR_OPCODE),
    )
