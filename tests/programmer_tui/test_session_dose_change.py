"""A dose change through the session service, asserted on the pump itself."""

from pathlib import Path

import pytest
from support.rig import Line, Rig, raised_dose

from programmer_tui.problems import ServiceError
from programmer_tui.records import IntentState, Records
from programmer_tui.session import SessionService
from programmer_tui.transaction import stage_and_verify
from programmer_tui.views import LinkHealth, Trouble
from protocol.program import encode_program, program_digest
from protocol.states import SyncState
from protocol.vocabulary import DeliveryState, OverrideReason, ReceiptState, SoftLimit, Which

NO_SOFT = SoftLimit(0)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def held_digest(rig: Rig) -> bytes:
    """Return the digest of the program the pump holds, asked for by another programmer."""
    service = rig.service("witness.sqlite")
    service.enrol(rig.card, "witness")
    service.connect()
    belief = service.interrogate()
    service.close()
    return belief.program_info.digest


def test_a_dose_change_goes_all_the_way_into_the_pump(rig: Rig) -> None:
    service = rig.enrolled()
    before = service.view.belief
    assert before is not None
    program = raised_dose(before)
    proposal = service.propose(program)
    result = service.commit(proposal.summary.soft_flags, OverrideReason.NONE)
    assert result.verified
    assert result.receipt.state is ReceiptState.COMMITTED
    assert result.receipt.version == before.program_info.version + 1
    service.close()
    assert held_digest(rig) == program_digest(encode_program(program))[:16]


