"""Which screen draws which stage of the workflow."""

from collections.abc import Callable
from typing import Final

from programmer_tui.clinic.workflow import Stage
from programmer_tui.screens.alarms import AlarmsScreen
from programmer_tui.screens.connect import ConnectScreen
from programmer_tui.screens.frame import FrameScreen
from programmer_tui.screens.log import LogScreen
from programmer_tui.screens.overview import OverviewScreen
from programmer_tui.screens.prescribe import PrescribeScreen
from programmer_tui.screens.result import ResultScreen
from programmer_tui.screens.review import ReviewScreen

SCREENS: Final[dict[str, Callable[[], FrameScreen]]] = {
    "connect": ConnectScreen,
    "overview": OverviewScreen,
    "prescribe": PrescribeScreen,
    "review": ReviewScreen,
    "result": ResultScreen,
    "alarms": AlarmsScreen,
    "log": LogScreen,
}
SCREEN_OF: Final = {
    Stage.CONNECT: "connect",
    Stage.INTERROGATING: "connect",
    Stage.OVERVIEW: "overview",
    Stage.PRESCRIBE: "prescribe",
    Stage.VERIFYING: "prescribe",
    Stage.REVIEW: "review",
    Stage.PROGRAMMING: "result",
    Stage.READ_BACK: "result",
    Stage.VERIFIED: "result",
    Stage.UNKNOWN: "result",
    Stage.ALARMS: "alarms",
    Stage.LOG: "log",
}
