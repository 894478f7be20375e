"""Runs one pump on one link: what `cisterna emulate` does."""

import logging
import os
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from emulator.capture_file import CaptureFile, CaptureFileError, Recording
from emulator.clock import PumpClock, Speed
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.host import Host
from emulator.links import make_link, parse_link_spec
from emulator.links.spec import SerialSpec
from emulator.signals import stop_on_signals
from firmware_model.factory import make_pump
from firmware_model.profiles import ProfileError
from firmware_model.pump import Pump
from firmware_model.setups import SetupError
from protocol.capture.recorder import Recorder
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, to_wire
from protocol.link import DEFAULT_BAUD, monotonic_ms, system_entropy
from protocol.link_control import LinkError, LinkErrorCode, encode_link

DISCLAIMER: Final = "SIMULATION - NOT FOR CLINICAL USE"
EMULATED_GAP_MS: Final = 500
"""Longest silence inside a frame on an emulated link, whose host may be busy (OITP/1 section 9)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmulatorConfig:
    """What to emulate, and where.

    Attributes:
        link: ``pty:PATH``, ``tcp:HOST:PORT`` or ``serial:DEVICE``.
        profile: name of the pump profile.
        seed: gives the pump's serial number, keys and card; the same seed gives the same pump.
        setup: name of the situation the pump is in.
        speed: pump time per real time, above 0.
        utc_s: civil time at the start, Unix seconds; None for now.
        baud: line speed of a serial device, bit/s.
        allow_remote: let a TCP link listen on an address that other machines can reach.
        end_with_stdin: end when standard input ends, as it does when whoever started this program is gone.
        capture: file to record the link in, ``-`` for standard output, None for no capture.
        capture_bodies: put decrypted messages into the capture, which then holds patient data.
    """

    link: str
    profile: str = "peristaltic-20"
    seed: int = 0
    setup: str = "first-visit"
    speed: Speed = 1
    utc_s: int | None = None
    baud: int = DEFAULT_BAUD
    allow_remote: bool = False
    end_with_stdin: bool = False
    capture: str | None = None
    capture_bodies: bool = False


class Emulator:
    """One pump on one link; use it as a context manager.

    Making it builds the pump and touches nothing outside; entering it opens the link.

    Args:
        config: what to emulate.

    Raises:
        EmulatorError: BAD_LINK, BAD_SPEED, UNKNOWN_PROFILE, BAD_SETUP.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        spec = parse_link_spec(config.link)
        self._is_cable = isinstance(spec, SerialSpec)
        self.clock = PumpClock(monotonic_ms, speed=config.speed)
        self.pump = _make_pump(config)
        self.link = make_link(
            spec, baud=config.baud, allow_remote=config.allow_remote, busy_notice=_busy_notice()
        )
        self.recorder = _make_recorder(config)
        self.endpoint = PumpEndpoint(
            self.pump,
            system_entropy,
            gap_ms=EMULATED_GAP_MS,
            plaintext_tap=self.recorder.plaintext_tap if self.recorder else None,
        )
        self.host = Host(self.pump, self.endpoint, self.link, self.clock)
        self._recording: Recording | None = None

    def __enter__(self) -> Self:
        self.link.start()
        if self.recorder is not None and self.config.capture is not None:
            try:
                file = CaptureFile(self.config.capture, _log.error)
            except CaptureFileError:
                self.link.close()
                raise
            self._recording = Recording(self.recorder, file)
            self.host.record(self._recording)
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()
        if self._recording is not None:
            self._recording.close()
        _log.info("pump %s has left %s", self.pump.identity.serial, self.link.address)

    @property
    def ready_line(self) -> str:
        """One line that says where the pump is, which one it is, and how to connect."""
        return (
            f"Ready: {self.link.address}  pump {self.pump.identity.serial}, {self.pump.profile.name}, "
            f"seed {self.config.seed}, speed x{self.clock.speed}  "
            f"Connect with: cisterna program {self._far_end}  {DISCLAIMER}"
        )

    @property
    def _far_end(self) -> str:
        # A cable has another name at its other end, and nobody here knows it.
        return "DEVICE, the other end of this line" if self._is_cable else shlex.quote(self.link.address)

    def run(self) -> None:
        """Live until `stop`.

        Raises:
            EmulatorError: LINK_LOST, PUMP_FAILED.
        """
        self.host.run(monotonic_ms)

    def stop(self) -> None:
        """End `run`; from any thread or signal handler."""
        self.host.stop()


def run_emulator(
    config: EmulatorConfig,
    announce: Callable[[str], None],
    *,
    on_start: Callable[[Pump], None] | None = None,
) -> None:
    """Emulate a pump until SIGINT, SIGTERM or SIGHUP; the link is gone when this returns.

    Args:
        config: what to emulate.
        announce: told one line when the pump can be connected to.
        on_start: told the pump before that, for instance to write its implant card.

    Raises:
        EmulatorError: with the reason and with what would be right.
        CaptureFileError: the capture cannot be written.
    """
    emulator = Emulator(config)
    with stop_on_signals(emulator.stop), emulator:
        if on_start is not None:
            on_start(emulator.pump)
        if config.end_with_stdin:
            threading.Thread(target=_stop_at_end, args=(emulator.stop,), daemon=True).start()
        announce(emulator.ready_line)
        emulator.run()


def _make_pump(config: EmulatorConfig) -> Pump:
    utc_s = int(time.time()) if config.utc_s is None else config.utc_s
    try:
        return make_pump(config.profile, seed=config.seed, utc_s=utc_s, setup=config.setup)
    except ProfileError as failure:
        raise EmulatorError(EmulatorFailure.UNKNOWN_PROFILE, str(failure)) from None
    except (SetupError, ValueError) as failure:
        raise EmulatorError(EmulatorFailure.BAD_SETUP, str(failure)) from None


def _make_recorder(config: EmulatorConfig) -> Recorder | None:
    if config.capture is None:
        return None
    return Recorder(bodies=config.capture_bodies, endpoint=Direction.TO_PUMP, gap_ms=EMULATED_GAP_MS)


def _busy_notice() -> bytes:
    """Return what a second client is told: LINK_ERROR busy, before any link id exists."""
    payload = encode_link(LinkError(LinkErrorCode.BUSY, 0))
    return to_wire(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, NO_LINK_ID, payload))


def _stop_at_end(stop: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    stop()
