"""The files of a survey's report."""

from __future__ import annotations

import csv
import json
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._common.reports import Writer, picture, text
from tundish.segregation._findings import LEVEL, Case, Findings, truth_at
from tundish.segregation.estimators._estimator import PatchEstimator
from tundish.segregation.maps import plots
from tundish.segregation.maps._section_map import SectionMap, error_map
from tundish.segregation.patches._patch_set import PatchSet


def writers_of(findings: Findings, facts: dict[str, Any]) -> dict[str, Writer]:
    """What writes each file; the model is a folder, and is written where it was trained."""
    case, model, found = findings.case, findings.model, findings.map
    writers = {} if case.test is None else _Points(case, model).writers()
    if found is not None:
        truth = None if case.section is None else case.section[2:5]
        pictures = {"map.png": partial(plots.plot_map, found, case.diameter_mm, truth)}
        if found.interval is not None:
            pictures["interval.png"] = partial(plots.plot_width, found, case.diameter_mm)
        writers["map.nc"] = partial(_write_netcdf, found, case)
        writers |= {name: picture(draw) for name, draw in pictures.items()}
    content = json.dumps(facts | {"files": []}, indent=2, allow_nan=False) + "\n"
    saved = {"model": model.save} if findings.source is None else {}
    return {"segregation.json": text(content), **writers, **saved}


class _Points:
    """Predictions at the analysed points, made when a file first needs them."""

    def __init__(self, case: Case, model: PatchEstimator) -> None:
        self.case, self.model = case, model
        parts = ((case.train, False), (case.test, True))
        self.parts = [(part, held) for part, held in parts if part is not None]

    @cached_property
    def predicted(self) -> list[tuple[PatchSet, bool, Floats, Floats | None]]:
        """Of each part, whether it was held out, the predictions and their bounds."""
        model = self.model
        return [(part, held, model.predict(part), _bounds(model, part)) for part, held in self.parts]

    def writers(self) -> dict[str, Writer]:
        """What writes each file of the points."""
        assert self.case.test is not None
        writers: dict[str, Writer] = {
            "predictions.csv": lambda path: _write_predictions(self.predicted, path),
            "predictions.png": picture(self._plot_predictions),
            "grad-cam.png": picture(partial(_draw_grad_cam, self.model, self.case.test)),
        }
        if self.case.test.position is not None:
            writers["errors.png"] = picture(self._plot_errors)
        return writers

    def _plot_predictions(self) -> Any:
        labelled = [
            ("held out" if held else "trained on", part.carbon, values, bounds if held else None)
            for part, held, values, bounds in self.predicted
        ]
        return plots.plot_predictions(labelled, self.model.history)

    def _plot_errors(self) -> Any:
        tables = [error_map(self.model, part) for part, _ in self.parts]
        pairs = zip(tables, self.parts, strict=True)
        held_out = np.concatenate([np.full(len(table), held) for table, (_, held) in pairs])
        return plots.plot_errors(np.concatenate(tables), held_out, self.case.diameter_mm)


def _bounds(model: PatchEstimator, patches: PatchSet) -> Floats | None:
    return model.predict_interval(patches, LEVEL) if model.card["complete"] else None


def _draw_grad_cam(model: PatchEstimator, test: PatchSet) -> Any:
    """Of the held-out patches with least and most carbon."""
    chosen = [int(test.carbon.argmin()), int(test.carbon.argmax())]
    titles = [f"{test.carbon[n]:.3f} wt%, etched" for n in chosen]
    return plots.plot_grad_cam(model, test.images[chosen], titles, test.mm_per_px)


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
