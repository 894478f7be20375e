"""The page of the messages: opcode, bodies, roles and bound of each, and its octets explained."""

from itertools import groupby
from typing import Final

from protocol.application import HEADER, HEADER_SIZE, build_message
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.fields import fields_of
from protocol.messages.registry import ERROR_OPCODE, MESSAGES, MessageSpec, by_name
from workbench.generators.markdown import hex16, join, names, page, summary, table
from workbench.generators.octets import Run, body_runs, field_rows, layout_runs, run_block
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
    "T": "therapy, near link only",
}
_SAMPLE_TXN: Final = 7


def messages_page() -> str:
    """Return the page with every message of the registry."""
    about = (
        "Every request of this pump with its response. The octets of the examples are those that the codec "
        "gives; they start with the 8 octets of the application header and are shown before sealing. How "
        "they travel is in [OITP/1 on the wire](protocol.md)."
    )
    parts = [about]
    for group, specs in groupby(MESSAGES, key=lambda spec: spec.group):
        parts.append(f"## Group {group}: {_GROUPS[group]}")
        parts += [_message_part(spec) for spec in specs]
    return page("Messages", *parts, _error_part())


def _message_part(spec: MessageSpec) -> str:
    facts = [
        ("number", f"{spec.group}.{spec.index}"),
        ("opcodes", f"request {hex16(spec.request_opcode)}, response {hex16(spec.response_opcode)}"),
        ("class", f"{spec.access.value} ({_ACCESS[spec.access.value]})"),
        ("roles", names(sorted(spec.roles))),
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


def example(body: type, opcode: int) -> str:
    """Return the sample of ``body`` as a message, octet run by octet run."""
    value = sample(body)
    encoded = codec_of(body).encode(value)
    return message_block(value, encoded, build_message(opcode, _SAMPLE_TXN, encoded))


def message_block(value: object, encoded: bytes, plaintext: bytes) -> str:
    """Return header and body of a message, octet run by octet run."""
    return run_block([*header_runs(plaintext), *body_runs(value, encoded, HEADER_SIZE)])


def header_runs(plaintext: bytes) -> list[Run]:
    """Return the runs of an application header."""
    header = HEADER.parse(plaintext[:HEADER_SIZE])
    meanings = {
        "opcode": hex16(header.opcode),
        "txn": str(header.txn),
        "rev": str(header.rev),
        "mflags": "CACHED" if header.mflags else "none",
        "body_len": f"{header.body_len} octets",
    }
    return layout_runs(HEADER, plaintext[:HEADER_SIZE], meanings)


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
