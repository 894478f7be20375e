"""Command line of the soak."""

import argparse
import sys
import time

from support.soak.run import Report, soak

_EVERY_S = 10.0


def main() -> None:
    """Run it and print what it saw."""
    parser = argparse.ArgumentParser(prog="python -m support.soak", description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000, help="how many frames (default 200000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same frames (default 1)")
    options = parser.parse_args()
    last = time.monotonic()

    def progress(report: Report) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY_S:
            last = time.monotonic()
            sys.stderr.write(f"{report.frames:,} of {options.frames:,} frames\n")

    report = soak(options.frames, options.seed, progress)
    sys.stdout.write(report.text() + "\n")


if __name__ == "__main__":
    main()
