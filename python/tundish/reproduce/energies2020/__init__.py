"""Energies 2020, 13, 2429: cooling conditions identified by the bee colony, in one, two and four steps.

A. Zielonka, D. Słota and E. Hetmaniok identify the eight cooling parameters of a strand from two or three
thermocouples with 1, 2 and 5 % noise, ten runs each, and tabulate the best run. Here the same is done by the
same colony, and by least squares.

What the paper leaves open, and how it is read here: the noise is uniform; readings lie at z = 0.21, 0.22, ...
15.50 m (1530 of them), every second of them for 765; searches range from half to one and a half times the
truth; "a much denser grid" for the readings is one of a quarter of the spacings and steps of the fitted one;
relative errors of temperatures refer to degrees Celsius; errors of the reconstruction are those at all three
thermocouples, at the z of the readings.
"""

from tundish.reproduce.energies2020.study import (
    COARSE,
    EXPERIMENTS,
    FOUR_STEPS,
    METHODS,
    MINUTES,
    NOISE,
    ONE_STEP,
    PARAMETER_TABLES,
    PUBLISHED_TWO_SENSORS,
    RUNS,
    TEMPERATURE_TABLES,
    TWO_SENSORS,
    TWO_STEPS,
    Experiment,
    PublishedParameter,
    Record,
    Run,
    TemperatureErrors,
    of_sensor,
    published_parameters,
    published_temperatures,
    readings,
    search,
    temperature_errors,
    temperatures,
    truth,
)

__all__ = [
    "COARSE",
    "EXPERIMENTS",
    "FOUR_STEPS",
    "METHODS",
    "MINUTES",
    "NOISE",
    "ONE_STEP",
    "PARAMETER_TABLES",
    "PUBLISHED_TWO_SENSORS",
    "RUNS",
    "TEMPERATURE_TABLES",
    "TWO_SENSORS",
    "TWO_STEPS",
    "Experiment",
    "PublishedParameter",
    "Record",
    "Run",
    "TemperatureErrors",
    "of_sensor",
    "published_parameters",
    "published_temperatures",
    "readings",
    "search",
    "temperature_errors",
    "temperatures",
    "truth",
]
