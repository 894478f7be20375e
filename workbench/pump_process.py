"""A pump in a process of its own, started and ended by the demo and by tests.

The process is told its link and where to write its implant card; it says on standard output when it is ready.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

READY: Final = "Ready: "
START_S: Final = 20.0
STOP_S: Final = 5.0


class PumpProcessError(Exception):
    """The pump did not start, or ended by itself; the text says what it said last."""


class PumpProcess:
    """One `cisterna emulate` in the background; use it as a context manager.

    Args:
        link: link spec, such as ``pty:/tmp/x/pump`` or ``tcp:127.0.0.1:0``.
        card: where its implant card is written.
        options: further options of `cisterna emulate`.
    """

    def __init__(self, link: str, card: Path, options: Sequence[str] = ()) -> None:
        self._command = [
            sys.executable,
            "-m",
            "workbench",
            "emulate",
            "--link",
            link,
            "--card",
            str(card),
            "--end-with-stdin",
            *options,
        ]
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        """What it has said until it was ready."""
        self.address = ""

    @property
    def pid(self) -> int:
        """Process id, 0 while it does not run."""
        return self._process.pid if self._process else 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until the pump is ready.

        Raises:
            PumpProcessError: it ended, or was not ready in 20 s.
        """
        self._process = subprocess.Popen(
            self._command,
            # Never written to: it ends with this process, and the pump with it, also after a kill -9.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl+C in the terminal is the programmer's; it stops the pump in its own time.
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        try:
            self._wait_until_ready()
        except PumpProcessError:
            self.stop()
            raise

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _wait_until_ready(self) -> None:
        while True:
            try:
                line = self._lines.get(timeout=START_S)
            except queue.Empty:
                raise PumpProcessError(f"The pump was not ready in {START_S:.0f} s.") from None
            if line is None:
                said = " ".join(self.said[-3:]) or "nothing"
                raise PumpProcessError(f"The pump ended while starting. It said: {said}")
            self.said.append(line)
            if line.startswith(READY):
                self.address = line.removeprefix(READY).split()[0]
                return

    def stop(self) -> int:
        """End the process in order, or by force after 5 s; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
