"""A small pcapng writer and reader: what a capture of a link needs, and no more.

Written are a section header, one description for each interface, and one enhanced packet block for each
packet, with its direction and comments as options. Read is any pcapng file: other blocks are passed over,
both byte orders and all time resolutions are understood. The format is that of the IETF draft
"PCAP Next Generation (pcapng) Capture File Format"; docs/adr/0008 says why no library does this.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

LINKTYPE_USER0: Final = 147
"""Link frames of OITP/1, after COBS: the first link type that is free for private use."""
LINKTYPE_WIRESHARK_UPPER_PDU: Final = 252
"""Exported PDU: octets behind tags that name the dissector to hand them to."""

_SHB: Final = 0x0A0D0D0A
_IDB: Final = 1
_EPB: Final = 6
_BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
_UNKNOWN_LENGTH: Final = 0xFFFF_FFFF_FFFF_FFFF
_END: Final = 0
_COMMENT: Final = 1
_SHB_USERAPPL: Final = 4
_IF_NAME: Final = 2
_IF_DESCRIPTION: Final = 3
_IF_TSRESOL: Final = 9
_IF_TSOFFSET: Final = 14
_EPB_FLAGS: Final = 2
_NANOSECONDS: Final = 9
_INBOUND: Final = 1
_OUTBOUND: Final = 2
_MIN_BLOCK: Final = 12
_MAX_OPTION: Final = 0xFFFF
_MAX_TIME: Final = (1 << 64) - 1


class CaptureError(ValueError):
    """Octets that are no pcapng file, or one that is damaged; the message says where."""


@dataclass(frozen=True, slots=True)
class Interface:
    """Where packets were caught.

    ``linktype`` says what their octets are, 0..65535; ``name`` and ``description`` are for people.
    """

    linktype: int
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Packet:
    """One captured packet.

    Attributes:
        interface: index of its interface in the capture.
        timestamp_ns: time since the capture's zero, in ns, 0 or more.
        octets: what was caught.
        outbound: True from the interface's owner, False to it, None where that is not known.
        comments: what is to be said of it, one text each.
    """

    interface: int
    timestamp_ns: int
    octets: bytes
    outbound: bool | None = None
    comments: tuple[str, ...] = ()


class PcapngWriter:
    """Writes one section; the caller puts the octets where they belong.

    Args:
        interfaces: all interfaces, in the order of their indices.
        application: name of the program that captures.
        comments: what is to be said of the whole capture.
    """

    def __init__(
        self, interfaces: Sequence[Interface], application: str = "cisterna", comments: Sequence[str] = ()
    ) -> None:
        self._interfaces = tuple(interfaces)
        self._application = application
        self._comments = tuple(comments)

    def header(self) -> bytes:
        """Return the octets that begin the file: section header and interface descriptions."""
        options = [(_COMMENT, text.encode()) for text in self._comments]
        options.append((_SHB_USERAPPL, self._application.encode()))
        body = struct.pack("<IHHQ", _BYTE_ORDER_MAGIC, 1, 0, _UNKNOWN_LENGTH)
        blocks = [_block(_SHB, body + _options(options))]
        blocks += [_describe(interface) for interface in self._interfaces]
        return b"".join(blocks)

    def packet(self, packet: Packet) -> bytes:
        """Return the octets of one packet.

        Raises:
            ValueError: there is no such interface, or the time is outside 0..2^64-1 ns.
        """
        if not 0 <= packet.interface < len(self._interfaces):
            raise ValueError(f"packet of interface {packet.interface}; there are {len(self._interfaces)}")
        if not 0 <= packet.timestamp_ns <= _MAX_TIME:
            raise ValueError(f"packet at {packet.timestamp_ns} ns; a time is 0..2^64-1 ns")
        size = len(packet.octets)
        high, low = packet.timestamp_ns >> 32, packet.timestamp_ns & 0xFFFF_FFFF
        body = struct.pack("<IIIII", packet.interface, high, low, size, size) + _padded(packet.octets)
        options = [(_COMMENT, text.encode()) for text in packet.comments]
        if packet.outbound is not None:
            flags = _OUTBOUND if packet.outbound else _INBOUND
            options.append((_EPB_FLAGS, flags.to_bytes(4, "little")))
        return _block(_EPB, body + _options(options))


def read_pcapng(octets: bytes) -> tuple[list[Interface], list[Packet]]:
    """Return the interfaces and packets of a capture file.

    Raises:
        CaptureError: it is none, or it is damaged or cut short.
    """
    interfaces, packets, trouble = salvage_pcapng(octets)
    if trouble is not None:
        raise trouble
    return interfaces, packets


def salvage_pcapng(octets: bytes) -> tuple[list[Interface], list[Packet], CaptureError | None]:
    """Return what can be read of a capture file, and what stopped the reading, None where nothing did.

    A capture whose writer was killed, or whose disk was full, ends inside a block; what came before is good.
    """
    reader = _Reader(octets)
    try:
        for _ in reader.blocks():
            pass
    except CaptureError as error:
        return reader.interfaces, reader.packets, error
    return reader.interfaces, reader.packets, None


# --- Exported PDU -------------------------------------------------------------------------------------

_TAG_END: Final = 0
_TAG_DISSECTOR_NAME: Final = 12


def export_pdu(dissector: str, octets: bytes) -> bytes:
    """Return ``octets`` behind the tags that tell Wireshark to hand them to ``dissector``."""
    name = _padded(dissector.encode("ascii"))
    head = struct.pack(">HH", _TAG_DISSECTOR_NAME, len(name)) + name
    return head + struct.pack(">HH", _TAG_END, 0) + octets


def import_pdu(octets: bytes) -> tuple[str, bytes]:
    """Return the dissector's name (empty where none is given) and the octets behind the tags.

    Raises:
        CaptureError: the tags are cut short.
    """
    at, dissector = 0, ""
    while at + 4 <= len(octets):
        tag, size = struct.unpack_from(">HH", octets, at)
        at += 4
        if tag == _TAG_END:
            return dissector, octets[at:]
        if tag == _TAG_DISSECTOR_NAME:
            dissector = octets[at : at + size].rstrip(b"\0").decode("ascii", "replace")
        at += size
    raise CaptureError(f"exported PDU of {len(octets)} octets: its tags have no end")


# --- writing ------------------------------------------------------------------------------------------


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + _MIN_BLOCK
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _options(options: Sequence[tuple[int, bytes]]) -> bytes:
    """Return the option list; empty texts are left out, long ones cut, as the format has no room for them."""
    parts = [
        struct.pack("<HH", code, len(value)) + _padded(value)
        for code, value in ((code, _cut(value)) for code, value in options)
        if value
    ]
    return b"".join((*parts, struct.pack("<HH", _END, 0))) if parts else b""


def _cut(value: bytes) -> bytes:
    return value if len(value) <= _MAX_OPTION else value[:_MAX_OPTION].decode(errors="ignore").encode()


def _describe(interface: Interface) -> bytes:
    options = [
        (_IF_NAME, interface.name.encode()),
        (_IF_DESCRIPTION, interface.description.encode()),
        (_IF_TSRESOL, bytes((_NANOSECONDS,))),
    ]
    return _block(_IDB, struct.pack("<HHI", interface.linktype, 0, 0) + _options(options))


# --- reading ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Clock:
    """How an interface counts time: ticks a second, and the seconds at which its count begins."""

    ticks: int
    offset_s: int

    def ns(self, count: int) -> int:
        return count * 1_000_000_000 // self.ticks + self.offset_s * 1_000_000_000


@dataclass(slots=True)
class _Reader:
    octets: bytes
    order: str = "<"
    interfaces: list[Interface] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    clocks: list[_Clock] = field(default_factory=list)
    first: int = 0
    """Index of the present section's first interface: each section counts its own from 0."""

    def blocks(self) -> Iterator[int]:
        """Take one block after the other, and yield where each began."""
        at, size = 0, len(self.octets)
        if size < 4 or self._word(0) != _SHB:
            raise CaptureError("this is no pcapng file: it does not begin with a section header block")
        while at < size:
            if size - at < _MIN_BLOCK:
                raise CaptureError(f"the file is cut short: {size - at} octets are left at offset {at}")
            kind = self._word(at)
            if kind == _SHB:
                self._section(at)
            length = self._word(at + 4)
            if length < _MIN_BLOCK or length % 4:
                raise CaptureError(f"the block at offset {at} says it has {length} octets, which none can")
            if at + length > size:
                raise CaptureError(
                    f"the file is cut short: the block at offset {at} has {length} octets, "
                    f"{size - at} are left"
                )
            if self._word(at + length - 4) != length:
                raise CaptureError(f"the block at offset {at} is damaged: its two lengths differ")
            self._take(kind, at, self.octets[at + 8 : at + length - 4])
            yield at
            at += length

    def _word(self, at: int) -> int:
        return int.from_bytes(self.octets[at : at + 4], "little" if self.order == "<" else "big")

    def _section(self, at: int) -> None:
        magic = self.octets[at + 8 : at + 12]
        if magic == _BYTE_ORDER_MAGIC.to_bytes(4, "little"):
            self.order = "<"
        elif magic == _BYTE_ORDER_MAGIC.to_bytes(4, "big"):
            self.order = ">"
        else:
            raise CaptureError(f"the section header at offset {at} has no byte-order mark")
        self.first = len(self.interfaces)

    def _take(self, kind: int, at: int, body: bytes) -> None:
        try:
            if kind == _IDB:
                self._interface(body)
            elif kind == _EPB:
                self._packet(body)
        except struct.error:
            raise CaptureError(f"the block at offset {at} is too short for what it is") from None
        except CaptureError as error:
            raise CaptureError(f"the block at offset {at}: {error}") from None

    def _interface(self, body: bytes) -> None:
        (linktype,) = struct.unpack_from(self.order + "HxxI", body)[:1]
        texts = {_IF_NAME: "", _IF_DESCRIPTION: ""}
        clock = _Clock(1_000_000, 0)
        for code, value in self._option_list(body[8:]):
            if code in texts:
                texts[code] = value.rstrip(b"\0").decode("utf-8", "replace")
            elif code == _IF_TSRESOL and len(value) == 1:
                clock.ticks = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
            elif code == _IF_TSOFFSET and len(value) == 8:
                (clock.offset_s,) = struct.unpack(self.order + "q", value)
        self.interfaces.append(Interface(linktype, texts[_IF_NAME], texts[_IF_DESCRIPTION]))
        self.clocks.append(clock)

    def _packet(self, body: bytes) -> None:
        number, high, low, size, _ = struct.unpack_from(self.order + "IIIII", body)
        index = self.first + number
        if index >= len(self.interfaces):
            raise CaptureError(f"a packet of interface {number}, which is not described")
        if size > len(body) - 20:
            raise CaptureError(f"a packet of {size} octets, of which {len(body) - 20} are there")
        outbound: bool | None = None
        comments: list[str] = []
        for code, value in self._option_list(body[20 + size + (-size % 4) :]):
            if code == _COMMENT:
                comments.append(value.decode("utf-8", "replace"))
            elif code == _EPB_FLAGS and len(value) == 4:
                (flags,) = struct.unpack(self.order + "I", value)
                outbound = {_INBOUND: False, _OUTBOUND: True}.get(flags & 3)
        time_ns = self.clocks[index].ns(high << 32 | low)
        self.packets.append(Packet(index, time_ns, body[20 : 20 + size], outbound, tuple(comments)))

    def _option_list(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 4 <= len(octets):
            code, size = struct.unpack_from(self.order + "HH", octets, at)
            at += 4
            if code == _END:
                return
            if at + size > len(octets):
                raise CaptureError(f"option {code} says {size} octets, {len(octets) - at} are left")
            yield code, octets[at : at + size]
            at += size + (-size % 4)
