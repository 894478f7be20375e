"""Runs one pump on one link, or on a near and a far one: what `cisterna emulate` does."""

import logging
import os
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from emulator.capture_file import STDOUT, CaptureFile, CaptureFileError, Recording
from emulator.clock import PumpClock, Speed
from emulator.errors import EmulatorError, EmulatorFailure
from emulator.host import Host
from emulator.lab import check_lab_links, lab_words
from emulator.links import LinkSpec, PumpLink, make_link, parse_link_spec
from emulator.links.base import EMULATED_GAP_MS
from emulator.links.spec import SerialSpec
from emulator.signals import HEAD_SIGNAL, on_signals, stop_on_signals
from firmware_model.defects import NO_DEFECTS, Defect, announcement
from firmware_model.factory import make_pump
from firmware_model.profiles import ProfileError
from firmware_model.pump import Pump
from firmware_model.setups import SetupError
from protocol.capture.recorder import Recorder
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import NO_LINK_ID, Direction, Frame, FrameKind, to_wire
from protocol.link import DEFAULT_BAUD, monotonic_ms, system_entropy
from protocol.link_control import LinkClass, LinkError, LinkErrorCode, encode_link
from protocol.vocabulary import Role

DISCLAIMER: Final = "SIMULATION - NOT FOR CLINICAL USE"

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
        link_class: what kind of link ``link`` is: near, under the programming head, or far.
        far_link: a second, far link of the same pump, None for none; its capture is a file of its own.
        far_link_feature: build the pump with the far-link feature, which every far link needs.
        lab_role: answer lab plaintext in this role, None for never.
        defects: software defects put into the pump on purpose, none unless asked for.
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
    link_class: LinkClass = LinkClass.NEAR
    far_link: str | None = None
    far_link_feature: bool = False
    lab_role: Role | None = None
    defects: Defect = NO_DEFECTS


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One link of the emulated pump, and the file it is recorded in."""

    link: PumpLink
    endpoint: PumpEndpoint
    recorder: Recorder | None
    capture: str | None


class Emulator:
    """One pump on its links; use it as a context manager.

    Making it builds the pump and touches nothing outside; entering it opens the link.

    Args:
        config: what to emulate.

    Raises:
        EmulatorError: BAD_LINK, LAB_REFUSED, BAD_SPEED, UNKNOWN_PROFILE, BAD_SETUP.
        CaptureFileError: two links cannot be recorded on standard output.
    """

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        spec = parse_link_spec(config.link)
        far_spec = parse_link_spec(config.far_link) if config.far_link is not None else None
        _check_links(config, [spec] if far_spec is None else [spec, far_spec])
        self._is_cable = isinstance(spec, SerialSpec)
        self.clock = PumpClock(monotonic_ms, speed=config.speed)
        self.pump = _make_pump(config)
        near = self._end(spec, config.link_class, config.capture)
        self.link, self.endpoint, self.recorder = near.link, near.endpoint, near.recorder
        self.host = Host(self.pump, near.endpoint, near.link, self.clock)
        self._ends = [near]
        if far_spec is not None:
            far = self._end(far_spec, LinkClass.FAR, _far_capture(config.capture))
            self.host.add_link(far.endpoint, far.link)
            self._ends.append(far)
        self._recordings: list[Recording] = []

    def _end(self, spec: LinkSpec, link_class: LinkClass, capture: str | None) -> LinkEnd:
        config = self.config
        recorder = None if capture is None else _make_recorder(bodies=config.capture_bodies)
        link = make_link(spec, baud=config.baud, allow_remote=config.allow_remote, busy_notice=_busy_notice())
        endpoint = PumpEndpoint(
            self.pump,
            system_entropy,
            link_class=link_class,
            gap_ms=EMULATED_GAP_MS,
            lab_role=config.lab_role,
            plaintext_tap=recorder.plaintext_tap if recorder else None,
        )
        return LinkEnd(link, endpoint, recorder, capture)

    def __enter__(self) -> Self:
        try:
            for port, end in enumerate(self._ends):
                end.link.start()
                self._record(port, end)
        except (EmulatorError, CaptureFileError):
            self._close()
            raise
        if self.config.lab_role is not None:
            _log.warning("%s", lab_words(self.config.lab_role))
        if self.config.defects:
            _log.warning("%s", announcement(self.config.defects))
        return self

    def _record(self, port: int, end: LinkEnd) -> None:
        if end.recorder is not None and end.capture is not None:
            recording = Recording(end.recorder, CaptureFile(end.capture, _log.error))
            self._recordings.append(recording)
            self.host.record(recording, port)

    def __exit__(self, *_: object) -> None:
        self._close()
        _log.info("pump %s has left %s", self.pump.identity.serial, self.link.address)

    def _close(self) -> None:
        for end in self._ends:
            end.link.close()
        for recording in self._recordings:
            recording.close()

    @property
    def far_address(self) -> str:
        """The text that a programmer opens the far link with, empty where there is none."""
        return self._ends[1].link.address if len(self._ends) > 1 else ""

    @property
    def ready_line(self) -> str:
        """One line that says where the pump is, which one it is, and how to connect."""
        lab, far = self.config.lab_role, self.far_address
        parts = [
            f"Ready: {self.link.address}",
            (
                f"pump {self.pump.identity.serial}, {self.pump.profile.name}, "
                f"seed {self.config.seed}, speed x{self.clock.speed}"
            ),
            f"Far link: {far}" if far else "",
            f"Connect with: cisterna program {self._far_end}{' --lab' if lab else ''}",
            lab_words(lab) if lab else "",
            announcement(self.config.defects),
            DISCLAIMER,
        ]
        return "  ".join(part for part in parts if part)

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

    def toggle_head(self) -> None:
        """Take the programming head off the pump, or put it back; from any thread or signal handler."""
        self.host.toggle_head()


def run_emulator(
    config: EmulatorConfig,
    announce: Callable[[str], None],
    *,
    on_start: Callable[[Pump], None] | None = None,
) -> None:
    """Emulate a pump until SIGINT, SIGTERM or SIGHUP; its links are gone when this returns.

    SIGUSR1, where there is one, takes the programming head off the pump, and puts it back the next time.

    Args:
        config: what to emulate.
        announce: told one line when the pump can be connected to.
        on_start: told the pump before that, for instance to write its implant card.

    Raises:
        EmulatorError: with the reason and with what would be right.
        CaptureFileError: the capture cannot be written.
    """
    emulator = Emulator(config)
    head = {HEAD_SIGNAL: emulator.toggle_head}
    with stop_on_signals(emulator.stop), on_signals(head), emulator:
        if on_start is not None:
            on_start(emulator.pump)
        if config.end_with_stdin:
            threading.Thread(target=_stop_at_end, args=(emulator.stop,), daemon=True).start()
        announce(emulator.ready_line)
        emulator.run()


def _make_pump(config: EmulatorConfig) -> Pump:
    utc_s = int(time.time()) if config.utc_s is None else config.utc_s
    try:
        return make_pump(
            config.profile,
            seed=config.seed,
            utc_s=utc_s,
            setup=config.setup,
            far_link=config.far_link_feature,
            defects=config.defects,
        )
    except ProfileError as failure:
        raise EmulatorError(EmulatorFailure.UNKNOWN_PROFILE, str(failure)) from None
    except (SetupError, ValueError) as failure:
        raise EmulatorError(EmulatorFailure.BAD_SETUP, str(failure)) from None


def _check_links(config: EmulatorConfig, specs: list[LinkSpec]) -> None:
    far = config.far_link is not None or config.link_class is LinkClass.FAR
    if far and not config.far_link_feature:
        raise EmulatorError(
            EmulatorFailure.BAD_LINK, "this pump has no far link; build it with --far-link-feature"
        )
    if config.far_link is not None and config.link_class is LinkClass.FAR:
        raise EmulatorError(
            EmulatorFailure.BAD_LINK, "both links would be far; leave --link-class away, or --far-link"
        )
    if config.lab_role is not None:
        check_lab_links(specs, allow_remote=config.allow_remote)
    if config.far_link is not None and config.capture == STDOUT:
        raise CaptureFileError(
            "Two links are not recorded on standard output; name a file, or leave one away."
        )


def _far_capture(capture: str | None) -> str | None:
    """Return the file of the far link's capture: ``x.pcapng`` has ``x.far.pcapng`` beside it."""
    if capture is None:
        return None
    path = Path(capture)
    return str(path.with_name(f"{path.stem}.far{path.suffix}"))


def _make_recorder(*, bodies: bool) -> Recorder:
    return Recorder(bodies=bodies, endpoint=Direction.TO_PUMP, gap_ms=EMULATED_GAP_MS)


def _busy_notice() -> bytes:
    """Return what a second client is told: LINK_ERROR busy, before any link id exists."""
    payload = encode_link(LinkError(LinkErrorCode.BUSY, 0))
    return to_wire(Frame(FrameKind.LINK, Direction.TO_PROGRAMMER, 0, NO_LINK_ID, payload))


def _stop_at_end(stop: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    stop()
