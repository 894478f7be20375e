"""Lab plaintext: on which links a pump may answer without keys, and how that is announced.

Whoever can open such a link commands the pump, so it must be one that no other machine can reach: a
pseudo-terminal, a loopback port, or memory. Source: OITP/1 section 23 (f).
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from emulator.errors import EmulatorError, EmulatorFailure
from emulator.links.spec import LinkSpec, SerialSpec, TcpSpec
from protocol.vocabulary import Role

LAB_ROLES: Final = (Role.CLINICIAN, Role.PATIENT, Role.SERVICE, Role.READER)
"""Roles that a pump may give to whoever comes: those a bond can have."""


def check_lab_links(specs: Iterable[LinkSpec], *, allow_remote: bool) -> None:
    """Refuse links on which lab plaintext must not be answered.

    A host name is looked up when the link starts, which refuses it unless it is a loopback address.

    Raises:
        EmulatorError: LAB_REFUSED.
    """
    if allow_remote:
        raise _refused("remote programmers are allowed; leave --allow-remote away")
    for spec in specs:
        if isinstance(spec, SerialSpec):
            raise _refused(
                f"serial:{spec.device} may lead to another machine; use pty: or tcp:127.0.0.1:PORT"
            )
        if isinstance(spec, TcpSpec) and not _may_be_loopback(spec.host):
            raise _refused(f"tcp:{spec.host} is no loopback address; use tcp:127.0.0.1:PORT or pty:")


def lab_words(role: Role) -> str:
    """Return the announcement of lab plaintext."""
    return f"LAB PLAINTEXT: nothing is encrypted, whoever opens the link is {role.name.lower()}"


def _may_be_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return True


def _refused(why: str) -> EmulatorError:
    return EmulatorError(
        EmulatorFailure.LAB_REFUSED, f"lab plaintext lets anybody on the link command the pump: {why}"
    )
