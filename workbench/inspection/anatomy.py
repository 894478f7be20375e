"""The octets of a link frame, field by field, as far as they go: damaged frames too."""

from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Final

from protocol import handshake
from protocol.frame import CRC_SIZE, HEADER_LAYOUT, HEADER_SIZE, MIN_FRAME, PROTO, FrameKind
from protocol.link_control import LINK_LAYOUTS, LinkControlError, LinkOp, decode_link
from protocol.noise import KEY_SIZE, TAG_SIZE
from protocol.records import COUNTER_SIZE, OVERHEAD
from workbench.generators.octets import Run, flag_names, layout_runs
from workbench.inspection.message import message_runs

_WAYS: Final = ("to the pump", "to the programmer")
_SIZES: Final = {str(field.name): int(field.sizeof()) for field in HEADER_LAYOUT.subcons}


def raw_runs(octets: bytes, name: str = "octets") -> list[Run]:
    """Return octets of which nothing can be said."""
    return [Run(0, octets, name, f"{len(octets)} octets")]


def frame_runs(octets: bytes) -> list[Run]:
    """Return the fields of a link frame (after COBS), in order."""
    runs: list[Run] = []
    at = 0
    for name, size in _SIZES.items():
        if at >= len(octets):
            return runs
        field = octets[at : at + size]
        whole = len(field) == size
        runs.append(Run(at, field, name, _header_text(name, field, octets) if whole else "cut short"))
        at += size
    if len(octets) < MIN_FRAME:
        return runs + ([Run(at, octets[at:], "rest", "too short for a CRC")] if octets[at:] else [])
    crc_at = len(octets) - CRC_SIZE
    stated = int.from_bytes(octets[crc_at:], "little")
    payload = list(_payload_runs(octets[1], octets[HEADER_SIZE:crc_at])) if crc_at > HEADER_SIZE else []
    return [*runs, *payload, Run(crc_at, octets[crc_at:], "crc32c", f"0x{stated:08X}, of all octets before")]


def _header_text(name: str, field: bytes, octets: bytes) -> str:
    value = int.from_bytes(field, "little")
    match name:
        case "proto":
            return "OITP/1" if value == PROTO else "another protocol"
        case "kind":
            return FrameKind(value).name if value in list(FrameKind) else "unknown kind"
        case "flags":
            return _WAYS[value & 1] + (", reserved bits set" if value & 0xFE else "")
        case "link_id":
            return "0xFFFF, no link yet" if value == 0xFFFF else f"0x{value:04X}"
        case "len":
            there = len(octets) - MIN_FRAME
            return f"{value} octets of payload" + ("" if value == there else f", but {there} are there")
        case _:
            return str(value)


def _payload_runs(kind: int, payload: bytes) -> Iterator[Run]:
    if kind == FrameKind.LINK:
        yield from _link_runs(payload)
    elif kind == FrameKind.HANDSHAKE and len(payload) >= handshake.HEADER_SIZE:
        yield from _handshake_runs(payload)
    elif kind == FrameKind.SECURE and len(payload) >= OVERHEAD:
        tag_at = len(payload) - TAG_SIZE
        yield _counter(payload)
        if tag_at > COUNTER_SIZE:
            yield _run(COUNTER_SIZE, payload[COUNTER_SIZE:tag_at], "ciphertext", "header and body, encrypted")
        yield _run(tag_at, payload[tag_at:], "tag", "authenticates header, counter and ciphertext")
    elif kind == FrameKind.CLEAR and len(payload) >= COUNTER_SIZE:
        yield _counter(payload)
        yield from message_runs(payload[COUNTER_SIZE:], HEADER_SIZE + COUNTER_SIZE)
    else:
        yield _run(0, payload, "payload", f"{len(payload)} octets")


def _run(at: int, octets: bytes, name: str, meaning: str) -> Run:
    return Run(HEADER_SIZE + at, octets, name, meaning)


def _counter(payload: bytes) -> Run:
    number = int.from_bytes(payload[:COUNTER_SIZE], "little")
    return _run(0, payload[:COUNTER_SIZE], "counter", str(number))


def _link_runs(payload: bytes) -> Iterator[Run]:
    try:
        message = decode_link(payload)
    except LinkControlError as error:
        yield _run(0, payload, "payload", str(error))
        return
    op = LinkOp(payload[0])
    yield _run(0, payload[:1], "op", op.name)
    meanings = {name: plain_value(getattr(message, name)) for name in message.__dataclass_fields__}
    if op in (LinkOp.PING, LinkOp.PONG):
        if payload[1:]:
            yield _run(1, payload[1:], "data", "echoed")
        return
    yield from layout_runs(LINK_LAYOUTS[op], payload[1:], meanings, HEADER_SIZE + 1)


def _handshake_runs(payload: bytes) -> Iterator[Run]:
    suite, step, slot = payload[0], payload[1], int.from_bytes(payload[2:4], "little")
    meanings = {
        "suite": _word(handshake.Suite, suite),
        "step": _word(handshake.HandshakeStep, step),
        "slot": f"bond {slot}" if suite != handshake.Suite.NNPSK0 else str(slot),
    }
    key_at = handshake.HEADER_SIZE
    yield from layout_runs(handshake.HEADER_LAYOUT, payload[:key_at], meanings, HEADER_SIZE)
    rest = len(payload) - key_at
    if rest < KEY_SIZE + TAG_SIZE:
        if rest:
            yield _run(key_at, payload[key_at:], "noise", "too short for a key and a tag")
        return
    sealed_at, tag_at = key_at + KEY_SIZE, len(payload) - TAG_SIZE
    yield _run(key_at, payload[key_at:sealed_at], "ephemeral", "public key")
    if sealed_at < tag_at:
        yield _run(sealed_at, payload[sealed_at:tag_at], "ciphertext", "the grant, encrypted")
    yield _run(tag_at, payload[tag_at:], "tag", "proves the keys")


def _word(members: type[IntEnum], value: int) -> str:
    return members(value).name if value in list(members) else "not defined"


def plain_value(value: object) -> str:
    """Return a value of a link control message in words."""
    match value:
        case IntFlag():
            return flag_names(value)
        case IntEnum():
            return value.name
        case bytes():
            return ""
        case _:
            return str(value)
