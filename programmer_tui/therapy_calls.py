"""What the session service changes in the therapy beside the program: boluses, stopping, refilling.

Each command stores its intent before it is sent, blocks everything else while its outcome is unknown, and is
read back: what the pump says afterwards stands beside what was asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from programmer_tui.clinic.clinical_format import (
    MassUnit,
    format_mass,
    format_rate_ml_h,
    format_volume_ml,
)
from programmer_tui.clinic.clinical_time import format_duration_words
from programmer_tui.clinic.readback import ReadBackRow
from programmer_tui.intents import Intent, IntentKind
from programmer_tui.problems import ServiceError, trouble
from programmer_tui.service_base import ServiceBase
from programmer_tui.views import ArmedBolus, Belief, LinkHealth, Problem, TherapyResult, Trouble
from protocol.client_errors import ClientError, PumpRefusedError
from protocol.link_error import LinkError
from protocol.messages.delivery import MAX_BOLUS_S, MIN_BOLUS_S, PatientBolusResponse
from protocol.messages.program import ReceiptResponse
from protocol.messages.status import GetStatusResponse
from protocol.program import Drug
from protocol.quantities import dose_ng_per_day, round_half_up
from protocol.request_words import BolusKind, DeliveryReason
from protocol.vocabulary import BolusState, DeliveryState, OverrideReason, ReceiptState, SoftLimit

_S_PER_HOUR: Final = 3_600
_MS: Final = 1_000
_BEGUN: Final = (BolusState.DELIVERING, BolusState.DONE)
_TARGET_WORDS: Final = {
    DeliveryState.STOPPED: "stop delivery",
    DeliveryState.MIN_RATE: "slow delivery to the minimum rate",
    DeliveryState.RUNNING: "resume delivery",
}


class TherapyCalls(ServiceBase):
    """The treating part of the session service. Every method raises ServiceError where it cannot.

    ``Trouble.UNCERTAIN`` means that the outcome is unknown until the pump was asked for it.
    """

    # --- bolus --------------------------------------------------------------------------------------------

    def arm_bolus(self, kind: BolusKind, volume_nl: int, duration_s: int) -> ArmedBolus:
        """Let the pump check a bolus of ``volume_nl`` nL over ``duration_s`` s; nothing is delivered yet.

        Raises:
            ServiceError: nothing was read in this session, the pump refuses, or it computes another dose or
                rate than this programmer.
        """
        with self._working("the pump checks the bolus"):
            self._require_certain()
            belief, drug = self._belief_with_drug()
            if not MIN_BOLUS_S <= duration_s <= MAX_BOLUS_S:
                raise trouble(
                    Trouble.INPUT,
                    f"A bolus takes from {format_duration_words(MIN_BOLUS_S)} to "
                    f"{format_duration_words(MAX_BOLUS_S)}, not {format_duration_words(duration_s)}.",
                )
            self._drop_bolus()
            dose_ng = dose_ng_per_day(volume_nl, drug.conc_ng_ml)
            what = f"{kind.name.lower()} bolus of {_volume_and_dose(volume_nl, dose_ng, drug)}"
            intent = self._new_intent(IntentKind.BOLUS, what, belief.status.program_version)
            answer = self._require_client().bolus_arm(kind, volume_nl, duration_s, dose_ng, intent.intent_id)
            rate_nl_h = round_half_up(volume_nl * _S_PER_HOUR, duration_s)
            until_ms = self._now_ms() + answer.expires_s * _MS
            armed = ArmedBolus(kind, volume_nl, duration_s, rate_nl_h, dose_ng, intent, answer, until_ms)
            self._update(armed=armed, therapy=None, resolution=None, problem=None)
            if (answer.rate_nl_h, answer.dose_ng) != (rate_nl_h, dose_ng):
                self._drop_bolus()
                raise trouble(
                    Trouble.NOT_VERIFIED,
                    f"The pump computes another bolus than this programmer: {_both(armed, drug)}.",
                    "Nothing was delivered. Do not use this pump until the difference is explained.",
                )
            return armed

    def drop_bolus(self) -> None:
        """Take an armed bolus back.

        Raises:
            ServiceError: the link failed; the pump drops it with the session.
        """
        with self._working("taking the bolus back"):
            self._drop_bolus()

    def _drop_bolus(self) -> None:
        armed = self._view.armed
        self._update(armed=None)
        if armed is not None:
            self._settle(armed.intent.intent_id, applied=False, version=0)
            with suppress(PumpRefusedError):  # it has expired by itself
                self._require_client().bolus_cancel(armed.answer.bolus_id)

    def start_bolus(self, soft_ack: SoftLimit, reason: OverrideReason) -> TherapyResult:
        """Start the armed bolus, then read status and receipt.

        Raises:
            ServiceError: nothing is armed, the pump refused, the outcome is unknown, or the read-back
                differs.
        """
        with self._working("starting the bolus"):
            self._require_certain()
            armed = self._view.armed
            if armed is None:
                raise trouble(Trouble.INPUT, "No bolus is armed.", "Let the pump check one first.")
            # Whatever comes, the pump does not take this token a second time.
            self._update(armed=None)
            answer = self._send(
                armed.intent,
                lambda pump: pump.bolus_start(armed.answer.bolus_id, armed.answer.token, soft_ack, reason),
            )
            return self._finish_bolus(armed.intent, answer.bolus_id, armed.volume_nl, answer)

    def ask_patient_bolus(self) -> TherapyResult:
        """Ask for a bolus of the prescription, as the patient.

        Raises:
            ServiceError: the pump refused (lockout, daily maximum, role), the outcome is unknown, or the
                read-back differs.
        """
        with self._working("asking for a bolus"):
            self._require_certain()
            version = self._require_client().get_status().program_version
            intent = self._new_intent(IntentKind.PATIENT_BOLUS, "patient bolus", version)
            answer: PatientBolusResponse = self._send(
                intent, lambda pump: pump.patient_bolus(intent.intent_id)
            )
            return self._finish_bolus(intent, answer.bolus_id, answer.volume_nl, answer)

    def _finish_bolus(self, intent: Intent, bolus_id: int, volume_nl: int, answer: object) -> TherapyResult:
        self._settle(intent.intent_id, applied=True, version=intent.base_version)
        with self._reading_back(intent):
            receipt = self._require_client().get_receipt(intent.intent_id)
            status = self._require_client().get_status()
        checks = (
            _receipt_check(receipt),
            _check("Bolus", bolus_id, status.bolus_id),
            _volume_check("Volume", volume_nl, status.bolus_total_nl),
            ReadBackRow("State", "delivering", status.bolus_state.name.lower(), status.bolus_state in _BEGUN),
        )
        return self._told(intent, answer, receipt, checks, status)

    def cancel_bolus(self) -> TherapyResult:
        """End the bolus that is being delivered, or take an armed one back.

        Raises:
            ServiceError: there is none, the pump refused, the outcome is unknown, or the read-back differs.
        """
        with self._working("ending the bolus"):
            self._require_certain()
            before = self._require_client().get_status()
            if before.bolus_state not in (BolusState.DELIVERING, BolusState.ARMED):
                raise trouble(Trouble.INPUT, "No bolus is being delivered.", "There is nothing to end.")
            number = before.bolus_id
            intent = self._new_intent(
                IntentKind.CANCEL,
                f"end bolus {number}",
                before.program_version,
                subject=number,
                log_seq=before.log_last_seq,
            )
            self._update(armed=None)
            answer = self._send(intent, lambda pump: pump.bolus_cancel(number))
            self._settle(intent.intent_id, applied=True, version=before.program_version)
            with self._reading_back(intent):
                status = self._require_client().get_status()
            checks = [_check("Bolus", number, answer.bolus_id)]
            if before.bolus_state is BolusState.DELIVERING:
                checks += [
                    _check("State", BolusState.CANCELLED.name.lower(), status.bolus_state.name.lower()),
                    _volume_check("Delivered", answer.delivered_nl, status.bolus_delivered_nl),
                    _volume_check(
                        "Both parts", before.bolus_total_nl, answer.delivered_nl + answer.cancelled_nl
                    ),
                ]
            return self._told(intent, answer, None, tuple(checks), status)

    # --- delivery and refill ------------------------------------------------------------------------------

    def set_delivery(self, target: DeliveryState, minutes: int, reason: DeliveryReason) -> TherapyResult:
        """Stop delivery or slow it for ``minutes``, or resume it (RUNNING, 0 minutes).

        Raises:
            ServiceError: the pump refused, the outcome is unknown, or the read-back differs.
        """
        with self._working(_TARGET_WORDS[target]):
            self._require_certain()
            before = self._require_client().get_status()
            time = f" for {format_duration_words(60 * minutes)}" if minutes else ""
            intent = self._new_intent(
                IntentKind.DELIVERY,
                f"{_TARGET_WORDS[target]}{time}",
                before.program_version,
                subject=target,
                log_seq=before.log_last_seq,
            )
            answer = self._send(
                intent, lambda pump: pump.set_delivery(target, minutes, reason, self._seen_version(before))
            )
            self._settle(intent.intent_id, applied=True, version=before.program_version)
            with self._reading_back(intent):
                status = self._require_client().get_status()
            reported = status.delivery_state.name.lower()
            checks = [_check("State", answer.delivery_state.name.lower(), reported)]
            if target is not DeliveryState.RUNNING:
                checks.append(_check("Asked for", target.name.lower(), answer.delivery_state.name.lower()))
            return self._told(intent, answer, None, tuple(checks), status)

    def record_refill(self, withdrawn_nl: int, filled_nl: int, lot: str) -> TherapyResult:
        """Tell the pump that its reservoir was emptied and filled, then read status and receipt.

        Raises:
            ServiceError: nothing was read in this session, the pump refused, the outcome is unknown, or the
                read-back differs.
        """
        with self._working("recording the refill"):
            self._require_certain()
            belief, _ = self._belief_with_drug()
            version = belief.status.program_version
            filled = format_volume_ml(filled_nl).qualified
            what = f"refill: {format_volume_ml(withdrawn_nl).qualified} out, {filled} in"
            intent = self._new_intent(IntentKind.REFILL, what, version)
            answer = self._send(
                intent,
                lambda pump: pump.refill_record(withdrawn_nl, filled_nl, version, lot, intent.intent_id),
            )
            self._settle(intent.intent_id, applied=True, version=version)
            with self._reading_back(intent):
                receipt = self._require_client().get_receipt(intent.intent_id)
                status = self._require_client().get_status()
            checks = (
                _receipt_check(receipt),
                _volume_check("Reservoir booked", filled_nl, answer.reservoir_nl),
                ReadBackRow(
                    "Reservoir now",
                    filled,
                    format_volume_ml(status.reservoir_nl).qualified,
                    # The pump goes on delivering between the record and the reading.
                    answer.reservoir_nl - status.rate_nl_h <= status.reservoir_nl <= answer.reservoir_nl,
                ),
            )
            return self._told(intent, answer, receipt, checks, status)

    # --- small parts --------------------------------------------------------------------------------------

    def _belief_with_drug(self) -> tuple[Belief, Drug]:
        belief = self._view.belief
        if belief is None:
            raise trouble(Trouble.INPUT, "The pump was not read in this session.", "Interrogate first.")
        if belief.program is None:
            raise trouble(Trouble.INPUT, "The pump has no program.", "It must be set up first.")
        return belief, belief.program.primary_drug

    def _seen_version(self, status: GetStatusResponse) -> int:
        """Return the program version that the person has seen: that of the belief, where there is one."""
        return (
            status.program_version if self._view.belief is None else self._view.belief.status.program_version
        )

    @contextmanager
    def _reading_back(self, intent: Intent) -> Iterator[None]:
        """Read what the pump says after it has done something; where that fails, say that it was done."""
        try:
            yield
        except (ClientError, LinkError) as error:
            if not isinstance(error, PumpRefusedError):
                self._drop_client()
                self._update(link=LinkHealth.LOST)
            raise trouble(
                Trouble.NOT_VERIFIED,
                f"The pump has done it ({intent.what}), and could not be read again: {error}",
                "Connect and interrogate it.",
            ) from error

    def _told(
        self,
        intent: Intent,
        answer: object,
        receipt: ReceiptResponse | None,
        checks: tuple[ReadBackRow, ...],
        status: GetStatusResponse,
    ) -> TherapyResult:
        result = TherapyResult(intent.kind, intent.what, intent.intent_id, answer, receipt, checks, status)
        self._update(therapy=result, problem=None)
        if not result.verified:
            wrong = ", ".join(check.label for check in checks if not check.same)
            text = f'NOT VERIFIED: what the pump reports after "{intent.what}" is not what was asked for.'
            raise ServiceError(Problem(Trouble.NOT_VERIFIED, text, f"Different: {wrong}. Interrogate again."))
        return result


def _check(label: str, sent: object, reported: object) -> ReadBackRow:
    return ReadBackRow(label, str(sent), str(reported), sent == reported)


def _volume_check(label: str, sent_nl: int, reported_nl: int) -> ReadBackRow:
    sent, reported = format_volume_ml(sent_nl).qualified, format_volume_ml(reported_nl).qualified
    return ReadBackRow(label, sent, reported, sent_nl == reported_nl)


def _receipt_check(receipt: ReceiptResponse) -> ReadBackRow:
    return _check("Receipt", ReceiptState.COMMITTED.name.lower(), receipt.state.name.lower())


def _volume_and_dose(volume_nl: int, dose_ng: int, drug: Drug) -> str:
    mass = format_mass(dose_ng, MassUnit.of_display(drug.display)).qualified
    return f"{format_volume_ml(volume_nl).qualified} ({mass})"


def _both(armed: ArmedBolus, drug: Drug) -> str:
    unit = MassUnit.of_display(drug.display)
    sides = (("here", armed), ("in the pump", armed.answer))
    return ", ".join(
        f"{format_mass(side.dose_ng, unit)} at {format_rate_ml_h(side.rate_nl_h)} {where}"
        for where, side in sides
    )
