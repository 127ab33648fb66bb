"""What is worth knowing of a solution: facts, a table, and files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tundish import _core
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentTypeError
from tundish._common.reports import Report, Writer, picture, plain
from tundish.casting._solution import ERROR_FIELDS, FIELDS, BatchSolution, Solution
from tundish.casting._status import Status

# What is written along z.
_SERIES = (
    "shell_thickness",
    "centre_temperature",
    "face_temperature",
    "corner_temperature",
    "probe_temperature",
    "solid_fraction",
    "liquid_fraction",
    "heat",
)
_HEADER = """\
           solid shell, mm                     temperature, K     solid
   z, m   face x   face y   centre   face x   face y   corner         %"""


def report(solution: Solution, *, name: str = "strand", seconds: float | None = None) -> Report:
    """What is worth knowing of a strand's solution.

    **Main arguments:**

    - `solution`: a :class:`Solution` with all of its fields (`outputs=None`).

    **Other arguments:**

    - `name`: what the strand is called. `seconds`: that the solve took, if known.

    **Returns:** a report with `facts` (SI units; the fields along z as lists, and "files", a list for the
    names of those that are written), `lines` (a table along z and a summary) and `files`: `strand.csv`,
    `strand.nc`, `strand.png` and, where sections were kept, `sections.png`.

    **Raises:** TypeError for what is no single strand's solution; AttributeError for a field that was not
    computed.
    """
    if not isinstance(solution, Solution) or isinstance(solution, BatchSolution):
        raise ArgumentTypeError("solution", solution, "must be the Solution of one strand")
    numbers = _numbers(solution, name, seconds)
    facts = {key: plain(value) if isinstance(value, float) else value for key, value in numbers.items()}
    series = {key: plain(getattr(solution, key)) for key in ("z", "probes", *_SERIES)}
    return Report(
        facts | {"files": []} | series,
        tuple(_lines(solution, numbers, seconds is not None)),
        _files(solution),
    )


def _numbers(solution: Solution, name: str, seconds: float | None) -> dict[str, Any]:
    options = solution.options
    nx, ny, steps = solution.x.size, solution.y.size, solution.z.size - 1
    facts = {
        "case": name,
        "status": Status(int(solution.status)).name.lower(),
        "message": solution.message,
        "damping": int(solution.damping),
        "metallurgical_length": float(solution.metallurgical_length),
        "heat_given_off": float(solution.heat[-1]),
        "energy_imbalance": abs(float(solution.energy_imbalance)),
        "method": options.method,
        "phase_change": options.phase_change,
        "dtype": options.dtype,
        "nx": nx,
        "ny": ny,
        "steps": steps,
        "sweeps": int(solution.iterations.sum()),
        "accuracy": solution.grid.accuracy,
        "error_estimate": _estimate(solution),
    }
    if seconds is not None:
        facts |= {"seconds": seconds, "node_steps_per_second": nx * ny * steps / seconds}
    return facts | {"instruction_set": str(_core.instruction_set())}


def _estimate(solution: Solution) -> dict[str, float | None] | None:
    """The error estimate as JSON takes it."""
    if solution.error_estimate is None:
        return None
    return {name: plain(float(value)) for name, value in solution.error_estimate.items()}


def _files(solution: Solution) -> Mapping[str, Writer]:
    files: dict[str, Writer] = {
        "strand.csv": partial(_write_csv, solution),
        "strand.nc": partial(_write_netcdf, solution),
        "strand.png": picture(solution.plot),
    }
    if np.isfinite(solution.section_temperature).all(axis=(1, 2)).any():
        files["sections.png"] = picture(solution.plot_sections)
    return files


def _write_csv(solution: Solution, path: Path) -> None:
    """One line a step; the columns' names end in their units."""
    columns = {"z_m": solution.z}
    for name in _SERIES:
        dimensions, unit, _ = FIELDS[name]
        rows = np.atleast_2d(getattr(solution, name))
        labels = {"z": [""], "face": ["_x", "_y"], "probe": [f"_{n}" for n in range(len(rows))]}[
            dimensions[0]
        ]
        suffix = "" if unit == "1" else f"_{unit}"
        columns |= {f"{name}{label}{suffix}": row for label, row in zip(labels, rows, strict=True)}
    table = np.stack(list(columns.values()), axis=1)
    np.savetxt(path, table, "%.10g", ",", header=",".join(columns), comments="")


