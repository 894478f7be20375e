"""Draws the overview of a training patient as an SVG: the picture in the README.

python -m workbench.screenshot docs/images/overview.svg

The pump, the link and the clock are the real ones in memory, so the picture is what a person sees.
"""

import asyncio
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from programmer_tui.app import ProgrammerApp
from programmer_tui.service_thread import ServiceThread
from workbench.in_memory import memory_clinic

SIZE: Final = (120, 40)
MOMENT_UTC_S: Final = 1_772_448_067
"""Monday 2026-03-02 10:41:07 UTC, the moment of the drawings this screen was designed by."""
_PATIENCE: Final = 200


async def draw(folder: Path) -> str:
    """Return the SVG of the overview after interrogation."""
    clinic = memory_clinic(folder, seed=4711, utc_s=MOMENT_UTC_S)
    clinic.service.enrol(clinic.card, "demo")
    app = ProgrammerApp(ServiceThread(clinic.service, clinic.clock.now_ms), flash=False)
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(_PATIENCE):
            await pilot.pause(0.05)
            if clinic.service.view.belief is not None and app.screen.query("#overview-ready, StepChart"):
                break
        await pilot.pause(0.5)
        picture = app.export_screenshot(title="cisterna programmer")
    # The exporter links a font from a content network; a picture in a repository asks nobody for anything.
    return re.sub(r"@font-face\s*\{[^}]*\}", "", picture)


def main() -> None:
    """Write the picture to the path given."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cisterna-") as folder:
        picture = asyncio.run(draw(Path(folder)))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(picture, encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")


if __name__ == "__main__":
    main()
