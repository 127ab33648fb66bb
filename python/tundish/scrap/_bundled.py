"""The simulated heats that come with the package, and their truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tundish.scrap._simulate import Truth

_CASES = Path(__file__).with_name("cases")


def heats_of(element: str) -> Path:
    """The log's file, by tools/make_heats.py."""
    return _CASES / f"{element.lower()}.csv"


def truth_of(element: str) -> Path:
    """The file of what the simulation knew."""
    return _CASES / f"{element.lower()}_truth.csv"


def bundled_truth(element: str) -> Truth:
    """What the simulation of the bundled heats knew, to 1 ppm: it starts at the long-term means."""
    with truth_of(element).open(encoding="utf-8") as file:
        header = file.readline().strip().split(",")
        table = np.loadtxt(file, delimiter=",")
    columns = dict(zip(header, table.T, strict=True))
    composition = np.stack([values for name, values in columns.items() if name.startswith("scrap_")], axis=1)
    partition = np.stack([columns["c1"], columns["c2"]], axis=1) if "c1" in columns else None
    return Truth(composition[0], composition, partition, columns["steel_ppm"])