def _write_netcdf(solution: Solution, path: Path) -> None:
    dataset = solution.to_xarray()
    dataset.attrs["message"] = solution.message
    for module in ("h5netcdf", "h5py"):
        optional(module, "xarray")
    dataset.to_netcdf(path, engine="h5netcdf")


def _lines(solution: Solution, facts: Mapping[str, Any], timed: bool) -> Iterator[str]:
    strand, steel = solution.strand, solution.strand.steel
    yield (
        f"{facts['case']}: {strand.width * 1e3:g} x {strand.thickness * 1e3:g} mm, {strand.length:g} m, "
        f"{strand.speed * 60:.4g} m/min, solidus {steel.solidus:g} K, liquidus {steel.liquidus:g} K"
    )
    yield ""
    yield from _table(solution)
    yield ""
    yield from _summary(facts)
    yield from (f"in doubt              {doubt}" for doubt in solution._doubts())
    if timed:
        rate, build = facts["node_steps_per_second"] / 1e6, facts["instruction_set"]
        yield f"time                  {facts['seconds']:.3g} s, {rate:.3g} million node-steps/s, {build}"


def _table(solution: Solution) -> Iterator[str]:
    strand = solution.strand
    ends = [strand.mold.length, *(zone.end for zone in strand.zones)]
    places = {0.0: "meniscus", ends[0]: "end of the mould"}
    places |= {end: f"end of zone {n}" for n, end in enumerate(ends[1:])}
    yield from _HEADER.splitlines()
    columns = [
        *solution.shell_thickness * 1e3,
        solution.centre_temperature,
        *solution.face_temperature,
        solution.corner_temperature,
        solution.solid_fraction * 100,
    ]
    decimals = (2, 2, 1, 1, 1, 1, 1)
    for z in _heights(ends):
        values = (np.interp(z, solution.z, column) for column in columns)
        cells = "".join(f"{value:9.{n}f}" for value, n in zip(values, decimals, strict=True))
        yield f"{z:7.2f}{cells.replace('nan', '  -')}   {places.get(z, '')}".rstrip()


def _heights(ends: Sequence[float]) -> list[float]:
    """Places worth a row, m: meniscus, ends of mould and zones, and round numbers between them."""
    size = 10.0 ** math.floor(math.log10(ends[-1] / 10))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= ends[-1] / 10)
    even = (step * n for n in range(1, 11))
    between = [z for z in even if z < ends[-1] and min(abs(z - end) for end in ends) > step / 4]
    return sorted({0.0, ends[0] / 2, *between, *ends})


def _summary(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["status"] != "converged":
        yield f"failed                {facts['message']}"
    length, heat = facts["metallurgical_length"], facts["heat_given_off"] / 1e3
    if not math.isnan(heat):
        end = (
            "none, the centre is not solid at the end of the strand"
            if math.isinf(length)
            else f"{length:.3f} m"
        )
        yield f"metallurgical length  {end}"
        yield f"heat given off        {heat:.1f} kW by the quarter section, {4 * heat:.1f} kW by the whole"
        yield f"energy imbalance      {100 * facts['energy_imbalance']:.2g} % of the heat given off"
    if (error := facts["error_estimate"]) is not None and not math.isnan(heat):
        parts = [f"{n} {ERROR_FIELDS[n].shown(value)}" for n, value in error.items() if value is not None]
        yield f"estimated error       {', '.join(parts)}"
    sweeps = f", {facts['sweeps']} sweeps" if facts["method"] == "sor" else ""
    yield f"scheme                {facts['method']}, {facts['phase_change']}, {facts['dtype']}"
    asked = "" if facts["accuracy"] is None else f", chosen for {facts['accuracy']:g} K"
    yield f"grid                  {facts['nx']} x {facts['ny']} nodes, {facts['steps']} steps{sweeps}{asked}"
