"""Explains octets: field by field, and what a receiver makes of them at each acceptance step."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from protocol.capture.pcapng import (
    LINKTYPE_USER0,
    LINKTYPE_WIRESHARK_UPPER_PDU,
    CaptureError,
    Interface,
    Packet,
    import_pdu,
    salvage_pcapng,
)
from protocol.capture.recorder import DISSECTOR, RAW, drop_reason
from protocol.capture.verdict import Knowledge, Outcome, Step, Verdict, cobs_step, judge_piece
from protocol.capture.witness import Witness
from protocol.drops import DropReason
from protocol.frame import Direction
from workbench.generators.octets import Run
from workbench.inspection.anatomy import frame_runs, raw_runs
from workbench.inspection.message import message_runs, read_message
from workbench.inspection.source import PCAPNG_MAGIC, Form, InputError, Part, parts_of

_WIDTH: Final = 16
_HINTS: Final = {
    DropReason.LINK_ID: "--link-id says it",
    DropReason.REPLAY: "--last-counter says it",
    DropReason.AUTH: "needs the session's key",
    DropReason.HEADER: "needs the session's key",
    DropReason.STATE: "only the receiver knows",
    DropReason.LOCKOUT: "only the receiver knows",
    DropReason.HANDSHAKE: "needs the bond's keys",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One thing explained.

    Attributes:
        title: what it is.
        octets: what the runs count from.
        runs: its fields.
        steps: the acceptance steps, none for a plaintext.
        conclusion: what a receiver makes of it, in a sentence or two.
        reason: the reason it is dropped for, None where nothing forbids it.
        comments: what the capture says of it.
    """

    title: str
    octets: bytes
    runs: list[Run]
    conclusion: str
    steps: tuple[Step, ...] = ()
    reason: DropReason | None = None
    comments: tuple[str, ...] = field(default_factory=tuple)


def explain_octets(octets: bytes, form: Form, told: Knowledge) -> list[Explained]:
    """Explain wire octets, a link frame, a plaintext or a capture file.

    Raises:
        InputError: a capture file that holds nothing of OITP/1, or only delimiters.
    """
    if form is Form.AUTO and octets.startswith(PCAPNG_MAGIC):
        return explain_capture(octets, told)
    witness = Witness()
    parts = parts_of(octets, form)
    return [_explain_part(part, number, len(parts), witness, told) for number, part in enumerate(parts, 1)]


def explain_capture(octets: bytes, told: Knowledge) -> list[Explained]:
    """Explain every packet of a capture.

    Raises:
        InputError: it cannot be read at all, or holds nothing of OITP/1.
    """
    interfaces, packets, trouble = salvage_pcapng(octets)
    if trouble is not None and not packets:
        raise InputError(str(trouble))
    witness = Witness()
    found: list[Explained] = []
    for number, packet in enumerate(packets, 1):
        one = _explain_packet(packet, number, interfaces, witness, told)
        if one is not None:
            found.append(one)
    if not found:
        raise InputError("the capture holds no OITP/1 packets (link type 147 or 252)")
    if trouble is not None:
        found.append(Explained("End of the capture", b"", [], f"The rest cannot be read: {trouble}."))
    return found


def _explain_packet(
    packet: Packet, number: int, interfaces: list[Interface], witness: Witness, told: Knowledge
) -> Explained | None:
    direction = told.direction
    if direction is None and packet.outbound is not None:
        direction = Direction.TO_PROGRAMMER if packet.outbound else Direction.TO_PUMP
    linktype = interfaces[packet.interface].linktype
    if linktype == LINKTYPE_WIRESHARK_UPPER_PDU:
        return _explain_body(packet, number)
    if linktype != LINKTYPE_USER0:
        return None
    title = f"Packet {number}"
    marked = drop_reason(packet.comments)
    if not packet.octets:
        return Explained(title, b"", [], "A note without a packet.", comments=packet.comments)
    if marked is not None and marked[0] in RAW:
        conclusion = f"Dropped as {marked[0].value}: {marked[0].text}"
        runs = raw_runs(packet.octets)
        title += ": a piece that is no frame"
        return Explained(title, packet.octets, runs, conclusion, (), marked[0], packet.comments)
    verdict = witness.judge(packet.octets, direction, told)
    return _explained(f"{title}: link frame, {len(packet.octets)} octets", verdict, packet.comments, marked)


def _explain_body(packet: Packet, number: int) -> Explained | None:
    try:
        dissector, plaintext = import_pdu(packet.octets)
    except CaptureError as error:
        raise InputError(f"packet {number}: {error}") from None
    if dissector != DISSECTOR:
        return None
    return _explain_plaintext(plaintext, f"Packet {number}: ", packet.comments)


