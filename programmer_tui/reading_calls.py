"""What the session service reads from a pump, and what the pump tells unasked."""

from dataclasses import replace

from programmer_tui.interrogation import glance, interrogate, read_newest_log
from programmer_tui.log_download import LogDownload, LogVerdict, Progress, download_log, verify_log
from programmer_tui.service_base import ServiceBase
from programmer_tui.views import Belief, Glance
from protocol.client_errors import PumpRefusedError
from protocol.events import NotificationReceived
from protocol.messages.bonds import BondEntry, SecurityStatusResponse
from protocol.messages.clock import GetClockResponse
from protocol.messages.log import LogDigestResponse, LogRecord
from protocol.messages.program import ReceiptResponse
from protocol.messages.service import LinkStatsResponse
from protocol.messages.session import SubscribeResponse
from protocol.messages.status import GetDayTotalsResponse
from protocol.request_words import EventMask
from protocol.vocabulary import ErrorCode


class ReadingCalls(ServiceBase):
    """The reading part of the session service. Every method raises ServiceError where it cannot."""

    def interrogate(self) -> Belief:
        """Read everything from the pump: device, status, clock, alarms, program, log state.

        Raises:
            ServiceError: the link failed, or the program read does not match its digest.
        """
        with self._working("interrogating"):
            return self._interrogate()

    def _interrogate(self) -> Belief:
        belief = interrogate(self._require_client(), self._now_ms, self._now_utc_s)
        self._update(belief=belief, problem=None)
        connection = self._require_connection()
        if connection.bonded:
            pump = replace(
                connection.pump,
                boot_count=belief.clock.boot_count,
                time_base=belief.clock.time_base,
                log_epoch=belief.log_info.log_epoch,
                log_last_seq=belief.log_info.last_seq,
            )
            self._connection = replace(connection, pump=pump)
            self._records.remember_pump(pump)
        return belief

    def refresh(self) -> None:
        """Read status and alarms again; a changed program version makes the whole belief be read again.

        Raises:
            ServiceError: the link failed.
        """
        with self._working(""):
            client, belief = self._require_client(), self._view.belief
            status = client.get_status()
            if belief is None or belief.status.program_version != status.program_version:
                self._interrogate()
                return
            alarms = client.get_alarms().alarms
            fresh = replace(belief, status=status, alarms=alarms, read_at_ms=self._now_ms())
            self._update(belief=replace(fresh, read_at_utc_s=self._now_utc_s()))

    @property
    def may_interrogate(self) -> bool:
        """Whether the role of this session may read all that `interrogate` reads."""
        return all(self._may(name) for name in ("GET_PROGRAM_INFO", "READ_PROGRAM", "GET_CLOCK", "LOG_INFO"))

    def glance(self) -> Glance:
        """Read the little that every role may: device, status, alarms, and the clock where the role may.

        Raises:
            ServiceError: the link failed.
        """
        with self._working("reading the pump"):
            return glance(self._require_client(), self._now_utc_s, with_clock=self._may("GET_CLOCK"))

    def receipt(self, intent_id: bytes) -> ReceiptResponse:
        """Ask what became of an intent; the pump keeps the last 16.

        Raises:
            ServiceError: the link failed.
        """
        with self._working("asking for a receipt"):
            return self._require_client().get_receipt(intent_id)

    def day_totals(self, days: int) -> tuple[GetDayTotalsResponse, ...]:
        """Return what each of the last ``days`` local days brought, today first; fewer where fewer are kept.

        Raises:
            ServiceError: the link failed, or the role may not read them.
        """
        with self._working("reading the totals of the days"):
            client, totals = self._require_client(), []
            for day_back in range(days):
                try:
                    totals.append(client.get_day_totals(day_back))
                except PumpRefusedError as error:
                    if error.code is not ErrorCode.NO_RECORDS:
                        raise
                    break
            return tuple(totals)

    def clock(self) -> GetClockResponse:
        """Read the pump's clocks.

        Raises:
            ServiceError: the link failed, or the role may not read them.
        """
        with self._working("reading the clock"):
            return self._require_client().get_clock()

    # --- the log ------------------------------------------------------------------------------------------

    def read_log(self, newest: int = 100) -> tuple[LogRecord, ...]:
        """Read the newest log records, oldest first.

        Raises:
            ServiceError: the link failed.
        """
        with self._working("reading the log"):
            records = read_newest_log(self._require_client(), newest)
            self._update(log=records)
            return records

    def download_log(self, progress: Progress | None = None) -> LogDownload:
        """Read the whole log.

        Raises:
            ServiceError: the link failed, or the log was wiped again and again meanwhile.
        """
        with self._working("downloading the log"):
            return download_log(self._require_client(), progress=progress)

    def verify_log(self, download: LogDownload) -> LogVerdict:
        """Compare a download with the pump's own hash of the same records.

        Raises:
            ServiceError: the link failed, or the pump does not hold those records any more.
        """
        with self._working("comparing the log"):
            return verify_log(self._require_client(), download)

    def log_digest(self, from_seq: int, to_seq: int) -> LogDigestResponse:
        """Ask for the pump's hash of a run of log records.

        Raises:
            ServiceError: the link failed, or the pump does not hold them.
        """
        with self._working("asking for a hash"):
            client = self._require_client()
            return client.log_digest(client.log_info().log_epoch, from_seq, to_seq)

    # --- security and service -----------------------------------------------------------------------------

    def bonds(self) -> tuple[BondEntry, ...]:
        """Return who is bonded with the pump.

        Raises:
            ServiceError: the link failed, or the role may not know.
        """
        with self._working("reading the bonds"):
            return self._require_client().bond_list().bonds

    def security(self) -> SecurityStatusResponse:
        """Return what attempts at the pump there were.

        Raises:
            ServiceError: the link failed, or the role may not know.
        """
        with self._working("reading the security status"):
            return self._require_client().security_status()

    def link_stats(self) -> LinkStatsResponse:
        """Return what the pump counted on this link.

        Raises:
            ServiceError: the link failed.
        """
        with self._working("reading the link statistics"):
            return self._require_client().link_stats()

    # --- notifications ------------------------------------------------------------------------------------

    def subscribe(self, mask: EventMask, status_period_s: int) -> SubscribeResponse:
        """Ask the pump to tell what happens; a status line every ``status_period_s``, 0 for none.

        Raises:
            ServiceError: the link failed, or the role may not subscribe.
        """
        with self._working("subscribing"):
            return self._require_client().subscribe(mask, status_period_s)

    def listen(self, timeout_ms: int) -> tuple[NotificationReceived, ...]:
        """Return what the pump told, waiting up to ``timeout_ms`` for the first, and acknowledge it.

        Raises:
            ServiceError: the link failed.
        """
        with self._working(""):
            client = self._require_client()
            told = tuple(client.listen(timeout_ms))
            waiting = [event.body.notify_seq for event in told if event.spec.acknowledged]
            if waiting:
                client.notify_ack(max(waiting))
            return told