def test_a_proposal_changes_nothing_in_the_pump(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    service.propose(raised_dose(belief))
    service.discard()
    service.close()
    assert held_digest(rig) == belief.program_info.digest


def test_no_edit_before_interrogation(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    service.close()
    fresh = rig.service()
    fresh.connect()
    with pytest.raises(ServiceError) as caught:
        fresh.propose(raised_dose(belief))
    assert caught.value.problem.trouble is Trouble.INPUT
    assert "Interrogate" in caught.value.problem.advice


def test_a_commit_without_a_proposal_is_refused(rig: Rig) -> None:
    with pytest.raises(ServiceError) as caught:
        rig.enrolled().commit(NO_SOFT, OverrideReason.NONE)
    assert caught.value.problem.trouble is Trouble.INPUT


def test_a_program_that_changed_meanwhile_is_not_overwritten(rig: Rig) -> None:
    """Compare and set: what was read is no longer what the pump holds."""
    service = rig.enrolled()
    belief = service.view.belief
    client = service._require_client()
    assert belief is not None
    assert client is not None
    other = stage_and_verify(client, raised_dose(belief, 20), belief.program_info.version, b"\1" * 16)
    client.prog_commit(other.handle, other.summary.token)
    with pytest.raises(ServiceError) as caught:
        service.propose(raised_dose(belief, 30))
    assert caught.value.problem.trouble is Trouble.CHANGED
    assert "interrogate again" in caught.value.problem.text
    assert service.interrogate().program_info.digest == program_digest(other.image)[:16]


def test_a_lost_answer_is_unknown_blocks_therapy_and_is_resolved_by_the_receipt(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    program = raised_dose(belief)
    service.propose(program)
    line = rig.lines[-1]
    line._swallow_from = line.writes
    with pytest.raises(ServiceError) as caught:
        service.commit(NO_SOFT, OverrideReason.NONE)
    assert caught.value.problem.trouble is Trouble.UNCERTAIN
    uncertain = service.view
    assert uncertain.sync is SyncState.UNCERTAIN
    assert uncertain.link is LinkHealth.LOST
    with pytest.raises(ServiceError) as blocked:
        service.propose(program)
    assert blocked.value.problem.trouble is Trouble.UNCERTAIN
    resolution = service.resolve()
    assert resolution.applied
    assert service.view.sync is SyncState.IN_SYNC
    assert service.view.uncertain is None
    assert service.view.belief is not None
    assert service.view.belief.program_info.digest == program_digest(encode_program(program))[:16]


def test_a_programmer_that_crashed_before_sending_learns_that_nothing_was_programmed(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    proposal = service.propose(raised_dose(belief))
    records = service._records
    records.store_intent(service._intent_of(proposal))
    records.mark_sent(proposal.intent_id)
    rig.lines[-1].close()
    after_crash = rig.service()
    after_crash.connect()
    assert after_crash.view.resolution is not None
    assert not after_crash.view.resolution.applied
    assert after_crash.view.sync is SyncState.IN_SYNC
    assert records.intents()[-1].state is IntentState.NOT_APPLIED
    assert held_digest_after(after_crash) == belief.program_info.digest


def held_digest_after(service: SessionService) -> bytes:
    belief = service.interrogate()
    service.close()
    return belief.program_info.digest


def _transaction_octets(tmp_path: Path) -> tuple[int, list[int]]:
    """Return where the transaction begins on the wire and where each of its frames ends."""
    rig = Rig(tmp_path / "measure")
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    line = rig.lines[-1]
    start = line.octets
    service.propose(raised_dose(belief))
    service.commit(NO_SOFT, OverrideReason.NONE)
    return start, [end for end in line.boundaries if end > start]


def cut_points(tmp_path: Path) -> list[int]:
    """Return byte positions through the whole transaction: each frame's edges and places inside it."""
    start, ends = _transaction_octets(tmp_path)
    points: set[int] = set()
    for end in ends:
        points |= {end - 1, end, end + 1}
    points |= set(range(start + 1, ends[-1], 23))
    return sorted(point for point in points if start < point <= ends[-1])


def try_dose_change(service: SessionService) -> tuple[Trouble | None, bytes, bytes]:
    """Do the whole dose change; return what went wrong, and the digests of the old and the new program."""
    old = new = b""
    try:
        service.connect()
        belief = service.interrogate()
        program = raised_dose(belief)
        old, new = belief.program_info.digest, program_digest(encode_program(program))[:16]
        service.propose(program)
        service.commit(NO_SOFT, OverrideReason.NONE)
    except ServiceError as error:
        return error.problem.trouble, old, new
    return None, old, new


def break_at(tmp_path: Path, octets: int) -> None:
    """Cut the link after ``octets``: the pump holds the old or the new program; the receipt says which."""
    rig = Rig(tmp_path / str(octets))
    setup = rig.service()
    setup.enrol(rig.card, "test")
    service = rig.service(line=lambda: Line(rig, cut_after=octets))
    trouble, old, new = try_dose_change(service)
    assert trouble in (None, Trouble.UNCERTAIN, Trouble.LINK, Trouble.NO_PUMP)
    after = rig.service()
    after.connect()
    held = after.interrogate()
    assert held.status.delivery_state is DeliveryState.RUNNING
    assert after.view.sync is SyncState.IN_SYNC
    assert held.program is not None
    if trouble is Trouble.UNCERTAIN:
        assert after.view.resolution is not None
        assert held.program_info.digest == (new if after.view.resolution.applied else old)
    assert not after._records.open_intents(rig.card.static_public)
    after.close()


def test_the_link_may_break_at_any_byte_of_the_transaction(tmp_path: Path) -> None:
    points = cut_points(tmp_path)
    assert len(points) > 20
    for octets in points[:: max(1, len(points) // 24)]:
        break_at(tmp_path, octets)


@pytest.mark.slow
def test_the_link_may_break_at_every_byte_of_the_transaction(tmp_path: Path) -> None:
    start, ends = _transaction_octets(tmp_path)
    for octets in range(start + 1, ends[-1] + 1):
        break_at(tmp_path, octets)


def test_the_wrong_pump_is_named(rig: Rig) -> None:
    rig.enrolled().close()
    with pytest.raises(ServiceError) as caught:
        rig.service(serial="VP20-999999").connect()
    assert caught.value.problem.trouble is Trouble.WRONG_PUMP
    assert "VP20-999999" in caught.value.problem.text


def test_a_programmer_without_a_bond_is_told_to_enrol(rig: Rig) -> None:
    with pytest.raises(ServiceError) as caught:
        rig.service().connect()
    assert caught.value.problem.trouble is Trouble.NOT_BONDED
    assert "implant card" in caught.value.problem.text


def test_the_card_of_another_pump_is_refused_before_its_secret_is_used(rig: Rig, tmp_path: Path) -> None:
    other = Rig(tmp_path / "other", seed=2)
    with pytest.raises(ServiceError) as caught:
        rig.service().enrol(other.card, "test")
    assert caught.value.problem.trouble is Trouble.WRONG_PUMP


def test_a_second_programmer_finds_the_pump_busy(rig: Rig) -> None:
    first = rig.enrolled()
    second = rig.service("second.sqlite")
    with pytest.raises(ServiceError) as caught:
        second.enrol(rig.card, "second")
    assert caught.value.problem.trouble is Trouble.BUSY
    first.close()
    second.enrol(rig.card, "second")


def test_a_reset_pump_keeps_program_and_receipt(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    service.propose(raised_dose(belief))
    result = service.commit(NO_SOFT, OverrideReason.NONE)
    service.close()
    rig.reset_pump()
    after = rig.service()
    after.connect()
    held = after.interrogate()
    assert held.program_info.digest == result.receipt.digest
    assert after.receipt(result.receipt.intent_id) == result.receipt
    assert held.clock.boot_count == belief.clock.boot_count + 1


def test_previous_program_can_still_be_read(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    service.propose(raised_dose(belief))
    service.commit(NO_SOFT, OverrideReason.NONE)
    client = service._require_client()
    assert client is not None
    assert client.get_program_info(Which.PREVIOUS).digest == belief.program_info.digest


def test_records_keep_key_bond_and_intents_over_a_restart(rig: Rig) -> None:
    service = rig.enrolled()
    belief = service.view.belief
    assert belief is not None
    service.propose(raised_dose(belief))
    service.commit(NO_SOFT, OverrideReason.NONE)
    path = rig.tmp_path / "records.sqlite"
    first = Records(path, lambda _: b"never asked")
    assert first.private_key == service._records.private_key
    assert [pump.serial for pump in first.pumps()] == [rig.card.serial]
    assert [intent.state for intent in first.intents()] == [IntentState.APPLIED]
    assert path.stat().st_mode & 0o077 == 0
