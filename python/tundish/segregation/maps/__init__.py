"""Carbon and errors over a section, and where in a patch a network sees carbon."""

from __future__ import annotations

from tundish.segregation.maps._grad_cam import grad_cam
from tundish.segregation.maps._regions import Regions, region_statistics, shuffled_labels
from tundish.segregation.maps._section_map import SectionMap, error_map, section_map

__all__ = [
    "Regions",
    "SectionMap",
    "error_map",
    "grad_cam",
    "region_statistics",
    "section_map",
    "shuffled_labels",
]
