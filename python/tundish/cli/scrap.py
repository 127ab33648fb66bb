"""`tundish scrap`: what is in the scrap, heat by heat."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, BadInputError
from tundish.cli._run import Command, bar, clock, instruction_set, reading, refused, shown, timed

if TYPE_CHECKING:
    from tundish.scrap import Estimate, HeatLog, PartitionedElement, Prior, RetainedElement

# The options that the arguments of the model come from.
_OPTIONS = {"decay": "--decay", "measurement_std": "--measurement-std", "robust": "--robust",
            "partition": "--partition", "partition_mean": "--partition"}  # fmt: skip


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "scrap",
        help="what is in the scrap, heat by heat",
        description="Estimates the copper or chromium in every type of scrap from the masses charged and the "
        "steel's analysis, heat by heat, and how well that foretells the next heat.",
        epilog="Without a file: simulated heats. `tundish scrap --example > my.csv` writes them down as a "
        "start for your own.",
    )
    add, add_to_model = parser.add_argument, parser.add_argument_group("the model").add_argument
    heats = (
        "one line a heat in time order: heat, scrap_<type>_t for every type, steel_t, steel_ppm (empty "
        "where missing), hot_metal_t, hot_metal_ppm, slag_t, feo_pct (0 where there is none)"
    )
    add("heats", metavar="HEATS.csv", nargs="?", type=Path, help=heats)
    add("--element", choices=["Cu", "Cr"], default="Cu", help="default Cu")
    model = "the element stays in the steel (default for Cu), or parts between steel and slag (for Cr)"
    add_to_model("--model", choices=["retained", "partitioned"], help=model)
    prior = (
        "long-term mean of every type: columns type, mean_ppm and, if known, var_ppm2, else 5 mean²; "
        "when left out, means are those of non-negative least squares of the heats themselves"
    )
    add_to_model("--prior", metavar="PRIOR.csv", type=Path, help=prior)
    decay = "share by which compositions forget a heat (default ln 2 / 1000, a half-life of 1000 heats)"
    add_to_model("--decay", metavar="GAMMA", type=float, help=decay)
    std = "standard deviation of the steel's analysis (default 10 for Cu, 5 for Cr)"
    add_to_model("--measurement-std", metavar="PPM", type=float, help=std)
    slag = "long-term means of slag over steel, c1 + c2 FeO%%, for --model partitioned (default 9.7 0.01)"
    add_to_model("--partition", metavar=("C1", "C2"), nargs=2, type=float, help=slag)
    robust = "let readings more than C standard deviations off count less (1.345 to 3 are usual)"
    add_to_model("--robust", metavar="C", type=float, help=robust)
    moved = "report no negative fractions: moments given that, or the nearest composition"
    add_to_model("--nonnegative", choices=["truncation", "projection"], help=moved)
    add("--smooth", action="store_true", help="estimate every heat from all heats, later ones too")
    fit = "find decay, variances and sensor noise by maximum likelihood; what is given starts the search"
    add("--fit", action="store_true", help=fit)
    add("--out", metavar="DIR", type=Path, help="write data and pictures to this folder")
    add("--json", action="store_true", help="print one JSON object and nothing else")
    add("--example", action="store_true", help="print the bundled heats and do nothing else")
    return parser


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScrapCommand(Command):
    """`tundish scrap`; None is what the package or the published model says."""

    heats: Path | None
    element: str
    model: str | None
    prior: Path | None
    decay: float | None
    measurement_std: float | None
    partition: list[float] | None
    robust: float | None
    nonnegative: str | None
    smooth: bool
    fit: bool
    example: bool


def run(arguments: argparse.Namespace) -> int:
    """Estimates, writes the files asked for, prints the result; 1 when the fit did not converge."""
    from tundish.scrap import HeatLog, bundled_heats, bundled_truth, report

    command = ScrapCommand.parse(arguments)
    path = command.heats or bundled_heats(command.element)
    if command.example:
        print(bundled_heats(command.element).read_text("utf-8"), end="")
        return DONE
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    with reading(path):
        log = HeatLog.read_csv(path)
    with refused(_OPTIONS, command.heats or "bundled heats"):
        model, source = _model(command, log)
        command.make_folder()
        estimate, seconds = timed(lambda: _estimate(command, log, model))
        found = report(
            estimate,
            element=command.element,
            name=str(command.heats or "bundled"),
            prior_source=source,
            truth=None if command.heats else bundled_truth(command.element),
            seconds=seconds,
        )
    command.show(found)
    fit = found.facts["fit"]
    return DONE if fit is None or fit["success"] else command.failed(f"--fit: {fit['message']}")


def _model(command: ScrapCommand, log: HeatLog) -> tuple[RetainedElement | PartitionedElement, str]:
    """The model, and where its prior comes from."""
    from tundish.scrap import published_model
    from tundish.scrap.simulation import KINDS, PARTITION

    kind = command.model or KINDS[command.element]
    if kind == "retained" and command.partition is not None:
        raise BadInputError("--partition: is for --model partitioned alone")
    c1, c2 = command.partition or PARTITION
    partition = (c1, c2) if kind == "partitioned" else None
    prior = _prior(command, log, partition)
    names = ("decay", "measurement_std", "robust", "nonnegative")
    given = {name: getattr(command, name) for name in names if getattr(command, name) is not None}
    given |= {"kind": kind, "partition": partition, "prior_var": prior.var}
    return published_model(command.element, prior.mean, **given), prior.source


def _prior(command: ScrapCommand, log: HeatLog, partition: tuple[float, float] | None) -> Prior:
    from tundish._common.refusals import ArgumentError
    from tundish.scrap import estimate_prior, read_prior

    if command.prior is not None:
        with reading(command.prior):
            return read_prior(command.prior, log.types)
    try:
        return estimate_prior(log, partition=partition)
    except ArgumentError as error:
        if error.argument == "partition":
            raise
        raise ArgumentError(error.argument, error.value, f"{error.allowed}; give --prior") from None


def _estimate(command: ScrapCommand, log: HeatLog, model: RetainedElement | PartitionedElement) -> Estimate:
    if command.fit:
        with shown("fitting"):
            model = model.fit(log, progress=bar())
    with clock("estimating"):
        return model.smooth(log) if command.smooth else model.filter(log)
