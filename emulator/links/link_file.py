"""The stable name of a pseudo-terminal: a symlink that is ours, guarded by a lock beside it.

The lock (an advisory lock on the small hidden file ``.NAME.cisterna.lock``) tells a living emulator from the
remains of one that was killed: only those may be replaced, and anything else at the path is left alone. A
terminal's number is given out again as soon as it is free, so the link's target alone proves nothing: it may
lead into a stranger's terminal.
"""

import errno
import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from emulator.errors import EmulatorError, EmulatorFailure

_BY_ERRNO: Final[Mapping[int, tuple[EmulatorFailure, str]]] = {
    errno.ENOENT: (EmulatorFailure.LINK_MISSING, "make that directory first, or give another path"),
    errno.ENOTDIR: (EmulatorFailure.LINK_MISSING, "give a path inside a directory"),
    errno.EEXIST: (EmulatorFailure.LINK_BUSY, "give another path, or move what stands there"),
}
_OTHERWISE: Final = (EmulatorFailure.LINK_DENIED, "give a path that this user may write")
_TERMINALS: Final = ("/dev/pts/", "/dev/tty")


class LinkFile:
    """A symlink at `path`, created atomically, and removed only while it is still the one made here."""

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser().absolute()
        self._lock_path = self._path.with_name(f".{self._path.name}.cisterna.lock")
        self._lock_fd: int | None = None
        self._left_over = False
        self._target = ""

    @property
    def path(self) -> str:
        """Where the link stands."""
        return str(self._path)

    def reserve(self) -> None:
        """Take the path for this process, before the terminal is opened.

        Raises:
            EmulatorError: LINK_BUSY when a living emulator has it or something stands there that is no link
                of ours, LINK_MISSING or LINK_DENIED when no link can be made there.
        """
        try:
            self._lock_fd = self._lock()
        except OSError as failure:
            raise self._cannot(failure) from None
        if os.path.lexists(self._path):
            self._left_over = self._is_left_over(os.pread(self._lock_fd, 4096, 0).decode(errors="replace"))
            if not self._left_over:
                self.release()
                raise self._cannot(FileExistsError(errno.EEXIST, "it exists and is no link of a pump"))

    def publish(self, target: str) -> None:
        """Let the reserved path point to `target`; what a killed emulator left there is replaced in one step.

        Raises:
            EmulatorError: as for `reserve`.
        """
        if self._lock_fd is None:
            raise RuntimeError("publish without reserve")
        # Noted before the link stands: after a kill in between, the link is still known as ours.
        os.ftruncate(self._lock_fd, 0)
        os.pwrite(self._lock_fd, target.encode(), 0)
        try:
            self._place(target)
        except OSError as failure:
            raise self._cannot(failure) from None
        self._target = target

    def release(self) -> None:
        """Remove the link if it is still ours, then the lock. Never fails."""
        with suppress(OSError):  # among them: it is no symlink any more, or no longer there
            if self._target and str(self._path.readlink()) == self._target:
                self._path.unlink()
        self._target = ""
        if self._lock_fd is not None:
            with suppress(OSError):
                self._lock_path.unlink()  # while it is held: who waits for it finds out, and takes a new one
            os.close(self._lock_fd)
            self._lock_fd = None

    def _lock(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        while True:
            fd = os.open(self._lock_path, flags, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_lock(fd):
                    return fd
            except BlockingIOError:
                os.close(fd)
                raise EmulatorError(
                    EmulatorFailure.LINK_BUSY,
                    f"another pump runs on {self._path}; end that one, or give another path",
                ) from None
            os.close(fd)

    def _is_lock(self, fd: int) -> bool:
        """Whether the file is still the one under the lock's name: its last owner removes it on leaving."""
        try:
            return os.path.samestat(os.fstat(fd), self._lock_path.lstat())
        except FileNotFoundError:
            return False

    def _is_left_over(self, noted_target: str) -> bool:
        if not self._path.is_symlink():
            return False
        target = str(self._path.readlink())
        return target == noted_target or (target.startswith(_TERMINALS) and not self._path.exists())

    def _place(self, target: str) -> None:
        if not self._left_over:
            self._path.symlink_to(target)
            return
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        fresh.symlink_to(target)
        fresh.replace(self._path)

    def _cannot(self, failure: OSError) -> EmulatorError:
        reason, advice = _BY_ERRNO.get(failure.errno or 0, _OTHERWISE)
        return EmulatorError(reason, f"no link can be made at {self._path} ({failure.strerror}); {advice}")
