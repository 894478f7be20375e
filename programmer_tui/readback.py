"""Comparing what was sent with what the pump says: its summary before the commit, the read-back after it."""

from programmer_tui.clinic.prescription import PrescriptionError, prescription_of_program
from programmer_tui.clinic.readback import ReadBackRow, compare_readback, format_digest
from programmer_tui.clinic.review import build_review
from programmer_tui.views import Belief
from protocol.messages.program import ProgVerifyResponse, ReceiptResponse
from protocol.program import DIGEST_SIZE, Program, program_digest
from protocol.vocabulary import ReceiptState


def summary_differences(program: Program, summary: ProgVerifyResponse) -> tuple[str, ...]:
    """Return in words where the pump's summary is not what this programmer computes; empty: it agrees."""
    try:
        prescription = prescription_of_program(program)
    except PrescriptionError as error:
        return (str(error),)
    rows = build_review(prescription, prescription, summary).disagreements
    return tuple(
        f"{row.label}: {row.new} {row.unit} here, {row.computed} {row.unit} in the pump" for row in rows
    )


def check_readback(
    sent: Program, image: bytes, receipt: ReceiptResponse, belief: Belief
) -> tuple[ReadBackRow, ...]:
    """Return every value of the receipt and the read-back beside the one that was sent."""
    info = belief.program_info
    digest = program_digest(image)[:DIGEST_SIZE]
    applied = receipt.state is ReceiptState.COMMITTED
    checks = (
        ReadBackRow("Receipt", "committed", receipt.state.name.lower(), applied),
        ReadBackRow("Version", str(receipt.version), str(info.version), receipt.version == info.version),
        ReadBackRow(
            "Receipt checksum", format_digest(digest), format_digest(receipt.digest), digest == receipt.digest
        ),
    )
    if belief.program is None:
        return (*checks, ReadBackRow("Program", "sent", "none in the pump", same=False))
    same = belief.image == image
    whole = ReadBackRow("Whole image", f"{len(image)} octets", f"{len(belief.image)} octets", same)
    return (*compare_readback(sent, belief.program, digest, info.digest), *checks, whole)
