"""Making a session service from what the command line says."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from programmer_tui.connection import Connector, EmergencyConnector, FarConnector, LabConnector
from programmer_tui.records import Records
from programmer_tui.session import SessionService
from protocol.client import PumpClient
from protocol.link import monotonic_ms, open_link, system_entropy
from protocol.vocabulary import ClientKind
from workbench.recorded_link import ProgrammerCapture


def default_records() -> Path:
    """Return where the clinic's records lie unless ``--records`` says otherwise."""
    return Path(platformdirs.user_data_dir("cisterna", appauthor=False)) / "records.sqlite"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What every command that talks to a pump takes.

    Attributes:
        link: link text, see `protocol.link.open_link`.
        records: the clinic's store.
        operator: who works here, up to 16 octets of UTF-8.
        serial: serial number the pump must have, empty for whichever bonded pump answers.
        baud: line speed of real serial ports.
        client_kind: what kind of program asks.
        near: link text of the near link where ``link`` is the far one and shall treat; empty for neither.
        lab: open a lab plaintext session, without a bond.
    """

    link: str
    records: Path
    operator: str = ""
    serial: str = ""
    baud: int = 115_200
    client_kind: ClientKind = ClientKind.SCRIPT
    near: str = ""
    lab: bool = False


def make_service(options: SessionOptions, capture: ProgrammerCapture | None = None) -> SessionService:
    """Return a session service on a real link, recorded in ``capture`` where one is given.

    Raises:
        RecordsError: the clinic's records cannot be opened.
    """
    records = Records(options.records, system_entropy)
    return _service(options, _connector(options, records, capture))


def make_emergency_service(
    options: SessionOptions, pump_public: bytes | None, capture: ProgrammerCapture | None = None
) -> SessionService:
    """Return a session service that connects with the published emergency key.

    ``pump_public`` is the pump's key from its card; None looks for it among the bonds.

    Raises:
        RecordsError: the clinic's records cannot be opened.
    """
    records = Records(options.records, system_entropy)
    connector = EmergencyConnector(_opener(options, options.link, capture), records, pump_public=pump_public)
    return _service(options, connector)


def _connector(options: SessionOptions, records: Records, capture: ProgrammerCapture | None) -> Connector:
    open_client = _opener(options, options.link, capture)
    if options.lab:
        return LabConnector(open_client, records, options.serial)
    if options.near:
        # A capture is of one link: what is said on the near one, a token, is no part of it.
        open_near = _opener(options, options.near, None)
        return FarConnector(open_client, records, options.serial, open_near=open_near)
    return Connector(open_client, records, options.serial)


def _opener(
    options: SessionOptions, link_text: str, capture: ProgrammerCapture | None
) -> Callable[[], PumpClient]:
    def open_client() -> PumpClient:
        link = open_link(link_text, baud=options.baud)
        return PumpClient(
            link if capture is None else capture.link(link),
            client_kind=options.client_kind,
            operator=options.operator,
            observe=capture.observe if capture else None,
            plaintext_tap=capture.recorder.plaintext_tap if capture else None,
        )

    return open_client


def _service(options: SessionOptions, connector: Connector) -> SessionService:
    return SessionService(
        connector,
        link_name=options.link,
        now_ms=monotonic_ms,
        now_utc_s=lambda: int(time.time()),
        entropy=system_entropy,
        operator=options.operator,
    )
