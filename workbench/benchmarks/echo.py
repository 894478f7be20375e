"""A bare echo on a pseudo-terminal: answers so many octets to every so many octets, and knows nothing else.

python -m workbench.benchmarks.echo ASKED ANSWERED

Prints the terminal's name, then answers until its standard input ends or the terminal does.
"""

import os
import select
import sys
import tty


def serve(master: int, asked: int, answered: int) -> None:
    """Answer ``answered`` octets to every ``asked`` octets on ``master``, until standard input ends."""
    poller = select.poll()
    poller.register(master, select.POLLIN)
    poller.register(sys.stdin, select.POLLIN)
    waiting = 0
    answer = bytes(answered)
    while True:
        ready = [descriptor for descriptor, _ in poller.poll()]
        if sys.stdin.fileno() in ready:
            return
        waiting += len(os.read(master, 4096))
        while waiting >= asked:
            waiting -= asked
            os.write(master, answer)


def main() -> None:
    """Run the echo."""
    asked, answered = map(int, sys.argv[1:3])
    master, slave = os.openpty()
    for descriptor in (master, slave):
        tty.setraw(descriptor)
    sys.stdout.write(os.ttyname(slave) + "\n")
    sys.stdout.flush()
    serve(master, asked, answered)


if __name__ == "__main__":
    main()
