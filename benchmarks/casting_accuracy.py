"""How far a solution is off, on casters other than the published one.

    python -m benchmarks.casting_accuracy            the default grid on the six casters
    python -m benchmarks.casting_accuracy 100 110    the same on random strands 100 to 109

A reference is extrapolated from two fine meshes (in the square of the spacing) and from two sizes of very
small steps; it is kept in a folder of temporary files, with an estimate of its own error. The casters are
those of casters.py. SI units and K.
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import ours
from benchmarks.casters import CASTERS, random_strand
from benchmarks.peers import case
from tundish.casting import Grid, Solution, Strand, solve

CACHE = Path(tempfile.gettempdir()) / "tundish-casting-accuracy"
FIELDS = ("probes", "faces", "corner", "centre", "shell")
SKIPPED = 0.1  # m behind the meniscus and every jump of the cooling, where the largest error is not sought

# Of a reference: spacing at the face and growth from node to node of its finer mesh, and its steps.
FACE_SPACING, GROWTH = 0.34e-3, 5 ** (1 / 94)
# Times smaller than 0.24 s in the mould and 1.92 s below it, in stretches that start 20 times smaller. Where
# heat is given off in the solid the error of the steps falls slowly: 16 leaves 8 K at the eutectoid's corner.
FINE, FINER = 16, 64


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a solution says at the places that are compared. K and m; rows are places, columns z."""

    z: np.ndarray  # (nz,)
    probes: np.ndarray  # (4, nz): three thermocouples near the corner, and the middle of the quarter
    faces: np.ndarray  # (2, nz): mid-face x and mid-face y
    corner: np.ndarray  # (1, nz)
    centre: np.ndarray  # (1, nz)
    shell: np.ndarray  # (2, nz)
    length: float  # metallurgical, inf where the centre has not solidified

    @classmethod
    def of(cls, solution: Solution) -> "Reading":
        """A solution that has the probes of `places`."""
        return cls(
            np.asarray(solution.z),
            np.asarray(solution.probe_temperature),
            np.asarray(solution.face_temperature),
            solution.corner_temperature[None],
            solution.centre_temperature[None],
            np.asarray(solution.shell_thickness),
            float(solution.metallurgical_length),
        )

    def at(self, z: np.ndarray) -> "Reading":
        """The same at other z, straight between its own."""
        fields = {
            name: np.array([np.interp(z, self.z, row) for row in getattr(self, name)]) for name in FIELDS
        }
        return Reading(z=z, length=self.length, **fields)

    def beyond(self, other: "Reading", weight: float) -> "Reading":
        """Extrapolated from another at the same z: self + weight (self - other)."""
        fields = {}
        for name in FIELDS:
            mine = getattr(self, name)
            fields[name] = mine + weight * (mine - getattr(other, name))
        both = np.isfinite(self.length) and np.isfinite(other.length)
        length = self.length + weight * (self.length - other.length) if both else np.inf
        return Reading(z=self.z, length=length, **fields)


class Errors(NamedTuple):
    """Of a solution against its reference; the largest is sought behind the first 0.1 m of each stretch."""

    rms: float  # K, over probes and mid-faces and all z
    largest: float  # K, of probes and mid-faces
    corner: float  # K rms, all z
    length: float  # m, signed; NaN where the centre does not solidify, inf where only one of both says so
    shell: float  # m rms, both shells


def places(strand: Strand) -> list[tuple[float, float]]:
    """The probes: 18 and 6 mm from the faces as on the published strand (less in thin ones); mid depth."""
    a, b = strand.width / 2, strand.thickness / 2
    near_x, far_x = a - min(0.006, 0.25 * a), a - min(0.018, 0.5 * a)
    near_y, far_y = b - min(0.006, 0.25 * b), b - min(0.018, 0.5 * b)
    return [(far_x, near_y), (near_x, near_y), (near_x, far_y), (a / 2, b / 2)]


def ends(strand: Strand) -> np.ndarray:
    """Where mould and zones end, m."""
    return np.array([strand.mold.length, *(zone.end for zone in strand.zones)])


def behind(strand: Strand, z: np.ndarray) -> np.ndarray:
    """Whether z is not within the first 0.1 m of a stretch."""
    starts = np.concatenate([[0.0], ends(strand)[:-1]])
    return ~((z >= starts[:, None] - 1e-9) & (z < starts[:, None] + SKIPPED - 1e-9)).any(axis=0)


def errors(strand: Strand, found: Reading, reference: Reading) -> Errors:
    """At the solution's own z, weighted with its steps."""
    exact, step = reference.at(found.z), np.diff(found.z)
    weight = (np.append(step, 0) + np.insert(step, 0, 0)) / (2 * found.z[-1])
    off = {name: np.abs(getattr(found, name) - getattr(exact, name)) for name in FIELDS}
    outer = np.concatenate([off["probes"], off["faces"]])

    def rms(error: np.ndarray) -> float:
        return float(np.sqrt((error**2 @ weight).mean()))

    both = np.isfinite(found.length), np.isfinite(exact.length)
    length = found.length - exact.length if all(both) else np.inf if any(both) else np.nan
    far = behind(strand, found.z)
    largest = float(outer[:, far].max()) if far.any() else np.nan
    return Errors(rms(outer), largest, rms(off["corner"]), length, rms(off["shell"]))


def published_errors(solution: Solution) -> tuple[float, ...]:
    """Of the published strand read at case.POINTS, K and m: rms at the thermocouples from z = 0.25 m and from
    0.6 m on, largest of 7 places at 0.5 m and from 3 m on; the metallurgical length."""
    length = float(solution.metallurgical_length) - case.METALLURGICAL_LENGTH
    return (*ours.errors(ours.result(solution)), length)


