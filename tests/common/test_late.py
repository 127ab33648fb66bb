"""Names of a package that are imported when they are first asked for."""

from __future__ import annotations

import pytest

from tundish._common.late import by_name
from tundish.segregation.patches import PatchSet


def test_a_name_comes_from_its_module() -> None:
    found = by_name("tundish.segregation", {"PatchSet": "patches", "Report": "patches._patch_set"})
    assert found("PatchSet") is PatchSet
    with pytest.raises(AttributeError, match=r"'tundish\.segregation\.patches\._patch_set'"):
        found("Report")


def test_an_unknown_name_is_no_attribute() -> None:
    """As of any module, so that `from ... import` refuses it and `hasattr` is false."""
    with pytest.raises(AttributeError, match=r"module 'tundish\.scrap' has no attribute 'nothing'"):
        by_name("tundish.scrap", {"HeatLog": "_log"})("nothing")
