"""Synthetic sequences: a flux that melts, crystallises and is filmed as this package's physics has it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, number, pair
from tundish._common.progress import Callback, progress_callback
from tundish._common.random import generator
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.crystallization.frames._sequence import FrameSequence
from tundish.crystallization.frames._truth import Experiment, Truth
from tundish.crystallization.synthetic._kinetics import Transformation, transform
from tundish.crystallization.synthetic._rendering import Scene

_MAX_FRAMES = 100_000
_MIN_SIDE = 24  # px


def sequence(
    seconds: float = 562.0,
    rng: Any = 0,
    *,
    size: tuple[int, int] = (240, 320),
    interval: float = 1.0,
    progress: bool | Callback = False,
    **kinetics: float,
) -> FrameSequence:
    """Frames of a mould flux in the loop of a hot thermocouple that was never heated.

    **Main arguments:**

    - `seconds`: length of the record, s; the paper's has 562 frames.
    - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None. One seed is one record.
    - `**kinetics`: the knobs of :class:`Experiment`, such as `rate=0.02, exponent=3, hold=1150`.

    **Other arguments:**

    - `size`: (H, W) px, at least 24 each. `interval`: s between frames.
    - `progress`: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a :class:`FrameSequence` of `seconds / interval` frames with the readings of one thermocouple
    (degC, some mis-read) and its :class:`Truth` at `.truth`.

    The flux melts on heating, stays liquid, and crystallises on the way to the hold or in it. The order in
    which places crystallise is that of growth from nuclei that appear one after another, with impingement;
    the clock is set so that the share is exactly that of the kinetics (`_kinetics.py` has the equations and
    their sources). Places melt in the order of a random field. The frames show the wire's loop, aglow; melt,
    dark, with its meniscus; bright crystals, fibrous and each of its own shade; uneven, flickering light, a
    lens's blur and noise. They are made to look as such films do: results on them do not carry over to
    real ones.

    **Raises:** ValueError or TypeError naming the argument.
    """
    length, step = number("seconds", seconds), number("interval", interval)
    if not (math.isfinite(step) and step > 0):
        raise ArgumentError("interval", step, "must be finite and above 0 s")
    if not (math.isfinite(length) and 10 * step <= length <= _MAX_FRAMES * step):
        raise ArgumentError("seconds", length, f"must hold 10 to {_MAX_FRAMES} frames, one each {step:g} s")
    experiment = _experiment(kinetics).lasting(length)
    height, width = _size(size)
    random = generator(rng)
    time: Floats = np.float64(step) * np.arange(math.floor(length / step + 1e-9))
    happened = transform(experiment, time, length, random)
    scene = Scene(height, width, experiment, random)
    images = np.empty((len(time), height, width), np.uint8)
    crystals = np.empty(len(time), np.intp)
    readings = _read_off(happened, experiment, step, random)
    with progress_callback(progress, "frames") as callback:
        for n in range(len(time)):
            images[n] = scene.frame(happened, n, readings[n])
            crystals[n] = scene.started(happened.crystallised[n])
            if callback is not None:
                callback(n + 1, len(time))
    truth = Truth(
        share=happened.solid + (1 - happened.solid) * happened.crystallised,
        crystals=crystals,
        temperature=happened.temperature,
        programme=happened.programme,
        rate=happened.rate,
        exponent=happened.exponent,
        onset=happened.onset,
        mask=scene.pool,
        experiment=experiment,
    )
    return FrameSequence(images, time, temperature=_misread(readings, experiment, random))._with(truth=truth)


def _experiment(knobs: dict[str, float]) -> Experiment:
    known = Experiment.__dataclass_fields__
    for knob in knobs:
        if knob not in known:
            raise ArgumentTypeError(
                knob, MISSING, "is no knob of the experiment; they are " + ", ".join(known)
            )
    return Experiment(**knobs)


def _size(size: tuple[int, int]) -> tuple[int, int]:
    height, width = pair("size", size, "rows and columns")
    if height != int(height) or width != int(width) or min(height, width) < _MIN_SIDE:
        raise ArgumentError("size", size, f"must be whole numbers of at least {_MIN_SIDE} px")
    return int(height), int(width)


def _read_off(
    happened: Transformation, experiment: Experiment, step: float, random: np.random.Generator
) -> Floats:
    """(T,) degC, whole numbers: the flux's temperature with the thermocouple's lag and noise."""
    assert experiment.lag is not None
    weight = 1 - math.exp(-step / max(experiment.lag, 1e-9))
    shown = np.empty(len(happened.time))
    level = happened.temperature[0]
    for n, actual in enumerate(happened.temperature):
        level += weight * (actual - level)
        shown[n] = level
    return np.rint(shown + random.normal(0.0, 1.0, shown.size))


def _misread(shown: Floats, experiment: Experiment, random: np.random.Generator) -> Floats:
    """The readings, of which some lost a digit, show one twice, or show another in its place."""
    read = shown.copy()
    for n in np.flatnonzero(random.random(len(shown)) < experiment.misread):
        text = str(int(shown[n]))
        place, how, other = random.integers(len(text)), random.integers(3), str(random.integers(10))
        after = text[place + 1 :]
        read[n] = float(text[:place] + ("", 2 * text[place], other)[how] + after)
    return read
