"""Both real endpoints over the worst line there is, with the real firmware behind them."""

from hypothesis import settings
from support.ward.firmware_rules import FirmwareRules

TestFirmware = FirmwareRules.TestCase
TestFirmware.settings = settings(max_examples=40, stateful_step_count=30)
