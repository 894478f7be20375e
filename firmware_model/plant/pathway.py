"""The way of the drug: reservoir, motor, tubing, connector, catheter, tip."""

from typing import Final

from firmware_model.plant.environment import BODY_TEMPERATURE_CDEG, SEA_LEVEL_HPA
from firmware_model.plant.fluid import NO_DRUG, Conc, Piece
from firmware_model.plant.line import Line, whole_steps
from firmware_model.plant.motor import PPM
from firmware_model.plant.state import PlantState
from firmware_model.profiles import Profile
from protocol.quantities import nl_to_units, units_to_nl

_CDEG_PER_K: Final = 100


class Pathway:
    """The parts that drug flows through.

    Attributes:
        stroke_units: volume of one stroke, nL*ms/h.
    """

    def __init__(self, profile: Profile, state: PlantState) -> None:
        self._profile = profile
        self._state = state
        self.stroke_units: Final = nl_to_units(profile.stroke_nl)
        self._compliance_units = nl_to_units(profile.catheter_compliance_nl)
        self._reacts = bool(profile.pressure_ppm_per_hpa or profile.temperature_ppm_per_k)

    # --- flow ---------------------------------------------------------------------------------------------

    def run(self, units: int) -> None:
        """Turn the motor as far as ``units`` should take, and let flow what that moves."""
        motor, state = self._state.motor, self._state
        before = motor.strokes
        moved = motor.turn(units, self.stroke_units, self.flow_ppm())
        if motor.strokes != before:
            state.cell.drive(self._profile, (motor.strokes - before) * self.stroke_units)
            self._flow(moved)

    def complete_stroke(self) -> None:
        """Finish the stroke that is under way."""
        motor, state = self._state.motor, self._state
        before = motor.strokes
        moved = motor.complete_stroke(self.stroke_units, self.flow_ppm())
        if motor.strokes != before:
            state.cell.drive(self._profile, self.stroke_units)
            self._flow(moved)

    def flow_ppm(self) -> int:
        """Return what a stroke moves at this pressure and temperature, with the gas in the reservoir."""
        gas_ppm = self._state.reservoir.gas_ppm
        if not self._reacts and not gas_ppm:
            return PPM
        profile, place = self._profile, self._state.environment
        shift = profile.pressure_ppm_per_hpa * (place.pressure_hpa - SEA_LEVEL_HPA)
        warmer_cdeg = place.temperature_cdeg - BODY_TEMPERATURE_CDEG
        shift += profile.temperature_ppm_per_k * warmer_cdeg // _CDEG_PER_K
        return max(0, PPM + shift) * (PPM - gas_ppm) // PPM

    def dump(self) -> None:
        """Let the reservoir run out through open valves, until the flow-activated valve closes."""
        state = self._state
        limit_units = nl_to_units(self._profile.valve_dump_nl)
        content_units = self._room(state.reservoir.content_units)
        units = state.reservoir.draw(state.valve.open_wide(content_units, limit_units))
        state.valve.dumped_units += units
        if units:
            self._send(units, state.reservoir.conc)

    def _flow(self, moved: int) -> None:
        junction, reservoir = self._state.junction, self._state.reservoir
        units = junction.pay_back(moved)
        room = 0 if self._state.valve.latched else self._room(units)
        if units > room:
            junction.blocked_units += units - room
            units = room
        drawn = reservoir.draw(units)
        if drawn:
            self._send(drawn, reservoir.conc)

    def _room(self, units: int) -> int:
        """Return how much of a flow finds a place."""
        junction = self._state.junction
        if not junction.is_shut:
            return units
        # What waits in the tubing for a whole step is on its way to the occlusion.
        return max(0, self._compliance_units - junction.held_units - self._state.tubing.waiting_units)

    def _send(self, units: int, conc: Conc) -> None:
        for piece in self._state.tubing.push(units, conc):
            self._pass_connector(piece)

    def _pass_connector(self, piece: Piece) -> None:
        state, (units, conc) = self._state, piece
        lost = state.junction.lose(units)
        if lost:
            state.pocket.take(lost, conc)
            units -= lost
        if units and state.junction.is_shut:
            state.junction.hold((units, conc))
        elif units:
            self._pass_catheter(units, conc)

    def _pass_catheter(self, units: int, conc: Conc) -> None:
        for out_units, out_conc in self._state.catheter.push(units, conc):
            self._state.tip.take(out_units, out_conc)

    # --- syringes at the side port ------------------------------------------------------------------------

    def inject(self, units: int, conc: Conc) -> int:
        """Inject into the catheter access port; return how much went in."""
        state, room = self._state, self._room(units)
        units = min(units, room)
        if not units:
            return 0
        state.injected.take(units, conc)
        self._pass_connector((units, conc))
        return units

    def aspirate(self, units: int) -> int:
        """Draw out of the catheter access port; spinal fluid follows at the tip. Return how much came.

        Nothing comes out of a catheter that is occluded or off: the bedside test for both.
        """
        state, line = self._state, self._state.catheter
        if state.junction.occluded or not state.junction.connected:
            return 0
        tanks, left = len(line.tanks), units
        row = list(line.unstir())
        while left and row:
            piece_units, conc = row.pop()
            part = min(piece_units, left)
            state.aspirated.take(part, conc)
            left -= part
            if part < piece_units:
                row.append((piece_units - part, conc))
        if left:
            state.aspirated.take(left, NO_DRUG)
        missing = line.capacity_units - sum(each for each, _ in row)
        self._load(line, [(max(0, missing), NO_DRUG), *row], tanks)
        return units

    # --- occlusion and volumes ----------------------------------------------------------------------------

    def clear_occlusion(self) -> None:
        """Open the catheter; what was held behind it goes through at once."""
        junction = self._state.junction
        junction.occluded = False
        self.let_go()

    def let_go(self) -> None:
        """Send on what is held behind the occlusion, wherever it can go now."""
        for piece in self._state.junction.release():
            self._pass_connector(piece)

    def resize(self, tubing_nl: int, catheter_nl: int) -> None:
        """Give the lines other volumes; fluid without drug fills what is new at the outlet end."""
        for line, volume_nl in ((self._state.tubing, tubing_nl), (self._state.catheter, catheter_nl)):
            tanks, row = len(line.tanks), list(line.unstir())
            before = sum(units for units, _ in row)
            line.capacity_units = whole_steps(nl_to_units(volume_nl), self._profile.dispersion_tanks)
            self._load(line, [(max(0, line.capacity_units - before), NO_DRUG), *row], tanks)

    def catheter_nl(self) -> int:
        """Return the volume of the catheter, nL, rounded down."""
        return units_to_nl(self._state.catheter.capacity_units)

    def tubing_nl(self) -> int:
        """Return the volume of the tubing, nL, rounded down."""
        return units_to_nl(self._state.tubing.capacity_units)

    def set_tanks(self, tanks: int) -> None:
        """Let both lines mix in ``tanks`` tanks each, or flow as plugs for 0."""
        for line in (self._state.tubing, self._state.catheter):
            self._load(line, list(line.unstir()), tanks)

    def _load(self, line: Line, row: list[Piece], tanks: int) -> None:
        for units, conc in line.load(row, tanks):
            if line is self._state.tubing:
                self._pass_connector((units, conc))
            else:
                self._state.tip.take(units, conc)
