"""A whole pump behind its real endpoint on virtual time, and the programmers of a clinician and a patient.

Every session is on a line of its own and is closed again, as at a visit; in between only time passes. What is
read from the pump goes through the protocol, what is really so is read from the plant.
"""

from dataclasses import replace

import msgspec

from emulator.clock import PumpClock
from emulator.host import Host
from emulator.links import MemoryPumpLink
from firmware_model.defects import Defect
from firmware_model.factory import build_pump
from firmware_model.pump import Pump
from firmware_model.setups import Setup
from firmware_model.streams import Stream
from protocol.client import BondKey, PumpClient
from protocol.client_errors import ClientError, PumpRefusedError
from protocol.endpoint_pump import PumpEndpoint
from protocol.link_error import LinkError
from protocol.memory_link import MemoryLink, VirtualClock, memory_link_pair
from protocol.vocabulary import ClientKind, Role

ENTROPY = "recalls"


class Bench:
    """One pump and those who talk to it.

    Attributes:
        pump: the pump.
        clock: link time, which is pump time too.
        entropy: chance of the programmers.
    """

    def __init__(
        self, profile: str, setup: Setup, name: str, *, seed: int, utc_s: int, defects: Defect
    ) -> None:
        self.pump: Pump = build_pump(profile, seed, utc_s, setup, name, defects)
        self.clock = VirtualClock()
        self.entropy = Stream(seed, f"{ENTROPY}.programmer")
        self._endpoint = PumpEndpoint(self.pump, Stream(seed, f"{ENTROPY}.pump"))
        self._pump_clock = PumpClock(self.clock.now_ms)
        self._host = self._attach()[1]
        self._keys: dict[Role, BondKey] = {}

    def _attach(self) -> tuple[MemoryLink, Host]:
        line, peer = memory_link_pair(self.clock)
        host = Host(self.pump, self._endpoint, MemoryPumpLink(peer), self._pump_clock)
        peer.attach(host.step)
        self._host = host
        return line, host

    def settle(self) -> None:
        """Let the pump live up to now."""
        self._host.step(self.clock.now_ms())

    def advance(self, span_ms: int) -> None:
        """Let time pass, for the pump and on the link."""
        self.clock.advance_to(self.clock.now_ms() + span_ms)
        self.settle()

    def client(self) -> tuple[PumpClient, MemoryLink]:
        """Return a client on a new line, not connected, and that line."""
        line, _ = self._attach()
        client = PumpClient(line, entropy=self.entropy, client_kind=ClientKind.PROGRAMMER, operator="recall")
        return client, line

    def key(self, role: Role) -> BondKey:
        """Return the bond of a role, made with the implant card at the first use.

        Raises:
            ClientError, LinkError: the pump or the link failed.
        """
        if role not in self._keys:
            client, _ = self.client()
            card = self.pump.card
            private = self.entropy(32)
            try:
                key = client.enrol(card.secret, card.static_public, private, role, role.name.lower())
            finally:
                client.close()
            self._keys[role] = key
        return self._keys[role]

    def session(self, role: Role) -> tuple[PumpClient, MemoryLink]:
        """Return an open session of a role and its line.

        Raises:
            ClientError, LinkError: the pump or the link failed.
        """
        key = self.key(role)
        client, line = self.client()
        try:
            client.connect(key)
        except BaseException:
            client.close()
            raise
        return client, line


def changed_setup(setup: Setup, changes: dict[str, int | None], limits: dict[str, int]) -> Setup:
    """Return a situation with other values; None leaves one as it is.

    Raises:
        TypeError: there is no such limit.
        ValueError: a pump on the shelf has no therapy to change.
    """
    told = {name: value for name, value in changes.items() if value is not None}
    if not told and not limits:
        return setup
    if setup.therapy is None:
        raise ValueError("a pump on the shelf has no therapy to change")
    therapy = msgspec.structs.replace(setup.therapy, **told)
    therapy = msgspec.structs.replace(therapy, limits=replace(therapy.limits, **limits))
    return msgspec.structs.replace(setup, therapy=therapy)


__all__ = ["Bench", "ClientError", "LinkError", "PumpRefusedError", "changed_setup"]
