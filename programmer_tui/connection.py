"""Getting a session with the right pump: which bond fits the pump that answers, and making a new bond."""

from collections.abc import Callable
from dataclasses import dataclass

from programmer_tui.records import Records, StoredPump
from protocol.client import PumpClient
from protocol.client_errors import NotBondedError, WrongPumpError
from protocol.link_control import HelloResponse, key_hint
from protocol.vocabulary import Role


@dataclass(frozen=True, slots=True)
class CardDetails:
    """What the implant card says: the secret is needed once, to enrol."""

    serial: str
    static_public: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class Connector:
    """Opens sessions for one programmer.

    Attributes:
        open_client: opens the link and returns a client on it.
        records: the clinic's store with key and bonds.
        serial: serial number the pump must have, empty for whichever bonded pump answers.
    """

    open_client: Callable[[], PumpClient]
    records: Records
    serial: str = ""

    def connect(self) -> tuple[PumpClient, StoredPump]:
        """Open a session with the pump that answers.

        Raises:
            WrongPumpError: it is not the pump asked for.
            NotBondedError: there is no bond with it.
            ClientError, LinkError: the pump or the link failed.
        """
        client = self.open_client()
        try:
            pump = self._choose(client.discover())
            client.open_session(self.records.bond_key(pump))
            told = client.get_device_info().serial
            if told != pump.serial:
                raise WrongPumpError(f"The pump says serial number {told}, the bond says {pump.serial}.")
        except BaseException:
            client.close()
            raise
        return client, pump

    def _choose(self, found: HelloResponse) -> StoredPump:
        """Return the bond with the pump that answered; only its key hint tells, before any secret is used."""
        pumps = self.records.pumps()
        known = next((p for p in pumps if key_hint(p.static_public, found.echo) == found.key_hint), None)
        if self.serial and (known is None or known.serial != self.serial):
            other = known.serial if known else "a pump without a bond"
            raise WrongPumpError(
                f"Wrong pump: {other} answered, {self.serial} was asked for. Check the link."
            )
        if known is None:
            raise NotBondedError(
                "This programmer has no bond with the pump on this link. "
                "Enrol it with the pump's implant card (--card FILE)."
            )
        return known

    def enrol(self, card: CardDetails, label: str, role: Role = Role.CLINICIAN) -> StoredPump:
        """Bond this programmer to the pump of ``card`` and remember it.

        Raises:
            WrongPumpError: another pump answered.
            NotBondedError: the card's secret is not this pump's.
            ClientError, LinkError: the pump or the link failed.
        """
        client = self.open_client()
        try:
            key = client.enrol(card.secret, card.static_public, self.records.private_key, role, label)
        finally:
            client.close()
        pump = StoredPump(card.static_public, key.slot, card.serial)
        self.records.remember_pump(pump)
        return pump
