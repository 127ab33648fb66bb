"""How a march ends: its status, and what that means in words."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

import numpy as np

from tundish.casting._strand import Mold, Strand, Zone


class Status(enum.IntEnum):
    """How a march ended."""

    CONVERGED = 0
    NOT_CONVERGED = 1
    DIVERGED = 2


# A steel's curves reach from here to this far above its liquidus, K (march.h).
LOWEST, SUPERHEAT = 200.0, 400.0
# A surface that was more than this above the range before did not fall out of it, K, unless a flux so large
# cools it that it might fall by this, K.
_LARGEST_FALL, _QUENCH = 600.0, 2000.0


def describe(
    status: int,
    z: float,
    strand: Strand,
    method: str,
    surface: Mapping[str, float],
    accuracy: float | None = None,
    *,
    steady: bool = True,
) -> str:
    """What a status means and what to do about it; `z` is where it came up first, m.

    `surface` has the last temperatures of "corner", "face x" and "face y", K, as far as they are known;
    `accuracy` is that of the grid, None where the steps were given; `steady` is whether the cooling has been
    that of the strand all the way.
    """
    if status == Status.NOT_CONVERGED:
        return (
            f"not converged at z = {z:.4g} m: the sweeps reached max_sweeps before the tolerance. Allow more "
            "of them, or choose another relaxation."
        )
    if status == Status.DIVERGED:
        sweeps = " If the sweeps ran out before, raise max_sweeps." if method == "sor" else ""
        remedy = "Take smaller steps." if accuracy is None else "Ask for a smaller accuracy."
        cause = _cause(z, strand, surface, remedy, steady)
        return f"diverged at z = {z:.4g} m, {cause}{sweeps} From there on the fields are NaN."
    return "converged"


def _fall(strand: Strand, flux: float, distance: float) -> float:
    """By how much a flux cools a thick body's face on the way, K, with the properties at the solidus."""
    steel, seconds = strand.steel, distance / strand.speed
    below = steel.solidus - 1.0
    capacity = steel.density(below) * steel.heat_capacity(below)  # J/(m3 K)
    effusivity = math.sqrt(float(steel.conductivity(below) * capacity))
    return 2 * flux * math.sqrt(seconds / math.pi) / effusivity


def _cause(z: float, strand: Strand, surface: Mapping[str, float], remedy: str, steady: bool) -> str:
    """Where and why a march left the range of its steel, and what cooling would not have."""
    stretches: list[Mold | Zone] = [strand.mold, *strand.zones]
    ends = [0.0, strand.mold.length, *(zone.end for zone in strand.zones)]
    n = min(int(np.searchsorted(ends[1:], z * (1 - 1e-9))), len(stretches) - 1)
    place = "in the mould" if n == 0 else f"in zones.{n - 1}"
    hottest = strand.steel.liquidus + SUPERHEAT
    flux = np.asarray(stretches[n].heat_flux or (0.0, 0.0))
    heats = bool(max(-flux) > max(flux))
    faces = {"corner": flux, "face x": flux[:1], "face y": flux[1:]}
    touched = [name for name, own in faces.items() if np.all(own < 0 if heats else own > 0)]
    known = {name: surface[name] for name in touched if name in surface}
    is_cold = min(known.values(), default=LOWEST) < LOWEST + _LARGEST_FALL
    if not (touched and (heats or is_cold or _fall(strand, max(flux), z - ends[n]) > _QUENCH)):
        if LOWEST <= strand.ambient_temperature <= hottest:
            return (
                f"{place}: a temperature left the range of the steel's curves, {LOWEST:g} to {hottest:g} K, "
                f"or rose although the strand is only cooled. {remedy}"
            )
        return (
            f"{place}: a face came near the ambient temperature, {strand.ambient_temperature:g} K, beyond "
            f"the range of the steel's curves, from {LOWEST:g} to {hottest:g} K."
        )
    where = (max if heats else min)(known, key=known.__getitem__, default=touched[0])
    left = f"rose above {hottest:g} K" if heats else f"fell below {LOWEST:g} K"
    seconds = (ends[n + 1] - ends[n]) / strand.speed
    excess = f"A heat_flux of ({flux[0]:.3g}, {flux[1]:.3g}) W/m2 for {seconds:.3g} s is too much"
    if not steady:
        return f"{place}: the {where} {left}, where the steel's curves end. {excess}."
    # Behind a constant flux temperatures depend on flux x sqrt(time): what leaves the range at the end only.
    bearable = flux * np.sqrt((z - ends[n]) / (ends[n + 1] - ends[n]))
    law = " In moulds it falls with the casting speed, about as its square root."
    return (
        f"{place}: the {where} {left}, where the steel's curves end. {excess}: it would have to fall to "
        f"about ({bearable[0]:.3g}, {bearable[1]:.3g}) W/m2.{law if n == 0 and not heats else ''}"
    )
