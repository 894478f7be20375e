"""Making a session service from what the command line says."""

import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from programmer_tui.connection import Connector
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
    """

    link: str
    records: Path
    operator: str = ""
    serial: str = ""
    baud: int = 115_200
    client_kind: ClientKind = ClientKind.SCRIPT


def make_service(options: SessionOptions, capture: ProgrammerCapture | None = None) -> SessionService:
    """Return a session service on a real link, recorded in ``capture`` where one is given.

    Raises:
        RecordsError: the clinic's records cannot be opened.
    """

    def open_client() -> PumpClient:
        link = open_link(options.link, baud=options.baud)
        return PumpClient(
            link if capture is None else capture.link(link),
            client_kind=options.client_kind,
            operator=options.operator,
            observe=capture.observe if capture else None,
            plaintext_tap=capture.recorder.plaintext_tap if capture else None,
        )

    records = Records(options.records, system_entropy)
    return SessionService(
        Connector(open_client, records, options.serial),
        link_name=options.link,
        now_ms=monotonic_ms,
        now_utc_s=lambda: int(time.time()),
        entropy=system_entropy,
        operator=options.operator,
    )
