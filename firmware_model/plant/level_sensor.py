"""The sensor that measures what is in the reservoir, and how it can be wrong."""

from dataclasses import dataclass

from firmware_model.plant.motor import PPM
from firmware_model.streams import Stream
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR

_OCTETS_PER_DRAW = 8


@dataclass(slots=True)
class LevelSensor:
    """A fill-level sensor; a reading depends on the instant alone, so looking twice shows the same.

    Attributes:
        bias_nl: added to every reading.
        gain_ppm: reading per content.
        drift_nl_per_day: added for each day since ``drift_from_ms``.
        drift_from_ms: when the drift began.
        noise_nl: the most that chance adds or takes away, new for each hour; None as the profile says.
    """

    bias_nl: int = 0
    gain_ppm: int = PPM
    drift_nl_per_day: int = 0
    drift_from_ms: int = 0
    noise_nl: int | None = None

    def reading_nl(self, content_nl: int, capacity_nl: int, noise_nl: int, seed: int, now_ms: int) -> int:
        """Return what it reads, 0..``capacity_nl``.

        Args:
            content_nl: what there is.
            capacity_nl: the end of its scale.
            noise_nl: noise of a sound sensor.
            seed: of the chance in it.
            now_ms: the instant.
        """
        drift = self.drift_nl_per_day * (now_ms - self.drift_from_ms) // MS_PER_DAY
        reading = content_nl * self.gain_ppm // PPM + self.bias_nl + drift
        spread = noise_nl if self.noise_nl is None else self.noise_nl
        if spread:
            hour = max(0, now_ms // MS_PER_HOUR)
            reading += Stream(seed, "plant.level", _OCTETS_PER_DRAW * hour).below(2 * spread + 1) - spread
        return max(0, min(capacity_nl, reading))