def reference_grid(strand: Strand, halvings: int, fine: int) -> Grid:
    """The reference's finer mesh with that many halvings, and steps that are `fine` times smaller."""
    nodes, grading = [], []
    for half in (strand.width / 2, strand.thickness / 2):
        spacings = np.log1p(half * (GROWTH - 1) / FACE_SPACING) / np.log(GROWTH)
        nodes.append(2 * max(8, round(spacings / 2)) // 2**halvings + 1)
        grading.append(float(GROWTH**spacings))
    seconds = np.diff(np.concatenate([[0.0], ends(strand)])) / strand.speed
    caps = np.minimum([0.24] + [1.92] * len(strand.zones), seconds) / fine * strand.speed
    # The first step of all: 20 times smaller than the unrefined largest one, and `fine` times again.
    return Grid(nodes[0], nodes[1], float(caps[0]), tuple(map(float, caps[1:])), (grading[0], grading[1]), 20)


def reference(name: str, strand: Strand) -> tuple[Reading, Errors]:
    """The reference of a caster and an estimate of its own error; made once and kept."""
    file = CACHE / f"{name.replace(' ', '-')}.npz"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        readings = make_reference(strand)
        rows = {f"{k}.{f}": getattr(r, f) for k, r in readings.items() for f in ("z", *FIELDS, "length")}
        np.savez(file, **rows)
    data = np.load(file)
    best, bound = (
        Reading(length=float(data[f"{k}.length"]), **{f: data[f"{k}.{f}"] for f in ("z", *FIELDS)})
        for k in ("best", "bound")
    )
    return best, errors(strand, bound, best)


def heat_in_the_solid(strand: Strand) -> bool:
    """Whether the solid's heat capacity has a peak, more than twice its median."""
    kelvin = np.linspace(strand.ambient_temperature, strand.steel.solidus - 1, 6001)
    capacity = strand.steel.heat_capacity(kelvin)
    return bool(capacity.max() > 2 * np.median(capacity))


def make_reference(strand: Strand) -> dict[str, Reading]:
    """Readings "best", extrapolated, and "bound", which is as far from it as it may be off."""
    times = FINER if heat_in_the_solid(strand) else FINE
    runs = [
        Reading.of(solve(strand, reference_grid(strand, *way), probes=places(strand), threads=1))
        for way in ((0, times), (1, times), (1, times // 2))
    ]
    z = runs[2].z
    fine, coarse, quick = (run.at(z) for run in runs)
    nodes = [reference_grid(strand, k, FINE).nx - 1 for k in (0, 1)]
    mesh = 1 / ((nodes[0] / nodes[1]) ** 2 - 1)
    # The error of z falls with a power of the steps between 1 and 2: 1 / (2^1.6 - 1) is 0.5.
    change = coarse.beyond(quick, 0.5)
    best = dataclasses.replace(
        fine.beyond(coarse, mesh),
        **{
            f: getattr(fine.beyond(coarse, mesh), f) + getattr(change, f) - getattr(coarse, f) for f in FIELDS
        },
    )
    finite = all(np.isfinite(r.length) for r in (fine, coarse, quick))
    if finite:
        length = fine.beyond(coarse, mesh).length + change.length - coarse.length
        best = dataclasses.replace(best, length=length)
    bound = {}
    for f in FIELDS:
        space, steps = getattr(fine, f) - getattr(coarse, f), getattr(coarse, f) - getattr(quick, f)
        bound[f] = getattr(best, f) + np.abs(space) / 6 + np.abs(steps) / 4
    off = abs(fine.length - coarse.length) / 6 + abs(coarse.length - quick.length) / 4 if finite else 0.0
    return {"best": best, "bound": Reading(z=z, length=best.length + off, **bound)}


def strand_of(name: str) -> Strand:
    """One of CASTERS, or the random strand of a seed."""
    return CASTERS[name]() if name in CASTERS else random_strand(int(name))


def row(name: str, grid: Grid | None) -> str:
    """A line of the table, as Markdown."""
    strand = strand_of(name)
    exact, own = reference(name, strand)
    clock = time.perf_counter()
    solution = solve(strand, grid, probes=places(strand), threads=1)
    seconds = time.perf_counter() - clock
    e = errors(strand, Reading.of(solution), exact)
    cells = [name, f"{solution.x.size} x {solution.y.size}, {solution.z.size - 1}", f"{1e3 * seconds:.3g}"]
    cells += [f"{e.rms:.3f} ± {own.rms:.3f}", f"{e.largest:.2f} ± {own.largest:.2f}"]
    cells += [f"{e.corner:.3f} ± {own.corner:.3f}", f"{1e3 * e.length:+.1f} ± {1e3 * own.length:.1f}"]
    cells += [f"{1e3 * e.shell:.3f} ± {1e3 * own.shell:.3f}"]
    return "| " + " | ".join(cells) + " |"


def table(names: list[str], grid: Grid | None = None) -> str:
    """Errors on some casters, as Markdown."""
    lines = [
        "| | nodes, steps | ms | K rms | K at most | K rms, corner | mm, length | mm rms, shell |",
        "| --- | --- |" + " ---: |" * 6,
    ]
    return "\n".join(lines + [row(name, grid) for name in names])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.casting_accuracy", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, help="first and last + 1 of random strands")
    seeds = parser.parse_args().seeds
    print(table([str(seed) for seed in range(*seeds)] if seeds else list(CASTERS)))


if __name__ == "__main__":
    main()
