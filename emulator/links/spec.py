"""The link text of the emulator's command line, and the link it stands for."""

import os
from dataclasses import dataclass

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.base import PumpLink
from emulator.links.serial_port import SerialPortLink
from emulator.links.tcp import TcpLink
from protocol.link import DEFAULT_BAUD
from protocol.link_error import LinkError
from protocol.link_text import parse_tcp_address

FORMS = "pty:PATH, tcp:HOST:PORT or serial:DEVICE"


@dataclass(frozen=True, slots=True)
class PtySpec:
    """``pty:PATH``: a pseudo-terminal whose symlink is published at `path`."""

    path: str


@dataclass(frozen=True, slots=True)
class TcpSpec:
    """``tcp:HOST:PORT``: a TCP port, 0 for any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SerialSpec:
    """``serial:DEVICE``: a serial device or pySerial URL."""

    device: str


LinkSpec = PtySpec | TcpSpec | SerialSpec


def parse_link_spec(text: str) -> LinkSpec:
    """Read ``pty:PATH``, ``tcp:HOST:PORT`` or ``serial:DEVICE``.

    Raises:
        EmulatorError: BAD_LINK.
    """
    kind, _, rest = text.strip().partition(":")
    if kind not in {"pty", "tcp", "serial"} or not rest:
        raise EmulatorError(
            EmulatorFailure.BAD_LINK, f"link {text!r} is not understood; give {FORMS}, such as pty:/tmp/pump"
        )
    if kind == "pty":
        return _pty_spec(text, rest)
    if kind == "serial":
        return SerialSpec(rest)
    try:
        return TcpSpec(*parse_tcp_address(rest))
    except LinkError as failure:
        raise EmulatorError(EmulatorFailure.BAD_LINK, str(failure)) from None


def make_link(
    spec: LinkSpec, *, baud: int = DEFAULT_BAUD, allow_remote: bool = False, busy_notice: bytes = b""
) -> PumpLink:
    """Return the link for `spec`, not started yet.

    Args:
        spec: what `parse_link_spec` returned.
        baud: line speed of a serial device in bit/s.
        allow_remote: let a TCP link listen on an address that other machines can reach.
        busy_notice: octets a TCP link sends to a second client before it closes that connection.

    Raises:
        EmulatorError: LINK_UNSUPPORTED where the machine has no pseudo-terminals.
    """
    match spec:
        case TcpSpec(host, port):
            return TcpLink(host, port, allow_remote=allow_remote, busy_notice=busy_notice)
        case SerialSpec(device):
            return SerialPortLink(device, baud=baud)
        case PtySpec(path):
            return _pty_link(path)


def _pty_spec(text: str, path: str) -> PtySpec:
    if path.endswith(os.sep) or "\0" in path:
        raise EmulatorError(
            EmulatorFailure.BAD_LINK, f"link {text!r} names no file; give a path such as pty:/tmp/pump"
        )
    return PtySpec(path)


def _pty_link(path: str) -> PumpLink:
    try:
        from emulator.links.pty import PtyLink  # noqa: PLC0415 - needs modules that some systems lack
    except ImportError:
        raise EmulatorError(
            EmulatorFailure.LINK_UNSUPPORTED,
            "this system has no pseudo-terminals; use tcp:127.0.0.1:0 instead",
        ) from None
    return PtyLink(path)
