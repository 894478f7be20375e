"""What every verb of `cisterna pump` starts from: the options of the session, and a service made of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from programmer_tui.session import SessionService
from programmer_tui.views import Belief
from workbench.commands.shared import announce_lab, reported
from workbench.recorded_link import ProgrammerCapture
from workbench.sessions import SessionOptions, make_emergency_service, make_service


@dataclass(frozen=True, slots=True)
class PumpContext:
    """What every verb starts from."""

    options: SessionOptions
    capture: ProgrammerCapture | None = None

    def service(self) -> SessionService:
        """Return a session service that is not connected yet."""
        return make_service(self.options, self.capture)

    @contextmanager
    def session(self, *, as_json: bool = False) -> Iterator[SessionService]:
        """Give a connected service; whatever goes wrong is reported and ends the command."""
        with reported(as_json=as_json), _connected(self.service()) as service:
            yield service

    @contextmanager
    def emergency(self, pump_public: bytes | None, *, as_json: bool = False) -> Iterator[SessionService]:
        """Give a service connected with the published emergency key; reports as `session`."""
        with reported(as_json=as_json):
            service = make_emergency_service(self.options, pump_public, self.capture)
            with _connected(service):
                yield service

    def read(self, *, as_json: bool) -> Belief:
        """Connect, interrogate and close."""
        with self.session(as_json=as_json) as service:
            return service.interrogate()


@contextmanager
def _connected(service: SessionService) -> Iterator[SessionService]:
    try:
        service.connect()
        if service.view.in_lab:
            announce_lab()
        yield service
    finally:
        service.close()
