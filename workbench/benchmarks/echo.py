"""An echo on a pseudo-terminal: answers so many octets to every so many octets, and knows nothing else.

python -m workbench.benchmarks.echo bare ASKED ANSWERED
python -m workbench.benchmarks.echo link ASKED ANSWERED PATH

``bare`` uses a raw terminal with nothing between; ``link`` the emulator's link behind the symlink PATH.
Prints the terminal's name, then answers until its standard input ends.
"""

import os
import select
import sys
import tty
from typing import Final

from emulator.links import Received
from emulator.links.pty import PtyLink
from emulator.waiting import wait_for

_READ: Final = 4096


class Answers:
    """Counts what was asked and tells what to answer."""

    def __init__(self, asked: int, answered: int) -> None:
        self._asked = asked
        self._answer = bytes(answered)
        self._waiting = 0

    def to(self, octets: bytes) -> bytes:
        """Return the answers to all questions that ``octets`` complete."""
        questions, self._waiting = divmod(self._waiting + len(octets), self._asked)
        return self._answer * questions


def serve_bare(answers: Answers) -> None:
    """Answer on a new raw terminal, until standard input ends."""
    master, slave = os.openpty()
    for descriptor in (master, slave):
        tty.setraw(descriptor)
    _announce(os.ttyname(slave))
    poller = select.poll()
    poller.register(master, select.POLLIN)
    poller.register(sys.stdin, select.POLLIN)
    while sys.stdin.fileno() not in {descriptor for descriptor, _ in poller.poll()}:
        os.write(master, answers.to(os.read(master, _READ)))


def serve_link(answers: Answers, path: str) -> None:
    """Answer on the emulator's link at ``path``, until standard input ends."""
    link = PtyLink(path)
    link.start()
    try:
        _announce(path)
        ear = sys.stdin.fileno()
        while True:
            readers, writers = link.wait_on()
            if ear in wait_for((*readers, ear), writers, None):
                return
            for event in link.poll():
                if isinstance(event, Received):
                    link.write(answers.to(event.data))
    finally:
        link.close()


def _announce(name: str) -> None:
    sys.stdout.write(name + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the echo."""
    kind, asked, answered = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    answers = Answers(asked, answered)
    if kind == "bare":
        serve_bare(answers)
    else:
        serve_link(answers, sys.argv[4])


if __name__ == "__main__":
    main()
