"""The file a capture goes into, and the capture of one running pump.

A capture must never be the reason why a pump stops: a disk that fails ends the capture, says so once, and
what was written up to then stays readable.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from protocol.capture.recorder import Recorder

STDOUT: Final = "-"
"""As the name of a capture file: standard output, for a program that reads along."""


class CaptureFileError(Exception):
    """The capture file cannot be opened; the text says where and what would be right."""


class CaptureFile:
    """A pcapng file that is written while things happen, readable by its owner only.

    Args:
        path: where it goes, ``-`` for standard output. A file that is there is replaced.
        on_failure: told once, in words, when writing fails and the capture ends.

    Raises:
        CaptureFileError: it cannot be made.
    """

    def __init__(self, path: str | Path, on_failure: Callable[[str], None]) -> None:
        self._name = "standard output" if str(path) == STDOUT else str(path)
        self._on_failure = on_failure
        self._good = 0
        self._fd: int | None = self._open(str(path))

    @property
    def running(self) -> bool:
        """Whether what is written still goes into the file."""
        return self._fd is not None

    def write(self, octets: bytes) -> None:
        """Write `octets` now; where that fails, the capture ends."""
        if self._fd is None or not octets:
            return
        rest = memoryview(octets)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as failure:
            self._fail(failure)
        else:
            self._good += len(octets)

    def close(self) -> None:
        """Close the file; may be called again."""
        fd, self._fd = self._fd, None
        if fd is not None and fd != 1:
            with suppress(OSError):
                os.close(fd)

    def _open(self, path: str) -> int:
        if path == STDOUT:
            if os.isatty(1):
                raise CaptureFileError(
                    "A capture is no text for a terminal; name a file, or pipe it: | wireshark -k -i -"
                )
            return 1
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            if stat.S_ISREG(os.fstat(fd).st_mode):
                os.fchmod(fd, 0o600)
        except (OSError, ValueError) as failure:
            text = failure.strerror if isinstance(failure, OSError) else str(failure)
            raise CaptureFileError(
                f"Cannot write the capture {path}: {text}. Name a file in a folder you may write to."
            ) from failure
        return fd

    def _fail(self, failure: OSError) -> None:
        if self._fd is not None and stat.S_ISREG(os.fstat(self._fd).st_mode):
            with suppress(OSError):  # a packet that is half written would only confuse its reader
                os.ftruncate(self._fd, self._good)
        self.close()
        self._on_failure(
            f"the capture {self._name} has ended: {failure.strerror}; "
            f"its first {self._good} octets can be read, and everything else goes on"
        )


class Recording:
    """A recorder and the file it goes into.

    Args:
        recorder: of one link.
        file: open, and closed by `close`.
    """

    def __init__(self, recorder: Recorder, file: CaptureFile) -> None:
        self.recorder = recorder
        self._file = file
        file.write(recorder.header())

    @property
    def running(self) -> bool:
        """Whether the file still takes what is recorded."""
        return self._file.running

    def flush(self) -> None:
        """Write what is complete."""
        self._file.write(self.recorder.take())

    def close(self) -> None:
        """Write what is left and close the file; may be called again."""
        self._file.write(self.recorder.finish())
        self._file.close()
