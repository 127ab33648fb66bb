"""What `tundish segregate` writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tundish.cli._common import write_picture, write_text

if TYPE_CHECKING:
    from tundish._common.arguments import Floats
    from tundish._common.images import Grey
    from tundish.segregation import PatchSet, SectionMap
    from tundish.segregation.estimators._estimator import PatchEstimator as Estimator
    from tundish.segregation.synthetic import Section

LEVEL = 0.9  # of the intervals


class Case(NamedTuple):
    """What is judged: patches to train on (None with --model) and to test, and the section to map."""

    name: str
    train: PatchSet | None
    test: PatchSet | None
    photograph: Grey | None
    section: Section | None
    diameter_mm: float | None


def truth_at(found: SectionMap, section: Section) -> Floats:
    """(h, w) wt%, the synthetic billet's carbon at the middles of the map's cells."""
    import numpy as np

    rows, columns = (
        np.abs(axis[:, None] - known[None, :]).argmin(axis=1)
        for axis, known in ((found.y_mm, section.y_mm), (found.x_mm, section.x_mm))
    )
    return np.asarray(section.carbon[np.ix_(rows, columns)])


def writers_of(
    case: Case, reg: Estimator, found: SectionMap | None, facts: dict[str, Any]
) -> dict[str, Callable[[Path], None]]:
    """What writes each file of --out, but for the model."""
    from tundish.segregation import _plots

    writers = {} if case.test is None else _writers_of_points(case, reg)
    if found is not None:
        truth = None if case.section is None else case.section[2:5]
        pictures = {"map.png": partial(_plots.plot_map, found, case.diameter_mm, truth)}
        if found.interval is not None:
            pictures["interval.png"] = partial(_plots.plot_width, found, case.diameter_mm)
        writers["map.nc"] = partial(_write_netcdf, found, case)
        writers |= {name: partial(write_picture, draw) for name, draw in pictures.items()}
    text = json.dumps(facts, indent=2, allow_nan=False) + "\n"
    return {"segregation.json": partial(write_text, text), **writers}


def _writers_of_points(case: Case, reg: Estimator) -> dict[str, Callable[[Path], None]]:
    import numpy as np

    from tundish.segregation import _plots, error_map

    assert case.test is not None
    parts = [(part, held) for part, held in ((case.train, False), (case.test, True)) if part is not None]
    predicted = [(part, held, reg.predict(part), _bounds(reg, part)) for part, held in parts]
    labelled = [
        ("held out" if held else "trained on", part.carbon, values, bounds if held else None)
        for part, held, values, bounds in predicted
    ]
    writers: dict[str, Callable[[Path], None]] = {
        "predictions.csv": partial(_write_predictions, predicted),
        "predictions.png": partial(write_picture, partial(_plots.plot_predictions, labelled, reg.history)),
        "grad-cam.png": partial(write_picture, partial(_draw_grad_cam, reg, case.test)),
    }
    if case.test.position is not None:
        tables = [error_map(reg, part) for part, _ in parts]
        held_out = np.concatenate([np.full(len(t), held) for t, (_, held) in zip(tables, parts, strict=True)])
        errors = partial(_plots.plot_errors, np.concatenate(tables), held_out, case.diameter_mm)
        writers["errors.png"] = partial(write_picture, errors)
    return writers


def _bounds(reg: Estimator, patches: PatchSet) -> Floats | None:
    return reg.predict_interval(patches, LEVEL) if reg.card["complete"] else None


def _draw_grad_cam(reg: Estimator, test: PatchSet) -> Any:
    """Of the held-out patches with least and most carbon."""
    from tundish.segregation import _plots

    chosen = [int(test.carbon.argmin()), int(test.carbon.argmax())]
    titles = [f"{test.carbon[n]:.3f} wt%, etched" for n in chosen]
    return _plots.plot_grad_cam(reg, test.images[chosen], titles, test.mm_per_px)


def _write_predictions(parts: list[tuple[PatchSet, bool, Floats, Floats | None]], path: Path) -> None:
    """One line a patch."""
    positions = parts[0][0].position is not None
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        places = ["x_mm", "y_mm"] if positions else []
        writer.writerow(
            ["billet", "point", *places, "part", "carbon_wt", "predicted_wt", "lower_wt", "upper_wt",
             "relative_error"]
        )  # fmt: skip
        for patches, held, predicted, bounds in parts:
            for n, value in enumerate(predicted):
                place = [] if patches.position is None else [f"{v:.10g}" for v in patches.position[n]]
                limits = ["", ""] if bounds is None else [f"{v:.6f}" for v in bounds[n]]
                carbon = patches.carbon[n]
                part = "held out" if held else "trained on"
                writer.writerow([patches.billet[n], patches.point[n], *place, part, f"{carbon:.10g}",
                                 f"{value:.6f}", *limits, f"{value / carbon - 1:.6f}"])  # fmt: skip


def _write_netcdf(found: SectionMap, case: Case, path: Path) -> None:
    from tundish._common.optional import optional

    xr = optional("xarray", "xarray")
    for module in ("h5netcdf", "h5py"):
        optional(module, "xarray")
    data: dict[str, Any] = {"carbon": (("y", "x"), found.carbon, {"units": "wt%", "long_name": "carbon"})}
    if found.interval is not None:
        for n, name in enumerate(("lower", "upper")):
            meaning = f"{name} bound of the {100 * LEVEL:g} % interval of carbon"
            data[name] = (("y", "x"), found.interval[..., n], {"units": "wt%", "long_name": meaning})
    if case.section is not None:
        truth = truth_at(found, case.section)
        data["true_carbon"] = (
            ("y", "x"),
            truth,
            {"units": "wt%", "long_name": "the synthetic billet's carbon"},
        )
    coordinates = {
        "x": ("x", found.x_mm, {"units": "mm", "long_name": "from the billet's axis, to the right"}),
        "y": ("y", found.y_mm, {"units": "mm", "long_name": "from the billet's axis, downwards"}),
    }
    attributes = {"title": "carbon of an etched section", "source": case.name}
    xr.Dataset(data, coordinates, attributes).to_netcdf(path, engine="h5netcdf")
