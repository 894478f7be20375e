"""The programming transaction from the programmer's side: staging, and what a receipt says of an intent."""

from typing import Final

from programmer_tui.problems import trouble
from programmer_tui.readback import summary_differences
from programmer_tui.views import Belief, Proposal, Resolution, Trouble, Uncertain
from protocol.client_calls import PumpCalls
from protocol.messages.program import MAX_STAGE_BLOCK, ReceiptResponse
from protocol.program import DIGEST_SIZE, Program, ProgramImageError, encode_program, program_digest
from protocol.vocabulary import ReceiptState

APPLIED: Final = (ReceiptState.COMMITTED, ReceiptState.SCHEDULED)
"""Receipt states that mean the pump took the program."""


def stage_and_verify(pump: PumpCalls, program: Program, base_version: int, intent_id: bytes) -> Proposal:
    """Stage ``program`` in the pump and compare the pump's own summary with ours; therapy is not touched.

    Raises:
        ServiceError: the program breaks the rules of the image, or the pump computes something else.
        ClientError, LinkError: the pump or the link failed.
    """
    try:
        image = encode_program(program)
    except ProgramImageError as error:
        text = f"This prescription makes no valid program: {error}."
        raise trouble(Trouble.INPUT, text, "Change it.") from error
    begun = pump.prog_begin(base_version, len(image), intent_id)
    block = min(begun.max_block, MAX_STAGE_BLOCK)
    for offset in range(0, len(image), block):
        pump.prog_stage(begun.handle, offset, image[offset : offset + block])
    summary = pump.prog_verify(begun.handle, program_digest(image))
    differences = summary_differences(program, summary)
    if differences:
        pump.prog_abort(begun.handle)
        raise trouble(
            Trouble.NOT_VERIFIED,
            f"The pump computes something else than this programmer: {'; '.join(differences)}.",
            "Nothing was programmed. Do not use this pump until the difference is explained.",
        )
    return Proposal(program, image, intent_id, base_version, begun.handle, summary)


def judge_receipt(uncertain: Uncertain, receipt: ReceiptResponse, belief: Belief) -> Resolution:
    """Return what became of an uncertain intent, by the pump's receipt and the program it holds now.

    Raises:
        ServiceError: the two contradict each other, so it is still unknown.
    """
    applied = receipt.state in APPLIED
    holds_it = belief.program_info.digest == uncertain.digest[:DIGEST_SIZE]
    info = belief.program_info
    newer = info.version > receipt.version
    # The same program may have been there before, or a colleague may have made it: only one that came since,
    # from this bond, is ours. A receipt of an intent that a later program has replaced is no contradiction.
    is_ours = holds_it and info.version > uncertain.base_version and info.actor_slot == uncertain.actor_slot
    contradicts = is_ours if not applied else not holds_it and not newer
    if receipt.state is not ReceiptState.SCHEDULED and contradicts:
        held = "the new program" if holds_it else "another program"
        raise trouble(
            Trouble.UNCERTAIN,
            f"The receipt says {receipt.state.name}, and the pump holds {held}.",
            "Treat the pump as UNKNOWN; do not program it.",
        )
    return Resolution(uncertain.intent_id, applied, receipt, _words(receipt, belief))


def _words(receipt: ReceiptResponse, belief: Belief) -> str:
    if receipt.state is ReceiptState.COMMITTED:
        return f"The pump took the NEW program, version {receipt.version} (log record {receipt.log_seq})."
    if receipt.state is ReceiptState.SCHEDULED:
        return f"The pump will follow the NEW program, version {receipt.version}, at the time that was set."
    held = belief.program_info.version
    return f"The pump did NOT take the new program (receipt {receipt.state.name}); it holds version {held}."
