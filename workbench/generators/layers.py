"""The page of the protocol's layers: from the byte pipe up to the application header, and the catalogue."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import construct

from protocol import application, exchange, framing, link_control, records
from protocol.clear_records import CLEAR_LAYOUT
from protocol.frame import FRAME_LAYOUT, MAX_FRAME, MAX_PAYLOAD, PROTO, Direction, FrameKind
from protocol.handshake import (
    FIRST_SIZE,
    GRANT_LAYOUT,
    HEADER_LAYOUT,
    IDLE_TIMEOUT_RANGE_S,
    SECOND_SIZE,
    HandshakeStep,
    Suite,
)
from protocol.link_control import LINK_LAYOUTS, LinkClass, LinkErrorCode, LinkOp, SuiteBit
from protocol.messages.codec import codec_of
from protocol.messages.registry import MESSAGES, NOTIFICATIONS, MessageSpec
from protocol.messages.schema import schema_crc
from protocol.messages.text import UNPRINTABLE
from protocol.program import MAX_DRUGS, MAX_IMAGE, MAX_STEPS
from protocol.pump_link import LINK_ERROR_EVERY_MS, PINGS_PER_S, SUITES
from workbench.generators.markdown import bullets, code, hex8, hex16, join, link, page, summary, table
from workbench.generators.octets import flag_names, layout_rows
from workbench.generators.privileges import privileges_part
from workbench.generators.times import times_part

_PICTURE: Final = """\
application   header and body of a message                       messages.md
exchange      one request at a time, numbered, answered once
record        sealed with the session's key, counted              or: handshake
link frame    header, payload, CRC-32C                            or: link control
COBS          between 0x00 delimiters
byte pipe     pseudo-terminal, TCP, serial line, memory"""

FRAME_TEXTS: Final = {
    "proto": f"{hex8(PROTO)}: protocol A, major version 1",
    "kind": "what the payload is, see below",
    "flags": "bit 0: 0 to the pump, 1 to the programmer; the other bits are zero",
    "seq": "counts the frames of one direction, for loss statistics only",
    "link_id": "0xFFFF until HELLO_RSP has told the pump's value",
    "len": f"octets of payload, 0 to {MAX_PAYLOAD}; must fit the size of the frame",
    "payload": "",
    "crc32c": "CRC-32C of all octets before it (reflected, init and final XOR 0xFFFFFFFF)",
}
HANDSHAKE_TEXTS: Final = {
    "suite": "which Noise pattern",
    "step": "which of the two messages follows",
    "slot": "bond whose key is used, 0 for NNPSK0",
}
GRANT_TEXTS: Final = {
    "session_id": "id of the session",
    "boot_count": "starts of the pump's firmware",
    "uptime_s": "s since that start",
    "idle_timeout_s": "s of silence after which the pump closes, {} to {}".format(*IDLE_TIMEOUT_RANGE_S),
    "role": "role of the bond",
    "bond_state": "provisional or confirmed",
}
RECORD_TEXTS: Final = {
    "counter": "Noise message number; each once, strictly rising",
    "ciphertext": "ChaCha20-Poly1305 of header and body, as long as they are",
    "tag": "authenticates link header, counter and ciphertext",
}
CLEAR_TEXTS: Final = {
    "counter": "each once, strictly rising",
    "plaintext": "header and body",
}
CHECKS: Final = (
    ("-", "number of the request", "TXN_SEQUENCE, or the cached answer"),
    ("1", "opcode", "OPCODE_NOT_A_CODEWORD, UNKNOWN_OPCODE"),
    ("2", "revision", "UNSUPPORTED_REV"),
    ("3", "length, of the header and of the body", "BAD_LENGTH"),
    ("4", "flags of the header", "RESERVED_NONZERO"),
    ("5", "each field in wire order", "RESERVED_NONZERO, BAD_ENUM, OUT_OF_RANGE, BAD_TEXT"),
    ("6", "the list or block at the end: its count, then item by item", "TOO_LARGE, then as in step 5"),
    ("7", "bond and session", "BOND_REVOKED, SESSION_NOT_CONFIRMED"),
    ("8", "role", "ROLE_FORBIDDEN"),
    ("9", "proximity", "PROXIMITY_REQUIRED"),
    ("10", "how far the bond is trusted", "BOND_PROVISIONAL"),
    ("11", "state, rules of therapy, the device", "the codes 0xBx, 0xDx, 0xEx, 0xFx"),
)
"""Error precedence, as the endpoint and the device check (OITP/1 section 15)."""

HEADER_TEXTS: Final = {
    "opcode": "codeword of class << 9 | group << 5 | index",
    "txn": "requests count from 1; the answer repeats the number",
    "rev": f"revision of the body, {application.REVISION}",
    "mflags": "bit 0 CACHED: sent again from the cache",
    "body_len": "octets that follow",
}


def protocol_page() -> str:
    """Return the page about the layers and the catalogue."""
    return page(
        "OITP/1 on the wire",
        "The contract between pump and programmer, version 1, as this code speaks it. All integers are "
        "little-endian; there are no floats, and text is UTF-8 in fields of fixed size.",
        code(_PICTURE),
        _contents(),
        _frame_part(),
        _link_control_part(),
        _handshake_part(),
        _record_part(),
        _application_part(),
        _catalogue_part(),
        _notifications_part(),
        privileges_part(),
        times_part(),
        _sizes_part(),
    )


def _contents() -> str:
    lists = ", ".join(
        link(text, target)
        for text, target in (
            ("Enumerations", "enumerations.md"),
            ("error codes", "error-codes.md"),
            ("drop reasons", "drop-reasons.md"),
            ("state machines", "states.md"),
        )
    )
    crc = f"0x{schema_crc():08X}"
    return bullets(
        (
            f"{link('Messages', 'messages.md')}: every request and response, field by field, octet by octet",
            f"{link('A session, octet by octet', 'wire-session.md')}: the layers below at work",
            f"{link('The program image', 'program-image.md')}: what a prescription is made of",
            lists,
            f"{link('schema.json', 'schema.json')}: the catalogue for programs; its `schema_crc` is {crc}",
            f"{link('oitp.lua', 'oitp.lua')}: the dissector for Wireshark and tshark",
        )
    )


def fields_table(layout: construct.Struct, texts: Mapping[str, str]) -> str:
    """Return the fields of a fixed layout with a text for each."""
    rows = [(*row, texts[row[2].strip("`")]) for row in layout_rows(layout)]
    return table(("offset", "octets", "field", "meaning"), rows)


def words_table(*enumerations: type[Enum]) -> str:
    """Return the members of small enumerations with their octets."""
    rows = [
        (enumeration.__name__, member.name, hex8(int(member.value)))
        for enumeration in enumerations
        for member in enumeration
    ]
    return table(("enumeration", "name", "octet"), rows)


def _frame_part() -> str:
    return join(
        "## Link frame",
        f"A frame has at most {MAX_FRAME} octets. On the wire it is COBS-coded and stands between two 0x00. "
        f"Silence of {framing.GAP_MS} ms inside a frame ends it. What is not accepted is counted under its "
        f"{link('reason', 'drop-reasons.md')} and never answered.",
        fields_table(FRAME_LAYOUT, FRAME_TEXTS),
        words_table(FrameKind, Direction),
    )


def _link_control_part() -> str:
    about = (
        "Payload of a LINK frame: one octet that says what it is, then its body. In plaintext, without "
        f"personal data. A pump answers at most {PINGS_PER_S} PING a second and sends at most one LINK_ERROR "
        f"in {LINK_ERROR_EVERY_MS} ms."
    )
    parts = ["## Link control", about]
    messages = {
        LinkOp.HELLO: link_control.Hello,
        LinkOp.HELLO_RSP: link_control.HelloResponse,
        LinkOp.PING: link_control.Ping,
        LinkOp.PONG: link_control.Pong,
        LinkOp.CLOSE: link_control.Close,
        LinkOp.LINK_ERROR: link_control.LinkError,
    }
    for op, message in messages.items():
        parts += [f"### {op.name} ({hex8(op)})", summary(message)]
        parts.append(table(("offset", "octets", "field"), layout_rows(LINK_LAYOUTS[op])))
    return join(*parts, words_table(LinkClass, SuiteBit, LinkErrorCode))


def _handshake_part() -> str:
    return join(
        "## Handshake",
        "Payload of a HANDSHAKE frame: this header, then the Noise message. The first message has "
        f"{FIRST_SIZE} octets and carries nothing; the second has {SECOND_SIZE} and carries the grant, "
        "encrypted. The payloads of HELLO and HELLO_RSP and the first header enter the prologue, so that "
        "an edited discovery makes the handshake fail.",
        fields_table(HEADER_LAYOUT, HANDSHAKE_TEXTS),
        f"Every pump takes {flag_names(SUITES)}; one with the far link takes KKPSK2 as well, and one that "
        "was started for a laboratory announces LAB_PLAINTEXT.",
        words_table(Suite, HandshakeStep),
        "The grant in the second message:",
        fields_table(GRANT_LAYOUT, GRANT_TEXTS),
    )


def _record_part() -> str:
    return join(
        "## Secure record",
        f"Payload of a SECURE frame. At most {records.MAX_PLAINTEXT} octets are sealed in one record, and a "
        f"session ends after {records.MAX_RECORDS} records of one direction. A transmission that is "
        "repeated is sealed again under a new counter.",
        fields_table(records.RECORD_LAYOUT, RECORD_TEXTS),
        "### Clear record",
        "Payload of a CLEAR frame: the same without encryption, for fuzzers and serial tools. A pump takes "
        "it only when it was started for a laboratory, and only on a link that cannot leave the machine.",
        fields_table(CLEAR_LAYOUT, CLEAR_TEXTS),
    )


def _application_part() -> str:
    return join(
        "## Application header",
        f"Stands in front of every body; a body has at most {application.MAX_BODY} octets.",
        fields_table(application.HEADER, HEADER_TEXTS),
        "A transaction number that follows the last one is executed; the last one again is answered from "
        "the cache, marked CACHED; any other is refused with TXN_SEQUENCE. So a repeated request is "
        "executed once. The answer is cached, and what it tells is durable, before it is sent.",
        "### Order of the checks",
        "The pump answers with the first check that fails; what each code says is in "
        f"{link('error codes', 'error-codes.md')}. A refusal changes nothing, but for what that page names.",
        table(("step", "what is checked", "answered with"), CHECKS),
        "### Text",
        "UTF-8 without a 0x00 before the padding. Refused are characters that cannot be seen: control "
        "characters, spaces other than the plain one, changes of direction, private use. They are a fixed "
        "list, the same for every version of Unicode:",
        code(", ".join(f"U+{low:04X}..U+{high:04X}" for low, high in UNPRINTABLE)),
    )


def _catalogue_part() -> str:
    return join(
        "## Catalogue",
        "Class A session, R read, W write, T therapy.",
        table(
            (
                "message",
                "number",
                "request",
                "response",
                "octets",
                "class",
                "bound, ms",
            ),
            [_catalogue_row(spec) for spec in MESSAGES],
        ),
    )


def _catalogue_row(spec: MessageSpec) -> tuple[str, ...]:
    return (
        link(spec.name, "messages.md", spec.name),
        f"{spec.group}.{spec.index}",
        hex16(spec.request_opcode),
        hex16(spec.response_opcode),
        f"{_size(spec.request)} / {_size(spec.response)}",
        spec.access.value,
        str(spec.bound_ms),
    )


def _notifications_part() -> str:
    rows = [
        (
            link(spec.name, "messages.md", spec.name),
            f"{spec.group}.{spec.index}",
            hex16(spec.opcode),
            _size(spec.body),
            "until acknowledged" if spec.acknowledged else "once",
        )
        for spec in NOTIFICATIONS
    ]
    return join(
        "## Notifications",
        "Sent unasked, only inside a session that has asked for them with SUBSCRIBE, and never between a "
        "request and its response.",
        table(("notification", "number", "opcode", "octets", "sent"), rows),
        "### schema_crc",
        f"SESSION_CONFIRM tells the check value of the catalogue, here 0x{schema_crc():08X}: the CRC-32C "
        "of schema.json as JSON with sorted keys, without spaces, in ASCII, and without the members called "
        "`text`, which are for people. Two ends that disagree on it do not speak the same revision.",
    )


def _size(body: type) -> str:
    codec = codec_of(body)
    return str(codec.max_size) if codec.max_size == codec.fixed_size else f"up to {codec.max_size}"


def _sizes_part() -> str:
    rows = [
        ("octets between two delimiters", MAX_FRAME + 1),
        ("link frame", MAX_FRAME),
        ("payload of a link frame", MAX_PAYLOAD),
        ("plaintext of a record", records.MAX_PLAINTEXT),
        ("body", application.MAX_BODY),
        ("transaction number", exchange.MAX_TXN),
        ("program image", MAX_IMAGE),
        ("steps of a schedule", MAX_STEPS),
        ("drugs of a program", MAX_DRUGS),
    ]
    return join("## Limits", table(("what", "at most"), rows))
