"""Downloading the pump's whole event log, and checking it against the pump's own hash of the same records.

The reader keeps the only cursor: a page may be asked for twice, and what is written meanwhile stands at the
end. Records that were overwritten before they were read leave a gap; a record whose storage went bad comes as
a DATA_CORRUPT placeholder. When the log is wiped meanwhile (its epoch changes), the download begins anew.
Source: OITP/1 section 16.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from programmer_tui.problems import trouble
from programmer_tui.views import Trouble
from protocol.client_calls import PumpCalls
from protocol.client_errors import PumpRefusedError
from protocol.log_record import open_record
from protocol.messages.codec import codec_of
from protocol.messages.log import MAX_PAGE, LogInfoResponse, LogReadResponse, LogRecord
from protocol.vocabulary import ErrorCode, EventType, LogPageFlag

CHAIN_START: Final = bytes(32)
"""What the hash chain of an epoch, and that of LOG_DIGEST, begins with."""

_EPOCHS: Final = 4
"""How often the log may be wiped during one download before that is given up."""

_LOG_CELL: Final = b"log."
"""Begins the name of the storage cell that a placeholder tells of."""

Progress = Callable[[int, int], None]
"""Is told how many records have been read, and how many there were at the start."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that the pump had overwritten before they were read, both ends included."""

    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class LogDownload:
    """What one download brought.

    Attributes:
        log_epoch: epoch of the records.
        records: oldest first; a corrupt one stands as its placeholder.
        gaps: what was overwritten before it was read.
        corrupt: sequence numbers of placeholders.
        restarts: how often the log was wiped meanwhile.
    """

    log_epoch: int
    records: tuple[LogRecord, ...]
    gaps: tuple[Gap, ...]
    corrupt: tuple[int, ...]
    restarts: int


@dataclass(frozen=True, slots=True)
class RunCheck:
    """One run of records without a gap, from ``from_seq`` to ``to_seq``: our hash of it, and the pump's."""

    from_seq: int
    to_seq: int
    own: bytes
    pumps: bytes


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """Whether a download is what the pump holds.

    Attributes:
        runs: the runs that were compared; what is corrupt or missing lies between them.
        bad_crc: sequence numbers of records whose CRC-32C does not match.
        bad_checkpoints: sequence numbers of checkpoints that do not continue the chain from record 1 on.
    """

    runs: tuple[RunCheck, ...]
    bad_crc: tuple[int, ...]
    bad_checkpoints: tuple[int, ...]

    @property
    def same(self) -> bool:
        """Whether nothing speaks against the download."""
        differ = any(run.own != run.pumps for run in self.runs)
        return not differ and not self.bad_crc and not self.bad_checkpoints


def download_log(pump: PumpCalls, *, from_seq: int = 1, progress: Progress | None = None) -> LogDownload:
    """Read every record from ``from_seq`` on that the pump holds.

    Raises:
        ServiceError: the log was wiped again and again meanwhile.
        ClientError, LinkError: the pump or the link failed.
    """
    for restarts in range(_EPOCHS):
        info = pump.log_info()
        first = max(info.first_seq, from_seq if not restarts else 1)
        reader = _Reader(pump, info, first, progress)
        try:
            reader.read_all()
        except PumpRefusedError as error:
            if error.code is not ErrorCode.LOG_EPOCH_CHANGED:
                raise
            continue
        parts = (tuple(reader.records), tuple(reader.gaps), tuple(reader.corrupt))
        return LogDownload(info.log_epoch, *parts, restarts)
    raise trouble(
        Trouble.CHANGED,
        f"The pump's log was wiped {_EPOCHS} times while it was read.",
        "Find out who does that, then read it again.",
    )


class _Reader:
    """Reads one epoch page by page."""

    def __init__(self, pump: PumpCalls, info: LogInfoResponse, first: int, progress: Progress | None) -> None:
        self._pump = pump
        self._epoch = info.log_epoch
        self._wanted = first
        self._total = max(0, info.last_seq - first + 1)
        self._progress = progress
        self.records: list[LogRecord] = []
        self.gaps: list[Gap] = []
        self.corrupt: list[int] = []

    def read_all(self) -> None:
        """Read until there is no more."""
        while (page := self._page()) is not None:
            self._take(page)
            if not page.records or LogPageFlag.MORE not in page.flags:
                return
            self._wanted = page.records[-1].seq + 1

    def _page(self) -> LogReadResponse | None:
        try:
            return self._pump.log_read(self._epoch, self._wanted, MAX_PAGE)
        except PumpRefusedError as error:
            if error.code is ErrorCode.NO_RECORDS:
                return None
            raise

    def _take(self, page: LogReadResponse) -> None:
        if LogPageFlag.GAP in page.flags and page.first_seq > self._wanted:
            self.gaps.append(Gap(self._wanted, page.first_seq - 1))
        if LogPageFlag.CORRUPT in page.flags:
            self.corrupt += [record.seq for record in page.records if _is_placeholder(record)]
        self.records += page.records
        if self._progress is not None:
            self._progress(len(self.records), max(self._total, len(self.records)))


def _is_placeholder(record: LogRecord) -> bool:
    """Tell a placeholder from a record that the pump wrote when other stored data were found corrupt."""
    return record.type is EventType.DATA_CORRUPT and record.payload.startswith(_LOG_CELL)


def octets_of(record: LogRecord) -> bytes:
    """Return a record as it stands in the pump's ring."""
    return codec_of(LogRecord).encode(record)


def chain_of(records: tuple[LogRecord, ...]) -> bytes:
    """Return the hash chain over ``records`` alone, as LOG_DIGEST computes it."""
    chain = CHAIN_START
    for record in records:
        chain = sha256(chain + octets_of(record)).digest()
    return chain


def whole_runs(download: LogDownload) -> list[tuple[LogRecord, ...]]:
    """Return the runs of records that have neither a gap nor a corrupt record in them, oldest first."""
    runs: list[list[LogRecord]] = [[]]
    for record in download.records:
        if record.seq in download.corrupt:
            runs.append([])
            continue
        if runs[-1] and runs[-1][-1].seq + 1 != record.seq:
            runs.append([])
        runs[-1].append(record)
    return [tuple(run) for run in runs if run]


def verify_log(pump: PumpCalls, download: LogDownload) -> LogVerdict:
    """Compare a download with the pump's hashes of the same records, and with the checkpoints in it.

    Raises:
        ClientError, LinkError: the pump refused (no such records any more), or the link failed.
    """
    checks, bad_crc, bad_checkpoints = [], [], []
    for run in whole_runs(download):
        first, last = run[0].seq, run[-1].seq
        pumps = pump.log_digest(download.log_epoch, first, last).chain
        checks.append(RunCheck(first, last, chain_of(run), pumps))
        bad_crc += [record.seq for record in run if open_record(octets_of(record)) is None]
        # Only a run from record 1 on knows the chain that its checkpoints stand in.
        bad_checkpoints += _bad_checkpoints(run) if first == 1 else []
    return LogVerdict(tuple(checks), tuple(bad_crc), tuple(bad_checkpoints))


def _bad_checkpoints(run: tuple[LogRecord, ...]) -> list[int]:
    bad, chain = [], CHAIN_START
    for record in run:
        if record.type is EventType.CHAIN_CHECKPOINT and record.payload != chain[: len(record.payload)]:
            bad.append(record.seq)
        chain = sha256(chain + octets_of(record)).digest()
    return bad