def _explain_part(part: Part, number: int, count: int, witness: Witness, told: Knowledge) -> Explained:
    size = len(part.octets)
    if part.form is Form.PLAINTEXT:
        return _explain_plaintext(part.octets)
    if part.form is Form.FRAME:
        verdict = witness.judge(part.octets, told.direction, told)
        return _explained(f"Link frame, {size} octets", verdict)
    piece = judge_piece(part.octets, told)
    name = f"Piece {number} of {count}" if count > 1 else "Piece"
    if piece.drop is not None and piece.drop.reason in RAW:
        return _explained(f"{name} of the wire, {size} octets that are no frame", piece)
    title = f"{name} of the wire, {size} octets; after COBS a link frame of {len(piece.octets)}"
    verdict = witness.judge(piece.octets, told.direction, told)
    return _explained(title, replace(verdict, steps=(cobs_step(part.octets), *verdict.steps)))


def _explain_plaintext(plaintext: bytes, prefix: str = "", comments: tuple[str, ...] = ()) -> Explained:
    message = read_message(plaintext)
    title = f"{prefix}{message.title}, {len(plaintext)} octets of plaintext"
    conclusion = f"Refused: {message.problem}" if message.problem else "A well-formed message."
    return Explained(title, plaintext, message_runs(plaintext), conclusion, comments=comments)


def _explained(
    title: str,
    verdict: Verdict,
    comments: tuple[str, ...] = (),
    marked: tuple[DropReason, str] | None = None,
) -> Explained:
    raw = verdict.drop is not None and verdict.drop.reason in RAW
    runs = raw_runs(verdict.octets) if raw else frame_runs(verdict.octets)
    reason = verdict.drop.reason if verdict.drop else None
    if reason is not None:
        conclusion = f"Dropped as {reason.value}, and not answered. {verdict.drop}"
    elif marked is not None:
        reason = marked[0]
        conclusion = f"The receiver dropped it as {reason.value}: {reason.text} Its own words: {marked[1]}."
    else:
        open_steps = [step.reason.value for step in verdict.steps if step.outcome is Outcome.UNKNOWN]
        conclusion = "Nothing forbids it" + (
            f" so far; what is left to the receiver: {', '.join(open_steps)}." if open_steps else "."
        )
    return Explained(title, verdict.octets, runs, conclusion, verdict.steps, reason, comments)


# --- as text and as data --------------------------------------------------------------------------------


def text_lines(explained: Explained) -> Iterator[str]:
    """Yield the lines that tell one thing."""
    yield explained.title
    yield from run_lines(explained.runs)
    for comment in explained.comments:
        yield f"  comment: {comment}"
    if explained.steps:
        yield "Acceptance, step by step:"
        width = max(len(step.reason.value) for step in explained.steps)
        for step in explained.steps:
            yield f"  {step.reason.value:<{width}}  {_step_text(step)}".rstrip()
    yield explained.conclusion


def run_lines(runs: list[Run]) -> Iterator[str]:
    """Yield fields as aligned lines: offset, octets, name, meaning."""
    octets_width = 3 * min(_WIDTH, max((len(run.octets) for run in runs), default=0))
    name_width = max((len(run.name) for run in runs), default=0)
    for run in runs:
        if not run.octets:
            yield f"        {run.meaning}"
            continue
        for start in range(0, len(run.octets), _WIDTH):
            piece = run.octets[start : start + _WIDTH].hex(" ")
            text = f"{run.name:<{name_width}}  {run.meaning}" if start == 0 else ""
            yield f"  {run.offset + start:4d}  {piece:<{octets_width}} {text}".rstrip()


def _step_text(step: Step) -> str:
    values = f"expected {step.expected}, received {step.received or 'nothing to compare'}"
    match step.outcome:
        case Outcome.PASSED:
            return f"passed       {values}"
        case Outcome.FAILED:
            return f"FAILED       {values}"
        case Outcome.UNKNOWN:
            hint = _HINTS.get(step.reason, "")
            return f"needs state  {values}" + (f" ({hint})" if hint else "")
        case _:
            return "not reached"


def as_data(explained: Explained) -> dict[str, Any]:
    """Return one thing as plain data, for JSON."""
    return {
        "title": explained.title,
        "octets": explained.octets.hex(),
        "fields": [
            {"offset": run.offset, "octets": run.octets.hex(), "name": run.name, "meaning": run.meaning}
            for run in explained.runs
            if run.octets
        ],
        "steps": [
            {
                "step": step.reason.value,
                "outcome": step.outcome.name.lower(),
                "expected": step.expected,
                "received": step.received,
            }
            for step in explained.steps
        ],
        "dropped": explained.reason.value if explained.reason else None,
        "conclusion": explained.conclusion,
        "comments": list(explained.comments),
    }
