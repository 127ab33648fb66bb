"""What the tests of the networks share: stripes, and an ensemble that is fitted to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from references.patches import SMALL, stripes

from tundish.segregation import PatchSet

if TYPE_CHECKING:
    from tundish.segregation import CarbonRegressor


@pytest.fixture(scope="module")
def patches() -> PatchSet:
    return stripes()


@pytest.fixture(scope="module")
def fitted(patches: PatchSet) -> CarbonRegressor:
    from tundish.segregation import CarbonRegressor

    return CarbonRegressor(**SMALL, ensemble=2).fit(patches, 0.25)
