"""What the real `tshark` makes of packets with our dissector: one run for many packets, as plain values."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from protocol.capture.pcapng import (
    LINKTYPE_USER0,
    LINKTYPE_WIRESHARK_UPPER_PDU,
    Interface,
    Packet,
    PcapngWriter,
    export_pdu,
)
from protocol.frame import Direction

TSHARK = shutil.which("tshark")
REASON = (
    "tshark is not installed (on Debian and Ubuntu: apt-get install tshark), so nothing compares the "
    "Wireshark dissector with the codec"
)
_INTERFACES = (
    Interface(LINKTYPE_USER0, "link", "link frames"),
    Interface(LINKTYPE_WIRESHARK_UPPER_PDU, "bodies", "messages"),
)
DISSECTORS = ("oitp", "oitp.app")


@dataclass(frozen=True, slots=True)
class Shown:
    """One field as the dissector shows it: where it stands in the packet, its octets and its text."""

    name: str
    at: int
    size: int
    octets: bytes
    show: str
    label: str


@dataclass(slots=True)
class Dissected:
    """One packet: the fields in the order of the tree, and the names of the expert infos."""

    fields: list[Shown] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def first(self, name: str) -> str | None:
        """The text of the first field called `name`."""
        return next((shown.show for shown in self.fields if shown.name == name), None)


def frame_packet(
    octets: bytes, direction: Direction | None = None, comments: tuple[str, ...] = (), at_ms: int = 0
) -> Packet:
    """A link frame as a capture holds it: directions as the pump sees them."""
    outbound = None if direction is None else direction is Direction.TO_PROGRAMMER
    return Packet(0, at_ms * 1_000_000, octets, outbound, comments)


def message_packet(plaintext: bytes, at_ms: int = 0) -> Packet:
    """A decrypted message as a capture holds it."""
    return Packet(1, at_ms * 1_000_000, export_pdu("oitp.app", plaintext), None)


MESSAGE_AT = len(export_pdu("oitp.app", b""))
"""Where the message begins in its packet."""


def run_tshark(folder: Path, *arguments: str) -> str:
    """Run tshark without the settings of whoever runs the tests, and return what it prints."""
    assert TSHARK is not None
    home = str(folder)
    done = subprocess.run(
        [TSHARK, *arguments],
        capture_output=True,
        check=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        env=os.environ | {"HOME": home, "XDG_CONFIG_HOME": home, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
    return done.stdout


def dissect(packets: Sequence[Packet], script: str, folder: Path) -> list[Dissected]:
    """Hand all packets to one tshark with `script` as its dissector."""
    lua, capture = folder / "oitp.lua", folder / "packets.pcapng"
    lua.write_text(script, encoding="utf-8")
    writer = PcapngWriter(_INTERFACES)
    capture.write_bytes(writer.header() + b"".join(map(writer.packet, packets)))
    printed = run_tshark(
        folder, "-X", f"lua_script:{lua}", "-r", str(capture), "-T", "pdml", "-J", " ".join(DISSECTORS)
    )
    results = [_read_packet(packet) for packet in ET.fromstring(printed).iter("packet")]  # noqa: S314 - ours
    assert len(results) == len(packets)
    return results


def _read_packet(packet: ET.Element) -> Dissected:
    dissected = Dissected()
    for proto in packet.iter("proto"):
        if proto.get("name") in DISSECTORS:
            for shown in proto.iter("field"):
                _read_field(shown, dissected)
    return dissected


def _read_field(shown: ET.Element, dissected: Dissected) -> None:
    name, label = shown.get("name", ""), shown.get("showname", "")
    if name == "_ws.expert":
        names = (inner.get("name", "") for inner in shown)
        dissected.faults += [name for name in names if not name.startswith("_ws.")]
    if "Lua Error" in label:
        dissected.trouble.append(label)
    if name.startswith("oitp."):
        octets = bytes.fromhex(shown.get("unmaskedvalue") or shown.get("value") or "")
        at, size = int(shown.get("pos", "0")), int(shown.get("size", "0"))
        dissected.fields.append(Shown(name, at, size, octets, shown.get("show", ""), label))
