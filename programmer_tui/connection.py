"""Getting a session with the right pump: which bond fits the pump that answers, and making a new bond.

`Connector` opens a session of a bond. The others open one in the laboratory, where there are no keys, with
the published emergency key, or over the far link with a token that is fetched on the near one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from programmer_tui.records import Records, StoredPump
from protocol.client import BondKey, PumpClient
from protocol.client_errors import NotBondedError, WrongPumpError
from protocol.emergency_key import EMERGENCY_PRIVATE
from protocol.link_control import HelloResponse, key_hint
from protocol.requests import EMERGENCY_SLOT, LAB_SLOT
from protocol.vocabulary import Role


@dataclass(frozen=True, slots=True)
class CardDetails:
    """What the implant card says: the secret is needed once, to enrol."""

    serial: str
    static_public: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class Connection:
    """An open session.

    Attributes:
        client: talks to the pump.
        pump: the pump; its slot is the one that its log names.
        bonded: whether ``pump`` is a bond, to be remembered with what is read from the pump.
        takes_over: whether what an earlier session left unknown is resolved first. With the emergency key
            it is not: that may not ask for receipts, and must not be kept from slowing the pump.
    """

    client: PumpClient
    pump: StoredPump
    bonded: bool = True
    takes_over: bool = True


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

    def connect(self) -> Connection:
        """Open a session with the pump that answers.

        Raises:
            WrongPumpError: it is not the pump asked for.
            NotBondedError: there is no bond with it.
            ClientError, LinkError: the pump or the link failed.
        """
        client = self.open_client()
        try:
            return self._open_session(client, client.discover())
        except BaseException:
            client.close()
            raise

    def _open_session(self, client: PumpClient, found: HelloResponse) -> Connection:
        pump = self._choose(found)
        client.open_session(self.records.bond_key(pump))
        self._check_serial(client, pump)
        return Connection(client, pump)

    @staticmethod
    def _check_serial(client: PumpClient, pump: StoredPump) -> None:
        told = client.get_device_info().serial
        if told != pump.serial:
            raise WrongPumpError(f"The pump says serial number {told}, the bond says {pump.serial}.")

    def _choose(self, found: HelloResponse) -> StoredPump:
        """Return the bond with the pump that answered; only its key hint tells, before any secret is used."""
        known = self._known(found)
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

    def _known(self, found: HelloResponse) -> StoredPump | None:
        pumps = self.records.pumps()
        return next((p for p in pumps if key_hint(p.static_public, found.echo) == found.key_hint), None)

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


@dataclass(frozen=True, slots=True)
class LabConnector(Connector):
    """Opens lab plaintext sessions: no bond, no key, the role is the one the pump was started with."""

    def _open_session(self, client: PumpClient, found: HelloResponse) -> Connection:
        client.open_lab_session()
        serial = client.get_device_info().serial
        if self.serial and serial != self.serial:
            raise WrongPumpError(f"Wrong pump: {serial} answered, {self.serial} was asked for.")
        # Intents need a name of the pump in the records; without a bond its key is not known here.
        name = sha256(f"lab plaintext {serial}".encode()).digest()
        return Connection(client, StoredPump(name, LAB_SLOT, serial), bonded=False)


@dataclass(frozen=True, slots=True)
class EmergencyConnector(Connector):
    """Opens sessions with the published emergency key.

    Attributes:
        pump_public: the pump's key from its implant card; where it is None, a bond must know the pump.
    """

    pump_public: bytes | None = None

    def _open_session(self, client: PumpClient, found: HelloResponse) -> Connection:
        known = self._known(found)
        public = self.pump_public or (known.static_public if known else None)
        if public is None:
            raise NotBondedError(
                "The emergency key works only together with the pump's own key, and this programmer does not "
                "know it. Give the pump's implant card (--card FILE)."
            )
        try:
            client.open_session(BondKey(public, EMERGENCY_SLOT, EMERGENCY_PRIVATE))
        except NotBondedError as error:
            raise NotBondedError(
                "The pump does not accept the emergency key: its program forbids it, or this is its far link."
            ) from error
        return Connection(client, StoredPump(public, EMERGENCY_SLOT, ""), bonded=False, takes_over=False)


@dataclass(frozen=True, slots=True)
class FarConnector(Connector):
    """Opens far-link sessions that may treat, with a proximity token fetched on the near link.

    Attributes:
        open_near: opens the near link and returns a client on it.
    """

    open_near: Callable[[], PumpClient] | None = None

    def _open_session(self, client: PumpClient, found: HelloResponse) -> Connection:
        pump = self._choose(found)
        key = self.records.bond_key(pump)
        client.open_session(key, self._fetch_token(key))
        self._check_serial(client, pump)
        return Connection(client, pump)

    def _fetch_token(self, key: BondKey) -> bytes | None:
        if self.open_near is None:
            return None
        # The session on the near link must be over before the other one begins: a pump is in one at a time.
        with self.open_near() as near:
            near.connect(key)
            return near.proximity_token().token
