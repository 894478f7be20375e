"""Faults of motor, reservoir, level sensor, valve and catheter."""

from typing import Final

from firmware_model.plant.body import Body
from firmware_model.plant.fault import Fault, Needs, Parameter, Values
from firmware_model.plant.motor import PPM
from protocol.quantities import units_to_nl

_GAIN: Final = "motor.gain_ppm"
_LEAK: Final = "junction.leak_ppm"
_ML: Final = 1_000_000


def _share(name: str, text: str, default: int = PPM // 2, high: int = PPM) -> Parameter:
    return Parameter(name, "ppm", 0, high, default, text)


def _days(default: int = 180) -> Parameter:
    return Parameter("days", "d", 1, 3_650, default, "time it takes, one step a day")


# --- motor ------------------------------------------------------------------------------------------------


def _gain(body: Body, values: Values) -> None:
    body.end_ramp(_GAIN)
    body.state.motor.gain_ppm = values["gain_ppm"]


def _gain_drift(body: Body, values: Values) -> None:
    body.ramp(_GAIN, body.state.motor.gain_ppm, values["gain_ppm"], values["days"])


def _true_gain(body: Body) -> None:
    body.end_ramp(_GAIN)
    body.state.motor.gain_ppm = PPM


def _slip(body: Body, values: Values) -> None:
    body.state.motor.slip_ppm = values["slip_ppm"]


def _no_slip(body: Body) -> None:
    body.state.motor.slip_ppm = 0


def _stall(body: Body, values: Values) -> None:
    body.jam(values["minutes"])


def _no_stall(body: Body) -> None:
    body.state.motor.jammed_until_ms = None


def _bursts(body: Body, values: Values) -> None:
    body.begin_bursts(values["gap_min"], values["stall_min"])


def _no_bursts(body: Body) -> None:
    body.state.timers.bursts = None


def _seize(body: Body, _: Values) -> None:
    body.state.motor.seized = True


def _repair(body: Body) -> None:
    body.state.motor.seized = False


def _reverse(body: Body, values: Values) -> None:
    body.reverse(values["strokes"])


def _lie(body: Body, _: Values) -> None:
    body.state.motor.encoder_lies = True


def _honest(body: Body) -> None:
    body.state.motor.encoder_lies = False


_GAIN_PARAMETER: Final = _share("gain_ppm", "volume moved per volume commanded", 1_200_000, 3 * PPM)

MOTOR: Final = (
    Fault(
        "motor_gain", "The motor moves more or less than commanded.", (_GAIN_PARAMETER,), _gain, _true_gain
    ),
    Fault(
        "motor_gain_drift",
        "What the motor moves drifts away from what is commanded.",
        (_GAIN_PARAMETER, _days()),
        _gain_drift,
        _true_gain,
    ),
    Fault(
        "motor_slip",
        "The gear slips: the encoder turns, and some strokes move nothing.",
        (_share("slip_ppm", "share of the strokes that move nothing"),),
        _slip,
        _no_slip,
    ),
    Fault(
        "motor_stall",
        "The motor is stuck for a time, and recovers.",
        (Parameter("minutes", "min", 1, 1_440, 120, "how long"),),
        _stall,
        _no_stall,
    ),
    Fault(
        "motor_stall_bursts",
        "The motor is stuck again and again for a short time.",
        (
            Parameter("gap_min", "min", 1, 525_600, 2_880, "mean time from one stall to the next"),
            Parameter("stall_min", "min", 1, 1_440, 180, "longest stall"),
        ),
        _bursts,
        _no_bursts,
    ),
    Fault("motor_seized", "The motor is stuck for good.", (), _seize, _repair),
    Fault(
        "motor_reversed",
        "A field turns the rotor back; as much has to be moved again before any drug moves.",
        (Parameter("strokes", "", 1, 1_000, 10, "strokes it turns back"),),
        _reverse,
        None,
    ),
    Fault("encoder_lies", "The encoder sees strokes that nothing turned in.", (), _lie, _honest),
)


# --- reservoir, refill and level sensor -------------------------------------------------------------------


def _gas(body: Body, values: Values) -> None:
    body.state.reservoir.gas_ppm = values["gas_ppm"]


def _no_gas(body: Body) -> None:
    body.state.reservoir.gas_ppm = 0


def _pocket(body: Body, values: Values) -> None:
    body.state.syringe.pocket_ppm = values["share_ppm"]


def _no_pocket(body: Body) -> None:
    body.state.syringe.pocket_ppm = 0


def _port(body: Body, values: Values) -> None:
    body.state.syringe.port_ppm = values["share_ppm"]


def _no_port(body: Body) -> None:
    body.state.syringe.port_ppm = 0


def _wrong_drug(body: Body, values: Values) -> None:
    body.state.syringe.conc_ppm = values["factor_ppm"]


def _right_drug(body: Body) -> None:
    body.state.syringe.conc_ppm = PPM


def _wrong_volume(body: Body, values: Values) -> None:
    body.state.syringe.volume_ppm = values["factor_ppm"]


def _right_volume(body: Body) -> None:
    body.state.syringe.volume_ppm = PPM


def _bias(body: Body, values: Values) -> None:
    body.state.sensor.bias_nl = values["bias_nl"]


def _no_bias(body: Body) -> None:
    body.state.sensor.bias_nl = 0


def _scale(body: Body, values: Values) -> None:
    body.state.sensor.gain_ppm = values["gain_ppm"]


def _true_scale(body: Body) -> None:
    body.state.sensor.gain_ppm = PPM


def _drift(body: Body, values: Values) -> None:
    sensor = body.state.sensor
    sensor.drift_nl_per_day, sensor.drift_from_ms = values["nl_per_day"], body.now_ms


def _no_drift(body: Body) -> None:
    body.state.sensor.drift_nl_per_day = 0


def _noise(body: Body, values: Values) -> None:
    body.state.sensor.noise_nl = values["noise_nl"]


def _no_noise(body: Body) -> None:
    body.state.sensor.noise_nl = None


_SHARE: Final = _share("share_ppm", "share of the syringe")

RESERVOIR: Final = (
    Fault(
        "gas_in_reservoir",
        "Gas takes part of every stroke.",
        (_share("gas_ppm", "share of gas in what is drawn", 100_000),),
        _gas,
        _no_gas,
    ),
    Fault(
        "pocket_fill",
        "At the next refills the needle lies beside the septum: drug runs into the pocket.",
        (_SHARE,),
        _pocket,
        _no_pocket,
    ),
    Fault(
        "wrong_port",
        "At the next refills the needle is in the catheter access port: drug runs straight to the tip.",
        (_SHARE,),
        _port,
        _no_port,
    ),
    Fault(
        "wrong_concentration",
        "At the next refills another concentration is in the syringe than on its label.",
        (_share("factor_ppm", "concentration per concentration on the label", 10 * PPM, 1_000 * PPM),),
        _wrong_drug,
        _right_drug,
    ),
    Fault(
        "wrong_volume",
        "At the next refills another volume is injected than is written down.",
        (_share("factor_ppm", "volume per volume written down", 800_000, 2 * PPM),),
        _wrong_volume,
        _right_volume,
    ),
    Fault(
        "level_sensor_bias",
        "The level sensor reads too much or too little.",
        (Parameter("bias_nl", "nL", -20 * _ML, 20 * _ML, 3 * _ML, "what it reads too much"),),
        _bias,
        _no_bias,
        Needs.LEVEL_SENSOR,
    ),
    Fault(
        "level_sensor_gain",
        "The level sensor has a wrong scale.",
        (_share("gain_ppm", "reading per content", 800_000, 2 * PPM),),
        _scale,
        _true_scale,
        Needs.LEVEL_SENSOR,
    ),
    Fault(
        "level_sensor_drift",
        "The level sensor drifts.",
        (Parameter("nl_per_day", "nL/d", -_ML, _ML, 20_000, "what it reads more each day"),),
        _drift,
        _no_drift,
        Needs.LEVEL_SENSOR,
    ),
    Fault(
        "level_sensor_noise",
        "The level sensor scatters.",
        (Parameter("noise_nl", "nL", 0, 10 * _ML, _ML, "the most it is off, either way"),),
        _noise,
        _no_noise,
        Needs.LEVEL_SENSOR,
    ),
)


# --- valve and catheter -----------------------------------------------------------------------------------


def _break_guard(body: Body, _: Values) -> None:
    body.state.valve.guard_broken = True


def _mend_guard(body: Body) -> None:
    body.state.valve.guard_broken = False


def _occlude(body: Body, _: Values) -> None:
    body.state.junction.occluded = True


def _open(body: Body) -> None:
    body.pathway.clear_occlusion()


def _disconnect(body: Body, _: Values) -> None:
    body.state.junction.connected = False
    body.pathway.let_go()


def _connect(body: Body) -> None:
    body.state.junction.connected = True


def _leak(body: Body, values: Values) -> None:
    body.end_ramp(_LEAK)
    body.state.junction.leak_ppm = values["leak_ppm"]
    body.pathway.let_go()


def _leak_growth(body: Body, values: Values) -> None:
    body.ramp(_LEAK, body.state.junction.leak_ppm, values["leak_ppm"], values["days"])


def _tight(body: Body) -> None:
    body.end_ramp(_LEAK)
    body.state.junction.leak_ppm = 0


def _other_volume(body: Body, values: Values) -> None:
    volume_nl = units_to_nl(body.state.catheter.capacity_units) + values["more_nl"]
    body.fit_lines(body.pathway.tubing_nl(), max(1, volume_nl))


_LEAK_PARAMETER: Final = _share("leak_ppm", "share of the flow that leaks")

CATHETER: Final = (
    Fault(
        "valve_guard_broken",
        "The flow-activated valve does not close: a strong field empties the reservoir.",
        (),
        _break_guard,
        _mend_guard,
        Needs.VALVES,
    ),
    Fault(
        "catheter_occlusion",
        "Nothing gets through the catheter; cleared, it lets go at once what was held behind it.",
        (),
        _occlude,
        _open,
    ),
    Fault("catheter_off", "The catheter is off: all runs into the pocket.", (), _disconnect, _connect),
    Fault("catheter_leak", "Part of the flow leaks into the pocket.", (_LEAK_PARAMETER,), _leak, _tight),
    Fault(
        "catheter_leak_growth",
        "A leak grows.",
        (_LEAK_PARAMETER, _days()),
        _leak_growth,
        _tight,
    ),
    Fault(
        "dead_volume",
        "The catheter holds another volume than its papers say.",
        (Parameter("more_nl", "nL", -200_000, 200_000, 59_000, "what it holds more"),),
        _other_volume,
        None,
    ),
)
