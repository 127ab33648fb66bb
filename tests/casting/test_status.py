"""How a march ended, in words."""

from __future__ import annotations

from references.strand import small_strand

from tundish.casting import Mold, Status, Strand, published_strand
from tundish.casting._status import describe


def test_the_remedy_is_what_the_grid_can_be_asked_for() -> None:
    strand: Strand = small_strand(mold=Mold(0.2, htc=1e3))
    assert "Take smaller steps." in describe(Status.DIVERGED, 0.1, strand, "adi", {})
    cooled = published_strand()  # by a flux in the mould
    assert "fell below 200 K" in describe(Status.DIVERGED, 0.3, cooled, "adi", {"corner": 250.0})
    warm = describe(Status.DIVERGED, 0.3, cooled, "adi", {"corner": 1500.0})
    assert "rose although the strand is only cooled" in warm
    assert "too much" not in warm
    assert "Ask for a smaller accuracy." in describe(Status.DIVERGED, 0.1, strand, "adi", {}, 0.5)
