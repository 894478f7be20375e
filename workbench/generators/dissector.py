"""The Wireshark dissector: tables of the registry in Lua, then the Lua that reads them.

Nothing about a message is written down twice: the tables come from the schema, which comes from the same
field annotations as the codec; the layers below come from their `construct` layouts. The part that walks the
tables is in ``lua/*.lua`` beside this module. A differential test holds dissector and codec together.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from protocol import application, handshake, link_control, log_record, pump_link, records
from protocol import frame as link_frame
from protocol.capture import recorder
from protocol.client_errors import ERROR_TEXTS
from protocol.codewords import GENERATOR_ROWS
from protocol.drops import DropReason
from protocol.frame import Direction
from protocol.handshake import HandshakeStep
from protocol.link_control import LINK_LAYOUTS, LinkOp
from protocol.messages.fields import fields_of
from protocol.messages.log import LogRecord
from protocol.messages.schema import schema, schema_crc
from protocol.messages.text import UNPRINTABLE
from protocol.noise import KEY_SIZE, TAG_SIZE
from protocol.vocabulary import CloseReason, ErrorCode, EventType
from workbench.generators import layers
from workbench.generators.lua_values import Raw, lua_table, lua_value
from workbench.generators.octets import layout_sizes

LUA: Final = Path(__file__).parent / "lua"
PARTS: Final = ("basics.lua", "application.lua", "link.lua")

_HEAD: Final = """\
-- Generated from the code by `make generated`. Edits here are lost; change the code instead.
--
-- Wireshark and tshark dissector of OITP/1, the protocol of a simulated pump. Never for treating anyone.
-- Link frames (after COBS) are expected with link type USER0 (147), decrypted messages in an exported PDU
-- (252) that names the dissector oitp.app. Load it with `-X lua_script:oitp.lua`, or put it into Wireshark's
-- folder of personal Lua plugins.
"""
_LINK_RANGES: Final = {
    "ver_min": (1, 0xFF),
    "ver_max": (1, 0xFF),
    "ver": (1, 0xFF),
    "link_id": (0, link_frame.NO_LINK_ID - 1),
    "max_frame": (link_control.MIN_MAX_FRAME, link_frame.MAX_FRAME),
}
_LINK_WORDS: Final = {
    "suites": "SuiteBit",
    "link_class": "LinkClass",
    "reason": CloseReason.__name__,
    "code": "LinkErrorCode",
}
_HANDSHAKE_WORDS: Final = {"suite": "Suite", "step": "HandshakeStep"}
_TO_PUMP: Final = ("HELLO", "PING", "CLOSE")
_TO_PROGRAMMER: Final = ("HELLO_RSP", "LINK_ERROR")


def dissector_script() -> str:
    """Return the whole dissector."""
    tables = [f"local {name} = {value}" for name, value in _tables()]
    parts = [(LUA / name).read_text(encoding="utf-8").strip("\n") for name in PARTS]
    crc = f'set_plugin_info({{ version = "schema 0x{schema_crc():08X}", author = "cisterna" }})'
    return "\n\n".join((_HEAD.strip("\n"), crc, "\n".join(tables), *parts)) + "\n"


def _tables() -> Iterator[tuple[str, str]]:
    yield from _constants()
    yield "UNPRINTABLE", lua_value([list(pair) for pair in UNPRINTABLE])
    yield "DROPS", lua_table([[reason.value, reason.text] for reason in DropReason])
    yield "ERRORS", lua_table([[code.name, _error_text(code)] for code in ErrorCode])
    yield from _enumerations()
    yield from _texts()
    yield from _bodies()
    yield from _link_tables()


def _constants() -> Iterator[tuple[str, str]]:
    offsets = _offsets(LogRecord)
    numbers = {
        "PROTO": link_frame.PROTO,
        "MIN_FRAME": link_frame.MIN_FRAME,
        "MAX_FRAME": link_frame.MAX_FRAME,
        "FRAME_HEADER_SIZE": link_frame.HEADER_SIZE,
        "CRC_SIZE": link_frame.CRC_SIZE,
        "NO_LINK_ID": link_frame.NO_LINK_ID,
        "TO_PUMP": int(Direction.TO_PUMP),
        "VERSION": pump_link.VERSION,
        "KEY_SIZE": KEY_SIZE,
        "TAG_SIZE": TAG_SIZE,
        "COUNTER_SIZE": records.COUNTER_SIZE,
        "MAX_RECORDS": records.MAX_RECORDS,
        "MAX_PLAINTEXT": records.MAX_PLAINTEXT,
        "HEADER_SIZE": application.HEADER_SIZE,
        "REVISION": application.REVISION,
        "CACHED": application.CACHED,
        "LOG_TYPE_AT": offsets["type"],
        "LOG_PAYLOAD_AT": offsets["payload"],
        "LOG_PAYLOAD_SIZE": log_record.PAYLOAD_SIZE,
    }
    yield from ((name, str(number)) for name, number in numbers.items())
    yield "GENERATOR_ROWS", lua_value(list(GENERATOR_ROWS))
    yield "DROP_MARKS", lua_value([recorder.DROPPED, recorder.DOOMED])
    yield "RAW", lua_value({reason.value: True for reason in DropReason if reason in recorder.RAW})


def _error_text(code: ErrorCode) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", r"\1", f"The pump refuses because {ERROR_TEXTS[code]}.")


def _offsets(body: type) -> dict[str, int]:
    """Return where each field of ``body`` begins."""
    offsets: dict[str, int] = {}
    at = 0
    for name, field in fields_of(body).items():
        offsets[name] = at
        at += field.size
    return offsets


def _enumerations() -> Iterator[tuple[str, str]]:
    words: dict[str, Any] = {"Direction": {int(way): way.name for way in Direction}}
    flags: dict[str, Any] = {}
    for name, listed in schema()["enumerations"].items():
        if listed["kind"] == "flags":
            flags[name] = [[value, member] for member, value in listed["members"].items()]
        else:
            words[name] = {value: member for member, value in listed["members"].items()}
    yield "WORDS", lua_table(words)
    yield "FLAGS", lua_table(flags)


def _texts() -> Iterator[tuple[str, str]]:
    yield "FRAME_TEXTS", lua_table(layers.FRAME_TEXTS)
    yield "RECORD_TEXTS", lua_table(layers.RECORD_TEXTS)
    yield "HEADER_TEXTS", lua_table(layers.HEADER_TEXTS)


# --- messages -----------------------------------------------------------------------------------------------


class Filters:
    """Gives each field its filter name; fields of one name that are alike share one."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[object, ...]] = {}

    def name(self, scope: str, field: dict[str, Any], other: str = "") -> str:
        """Return the filter name of ``field`` in ``scope``; ``other`` sets it apart where it differs."""
        alike = tuple(field.get(key) for key in ("kind", "size", "signed", "unit", "enumeration", "item"))
        name = f"oitp.{scope}.{field['name']}"
        if self._taken.setdefault(name, alike) != alike:
            name = f"oitp.{scope}.{other}.{field['name']}"
            if not other or self._taken.setdefault(name, alike) != alike:
                raise ValueError(f"two fields that differ would both be called {name}")
        return name


