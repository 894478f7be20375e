"""Every physical fault of a pump, by name; and those of the cell, the tone generator and the environment.

Documents, command line, scenarios, the control interface and the tests iterate over `FAULTS`. A fault acts
at the instant up to which the plant is settled.
"""

from collections.abc import Mapping
from typing import Final

from firmware_model.plant.body import Body
from firmware_model.plant.environment import BODY_TEMPERATURE_CDEG, SEA_LEVEL_HPA
from firmware_model.plant.fault import Fault, FaultError, Parameter, Values
from firmware_model.plant.faults_flow import CATHETER, MOTOR, RESERVOIR
from protocol.quantities import MS_PER_DAY

_LEAK_CURRENT: Final = "cell.leak_na"
_DAYS_PER_MONTH: Final = 30
_MOHM_PER_OHM: Final = 1_000

# --- cell and tone generator ------------------------------------------------------------------------------


def _film(body: Body, values: Values) -> None:
    cell = body.state.cell
    cell.film_from_ms = body.now_ms + values["delay_days"] * MS_PER_DAY
    cell.film_mohm_per_day = values["ohm_per_month"] * _MOHM_PER_OHM // _DAYS_PER_MONTH
    body.watch_cell()


def _no_film(body: Body) -> None:
    body.state.cell.film_from_ms = None
    body.watch_cell()


def _feedthrough(body: Body, values: Values) -> None:
    body.ramp(_LEAK_CURRENT, body.state.cell.leak_na, values["leak_na"], values["days"])
    body.watch_cell()


def _no_feedthrough(body: Body) -> None:
    body.end_ramp(_LEAK_CURRENT)
    body.state.cell.leak_na = 0
    body.watch_cell()


def _adc(body: Body, values: Values) -> None:
    body.state.cell.adc_offset_mv = values["offset_mv"]


def _no_adc(body: Body) -> None:
    body.state.cell.adc_offset_mv = 0


def _mute(body: Body, _: Values) -> None:
    body.state.buzzer.works = False


def _sounding(body: Body) -> None:
    body.state.buzzer.works = True


_ELECTRIC: Final = (
    Fault(
        "cell_film",
        "A resistive film grows in the cell: its voltage sags under every motor pulse.",
        (
            Parameter("delay_days", "d", 0, 3_650, 0, "time until it begins to grow"),
            Parameter("ohm_per_month", "ohm/month", 1, 1_000, 20, "how fast it grows"),
        ),
        _film,
        _no_film,
    ),
    Fault(
        "feedthrough_leak",
        "Humidity bridges a feedthrough: a leakage current grows and drains the cell.",
        (
            Parameter("leak_na", "nA", 1, 10_000_000, 200_000, "current at the end"),
            Parameter("days", "d", 1, 3_650, 90, "time it takes, one step a day"),
        ),
        _feedthrough,
        _no_feedthrough,
    ),
    Fault(
        "battery_adc_offset",
        "The electronics measure the cell's voltage wrong.",
        (Parameter("offset_mv", "mV", -1_000, 1_000, 100, "what they read too much"),),
        _adc,
        _no_adc,
    ),
    Fault("tone_generator_dead", "The tone generator is broken.", (), _mute, _sounding),
)

# --- environment ------------------------------------------------------------------------------------------


def _field(body: Body, values: Values) -> None:
    body.set_field(values["field_mt"])


def _no_field(body: Body) -> None:
    body.set_field(0)


def _emi(body: Body, values: Values) -> None:
    body.state.environment.emi_pulses += values["pulses"]


def _temperature(body: Body, values: Values) -> None:
    body.state.environment.temperature_cdeg = values["temperature_cdeg"]


def _body_temperature(body: Body) -> None:
    body.state.environment.temperature_cdeg = BODY_TEMPERATURE_CDEG


def _pressure(body: Body, values: Values) -> None:
    body.state.environment.pressure_hpa = values["pressure_hpa"]


def _sea_level(body: Body) -> None:
    body.state.environment.pressure_hpa = SEA_LEVEL_HPA


_ENVIRONMENT: Final = (
    Fault(
        "magnetic_field",
        "The pump is in a magnetic field, such as that of a scanner.",
        (Parameter("field_mt", "mT", 1, 7_000, 1_500, "flux density"),),
        _field,
        _no_field,
    ),
    Fault(
        "emi_pulses",
        "Electromagnetic pulses reach the radio.",
        (Parameter("pulses", "", 1, 1_000_000, 1, "how many"),),
        _emi,
        None,
    ),
    Fault(
        "temperature",
        "The pump is colder or warmer than the body.",
        (Parameter("temperature_cdeg", "0.01 degC", 3_000, 4_300, 3_950, "temperature"),),
        _temperature,
        _body_temperature,
    ),
    Fault(
        "ambient_pressure",
        "The pump is in thin air or under water.",
        (Parameter("pressure_hpa", "hPa", 667, 6_666, 750, "ambient pressure"),),
        _pressure,
        _sea_level,
    ),
)

FAULTS: Final[Mapping[str, Fault]] = {
    fault.name: fault for fault in (*MOTOR, *RESERVOIR, *CATHETER, *_ELECTRIC, *_ENVIRONMENT)
}


def find_fault(name: str) -> Fault:
    """Return the fault called ``name``.

    Raises:
        FaultError: there is none.
    """
    if name not in FAULTS:
        raise FaultError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
    return FAULTS[name]
