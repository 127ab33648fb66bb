"""What a survey of a section works on, and what it finds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.images import Grey
from tundish.segregation.estimators._estimator import PatchEstimator
from tundish.segregation.maps._section_map import SectionMap
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.synthetic import Section

LEVEL = 0.9  # of the intervals


class Case(NamedTuple):
    """What is evaluated, and the section to map.

    - `name`: where the patches come from. `synthetic`: whether they are of a synthetic billet.
    - `train`: patches to train on; None for a model that was trained on others. `test`: to test, if any.
    - `photograph`: of the section at the scale of the patches, None if there is none. `section`: of the
      synthetic billet. `diameter_mm`: of a round billet.
    """

    name: str
    synthetic: bool
    train: PatchSet | None
    test: PatchSet | None
    photograph: Grey | None
    section: Section | None
    diameter_mm: float | None


class Other(NamedTuple):
    """Patches of another billet, and where they come from."""

    name: str
    patches: PatchSet


class Findings(NamedTuple):
    """A survey that is done.

    - `model`: fitted; `source`: where it was loaded from, None if it was trained for this survey.
    - `baselines`: rows of models without a network; `missing`: those that cannot run, with the reason.
    - `map`: of the section. `other`: patches of another billet.
    - `split`: how test patches were chosen. `remarks`: what a reader should know besides.
    """

    case: Case
    model: PatchEstimator
    source: str | None
    baselines: list[dict[str, Any]]
    missing: dict[str, str]
    map: SectionMap | None
    other: Other | None
    split: dict[str, Any]
    seed: int
    remarks: list[str]


def truth_at(found: SectionMap, section: Section) -> Floats:
    """(h, w) wt%, the synthetic billet's carbon at the middles of the map's cells."""
    rows, columns = (
        np.abs(axis[:, None] - known[None, :]).argmin(axis=1)
        for axis, known in ((found.y_mm, section.y_mm), (found.x_mm, section.x_mm))
    )
    return np.asarray(section.carbon[np.ix_(rows, columns)])
