"""Everything physical about a pump, as plain data."""

from dataclasses import dataclass, field, replace

from firmware_model.plant.buzzer import Buzzer
from firmware_model.plant.cell import Cell
from firmware_model.plant.chance import Chance
from firmware_model.plant.dose_trace import DoseTrace
from firmware_model.plant.environment import Environment
from firmware_model.plant.flow_valve import FlowValve
from firmware_model.plant.fluid import NO_DRUG, Conc, Mass, Tally, add, subtract, total
from firmware_model.plant.junction import Junction
from firmware_model.plant.level_sensor import LevelSensor
from firmware_model.plant.line import Line, whole_steps
from firmware_model.plant.motor import PPM, Motor
from firmware_model.plant.reservoir import Reservoir
from firmware_model.plant.timers import Timers
from firmware_model.profiles import Profile
from protocol.quantities import nl_to_units


@dataclass(slots=True)
class Syringe:
    """How the next refills go wrong, and what the last one held.

    Attributes:
        conc: concentrations in it when nobody says otherwise: those of the last refill, ng/mL.
        conc_ppm: concentration that is in it, per concentration on its label.
        volume_ppm: volume that is injected, per volume that is written down.
        pocket_ppm: share of it that goes beside the septum into the pocket.
        port_ppm: share of it that goes into the catheter access port.
    """

    conc: Conc = NO_DRUG
    conc_ppm: int = PPM
    volume_ppm: int = PPM
    pocket_ppm: int = 0
    port_ppm: int = 0


@dataclass(frozen=True, slots=True)
class PlantState:
    """Everything physical about a pump, as plain data; its parts hold no mutable values.

    Attributes:
        motor: the drive.
        reservoir: what the drug is in.
        tubing: the line from the motor to the connector.
        catheter: the line from the connector to the tip.
        cell: the battery.
        junction: the connector.
        tip: what has come out at the tip.
        pocket: what has run or been injected into the pocket.
        injected: what was injected anywhere but into the reservoir.
        aspirated: what was drawn out of the side port.
    """

    motor: Motor
    reservoir: Reservoir
    tubing: Line
    catheter: Line
    cell: Cell
    environment: Environment = field(default_factory=Environment)
    buzzer: Buzzer = field(default_factory=Buzzer)
    junction: Junction = field(default_factory=Junction)
    valve: FlowValve = field(default_factory=FlowValve)
    sensor: LevelSensor = field(default_factory=LevelSensor)
    syringe: Syringe = field(default_factory=Syringe)
    tip: Tally = field(default_factory=Tally)
    pocket: Tally = field(default_factory=Tally)
    injected: Tally = field(default_factory=Tally)
    aspirated: Tally = field(default_factory=Tally)
    trace: DoseTrace = field(default_factory=DoseTrace)
    timers: Timers = field(default_factory=Timers)
    chance: Chance = field(default_factory=Chance)

    @classmethod
    def new(cls, profile: Profile, now_ms: int, seed: int) -> "PlantState":
        """Return a pump as the factory makes it: empty, a full cell, no drug in its lines."""
        catheter_nl = profile.catheter_cm * profile.catheter_nl_per_cm
        return cls(
            Motor(),
            Reservoir(nl_to_units(profile.reservoir_capacity_nl)),
            Line.filled(whole_steps(nl_to_units(profile.tubing_nl), profile.dispersion_tanks)),
            Line.filled(whole_steps(nl_to_units(catheter_nl), profile.dispersion_tanks)),
            Cell(now_ms),
            chance=Chance(seed),
        )

    def copy(self) -> "PlantState":
        """Return the same state in objects of its own."""
        return PlantState(
            motor=replace(self.motor),
            reservoir=replace(self.reservoir),
            tubing=replace(self.tubing),
            catheter=replace(self.catheter),
            cell=replace(self.cell),
            environment=replace(self.environment),
            buzzer=replace(self.buzzer),
            junction=replace(self.junction),
            valve=replace(self.valve),
            sensor=replace(self.sensor),
            syringe=replace(self.syringe),
            tip=replace(self.tip),
            pocket=replace(self.pocket),
            injected=replace(self.injected),
            aspirated=replace(self.aspirated),
            trace=replace(self.trace),
            timers=replace(self.timers),
            chance=replace(self.chance),
        )

    def balance(self) -> "MassBalance":
        """Return where every drug is that ever went in."""
        return MassBalance(
            filled=self.reservoir.filled_mass,
            injected=self.injected.mass,
            reservoir=self.reservoir.mass,
            tubing=self.tubing.mass,
            held=self.junction.held_mass,
            catheter=self.catheter.mass,
            tip=self.tip.mass,
            pocket=self.pocket.mass,
            withdrawn=self.reservoir.wasted_mass,
            aspirated=self.aspirated.mass,
        )


@dataclass(frozen=True, slots=True)
class MassBalance:
    """Where the drugs are, units*ng/mL of each of four.

    Attributes:
        filled: went into the reservoir.
        injected: went in anywhere else.
        reservoir: is in the reservoir.
        tubing: is in the tubing of the pump.
        held: is behind an occlusion.
        catheter: is in the catheter.
        tip: came out at the tip.
        pocket: went into the pocket.
        withdrawn: was drawn out of the reservoir.
        aspirated: was drawn out of the side port.
    """

    filled: Mass
    injected: Mass
    reservoir: Mass
    tubing: Mass
    held: Mass
    catheter: Mass
    tip: Mass
    pocket: Mass
    withdrawn: Mass
    aspirated: Mass

    @property
    def missing(self) -> Mass:
        """What went in and is nowhere: zero, always."""
        places = (self.reservoir, self.tubing, self.held, self.catheter)
        gone = (self.tip, self.pocket, self.withdrawn, self.aspirated)
        return subtract(add(self.filled, self.injected), total((*places, *gone)))
