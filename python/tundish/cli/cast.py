"""`tundish cast`: the cooling and solidification of a strand."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import BadInputError
from tundish.cli._common import case_of, clock, make_folder, note, plain, write_files, write_picture
from tundish.cli.info import instruction_set

if TYPE_CHECKING:
    from tundish.casting import Case, Solution

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


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "cast",
        help="cooling and solidification of a strand",
        description="Solves the cooling and solidification of a continuously cast strand: shell growth, "
        "temperatures, metallurgical length, heat balance.",
        epilog="`tundish cast --example > my.toml` writes the bundled case down as a start for your own.",
    )
    parser.add_argument(
        "case", metavar="CASE.toml", nargs="?", type=Path, help="the case; the bundled one when left out"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write data and pictures to this folder")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object (SI units) and nothing else"
    )
    parser.add_argument("--example", action="store_true", help="print the bundled case and do nothing else")
    override = parser.add_argument_group("instead of what the case says")
    override.add_argument("--method", choices=["adi", "sor"], help="scheme of the march")
    override.add_argument(
        "--phase-change", choices=["enthalpy", "correction"], help="treatment of latent heat"
    )
    override.add_argument("--nx", metavar="N", type=int, help="nodes from the centre to face x")
    override.add_argument(
        "--ny", metavar="N", type=int, help="nodes from the centre to face y; nx when left out"
    )
    override.add_argument("--dtype", choices=["float64", "float32"], help="precision")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Solves the case, writes the files asked for, prints the result; 1 when the march failed."""
    if arguments.example:
        return _print_example()
    instructions = instruction_set()
    case = _case(arguments)
    if arguments.out is not None:
        make_folder(arguments.out)
    solution, seconds = _solve(case)
    files = [] if arguments.out is None else _write(solution, arguments)
    facts = _facts(arguments.case, case, solution, seconds, instructions) | {"files": files}
    print(_json(solution, facts) if arguments.json else _text(solution, facts))
    if not solution.success:
        sys.stdout.flush()
        note(arguments.prog, solution.message)
    return 0 if solution.success else 1


def _print_example() -> int:
    from tundish.casting._case import PUBLISHED

    print(PUBLISHED.read_text("utf-8"), end="")
    return 0


def _case(arguments: argparse.Namespace) -> Case:
    case = case_of(arguments.case)
    try:
        return _overridden(case, arguments)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{arguments.case or 'bundled case'}: {error}") from None


def _overridden(case: Case, arguments: argparse.Namespace) -> Case:
    """The case with what the command line says otherwise."""
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    changes: dict[str, Any] = {
        name: given[name] for name in ("method", "phase_change", "dtype") if name in given
    }
    if "nx" in given or "ny" in given:
        nx = given.get("nx", case.grid.nx)
        changes["grid"] = dataclasses.replace(case.grid, nx=nx, ny=given.get("ny", nx))
    return dataclasses.replace(case, **changes)


def _solve(case: Case) -> tuple[Solution, float]:
    """The solution, and the seconds it took."""
    with warnings.catch_warnings(), clock("marching down the strand"):
        warnings.simplefilter("ignore", RuntimeWarning)  # the message is told at the end
        started = time.perf_counter()
        solution = case.solve()
        return solution, time.perf_counter() - started


def _write(solution: Solution, arguments: argparse.Namespace) -> list[str]:
    """Writes what this installation can into the folder of --out; the files' names."""
    writers: dict[str, Callable[[Path], None]] = {
        "strand.csv": partial(_write_csv, solution),
        "strand.nc": partial(_write_netcdf, solution),
        "strand.png": partial(write_picture, solution.plot),
    }
    if _has_sections(solution):
        writers["sections.png"] = partial(write_picture, solution.plot_sections)
    return write_files(arguments.prog, arguments.out, writers)


def _has_sections(solution: Solution) -> bool:
    import numpy as np

    return bool(np.isfinite(solution.section_temperature).all(axis=(1, 2)).any())


def _write_csv(solution: Solution, path: Path) -> None:
    """One line a step; the columns' names end in their units."""
    import numpy as np

    from tundish.casting._solution import FIELDS

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
    from tundish._common.optional import optional

    dataset = solution.to_xarray()
    dataset.attrs["message"] = solution.message
    for module in ("h5netcdf", "h5py"):
        optional(module, "xarray")
    dataset.to_netcdf(path, engine="h5netcdf")


def _facts(
    path: Path | None, case: Case, solution: Solution, seconds: float, instructions: str
) -> dict[str, Any]:
    from tundish.casting import Status

    nx, ny, steps = solution.x.size, solution.y.size, solution.z.size - 1
    return {
        "case": "published" if path is None else str(path),
        "status": Status(int(solution.status)).name.lower(),
        "message": solution.message,
        "damping": int(solution.damping),
        "metallurgical_length": float(solution.metallurgical_length),
        "heat_given_off": float(solution.heat[-1]),
        "energy_imbalance": abs(float(solution.energy_imbalance)),
        "method": case.method,
        "phase_change": case.phase_change,
        "dtype": case.dtype,
        "nx": nx,
        "ny": ny,
        "steps": steps,
        "sweeps": int(solution.iterations.sum()),
        "seconds": seconds,
        "node_steps_per_second": nx * ny * steps / seconds,
        "instruction_set": instructions,
    }


def _json(solution: Solution, facts: dict[str, Any]) -> str:
    """One object; null stands for what is infinite or unknown."""
    numbers = {name: plain(value) if isinstance(value, float) else value for name, value in facts.items()}
    lists = {name: plain(getattr(solution, name)) for name in ("z", "probes", *_SERIES)}
    return json.dumps(numbers | lists, allow_nan=False)


def _text(solution: Solution, facts: dict[str, Any]) -> str:
    strand, steel = solution.strand, solution.strand.steel
    title = (
        f"{facts['case']}: {strand.width * 1e3:g} x {strand.thickness * 1e3:g} mm, {strand.length:g} m, "
        f"{strand.speed * 60:.4g} m/min, solidus {steel.solidus:g} K, liquidus {steel.liquidus:g} K"
    )
    return "\n".join([title, "", *_table(solution), "", *_summary(facts)])


def _table(solution: Solution) -> Iterator[str]:
    import numpy as np

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


def _summary(facts: dict[str, Any]) -> Iterator[str]:
    if facts["status"] != "converged":
        yield f"failed                {facts['message']}"
    elif facts["damping"]:
        yield f"damped                {facts['message']}"
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
    sweeps = f", {facts['sweeps']} sweeps" if facts["method"] == "sor" else ""
    yield f"scheme                {facts['method']}, {facts['phase_change']}, {facts['dtype']}"
    yield f"grid                  {facts['nx']} x {facts['ny']} nodes, {facts['steps']} steps{sweeps}"
    rate, build = facts["node_steps_per_second"] / 1e6, facts["instruction_set"]
    yield f"time                  {facts['seconds']:.3g} s, {rate:.3g} million node-steps/s, {build}"
    yield from (f"wrote                 {file}" for file in facts["files"])
