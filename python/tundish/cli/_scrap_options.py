"""The command line of `tundish scrap`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from tundish.cli import BadInputError
from tundish.cli._run import Command

# How each element gets into the steel, unless --model says otherwise.
_MODELS = {"Cu": "retained", "Cr": "partitioned"}
# The options that the arguments of the model come from, by their names here.
_FIELDS = {
    "decay": "decay",
    "measurement_std": "measurement_std",
    "robust": "robust",
    "partition": "partition",
    "partition_mean": "partition",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScrapCommand(Command):
    """The options, None where they are left out."""

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

    @property
    def coefficients(self) -> tuple[float, float] | None:
        """c1 and c2, None for an element that stays in the steel."""
        from tundish.scrap.simulation import PARTITION

        if (self.model or _MODELS[self.element]) == "partitioned":
            return PARTITION if self.partition is None else (self.partition[0], self.partition[1])
        if self.partition is not None:
            raise BadInputError("--partition: is for --model partitioned alone")
        return None

    @property
    def options(self) -> dict[str, str]:
        """The options that were given, by the arguments that come from them."""
        return {
            argument: "--" + field.replace("_", "-")
            for argument, field in _FIELDS.items()
            if getattr(self, field) is not None
        }


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
    parser.add_argument(
        "heats",
        metavar="HEATS.csv",
        nargs="?",
        type=Path,
        help="one line a heat in time order: heat, scrap_<type>_t for every type, steel_t, steel_ppm (empty "
        "where missing), hot_metal_t, hot_metal_ppm, slag_t, feo_pct (0 where there is none)",
    )
    parser.add_argument("--element", choices=list(_MODELS), default="Cu", help="default Cu")
    _add_model_to(parser)
    parser.add_argument(
        "--smooth", action="store_true", help="estimate every heat from all heats, later ones too"
    )
    parser.add_argument(
        "--fit",
        action="store_true",
        help="find decay, variances and sensor noise by maximum likelihood; what is given starts the search",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write data and pictures to this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--example", action="store_true", help="print the bundled heats and do nothing else")
    return parser


def _add_model_to(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--model",
        choices=["retained", "partitioned"],
        help="the element stays in the steel (default for Cu), or parts between steel and slag (for Cr)",
    )
    group.add_argument(
        "--prior",
        metavar="PRIOR.csv",
        type=Path,
        help="long-term mean of every type: columns type, mean_ppm and, if known, var_ppm2, else 5 mean²; "
        "when left out, means are those of non-negative least squares of the heats themselves",
    )
    group.add_argument(
        "--decay",
        metavar="GAMMA",
        type=float,
        help="share by which compositions forget a heat (default ln 2 / 1000, a half-life of 1000 heats)",
    )
    group.add_argument(
        "--measurement-std",
        metavar="PPM",
        type=float,
        help="standard deviation of the steel's analysis (default 10 for Cu, 5 for Cr)",
    )
    group.add_argument(
        "--partition",
        metavar=("C1", "C2"),
        nargs=2,
        type=float,
        help="long-term means of slag over steel, c1 + c2 FeO%%, for --model partitioned (default 9.7 0.01)",
    )
    group.add_argument(
        "--robust",
        metavar="C",
        type=float,
        help="let readings more than C standard deviations off count less (1.345 to 3 are usual)",
    )
    group.add_argument(
        "--nonnegative",
        choices=["truncation", "projection"],
        help="report no negative fractions: moments given that, or the nearest composition",
    )
