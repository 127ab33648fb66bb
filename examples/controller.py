"""A controller in the loop: spray water holds the surface at a set point while the strand is marched down.

    python examples/controller.py

The host drives the march, looks at the temperatures and changes the cooling of the steps to come.
"""

from tundish.casting import Grid, Stepper, published_strand

SET_POINT = 1400.0  # K, in the middle of face x
GAIN, TIME = 4.0, 12.0  # of a PI controller: W/(m2 K) per K, s
LOWEST, HIGHEST = 100.0, 1200.0  # W/(m2 K)

strand = published_strand()
stepper = Stepper(strand, Grid(40, 40, dz_mold=5e-3, dz_spray=2e-2, grading=5.0))
parameters = strand.parameters()
integral, last_z = 0.0, 0.0
print("   z, m   middle of face x, K   coefficient, W/(m2 K)")
while stepper.step():
    seconds, last_z = (stepper.z - last_z) / strand.speed, stepper.z
    if stepper.zone < 0:  # still in the mould
        continue
    name = f"zones.{stepper.zone}.htc.x"
    surface = stepper.temperature[0, -1]
    error = surface - SET_POINT
    wanted = parameters[name] + GAIN * (error + integral / TIME)
    coefficient = min(max(wanted, LOWEST), HIGHEST)
    if coefficient == wanted:  # do not wind up at the limits
        integral += error * seconds
    stepper.set({name: coefficient})
    if round(stepper.z / 0.02) % 75 == 0:
        print(f"{stepper.z:7.2f} {surface:21.1f} {coefficient:23.0f}")
print(f"heat given off by the quarter section: {stepper.heat / 1e3:.1f} kW")
