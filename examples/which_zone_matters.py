"""Which part of the cooling moves the metallurgical length most? Answered by one solve with derivatives.

python examples/which_zone_matters.py
"""

import numpy as np

from tundish.casting import published_strand, solve

strand = published_strand()
values = strand.parameters()
names = [name for name in values if not name.startswith("steel.")]
solution = solve(strand, gradient=names, outputs=["metallurgical_length", "metallurgical_length_gradient"])

# What one per cent more of each does, m. (Temperatures are no ratios: for them, 1 K.)
change = np.array(
    [
        derivative * (1.0 if name.endswith("_temperature") else 0.01 * values[name])
        for name, derivative in zip(names, solution.metallurgical_length_gradient, strict=True)
    ]
)
print(f"metallurgical length {float(solution.metallurgical_length):.3f} m")
for n in np.argsort(-abs(change)):
    step = "1 K" if names[n].endswith("_temperature") else "1 %"
    print(f"{names[n]:22} {step} more: {1e3 * change[n]:+8.2f} mm")
