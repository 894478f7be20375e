"""What the session service does with the published emergency key before the pump listens to it."""

from collections.abc import Callable
from typing import Final

from programmer_tui.service_base import ServiceBase
from protocol.client_errors import PumpRefusedError
from protocol.vocabulary import ErrorCode

_ASK_MS: Final = 5_000
_GIVE_UP_MS: Final = 120_000
"""The dwell is 30 s; whoever has not held the head on the pump for that long by now should be told."""

_MS: Final = 1_000


class EmergencyCalls(ServiceBase):
    """The emergency part of the session service."""

    def wait_for_dwell(self, told: Callable[[int], None]) -> None:
        """Wait until the programming head has been on the pump for long enough.

        Args:
            told: is told every few seconds how many seconds are left.

        Raises:
            ServiceError: the link failed, the pump refused for another reason, or two minutes did not do.
        """
        with self._working("waiting for the programming head"):
            client = self._require_client()
            give_up_ms = self._now_ms() + _GIVE_UP_MS
            while True:
                try:
                    client.get_status()
                except PumpRefusedError as error:
                    waits = error.code is ErrorCode.PROXIMITY_REQUIRED and error.detail
                    if not waits or self._now_ms() >= give_up_ms:
                        raise
                    told(error.detail)
                    # Nothing is subscribed, so nothing is heard: this waits on the time of the link.
                    client.listen(min(error.detail * _MS, _ASK_MS))
                else:
                    return
