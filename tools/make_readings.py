"""Makes the readings that `tundish identify` takes when it is given none: python tools/make_readings.py

What the three thermocouples of the bundled case would read every 0.05 m, with uniform noise of 1 % of the
temperature in K. The strand is solved on a finer grid than any default fit's, which thus cannot fit its own
mesh's errors.
"""

import numpy as np

from tundish.casting import PUBLISHED_READINGS, Grid, Measurements, read_case, solve


def main() -> None:
    """Solves the bundled case and writes the readings beside it."""
    case = read_case()
    solution = solve(case.strand, Grid(nx=200, dz_mold=5e-4, dz_spray=5e-3), probes=case.probes)
    noisy = Measurements.from_solution(solution, every=0.05, noise=0.01, rng=1)
    readings = Measurements(noisy.z, noisy.x, noisy.y, np.round(noisy.temperature, 2))
    readings.write_csv(PUBLISHED_READINGS)


if __name__ == "__main__":
    main()