def snake(name: str) -> str:
    """Return ``LogRecord`` as ``log_record``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _bodies() -> Iterator[tuple[str, str]]:
    filters, described = Filters(), schema()
    listed = {
        name: {"filter": f"oitp.{snake(name)}", **_numbered(_fields(record["fields"], filters, snake(name)))}
        for name, record in described["records"].items()
    }
    yield "RECORDS", lua_table(listed)
    yield "RECORD_ORDER", lua_value(list(listed))
    payloads = {
        int(EventType[kind]): _fields(payload["fields"], filters, f"log.{kind.lower()}")
        for kind, payload in described["log_payloads"].items()
    }
    yield "LOG_PAYLOADS", lua_table(payloads)
    bodies: list[list[Any]] = []
    messages: dict[int, Any] = {}
    for name, kind, described_body in _directions(described):
        bodies.append(_fields(described_body["fields"], filters, name.lower(), kind))
        mflags = application.CACHED if kind in ("response", "error") else 0
        entry = {"name": name, "class": kind, "body": Raw(f"BODIES[{len(bodies)}]"), "mflags": mflags}
        messages[described_body["opcode"]] = entry
    yield "BODIES", lua_table(bodies)
    yield "MESSAGES", lua_table(messages)


def _directions(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for message in described["messages"]:
        yield message["name"], "request", message["request"]
        yield message["name"], "response", message["response"]
    for notification in described["notifications"]:
        yield notification["name"], "notification", notification
    yield "ERROR", "error", described["error"]


def _numbered(items: list[Any]) -> dict[int, Any]:
    return dict(enumerate(items, start=1))


def _fields(
    listed: list[dict[str, Any]], filters: Filters, scope: str, other: str = ""
) -> list[dict[str, Any]]:
    return [
        {"name": field["name"], "filter": filters.name(scope, field, other), **_facts(field)}
        for field in listed
    ]


def _facts(field: dict[str, Any]) -> dict[str, Any]:
    """Return what Lua needs to know of a field; bounds that every value of its size meets are left out."""
    kept = ("kind", "size", "unit", "enumeration", "item", "limit", "nonzero", "text")
    facts = {key: field[key] for key in kept if key in field}
    if field["kind"] == "integer":
        bits, (low, high) = 8 * field["size"], field["range"]
        least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if field["signed"] else (0, (1 << bits) - 1)
        bounds = {"low": low if low != least else None, "high": high if high != most else None}
        facts |= {key: value for key, value in bounds.items() if value is not None}
        facts |= {"signed": True} if field["signed"] else {}
    return facts


# --- link control and handshake -----------------------------------------------------------------------------


def _link_tables() -> Iterator[tuple[str, str]]:
    messages = {
        int(op): {"name": op.name, "fields": [], "echo": link_control.MAX_ECHO}
        if op in (LinkOp.PING, LinkOp.PONG)
        else {"name": op.name, "fields": _layout_fields(LINK_LAYOUTS[op], f"link.{op.name.lower()}")}
        for op in LinkOp
    }
    yield "LINK_MESSAGES", lua_table(messages)
    ways = {int(Direction.TO_PUMP): _TO_PUMP, int(Direction.TO_PROGRAMMER): _TO_PROGRAMMER}
    yield "LINK_WAYS", lua_value({way: dict.fromkeys(names, True) for way, names in ways.items()})
    header = _layout_fields(handshake.HEADER_LAYOUT, "handshake")
    yield "HANDSHAKE_HEADER", lua_table(header)
    steps = {
        int(Direction.TO_PUMP): (HandshakeStep.FIRST.name, handshake.FIRST_SIZE),
        int(Direction.TO_PROGRAMMER): (HandshakeStep.SECOND.name, handshake.SECOND_SIZE),
    }
    yield "HANDSHAKE_STEPS", lua_value({way: step for way, (step, _) in steps.items()})
    yield "HANDSHAKE_SIZES", lua_value({way: size for way, (_, size) in steps.items()})


def _layout_fields(layout: Any, scope: str) -> list[dict[str, Any]]:  # noqa: ANN401 - construct has no types
    return [_layout_field(name, size, scope) for name, size in layout_sizes(layout)]


def _layout_field(name: str, size: int, scope: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "filter": f"oitp.{scope}.{name}", "size": size}
    words = (_HANDSHAKE_WORDS if scope == "handshake" else _LINK_WORDS).get(name)
    if words is not None:
        flags = schema()["enumerations"][words]["kind"] == "flags"
        # Unknown suites are no fault: a newer peer may have more of them.
        return entry | {"kind": "flags" if flags else "word", "enumeration": words, "open": flags}
    if size not in (1, 2, 4):
        return entry | {"kind": "octets"}
    if name == "key_hint":
        return entry | {"kind": "octets"}
    low, high = _LINK_RANGES.get(name, (0, (1 << 8 * size) - 1))
    return entry | {"kind": "integer", "low": low, "high": high}
