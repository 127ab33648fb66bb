"""The options of `tundish reproduce`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tundish.cli import BadInputError

# The tables of each paper that can be computed.
TABLES: dict[str, Sequence[int]] = {
    "energies2020": range(1, 9),
    "scrap2025": range(2, 6),
    "segregation2025": (),
    "flux2023": (),
}
# The options that only one paper has, and their values where they are left out.
OWN: dict[str, dict[str, Any]] = {
    "energies2020": {"method": None, "runs": 10},
    "scrap2025": {"seeds": 5},
    "segregation2025": {"full": False, "splits": None, "study": None, "weights": [], "workers": None},
    "flux2023": {"series": None},
}
STUDIES = (
    "protocol", "models", "transfer", "augmentation", "blocks", "dense", "enhancement", "billets",
)  # fmt: skip


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "reproduce",
        help="published tables and figures, theirs beside ours",
        description="Computes the tables and figures of a paper again and writes them beside the published "
        "numbers. energies2020: Tables 1 to 8 and Figures 4, 5 and 7 to 11 of Energies 2020, 13, 2429, by "
        "the published bee colony and by least squares; about an hour on two cores, or a table at a time. "
        "scrap2025: Tables 2 to 5 and Figures 1 to 4 of arXiv:2504.11319, over several simulations; about a "
        "minute. segregation2025: Supplementary Tables 1 and 2 and Figures 4 to 8 of "
        "doi:10.20517/jmi.2025.73 on synthetic billets; reduced to about twenty minutes on two cores, or "
        "--full on a GPU. flux2023: the mould-flux paper's comparison of SARIMA, ARIMA and CNN-LSTM, on a "
        "synthetic sequence and a --series of your own; a few minutes.",
        epilog="What has been computed is kept in the folder: the same command goes on where it stopped.",
    )
    parser.add_argument("paper", choices=list(TABLES), help="which paper")
    parser.add_argument(
        "--table", metavar="N", type=int, help="only what Table N needs (1 to 8; 2 to 5 of scrap2025)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of noise and searches (default 0)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="folder of what is written (default: the paper's name)",
    )
    energies = parser.add_argument_group("energies2020")
    energies.add_argument("--method", choices=["bee-colony", "least-squares"], help="only this search")
    energies.add_argument("--runs", metavar="N", type=int, help="of the colony (default 10)")
    scrap = parser.add_argument_group("scrap2025")
    scrap.add_argument("--seeds", metavar="N", type=int, help="number of simulations (default 5)")
    segregation = parser.add_argument_group("segregation2025")
    segregation.add_argument(
        "--full",
        action="store_const",
        const=True,
        help="patches of 224 px and the published training, for a GPU",
    )
    segregation.add_argument(
        "--splits", metavar="N", type=int, help="into training and test (default: 5 in full)"
    )
    segregation.add_argument(
        "--weights",
        metavar="BACKBONE=FILE",
        action="append",
        help="of vgg16, vgg19 or inception-v3, trained on ImageNet, as torchvision publishes them",
    )
    segregation.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes of one thread each, side by side (default: one a processor; 1 with --full)",
    )
    segregation.add_argument("--study", choices=STUDIES, help="only this one")
    flux = parser.add_argument_group("flux2023")
    flux.add_argument(
        "--series", metavar="FILE", type=Path, help="CSV file with a column time_s and columns of values"
    )
    return parser


def completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options with those of the paper that were left out; refuses others and impossible numbers."""
    values = dict(given)
    for paper, options in OWN.items():
        for name, value in options.items():
            if values[name] is None:
                values[name] = value
            elif paper != values["paper"]:
                raise BadInputError(f"--{name}: is for {paper} alone")
    table, tables = values["table"], TABLES[values["paper"]]
    if table is not None and not tables:
        hint = "; see --study" if values["paper"] == "segregation2025" else ""
        raise BadInputError(f"--table: is not for {values['paper']}{hint}")
    if table is not None and table not in tables:
        raise BadInputError(f"--table {table}: must be {tables[0]} to {tables[-1]}")
    for name in ("runs", "seeds", "splits", "workers"):
        if values[name] is not None and values[name] < 1:
            raise BadInputError(f"--{name} {values[name]}: must be at least 1")
    if values["seed"] < 0:
        raise BadInputError(f"--seed {values['seed']}: must not be negative")
    return values
