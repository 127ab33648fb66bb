"""Pictures of strands and identifications; the `.plot` methods of results draw them."""

from tundish.casting.plots._identification import plot_identification, plot_profile
from tundish.casting.plots._sections import plot_sections
from tundish.casting.plots._strand import plot_batch, plot_strand

__all__ = ["plot_batch", "plot_identification", "plot_profile", "plot_sections", "plot_strand"]
