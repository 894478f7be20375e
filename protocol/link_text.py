"""What a link text means: a device path, a TCP address or a pySerial URL."""

from typing import Final

from protocol.link_error import LinkFailure, link_error

_SCHEMES: Final = frozenset({"pty", "serial", "tcp"})


def serial_target(text: str) -> str:
    """Return the device path or pySerial URL that `text` stands for; ``tcp:`` becomes ``socket://``.

    Raises:
        LinkError: BAD_URL.
    """
    text = text.strip()
    scheme, colon, rest = text.partition(":")
    if "://" in text:
        return text
    if colon and scheme in _SCHEMES:
        if not rest:
            raise link_error(LinkFailure.BAD_URL, repr(text), f"it names nothing after {scheme}:")
        return f"socket://{rest}" if scheme == "tcp" else rest
    if not text or (colon and "/" not in scheme):
        raise link_error(LinkFailure.BAD_URL, repr(text))
    return text


def socket_address(target: str) -> tuple[str, int] | None:
    """Return host and port of a plain ``socket://`` target, None for every other target.

    Raises:
        LinkError: BAD_URL.
    """
    if not target.startswith("socket://") or "?" in target:
        return None
    host, port = parse_tcp_address(target.removeprefix("socket://").rstrip("/"))
    if port == 0:
        raise link_error(
            LinkFailure.BAD_URL, target, "port 0 cannot be called; give the one the pump printed"
        )
    return host, port


def parse_tcp_address(text: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` (or ``[IPV6]:PORT``) into host and port, 0..65535.

    Raises:
        LinkError: BAD_URL.
    """
    host, _, port_text = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        raise link_error(LinkFailure.BAD_URL, repr(text), "TCP needs HOST:PORT, as 127.0.0.1:5333")
    if not (port_text.isascii() and port_text.isdigit() and int(port_text) <= 0xFFFF):
        raise link_error(LinkFailure.BAD_URL, repr(text), "a TCP port is a number from 0 to 65535")
    return host, int(port_text)
