"""Digests of what tundish computes, so that two versions can be compared to the last bit.

    python tools/compare_results.py results.json                     records
    python tools/compare_results.py now.json --against results.json  and compares with an older record
    python tools/compare_results.py now.json --only casting scrap    some rooms alone

Both records are to be made on one machine: libraries below tundish choose their arithmetic by the processor.
The script uses public names alone, so that it runs with older versions of tundish, too. Everything
takes about two minutes on one thread of torch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

Result = tuple[str, Any]


def digest(value: Any) -> str:
    """SHA-256 of an array with its type and shape, of a text, or of several in order."""
    found = hashlib.sha256()
    _feed(found, value)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, str):
        found.update(value.encode())
    elif isinstance(value, Mapping):
        for key in sorted(value):
            _feed(found, str(key))
            _feed(found, value[key])
    elif isinstance(value, tuple | list):
        for item in value:
            _feed(found, item)
    elif value is None:
        found.update(b"None")
    else:
        array = np.ascontiguousarray(value)
        found.update(f"{array.dtype.descr}{array.shape}".encode())
        found.update(array.tobytes())


SOLUTION = [
    "z",
    "x",
    "y",
    "status",
    "metallurgical_length",
    "energy_imbalance",
    "probe_temperature",
    "centre_temperature",
    "corner_temperature",
    "face_temperature",
    "shell_thickness",
    "solid_fraction",
    "liquid_fraction",
    "heat",
    "section_temperature",
    "iterations",
    "damping",
]


def fields(value: Any, names: Any) -> dict[str, Any]:
    """Attributes by name."""
    return {name: getattr(value, name) for name in names}


def casting_solutions() -> Iterator[Result]:
    from tundish.casting import Grid, Stepper, read_case, solve, solve_batch

    case = read_case()
    strand, probes = case.strand, case.probes or [(0.062, 0.074), (0.074, 0.074), (0.074, 0.062)]
    yield "the bundled case", fields(case.solve(), SOLUTION)
    given: dict[str, Any] = dict(probes=probes, sections=[0.5, 3.0, 10.0])
    gradient = ["zones.2.htc.x", "mold.heat_flux.y", "speed"]
    s = solve(strand, gradient=gradient, **given)
    yield "default", fields(s, SOLUTION)
    yield "gradient", (s.probe_gradient, s.metallurgical_length_gradient)
    yield "float32", fields(solve(strand, dtype="float32", **given), SOLUTION)
    coarse = Grid(41, 41, dz_mold=0.005, dz_spray=0.02)
    for ordering in ("lexicographic", "red-black"):
        published = solve(strand, coarse, method="sor", phase_change="correction", ordering=ordering, **given)
        yield f"published scheme, {ordering}", fields(published, SOLUTION)
    yield "sor, enthalpy", fields(solve(strand, coarse, method="sor", **given), SOLUTION)
    varied = {"speed": np.linspace(1.8, 2.6, 11) / 60, "zones.1.htc.x": np.linspace(500, 800, 11)}
    b = solve_batch(strand, varied, coarse, gradient=gradient, **given)
    yield "batch", fields(b, (*SOLUTION, "probe_gradient", "metallurgical_length_gradient"))
    m = Stepper(strand, coarse)
    while m.step():
        if m.zone == 2:
            m.set({"zones.2.htc.x": 250.0})
    yield "stepper", (m.z, m.temperature, m.heat)


def casting_identification() -> Iterator[Result]:
    from tundish.casting import (
        PUBLISHED_UNKNOWNS,
        Grid,
        Measurements,
        identify,
        identify_profile,
        misfit,
        published_strand,
        solve,
    )
    from tundish.optimize import bee_colony

    strand = published_strand()
    couples = [(0.062, 0.074), (0.074, 0.074), (0.074, 0.062)]
    fine, coarse = Grid(32, 32, dz_mold=0.01, dz_spray=0.08), Grid(16, 16, dz_mold=0.02, dz_spray=0.1)
    m = Measurements.from_solution(solve(strand, fine, probes=couples), every=0.05, noise=0.01, rng=0)
    yield "readings", (m.z, m.temperature)
    true = strand.parameters()
    start = strand.replace({name: 0.8 * true[name] for name in PUBLISHED_UNKNOWNS})
    r = identify(start, m, PUBLISHED_UNKNOWNS, grid=coarse, progress=False)
    yield "least squares", (r.parameters, r.covariance, r.cost, r.evaluations, r.jacobian, r.message)
    bounds = {name: (0.7 * true[name], 1.2 * true[name]) for name in PUBLISHED_UNKNOWNS[:3]}
    colony: dict[str, Any] = dict(method="bee-colony", bounds=bounds, runs=2, popsize=4, maxiter=3, rng=3)
    r = identify(start, m, PUBLISHED_UNKNOWNS[:3], grid=coarse, progress=False, **colony)
    yield "bee colony", (r.parameters, r.cost, r.evaluations, [run.cost for run in r.runs])
    objective = misfit(strand, m, PUBLISHED_UNKNOWNS[:2], coarse)
    found = bee_colony(objective, [(1.8e6, 2.2e6), (1.6e6, 2.0e6)], maxiter=3, rng=1)
    yield "misfit", (found.x, found.fun, found.nfev)
    p = identify_profile(strand, m, 6, grid=coarse, strength=1e-3, max_iterations=3)
    yield "profile", (p.knots, p.htc, p.standard_error, p.misfit)


ESTIMATE = [
    "composition",
    "composition_std",
    "partition",
    "partition_std",
    "predicted_steel",
    "predicted_std",
    "innovation",
    "loglik",
]


PARTITION: dict[str, dict[str, Any]] = {"Cu": {}, "Cr": {"partition": (9.7, 0.01)}}


def scrap() -> Iterator[Result]:
    from tundish.scrap import (
        HeatLog,
        filter_elements,
        prior_from,
        published_model,
        sensitivity,
        simulate,
        windowed_least_squares,
    )

    pairs = []
    for element in ("Cu", "Cr"):
        with resources.as_file(resources.files("tundish.scrap") / "cases" / f"{element.lower()}.csv") as path:
            bundled = HeatLog.read_csv(path)
        model = published_model(element, prior_from(bundled, **PARTITION[element]))
        yield f"{element}: bundled heats, filter", fields(model.filter(bundled), ESTIMATE)
        log, truth = simulate(2000, 12, element=element, rng=2)
        yield f"{element}: heats", (log.scrap, log.steel_ppm, truth.composition)
        model = published_model(element, truth.prior_mean)
        pairs.append((model, log))
        yield f"{element}: filter", fields(model.filter(log), ESTIMATE)
        yield f"{element}: smooth", fields(model.smooth(log), ESTIMATE)
        robust = published_model(element, truth.prior_mean, robust=3.0, nonnegative="truncation")
        yield f"{element}: robust, nonnegative", fields(robust.filter(log), ESTIMATE)
        summary = model.fit(log).summary()
        yield f"{element}: fit", (summary.values, summary.loglik, summary.history, summary.standard_errors)
        e = model.filter(log)
        f = e.forecast({log.types[0]: 40.0, log.types[3]: 30.0}, hot_metal_t=285.0, hot_metal_ppm=25.0,
                       **({"slag_t": 30.0, "feo_pct": 20.0} if element == "Cr" else {}))  # fmt: skip
        yield f"{element}: forecast and diagnostics", (tuple(f), tuple(e.diagnostics()))
    many = filter_elements(pairs)
    yield "several elements", [fields(e, ESTIMATE) for e in many]
    copper = pairs[0][1]
    w = windowed_least_squares(copper, 200, every=20, prior_mean=prior_from(copper))
    yield "least squares in windows", tuple(w)
    table = sensitivity(["scrap_mass"], [0, 0.1], 2, heats=300, types=6, rng=1)
    yield "sensitivity", [table[name] for name in table.dtype.names]


def filtering() -> Iterator[Result]:
    from tundish.filtering import (
        KalmanFilter,
        expectation_maximization,
        kalman_filter,
        kalman_smoother,
        unscented_filter,
    )

    random = np.random.default_rng(4)
    n, length, batch = 5, 60, 7
    design = random.normal(size=(length, n))
    y = random.normal(size=(batch, length))
    y[2, 10:14] = np.nan
    dense = 0.9 * np.eye(n) + 0.02 * random.normal(size=(n, n))
    noise = np.cov(random.normal(size=(n, 40)))
    kept: dict[str, Any] = dict(initial_mean=np.zeros(n), initial_cov=4.0)
    result = [
        "mean",
        "std",
        "cov",
        "forecast",
        "forecast_var",
        "innovation",
        "loglik",
        "final_cov",
        "predicted_mean",
    ]
    for form in ("standard", "joseph", "sqrt"):
        f = kalman_filter(y, design, 0.5, transition=dense, state_cov=noise, store="full", form=form, **kept)
        yield f"any model, {form}", fields(f, result)
    decay: dict[str, Any] = dict(transition=0.99, state_cov=0.1, state_intercept=np.full(n, 0.01))
    for dtype in ("float64", "float32"):
        yield (
            f"mean-reverting, {dtype}",
            fields(kalman_filter(y, design, 0.5, dtype=dtype, **decay, **kept), result),
        )
    yield "shared gains", fields(kalman_filter(y[3:], design, 0.5, **decay, **kept), result)
    yield "robust", fields(kalman_filter(y, design, 0.5, robust=2.0, **decay, **kept), result)
    yield (
        "smoother",
        fields(
            kalman_smoother(y, design, 0.5, transition=dense, state_cov=noise, store="full", **kept),
            ("mean", "std", "cov", "loglik"),
        ),
    )
    wide = random.normal(size=(batch, length, 2))
    two = random.normal(size=(2, n))
    yield "two observations", fields(kalman_filter(wide, two, np.eye(2), **decay, **kept), result)
    u = unscented_filter(y, lambda x, t: np.tanh(x @ design[t]) + x[..., 0], 0.5, **decay, **kept)
    yield "unscented", fields(u, result)
    m = expectation_maximization(y[:3], design, 0.5, maxiter=5, **decay, **kept)
    yield "expectation and maximisation", (m.obs_cov, m.state_cov, m.initial_mean, m.loglik)
    stepped = KalmanFilter(design[0], 0.5, **decay, **kept)
    for value in y[0, :20]:
        stepped.update(value)
        stepped.predict()
    yield "stepped", (stepped.mean, stepped.cov, stepped.loglik)


def optimize() -> Iterator[Result]:
    from tundish.optimize import BeeColony, bee_colony

    def sphere(x: Any) -> Any:
        return (x**2 + 0.3 * np.abs(x)).sum(axis=0)

    for variant in ("published", "standard"):
        r = bee_colony(sphere, [(-5, 5)] * 4, maxiter=20, variant=variant, vectorized=True, rng=5)
        yield variant, (r.x, r.fun, r.nfev, r.nit)
    colony = BeeColony([(-1, 2)] * 3, popsize=5, rng=6)
    for _ in range(12):
        points = colony.ask()
        colony.tell(points, sphere(points.T))
    yield "ask and tell", (colony.x, colony.fun, colony.population, colony.population_energies)


def segregation_images() -> Iterator[Result]:
    from tundish import segregation

    patches, section = segregation.synthetic.billet(24, image_size=32, rng=0, section=True, mm_per_px=1.0)
    yield "billet", (patches.images, patches.carbon, patches.position, section.photograph, section.carbon)
    yield "structure", tuple(segregation.synthetic.structure())
    train, test = patches.split(0.25, by="point", rng=0)
    yield "split", (train.carbon, test.carbon, train.augment("dihedral").images)
    yield "features", segregation.features(patches.images)
    yield "clahe", segregation.clahe(patches.images[:3])
    yield "quality", segregation.image_quality(patches.images)
    yield "leak", tuple(segregation.leak(train, test))
    rows = segregation.baselines(train, test, models=["RBF SVR", "radius"])
    yield "models on features", [[row["model"], row["r2"], row["mae"]] for row in rows]


def segregation_networks() -> Iterator[Result]:
    import torch

    from tundish import segregation

    torch.set_num_threads(1)
    patches = segregation.synthetic.billet(24, image_size=32, rng=0)
    train, test = patches.split(0.25, by="point", rng=0)
    texture = segregation.TextureRegressor(image_size=32).fit(train)
    yield "textures", (texture.predict(test), texture.predict_interval(test, 0.9), texture.score(test))
    small: dict[str, Any] = dict(
        blocks=2, dense=(8,), image_size=32, learning_rate=1e-3, batch_size=8, epochs=4, device="cpu",
        precision="float32", ensemble=2,
    )  # fmt: skip
    reg = segregation.CarbonRegressor(**small).fit(train, 0.25)
    states = [[p.detach().numpy() for p in net.parameters()] for net in reg.networks]
    yield "network: weights", states
    yield "network: predictions", (reg.predict(test), reg.predict_interval(test, 0.9), reg.score(test))
    yield "network: Grad-CAM", np.asarray(segregation.grad_cam(reg, test.images[:2]))


def crystallization_records() -> Iterator[Result]:
    from tundish import crystallization

    frames = crystallization.synthetic.sequence(seconds=160, size=(48, 64), rng=0)
    yield "sequence", (frames.images, frames.time, frames.temperature, frames.truth.share)
    table = frames.features()
    yield "features", [table[name] for name in table.dtype.names]
    yield "normalised", frames.normalised()
    fit = crystallization.fit_jmak(table["time"], table["share"], resolution=0.002)
    yield "law of transformation", (fit.rate, fit.exponent, fit.onset, fit.covariance, fit.rms, fit.errors[0])
    repaired = crystallization.repair_readings(frames.time, frames.temperature, frames.truth.programme)
    yield "repaired readings", (repaired.values, [r.row for r in repaired.repairs])
    share = table["share"]
    for name in ("persistence", "autoregression", "ARIMA"):
        model = crystallization.baselines.BASELINES[name]().fit(share[:110])
        yield f"forecast: {name}", tuple(model.forecast(20))


def crystallization_networks() -> Iterator[Result]:
    import torch

    from tundish import crystallization

    torch.set_num_threads(1)
    frames = crystallization.synthetic.sequence(seconds=160, size=(48, 64), rng=0)
    share = frames.features()["share"]
    small: dict[str, Any] = dict(window=8, units=4, horizons=(1, 5), epochs=4, device="cpu")
    for name, settings in {"series": {}, "levels": {"form": "level"}}.items():
        try:
            forecaster = crystallization.FluxForecaster(**small, **settings)
        except ValueError:
            continue
        forecaster.fit(share[:110])
        yield f"network of a {name}", (tuple(forecaster.forecast(12)), forecaster.predict(5))
    eye = crystallization.FluxForecaster(**small, image_size=16).fit(frames)
    yield "network of frames", tuple(eye.forecast(12))
    rolled = crystallization.backtest(
        crystallization.FluxForecaster(**small), share, start=0.8, horizons=(1, 5)
    )
    yield "backtest", [rolled[name] for name in ("horizon", "mae", "rmse")]


ROOMS: dict[str, tuple[Callable[[], Iterator[Result]], ...]] = {
    "casting": (casting_solutions, casting_identification),
    "scrap": (scrap,),
    "filtering": (filtering,),
    "optimize": (optimize,),
    "segregation": (segregation_images, segregation_networks),
    "crystallization": (crystallization_records, crystallization_networks),
}


def compute(rooms: list[str]) -> dict[str, str]:
    """The digests by "room: case"."""
    found: dict[str, str] = {}
    for room in rooms:
        for cases in ROOMS[room]:
            started = time.perf_counter()
            for name, value in cases():
                found[f"{room}: {name}"] = digest(value)
            print(f"{time.perf_counter() - started:6.1f} s  {cases.__name__}", file=sys.stderr)
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Digests of what tundish computes.")
    parser.add_argument("out", type=Path, metavar="FILE", help="Where the digests are written, as JSON.")
    parser.add_argument("--against", type=Path, metavar="FILE", help="Compare with this record.")
    parser.add_argument("--only", nargs="+", choices=ROOMS, default=list(ROOMS), metavar="ROOM",
                        help=f"Some of {', '.join(ROOMS)}.")  # fmt: skip
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    found = compute(chosen.only)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if chosen.against is None:
        return 0
    old = json.loads(chosen.against.read_text("utf-8"))
    rooms = {f"{room}:" for room in chosen.only}
    expected = {name: value for name, value in old.items() if name.partition(" ")[0] in rooms}
    different = [name for name in sorted(expected | found) if expected.get(name) != found.get(name)]
    for name in different:
        print(f"differs: {name}")
    print(f"{len(found)} results, {len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
