"""Makes the heats that `tundish scrap` takes when it is given none: python tools/make_heats.py

Simulated heats with eight scrap types for each element, rounded as scales and laboratories do, some
readings missing; and beside them the truth that pictures show.
"""

import csv
import math

import numpy as np

from tundish.scrap import HeatLog, Truth, bundled_heats, simulate

HEATS, MISSING = 750, 8
# Cleaner to dirtier: simulated means rise with the type's number.
TYPES = ("internal", "plate", "busheling", "bundles", "turnings", "hms1", "hms2", "shredded")
SEEDS = {"Cu": 1, "Cr": 2}
DECIMALS = {"scrap": 2, "steel_t": 1, "steel_ppm": 1, "hot_metal_t": 1, "hot_metal_ppm": 1, "slag_t": 1,
            "feo_pct": 1}  # fmt: skip


def main() -> None:
    """Simulates the heats and writes them into the package."""
    for element, seed in SEEDS.items():
        log, truth = simulate(HEATS, len(TYPES), element=element, rng=seed)
        rounded = {name: np.round(getattr(log, name), decimals) for name, decimals in DECIMALS.items()}
        gone = np.random.default_rng(seed).choice(HEATS, MISSING, replace=False)
        rounded["steel_ppm"][gone] = math.nan
        HeatLog(log.heat, TYPES, **rounded).write_csv(bundled_heats(element))
        write_truth(element, truth)


def write_truth(element: str, truth: Truth) -> None:
    """One line a heat: the types' fractions, ppm; c1 and c2 where the element has them; the steel, ppm."""
    columns = {
        f"scrap_{name}_ppm": np.round(truth.composition[:, n]).astype(int) for n, name in enumerate(TYPES)
    }
    if truth.partition is not None:
        columns |= {name: np.round(truth.partition[:, n], 5) for n, name in enumerate(("c1", "c2"))}
    columns["steel_ppm"] = np.round(truth.steel_ppm, 1)
    path = bundled_heats(element).with_name(f"{element.lower()}_truth.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


if __name__ == "__main__":
    main()
