"""The page of one session: each frame from its octets on the wire down to the fields of its body."""

from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Final

from protocol import frame as link_frame
from protocol import handshake
from protocol.application import HEADER_SIZE
from protocol.frame import Direction, Frame, FrameKind, encode_frame
from protocol.handshake import HandshakeHeader, SessionGrant
from protocol.link_control import LINK_LAYOUTS, LinkOp
from protocol.noise import KEY_SIZE, TAG_SIZE, public_key
from protocol.records import COUNTER_SIZE
from workbench.generators.markdown import code, hex16, join, page, spaced, table
from workbench.generators.messages_page import message_block
from workbench.generators.octets import WIDTH, Run, flag_names, layout_runs, run_block
from workbench.generators.sample_session import (
    HELLO_NONCE,
    LINK_ID,
    PROGRAMMER_EPHEMERAL,
    PUMP_EPHEMERAL,
    PUMP_NONCE,
    Transmission,
    session,
)
from workbench.generators.samples import PROGRAMMER_KEY, PUMP_KEY

_SENDERS: Final = {Direction.TO_PUMP: "programmer to pump", Direction.TO_PROGRAMMER: "pump to programmer"}


def session_page() -> str:
    """Return the page of the sample session."""
    about = (
        "Discovery, handshake, confirmation and one question, as the code sends them with the fixed keys "
        "below. The keys are made up for this page and belong to nobody; whoever builds another end of the "
        "protocol can check it against these octets. Offsets count from the start of a link frame, or of a "
        "record's plaintext."
    )
    return page("A session, octet by octet", about, _keys(), *map(_transmission_part, session()))


def _keys() -> str:
    rows = [
        ("static private key of the pump", PUMP_KEY),
        ("static public key of the pump", public_key(PUMP_KEY)),
        ("static private key of the programmer", PROGRAMMER_KEY),
        ("static public key of the programmer", public_key(PROGRAMMER_KEY)),
        ("ephemeral private key of the pump", PUMP_EPHEMERAL),
        ("ephemeral private key of the programmer", PROGRAMMER_EPHEMERAL),
        ("nonce of HELLO", HELLO_NONCE),
        ("nonce of HELLO_RSP", PUMP_NONCE),
        ("link id", LINK_ID.to_bytes(2, "little")),
    ]
    return table(("value", "octets"), [(name, f"`{octets.hex()}`") for name, octets in rows])


def _transmission_part(sent: Transmission) -> str:
    title = f"## {sent.title}"
    way = _SENDERS[sent.frame.direction]
    lines = [sent.wire[at : at + 2 * WIDTH] for at in range(0, len(sent.wire), 2 * WIDTH)]
    return join(
        title,
        f"From {way}. On the wire, {len(sent.wire)} octets:",
        code("\n".join(spaced(line) for line in lines)),
        "The link frame, after COBS:",
        run_block(_frame_runs(sent.frame, sent.body)),
        _inside(sent),
    )


def _frame_runs(frame: Frame, body: object) -> list[Run]:
    octets = encode_frame(frame)
    meanings = {
        "proto": "OITP/1",
        "kind": frame.kind.name,
        "flags": _SENDERS[frame.direction],
        "seq": str(frame.seq),
        "link_id": hex16(frame.link_id),
        "len": f"{len(frame.payload)} octets of payload",
    }
    crc_at = len(octets) - link_frame.CRC_SIZE
    return [
        *layout_runs(link_frame.HEADER_LAYOUT, octets[: link_frame.HEADER_SIZE], meanings),
        *_payload_runs(frame, body),
        Run(crc_at, octets[crc_at:], "crc32c", "of all octets before it"),
    ]


def _payload_runs(frame: Frame, body: object) -> Iterator[Run]:
    at, payload = link_frame.HEADER_SIZE, frame.payload
    if frame.kind is FrameKind.LINK:
        op = LinkOp(payload[0])
        yield Run(at, payload[:1], "op", f"{op.name}")
        yield from layout_runs(LINK_LAYOUTS[op], payload[1:], _link_meanings(body), at + 1)
    elif frame.kind is FrameKind.HANDSHAKE:
        yield from _handshake_runs(at, payload)
    else:
        tag = len(payload) - TAG_SIZE
        counter = int.from_bytes(payload[:COUNTER_SIZE], "little")
        yield Run(at, payload[:COUNTER_SIZE], "counter", str(counter))
        yield Run(at + COUNTER_SIZE, payload[COUNTER_SIZE:tag], "ciphertext", "header and body")
        yield Run(at + tag, payload[tag:], "tag", "")


def _link_meanings(message: object) -> dict[str, str]:
    values = {name: getattr(message, name) for name in getattr(message, "__dataclass_fields__", ())}
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> str:
    match value:
        case IntFlag():
            return flag_names(value)
        case IntEnum():
            return value.name
        case int():
            return str(value)
        case _:
            return ""


def _handshake_runs(at: int, payload: bytes) -> Iterator[Run]:
    header = HandshakeHeader.decode(payload)
    meanings = {"suite": header.suite.name, "step": header.step.name, "slot": str(header.slot)}
    key_at = handshake.HEADER_SIZE
    sealed_at, tag_at = key_at + KEY_SIZE, len(payload) - TAG_SIZE
    yield from layout_runs(handshake.HEADER_LAYOUT, payload[:key_at], meanings, at)
    yield Run(at + key_at, payload[key_at:sealed_at], "ephemeral", "public key")
    if sealed_at < tag_at:
        yield Run(at + sealed_at, payload[sealed_at:tag_at], "ciphertext", "the grant")
    yield Run(at + tag_at, payload[tag_at:], "tag", "")


def _inside(sent: Transmission) -> str:
    if isinstance(sent.body, SessionGrant):
        meanings = {
            "session_id": f"0x{sent.body.session_id:08X}",
            "boot_count": str(sent.body.boot_count),
            "uptime_s": f"{sent.body.uptime_s} s",
            "idle_timeout_s": f"{sent.body.idle_timeout_s} s",
            "role": sent.body.role.name,
            "bond_state": sent.body.bond_state.name,
        }
        runs = layout_runs(handshake.GRANT_LAYOUT, sent.body.encode(), meanings)
        return join("The grant inside, opened:", run_block(runs))
    if sent.frame.kind is FrameKind.SECURE:
        opened = message_block(sent.body, sent.plaintext[HEADER_SIZE:], sent.plaintext)
        return join("The record inside, opened:", opened)
    return ""
