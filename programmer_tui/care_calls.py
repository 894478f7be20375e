"""What the session service changes beside therapy: the clock, alarms, bonds, self-tests.

None of it changes what is delivered. Where an answer is lost, the state is read again; nothing is uncertain.
"""

from programmer_tui.service_base import ServiceBase
from protocol.messages.alarms import AlarmAckResponse, AlarmSilenceResponse
from protocol.messages.bonds import BondConfirmResponse, BondRevokeResponse
from protocol.messages.clock import SetClockResponse
from protocol.messages.service import SelfTestResponse
from protocol.request_words import ClockSource, SelfTest


class CareCalls(ServiceBase):
    """The caring part of the session service. Every method raises ServiceError where it cannot."""

    def set_clock(self, utc_s: int, utc_offset_min: int, source: ClockSource) -> SetClockResponse:
        """Set the pump's civil time.

        Raises:
            ServiceError: the link failed, or the pump refused.
        """
        with self._working("setting the clock"):
            return self._require_client().set_clock(utc_s, utc_offset_min, source)

    def acknowledge_alarm(self, instance: int) -> AlarmAckResponse:
        """Say that a person has seen an alarm; its condition clears by itself.

        Raises:
            ServiceError: the link failed, or the pump refused.
        """
        with self._working("acknowledging an alarm"):
            return self._require_client().alarm_ack(instance)

    def silence_alarm(self, instance: int, seconds: int) -> AlarmSilenceResponse:
        """Silence an alarm for a time.

        Raises:
            ServiceError: the link failed, or the pump refused.
        """
        with self._working("silencing an alarm"):
            return self._require_client().alarm_silence(instance, seconds)

    def confirm_bond(self, slot: int) -> BondConfirmResponse:
        """Vouch for a provisional bond.

        Raises:
            ServiceError: the link failed, or the pump refused.
        """
        with self._working("confirming a bond"):
            return self._require_client().bond_confirm(slot)

    def revoke_bond(self, slot: int) -> BondRevokeResponse:
        """End a bond for good.

        Raises:
            ServiceError: the link failed, or the pump refused.
        """
        with self._working("revoking a bond"):
            return self._require_client().bond_revoke(slot)

    def self_test(self, tests: SelfTest) -> SelfTestResponse:
        """Let the pump test itself while it delivers.

        Raises:
            ServiceError: the link failed, or the pump refused.
        """
        with self._working("the pump tests itself"):
            return self._require_client().self_test(tests)
