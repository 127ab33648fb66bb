"""How fast can this strand be cast? A study over speed and spray water, in one batch, with a picture.

    python examples/parameter_study.py [PICTURE.png]

A shell that is too thin at the end of the mould breaks out, and a strand that is not solid at the end of its
cooling cannot be cut. Both set a limit to the speed.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

from tundish.casting import published_strand, solve_batch

THINNEST_SHELL = 4.0e-3  # m, at the end of the mould

strand = published_strand()
speeds = np.linspace(1.8, 3.0, 25) / 60  # m/s
sprays = np.linspace(0.8, 1.6, 17)  # all coefficients of the secondary cooling, times this

speed, spray = (grid.ravel() for grid in np.meshgrid(speeds, sprays))
coefficients = {name: value for name, value in strand.parameters().items() if ".htc." in name}
parameters = {"speed": speed} | {name: value * spray for name, value in coefficients.items()}
batch = solve_batch(strand, parameters, outputs=["metallurgical_length", "shell_thickness"])

end_of_mold = np.argmin(abs(batch.z - strand.mold.length))
shell = batch.shell_thickness[:, :, end_of_mold].min(axis=1).reshape(len(sprays), len(speeds))
length = batch.metallurgical_length.reshape(len(sprays), len(speeds))
allowed = (shell >= THINNEST_SHELL) & (length < strand.length)
print(f"{len(batch)} strands solved")
for k in range(0, len(sprays), 4):
    fastest = speeds[allowed[k]].max(initial=0.0) * 60
    print(f"spray water x {sprays[k]:.1f}: up to {fastest:.2f} m/min")

figure = Figure(figsize=(6.5, 4.2), layout="constrained")
axes = figure.subplots()
shown = np.minimum(length, strand.length)  # it is infinite where the centre stays liquid
lines = axes.contour(speeds * 60, sprays, shown, levels=np.arange(8.0, 15.6, 1.5), colors="black")
axes.clabel(lines, fmt="%g m")
axes.contourf(speeds * 60, sprays, allowed, levels=[0.5, 1.5], colors=["#C6DBEF"])
axes.set(
    xlabel="casting speed, m/min",
    ylabel="spray water, relative",
    title="metallurgical length; shaded: thick enough and solid in time",
)
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "parameter_study.png", dpi=120)
