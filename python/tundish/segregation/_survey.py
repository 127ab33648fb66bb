"""The survey of a section: a model fitted or loaded, evaluated, and mapped over the section."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from tundish._common.arguments import choice, positive
from tundish._common.refusals import MISSING, ArgumentError
from tundish._common.reports import Report, plain
from tundish.segregation._findings import LEVEL, Case, Findings, Other
from tundish.segregation._report import report_of
from tundish.segregation._survey_inputs import (
    OF_NETWORKS,
    Photograph,
    Place,
    Seen,
    Split,
    Wanted,
    loaded_model,
    name_of,
    patches_of,
)
from tundish.segregation.estimators._baselines import baselines, missing_baselines
from tundish.segregation.estimators._estimator import PatchEstimator, data_hash
from tundish.segregation.maps._section_map import SectionMap, refuse_small, section_map
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.synthetic import Section, billet

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stage = Callable[[str], AbstractContextManager[Any]]

ESTIMATORS = ("textures", "network")
_TRAINING = ("size", "estimator", *OF_NETWORKS)
_DIAMETER = 0.6  # m, of the synthetic billet
_CELLS = 50  # of the map along the shorter side, at most, unless a stride is given


class Survey:
    """A section that is surveyed: everything is read and checked here, and :meth:`run` does the work.

    **Main arguments:**

    - `patches`: a :class:`PatchSet`, or the folder of one (`PatchSet.from_folder`); None is a synthetic
      billet of 0.6 m at reduced size, unless a `photograph` is mapped by a `model`.
    - `photograph`: of the whole section, to map: an image file or (H, W) uint8; `mm_per_px`, its scale.
    - `model`: a fitted estimator, or the folder that one was saved to, instead of training one.
    - `other`: patches of another billet, a set or a folder: whether they look alike, and the errors on them.

    **Other arguments:**

    - `diameter_mm`: of a round billet about the photograph's middle; what is outside is left out of the map.
    - `stride_mm`: from cell to cell of the map; None is half a patch, or a 50th of the section if that is
      more.
    - `test`, `by`: share of the groups that are tested, and the groups, as for `PatchSet.split`.
    - `seed`: of split, baselines and training.
    - `size`: side of the patches that the model sees, px; larger ones are reduced to it.
    - `estimator`: "textures" (`TextureRegressor`) or "network" (`CarbonRegressor`). None is "textures" unless
      `blocks`, `epochs` or `ensemble` ask for networks, or the pretrained weights are not installed.
    - `blocks`, `epochs`, `ensemble`: of the networks. `device`: of torch.
    - `section`: whether the whole section of the synthetic billet is rendered, and mapped.
    - `progress`: True shows bars (needs rich). `stage`: is called with what is done next, and gives a
      context manager that is entered around it.

    **Attributes:** `model`, the estimator, fitted after :meth:`run`; `case`, patches and photograph.

    **Raises:** ValueError or TypeError naming the argument, or the file at fault; OSError for files that
    cannot be read; ImportError, with what to install.
    """

    def __init__(
        self,
        patches: PatchSet | Place | None = None,
        *,
        photograph: NDArray[Any] | Place | None = None,
        mm_per_px: float | None = None,
        diameter_mm: float | None = None,
        stride_mm: float | None = None,
        other: PatchSet | Place | None = None,
        model: PatchEstimator | Place | None = None,
        test: float = 0.2,
        by: str = "point",
        seed: int = 0,
        size: int | None = None,
        estimator: str | None = None,
        blocks: int | None = None,
        epochs: int | None = None,
        ensemble: int | None = None,
        device: str = "auto",
        section: bool = False,
        progress: bool = False,
        stage: Stage = nullcontext,
    ) -> None:
        self._started = time.perf_counter()
        self._photograph = Photograph(photograph, mm_per_px, diameter_mm)
        self._split = Split(test, by, seed)
        self._wanted = Wanted(size, estimator, blocks, epochs, ensemble, device, seed)
        self._stride_mm, self._progress, self._stage = stride_mm, progress, stage
        self._check(patches, model)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            loaded = None if model is None else loaded_model(model, device)
            seen = None
            if loaded is not None:
                seen = Seen(loaded.image_size, loaded.card["mm_per_px"], "was trained on")
            self.case = self._case(patches, section, loaded, seen)
            if seen is None:
                assert self.case.train is not None
                seen = Seen(self.case.train.size[0], self.case.train.mm_per_px, "is to be trained on")
            self._other: Other | None = None
            if other is not None:
                self._other = Other(name_of(other), patches_of(other, "other", size, seen))
        self.remarks = [str(each.message) for each in caught if each.category is UserWarning]
        self._source = None if loaded is None else name_of(model)
        self.model: PatchEstimator = self._new_model() if loaded is None else loaded
        if self.case.photograph is not None:  # before anything is trained for it
            refuse_small(self.case.photograph, self.model.image_size)

    def _check(self, patches: object, model: object) -> None:
        """Refuses arguments that do not go together, before any work."""
        photograph, scale, diameter = self._photograph
        for name, value in (("mm_per_px", scale), ("diameter_mm", diameter), ("stride_mm", self._stride_mm)):
            if value is not None:
                positive(name, value)
        if photograph is None:
            for name, value in (("mm_per_px", scale), ("diameter_mm", diameter)):
                if value is not None:
                    raise ArgumentError(name, value, "is of a photograph, which is missing")
        elif scale is None:
            raise ArgumentError("photograph", MISSING, "needs mm_per_px, its scale")
        elif patches is None and model is None:
            raise ArgumentError("photograph", MISSING, "needs patches to train on, or a model")
        if self._wanted.estimator is not None:
            choice("estimator", self._wanted.estimator, ESTIMATORS)
        if model is not None:
            for name in _TRAINING:
                value = getattr(self._wanted, name)
                if value is not None:
                    raise ArgumentError(name, value, "is of a training; the model has had its own")

    def _case(
        self, given: PatchSet | Place | None, section: bool, loaded: PatchEstimator | None, seen: Seen | None
    ) -> Case:
        picture = self._photograph
        if given is None and picture.photograph is not None:
            assert seen is not None
            mapped = picture.at_scale(seen.mm_per_px)
            return Case(name_of(picture.photograph), False, None, None, mapped, None, picture.diameter_mm)
        if given is None:
            cut, rendered = self._synthetic(section, seen)
            train, test = self._parted(cut, loaded)
            whole = None if rendered is None else rendered.photograph
            return Case("synthetic billet", True, train, test, whole, rendered, 1000 * _DIAMETER)
        patches = patches_of(given, "patches", self._wanted.size, seen)
        train, test = self._parted(patches, loaded)
        whole = None if picture.photograph is None else picture.at_scale(patches.mm_per_px)
        return Case(name_of(given), False, train, test, whole, None, picture.diameter_mm)

    def _synthetic(self, section: bool, seen: Seen | None) -> tuple[PatchSet, Section | None]:
        """Patches of a billet that was never cast, and its section if that is rendered."""
        from tundish.segregation.configurations import REDUCED

        if seen is not None:
            size, scale = seen.size, seen.mm_per_px
        else:
            size = self._wanted.size or REDUCED.image_size
            scale = REDUCED.mm_per_px * REDUCED.image_size / size
        settings: dict[str, Any] = {
            "diameter": _DIAMETER, "image_size": size, "rng": self._split.seed, "mm_per_px": scale
        }  # fmt: skip
        if not section:
            return billet(**settings), None
        with self._stage("photographing the section"):
            return billet(**settings, section=True, progress=self._progress)

    def _parted(self, patches: PatchSet, loaded: PatchEstimator | None) -> tuple[PatchSet | None, PatchSet]:
        """Points to train on and others; all are others for a model that was not trained on these."""
        train, test = patches.split(self._split.test, by=self._split.by, rng=self._split.seed)
        if loaded is not None and loaded.card["data"]["sha256"] != data_hash(train):
            return None, patches
        return train, test

    def _new_model(self) -> PatchEstimator:
        """What is to be trained; made before any work, so that what is wrong with its settings is refused."""
        from tundish.segregation.configurations import pooled
        from tundish.segregation.estimators import CarbonRegressor, TextureRegressor

        assert self.case.train is not None
        size, wanted = self.case.train.size[0], self._wanted
        if wanted.textures():
            return TextureRegressor(image_size=size, seed=wanted.seed, device=wanted.device)
        given = {name: getattr(wanted, name) for name in OF_NETWORKS if getattr(wanted, name) is not None}
        return CarbonRegressor(**(pooled(size) | given), seed=wanted.seed, device=wanted.device)

    def run(self, checkpoint: Place | None = None) -> Report:
        """Trains the model if none was given, evaluates it beside models without a network, and maps carbon.

        **Main arguments:** `checkpoint`: a folder that networks in training are written to, as for
        `CarbonRegressor.fit`: the same survey, after an interruption, goes on from it.

        **Returns:** a report. `facts`: the model, its scores and those of the models without a network
        ("table"), coverage and width of the intervals, leak, image quality, map, drift and scores on the
        other billet. `files`: segregation.json, predictions.csv, pictures, map.nc, and the trained model.

        **Raises:** as the class; FloatingPointError if training diverges.
        """
        rows, missing = self._baselines()
        if self._source is None:
            self._train(checkpoint)
        remarks = self.remarks + self._known_points()
        found = self._map()
        split = {"by": self._split.by, "test": self._split.test}
        findings = Findings(self.case, self.model, self._source, rows, missing, found, self._other, split,
                            self._split.seed, remarks)  # fmt: skip
        return report_of(findings, self._started)

    def _baselines(self) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Rows of the table, and the models that are not among them with the reason."""
        if self.case.train is None or self.case.test is None:
            return [], {}
        with self._stage("fitting the models without a network"):
            table = baselines(self.case.train, self.case.test, self._split.seed, progress=self._progress)
        names = table.dtype.names or ()
        rows = [{name: _cell(row[name]) for name in names} for row in table]
        return rows, missing_baselines(self.case.train, self.case.test)

    def _train(self, checkpoint: Place | None) -> None:
        from tundish.segregation.estimators import CarbonRegressor, TextureRegressor

        assert self.case.train is not None
        with self._stage("training"):
            if isinstance(self.model, CarbonRegressor):
                self.model.fit(self.case.train, progress=self._progress, checkpoint=checkpoint)
                self.model.compile(calibration=self.case.train)
            elif isinstance(self.model, TextureRegressor):
                self.model.fit(self.case.train, progress=self._progress)

    def _known_points(self) -> list[str]:
        """A remark if points that are tested may be among those of the training."""
        known = 0 if self.case.test is None else len(self.case.test.ids & self.model.trained_on)
        if not known:
            return []
        return [
            f"{self.case.name}: {known} of its points have the ids of some that the model was trained on; if "
            "they are the same, errors and intervals look better than they are"
        ]

    def _map(self) -> SectionMap | None:
        photograph = self.case.photograph
        if photograph is None:
            return None
        scale, stride = self.model.card["mm_per_px"], self._stride_mm
        if stride is None:
            stride = scale * max(self.model.image_size // 2, min(photograph.shape) // _CELLS)
        with self._stage("mapping the section"):
            return section_map(
                self.model,
                photograph,
                mm_per_px=scale,
                stride_mm=stride,
                diameter_mm=self.case.diameter_mm,
                level=LEVEL if self.model.card["complete"] else None,
                progress=self._progress,
            )


def report(
    patches: PatchSet | Place | None = None, *, checkpoint: Place | None = None, **survey: Any
) -> Report:
    """The survey of a section in one call, as the command `tundish segregate` makes it.

    `patches` and the further keyword arguments are those of :class:`Survey`; `checkpoint` is that of
    `Survey.run`. **Returns:** a report: `print(report)` shows it, `report.facts` are its figures, and
    `report.write(folder)` writes data, pictures and the trained model.
    """
    return Survey(patches, **survey).run(checkpoint)


def _cell(value: Any) -> Any:
    """A cell of a table as JSON takes it."""
    item = value.item()
    return item if isinstance(item, str) else plain(item)
