"""A grade known at a few temperatures, read from a CSV file, beside the published one.

    python examples/steel_from_table.py

low_carbon.csv holds round numbers of a low-carbon steel, for illustration; the liquid's conductivity is
raised, for it is stirred. Put your own grade there.
"""

import dataclasses
from pathlib import Path

import numpy as np

from tundish.casting import Steel, published_strand, solve

published = published_strand()
steel = Steel.from_table(Path(__file__).with_name("low_carbon.csv"), latent_heat=260e3)
superheat = published.pouring_temperature - published.steel.liquidus
strand = dataclasses.replace(published, steel=steel, pouring_temperature=steel.liquidus + superheat / 3)

solutions = [solve(published), solve(strand)]
print("                        published  low carbon")
for name, unit in (("solidus", "K"), ("liquidus", "K")):
    row = [getattr(solution.strand.steel, name) for solution in solutions]
    print(f"{name + ', ' + unit:22} {row[0]:10.0f} {row[1]:11.0f}")
for z in (0.5, 3.0, 10.0):
    row = [1e3 * np.interp(z, solution.z, solution.shell_thickness[0]) for solution in solutions]
    print(f"{f'shell at {z:g} m, mm':22} {row[0]:10.1f} {row[1]:11.1f}")
solid = [solution.solid_fraction[-1] for solution in solutions]
print(f"{'solid at the end, %':22} {100 * solid[0]:10.1f} {100 * solid[1]:11.1f}")
