"""The published strand: what every peer solves, how it is read and what it is compared with.

Source: Energies 2020, 13, 2429, section 5. A quarter of a 0.16 m x 0.16 m section is followed from
the meniscus (z = 0) to z = 15.5 m; x runs from the centre to the face at 0.08 m, y likewise:
``w rho C dT/dz = d/dx(k dT/dx) + d/dy(k dT/dy)``. SI units and K throughout.
Fields are indexed [i, j] with x = x_i and y = y_j.
"""

from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np

from . import steel

SIDE = 0.08  # m, half the section's width and half its thickness
LENGTH = 15.5  # m
SPEED = 2.5 / 60.0  # m/s
POURING_TEMPERATURE = 1823.0  # K
AMBIENT = 303.0  # K; the paper does not say
SAMPLE_Z = np.arange(21, 1551) / 100.0  # m, where the thermocouples are read
REFERENCE_Z = np.array([0.5, 3.0, 10.0, 15.5])  # m

# (x, y) in m: the corner, the three thermocouples, both mid-faces, the centre
POINTS = np.array(
    [(0.08, 0.08), (0.062, 0.074), (0.074, 0.074), (0.074, 0.062), (0, 0.08), (0.08, 0), (0, 0)]
)
THERMOCOUPLES, CENTRE = slice(1, 4), 6  # rows of POINTS

# Converged temperatures, K, at REFERENCE_Z (rows) and POINTS (columns): 0.003 K for z >= 1.2 m and
# 0.06 K at z = 0.5 m, from a refined enthalpy solution.
REFERENCE = np.array(
    [
        (741.307, 1700.909, 1464.159, 1687.233, 1452.163, 1406.282, 1822.971),
        (922.346, 1298.241, 1125.731, 1277.040, 1389.166, 1328.413, 1770.747),
        (996.534, 1187.432, 1095.776, 1181.259, 1345.106, 1318.481, 1727.909),
        (898.629, 1071.828, 988.622, 1066.460, 1213.929, 1192.218, 1648.181),
    ]
)
METALLURGICAL_LENGTH = 15.2207  # m
HEAT = 1.000533e6  # W, lost by the quarter section over the whole strand


class Region(NamedTuple):
    """A stretch of the strand with one cooling; pairs are (face x = SIDE, face y = SIDE)."""

    start: float  # m
    end: float  # m
    flux: tuple[float, float]  # W/m2
    htc: tuple[float, float]  # W/(m2 K)


REGIONS = (
    Region(0.0, 0.5, (2.0e6, 1.85e6), (0.0, 0.0)),
    Region(0.5, 1.2, (0.0, 0.0), (1000.0, 900.0)),
    Region(1.2, 3.0, (0.0, 0.0), (700.0, 600.0)),
    Region(3.0, 15.5, (0.0, 0.0), (300.0, 280.0)),
)


class Result(TypedDict):
    """What every peer returns."""

    z: np.ndarray  # (1530,) m, where the thermocouples are read
    probes: np.ndarray  # (3, 1530) K, the thermocouples
    reference: np.ndarray  # (4, 7) K, at REFERENCE_Z and POINTS
    metallurgical_length: float  # m, inf where the centre has not solidified
    heat: float  # W, enthalpy lost by the quarter section
    seconds: float  # wall time of the march, compilation excluded
    node_steps: int  # nodes times steps


def stencil(nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cubic interpolation from a square grid to POINTS.

    Parameters: the coordinates of the grid along either side, m, uniformly spaced, increasing.
    Returns flat node indices and weights, both (7, 16): ``(weights * f.ravel()[indices]).sum(1)``.
    Apply it to the Kirchhoff potential, which is far smoother than the temperature.
    """
    spacing, count = nodes[1] - nodes[0], len(nodes)
    place = np.round((POINTS - nodes[0]) / spacing, 9)  # in spacings; a point on a node stays on it
    first = np.clip(np.floor(place).astype(int) - 1, 0, count - 4)
    weights = np.ones((*POINTS.shape, 4))
    for k in range(4):
        for other in set(range(4)) - {k}:
            weights[:, :, k] *= (place - first - other) / (k - other)
    i, j = (first[:, axis, None] + np.arange(4) for axis in (0, 1))
    indices = i[:, :, None] * count + j[:, None, :]
    products = weights[:, 0, :, None] * weights[:, 1, None, :]
    return indices.reshape(len(POINTS), 16), products.reshape(len(POINTS), 16)


def areas(count: int) -> np.ndarray:
    """Control areas, m2, of count x count nodes from centre to face: halves at the sides."""
    width = np.full(count, SIDE / (count - 1))
    width[[0, -1]] *= 0.5
    return width[:, None] * width[None, :]


def steps(region: Region, largest: float) -> int:
    """The fewest equal steps no longer than `largest` [m] that divide the region."""
    return int(np.ceil((region.end - region.start) / largest - 1e-9))


def result(z: np.ndarray, temperature: np.ndarray, heat: float, seconds: float, node_steps: int) -> Result:
    """Read a march: z (m,), m, and temperature (m, 7), K, at POINTS after each step."""
    along = np.stack([np.interp(SAMPLE_Z, z, column) for column in temperature.T[THERMOCOUPLES]])
    reference = np.stack([np.interp(REFERENCE_Z, z, column) for column in temperature.T], axis=1)
    return Result(
        z=SAMPLE_Z,
        probes=along,
        reference=reference,
        metallurgical_length=crossing(z, temperature[:, CENTRE]),
        heat=heat,
        seconds=seconds,
        node_steps=node_steps,
    )


def crossing(z: np.ndarray, centre: np.ndarray) -> float:
    """Where the centre's temperature [K] falls to the solidus, m, linear between steps."""
    solid = np.flatnonzero(centre <= steel.SOLIDUS)
    if not len(solid):
        return float("inf")
    k = solid[0]
    share = (centre[k - 1] - steel.SOLIDUS) / (centre[k - 1] - centre[k])
    return float(z[k - 1] + share * (z[k] - z[k - 1]))


def accurate() -> tuple[np.ndarray, np.ndarray]:
    """The accurate solution at the thermocouples: z (m,), m, and temperature (3, m), K."""
    table = np.loadtxt(Path(__file__).with_name("reference.csv"), delimiter=",", skiprows=1)
    return table[:, 0], table[:, 1:].T


def rms_error(answer: Result, start: float = 0.6) -> float:
    """Root mean square error at the thermocouples for z > start [m], K."""
    z, exact = accurate()
    keep = z > start
    found = np.stack([np.interp(z[keep], answer["z"], probe) for probe in answer["probes"]])
    return float(np.sqrt(np.mean((found - exact[:, keep]) ** 2)))


def report(name: str, answer: Result) -> None:
    """Print a peer's accuracy and time."""
    at_points = np.abs(answer["reference"] - REFERENCE)
    rate = 1e9 * answer["seconds"] / answer["node_steps"]
    print(f"{name}: {answer['seconds']:.3f} s, {rate:.2f} ns a node-step")
    print(f"  thermocouples, z > 0.6 m: {rms_error(answer):.3f} K rms")
    for place, errors in zip(REFERENCE_Z, at_points, strict=True):
        print(f"  largest error of 7 points at z = {place:4.1f} m: {errors.max():.3f} K")
    print(f"  metallurgical length {answer['metallurgical_length']:.4f} m ({METALLURGICAL_LENGTH})")
    print(f"  enthalpy lost {answer['heat']:.6e} W ({HEAT:.6e})")
