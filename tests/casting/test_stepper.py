"""The stepper: the march of `solve`, driven from outside and changed on the way."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from references.strand import Floats, constant_steel, small_strand

from tundish import ArgumentTypeError, UnknownNameError
from tundish.casting import Grid, Mold, Plan, Status, Stepper, Strand, Zone, published_strand, solve

GRID = Grid(6, 7, 0.04, (0.1, 0.16), grading=2.0, ramp=3.0)
MODES = [(m, p) for m in ("adi", "sor") for p in ("enthalpy", "correction")]


def march(stepper: Stepper, to: float = np.inf) -> Floats:
    """Steps up to z; the temperatures on the way."""
    sections = [stepper.temperature]
    while stepper.z < to - 1e-9 and stepper.step():
        sections.append(stepper.temperature)
    return np.array(sections)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_a_stepper_is_solve(method: str, phase_change: str, strand: Strand) -> None:
    """Bit for bit, at every step."""
    options: dict[str, Any] = {"method": method, "phase_change": phase_change, "tolerance": 1e-6}
    solution = solve(strand, GRID, **options)
    stepper = Stepper(strand, GRID, **options)
    for k, z in enumerate(solution.z):
        assert stepper.z == z
        temperature = stepper.temperature
        assert temperature.shape == (7, 6)
        assert temperature[0, 0] == solution.centre_temperature[k]
        assert temperature[-1, -1] == solution.corner_temperature[k]
        assert temperature[0, -1] == solution.face_temperature[0, k]
        assert temperature[-1, 0] == solution.face_temperature[1, k]
        assert stepper.heat == pytest.approx(solution.heat[k], rel=1e-13)  # summed in another order
        if k > 0:
            assert stepper.iterations == solution.iterations[k - 1]
        assert stepper.converged
        assert stepper.at_end == (k == solution.z.size - 1)
        assert stepper.step() == (k < solution.z.size - 1)


def test_the_whole_section_is_that_of_solve(strand: Strand) -> None:
    z = solve(strand, GRID, outputs=[]).z
    sections = solve(strand, GRID, sections=z).section_temperature
    np.testing.assert_allclose(
        march(Stepper(strand, GRID)), sections, rtol=1e-11
    )  # z is summed up by rounding


def test_the_default_grid_is_that_of_solve(strand: Strand) -> None:
    stepper = Stepper(strand)
    march(stepper)
    solution = solve(strand)
    assert stepper.temperature.shape == (solution.y.size, solution.x.size)
    # It marches the finer of the two meshes alone.
    assert stepper.temperature[0, 0] == pytest.approx(solution.centre_temperature[-1], abs=1.0)


def test_the_end_of_the_strand(strand: Strand) -> None:
    stepper = Stepper(strand, Grid(3, 3, 0.1, 0.4))
    march(stepper)
    assert stepper.at_end
    assert stepper.z == 1.5
    before, heat = stepper.temperature, stepper.heat
    assert not stepper.step()
    assert not stepper.step()
    assert stepper.z == 1.5
    assert stepper.heat == heat
    np.testing.assert_array_equal(stepper.temperature, before)


def test_temperatures_are_copies(strand: Strand) -> None:
    stepper = Stepper(strand, GRID)
    first = stepper.temperature
    stepper.step()
    np.testing.assert_allclose(first, 1823.0, rtol=1e-12)  # through the tables
    stepper.temperature[:] = 0.0
    assert stepper.temperature.min() > 0


def test_zones_are_counted(strand: Strand) -> None:
    stepper = Stepper(strand, Grid(3, 3, 0.1, (0.25, 0.4)))
    zones = [stepper.zone]
    while stepper.step():
        zones.append(stepper.zone)
    assert zones == [-1, -1, 0, 0, 1, 1, 1]  # of the step to come; at the end, of the last one


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_a_change_is_a_zone_boundary(method: str, phase_change: str, strand: Strand) -> None:
    """Cooling changed at z = 0.4 m is a strand with another zone from there on, bit for bit."""
    options: dict[str, Any] = {"method": method, "phase_change": phase_change}
    stepper = Stepper(strand, Grid(6, 7, 0.05, 0.1), **options)
    march(stepper, 0.4)
    stepper.set({"zones.0.htc.x": 800.0, "zones.0.htc.y": 650.0})
    march(stepper)
    zones = [Zone(0.4, (500.0, 400.0)), Zone(0.7, (800.0, 650.0)), strand.zones[1]]
    divided = dataclasses.replace(strand, zones=zones)
    solution = solve(divided, Grid(6, 7, 0.05, 0.1), sections=[1.5], **options)
    # The steps are the same to rounding of the zones' lengths.
    np.testing.assert_allclose(stepper.temperature, solution.section_temperature[0], rtol=1e-9)
    assert stepper.heat == pytest.approx(solution.heat[-1], rel=1e-9)
    untouched = solve(strand, Grid(6, 7, 0.05, 0.1), sections=[1.5], **options)
    assert np.abs(stepper.temperature - untouched.section_temperature[0]).max() > 1.0


def test_a_change_of_the_zone_to_come_waits_for_it(strand: Strand) -> None:
    stepper = Stepper(strand, GRID)
    stepper.step()
    stepper.set({"zones.1.htc.x": 450.0})
    march(stepper)
    changed = solve(strand.replace({"zones.1.htc.x": 450.0}), GRID, sections=[1.5])
    # The step after a change starts anew (backward Euler), here at 0.01 m: a first-order error of one step.
    np.testing.assert_allclose(stepper.temperature, changed.section_temperature[0], rtol=0, atol=0.5)


def test_a_change_at_the_meniscus_is_another_strand(strand: Strand) -> None:
    stepper = Stepper(strand, GRID)
    changes = {"speed": 0.03, "ambient_temperature": 350.0, "mold.heat_flux.x": 1.1e6, "zones.1.htc.y": 200.0}
    stepper.set(changes)
    march(stepper)
    other = solve(strand.replace(changes), GRID, sections=[1.5])
    np.testing.assert_allclose(stepper.temperature, other.section_temperature[0], rtol=1e-12)
    assert stepper.heat == pytest.approx(other.heat[-1], rel=1e-12)


def test_a_change_of_speed(strand: Strand) -> None:
    """Half the speed from z = 0.7 m on is a last zone of twice the length, in time."""
    uniform = Grid(6, 7, 0.05, 0.1)
    stepper = Stepper(strand, uniform)
    march(stepper, 0.7)
    stepper.set({"speed": 0.01})
    march(stepper)
    longer = dataclasses.replace(strand, length=2.3, zones=[strand.zones[0], Zone(2.3, (300.0, 350.0))])
    solution = solve(longer, Grid(6, 7, 0.05, (0.1, 0.2)), sections=[2.3])
    np.testing.assert_allclose(stepper.temperature, solution.section_temperature[0], rtol=1e-9)


def test_heat_is_conserved_through_changes() -> None:
    """Heat is counted with the speed of its step; the enthalpy lost divides it by that speed again."""
    steel = constant_steel()
    strand = small_strand(steel, pouring_temperature=1800.0)
    stepper = Stepper(strand, Grid(6, 7, 0.05, 0.1))
    lost, before = 0.0, 0.0
    for k in range(200):
        speed = 0.015 + 0.001 * (k % 7)
        stepper.set({"speed": speed, "zones.0.htc.x": 300.0 + 50.0 * (k % 5)})
        if not stepper.step():
            break
        lost += (stepper.heat - before) / speed
        before = stepper.heat
    width = np.array([0.5, *[1.0] * 4, 0.5]) / 5 * 0.02
    height = np.array([0.5, *[1.0] * 5, 0.5]) / 6 * 0.02
    enthalpy = 7000.0 * 700.0 * (1800.0 - height @ stepper.temperature @ width / 0.02**2) * 0.02**2
    assert lost == pytest.approx(enthalpy, rel=1e-10)  # rounding, through the tables


def test_get_reads_what_is_set(strand: Strand) -> None:
    stepper = Stepper(strand, GRID)
    for name, value in strand.parameters().items():
        assert stepper.get(name) == value
    stepper.set({"zones.0.htc.x": 555.0})
    assert stepper.get("zones.0.htc.x") == 555.0
    assert strand.parameters()["zones.0.htc.x"] == 500.0
    with pytest.raises(KeyError, match=r"no\.such"):
        stepper.get("no.such")


REFUSED: dict[str, tuple[Any, str]] = {
    "unknown": ({"zones.7.htc.x": 1.0}, r"zones\.7\.htc\.x"),
    "a steel": ({"steel.latent_heat": 2e5}, r"steel\.latent_heat.*cannot change"),
    "the melt": ({"pouring_temperature": 1800.0}, r"pouring_temperature.*cannot change"),
    "negative": ({"zones.0.htc.x": -1.0}, r"zones\.0\.htc\.x = -1"),
    "NaN": ({"mold.heat_flux.y": np.nan}, r"mold\.heat_flux\.y = nan"),
    "infinite": ({"ambient_temperature": np.inf}, r"ambient_temperature = inf"),
    "standing": ({"speed": 0.0}, r"speed = 0"),
    "a word": ({"speed": "fast"}, r"speed = 'fast'"),
    "nothing": ({"speed": None}, r"speed = None"),
    "a truth": ({"speed": True}, r"speed = True"),
    "no mapping": (5, r"^changes = 5: must be a mapping"),
    "good and bad": ({"zones.0.htc.x": 900.0, "speed": -1.0}, r"speed = -1"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_changes_are_refused_by_name(changes: Any, message: str, strand: Strand) -> None:
    """And nothing is changed, not even by what was good among them."""
    stepper, undisturbed = Stepper(strand, GRID), Stepper(strand, GRID)
    stepper.step()
    undisturbed.step()
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        stepper.set(changes)
    for name, value in strand.parameters().items():
        assert stepper.get(name) == value
    np.testing.assert_array_equal(march(stepper), march(undisturbed))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"strand": None}, "strand"),
        ({"grid": 5}, "grid"),
        ({"method": "multigrid"}, "method"),
        ({"phase_change": None}, "phase_change"),
        ({"relaxation": 2.5}, "relaxation"),
        ({"tolerance": np.nan}, "tolerance"),
        ({"max_sweeps": 0}, "max_sweeps"),
        ({"ordering": "random"}, "ordering"),
        ({"grid": Grid(5, 5, 1.0, 0.1)}, "dz_mold"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, Any], name: str, strand: Strand) -> None:
    with pytest.raises((ValueError, TypeError), match=name):
        Stepper(**{"strand": strand, "grid": GRID, **arguments})


@pytest.mark.parametrize("method", ["adi", "sor"])
def test_a_stepper_is_as_safe_as_solve(method: str, strand: Strand) -> None:
    """Behind a step that leaves the steel's range nothing is a number; it warns once, with solve's status."""
    quenched = dataclasses.replace(strand, mold=Mold(0.2, heat_flux=1e8))
    stepper = Stepper(quenched, GRID, method=method)
    assert (stepper.status, stepper.message) == (Status.CONVERGED, "converged")
    with pytest.warns(RuntimeWarning, match=r"diverged at z = .* m, in the mould: the \w+") as said:
        march(stepper)
    assert len(said) == 1
    with pytest.warns(RuntimeWarning, match="diverged"):
        solution = solve(quenched, GRID, method=method)
    assert stepper.status == solution.status == Status.DIVERGED
    assert stepper.message.split(",")[0] == solution.message.split(",")[0]  # the z
    assert not stepper.converged
    assert np.isnan(stepper.temperature).all()
    assert np.isnan(stepper.heat)


def test_sweeps_that_run_out_are_remembered(strand: Strand) -> None:
    """Later steps that converge do not take it back; the temperatures are the best there are."""
    sweeps = solve(strand, GRID, method="sor", tolerance=1e-6).iterations
    assert sweeps[-1] < sweeps.max()
    options: dict[str, Any] = {"method": "sor", "tolerance": 1e-6, "max_sweeps": int(sweeps.max()) - 1}
    stepper = Stepper(strand, GRID, **options)
    with pytest.warns(RuntimeWarning, match=r"not converged at z = .*max_sweeps") as said:
        march(stepper)
    with pytest.warns(RuntimeWarning, match="not converged"):
        solution = solve(strand, GRID, **options)
    assert len(said) == 1
    assert (stepper.status, stepper.message) == (solution.status, solution.message)
    assert stepper.converged
    assert np.isfinite(stepper.temperature).all()


@pytest.mark.parametrize("method", ["adi", "sor"])
def test_values_set_again_change_nothing(method: str, strand: Strand) -> None:
    """Neither at the start of a stretch nor between: the steps go on, bit for bit."""
    plain, touched = Stepper(strand, GRID, method=method), Stepper(strand, GRID, method=method)
    values = {name: value for name, value in strand.parameters().items() if "steel" not in name}
    values.pop("pouring_temperature")
    while plain.step():
        touched.set(values)
        assert touched.step()
        np.testing.assert_array_equal(touched.temperature, plain.temperature)
        assert touched.heat == plain.heat


def test_a_change_taken_back_starts_anew(strand: Strand) -> None:
    """The steps are those of a zone that ends there and goes on as before."""
    uniform = Grid(6, 7, 0.05, 0.1)
    stepper = Stepper(strand, uniform)
    march(stepper, 0.4)
    stepper.set({"zones.0.htc.x": 800.0})
    stepper.set({"zones.0.htc.x": 500.0})
    march(stepper)
    divided = dataclasses.replace(strand, zones=[Zone(0.4, (500.0, 400.0)), *strand.zones])
    other = solve(divided, uniform, sections=[1.5])
    np.testing.assert_allclose(stepper.temperature, other.section_temperature[0], rtol=1e-9)
    assert stepper.heat == pytest.approx(other.heat[-1], rel=1e-9)


def test_names_are_refused_as_data(strand: Strand, grid: Grid) -> None:
    stepper = Stepper(strand, grid)
    with pytest.raises(UnknownNameError, match=r"^changes: 'zz' is no parameter of this strand") as caught:
        stepper.set({"zz": 1.0})
    assert (caught.value.argument, caught.value.value) == ("changes", "zz")
    with pytest.raises(ArgumentTypeError, match=r"^name = 3: must be the name of a parameter$"):
        stepper.get(3)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match=r"^gradient: 'foo' is unknown; known are speed, ") as caught:
        solve(strand, grid, gradient=["foo"])
    assert caught.value.value == "foo"
    with pytest.raises(ArgumentTypeError, match=r"^gradient = b'x': must be a list of names$"):
        solve(strand, grid, gradient=b"x")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["adi", "sor"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mold.heat_flux.x": 1e8}, r"in the mould: the \w+.* fell below 200 K.* for \S+ s is too much\. "),
        ({"mold.heat_flux.x": -1e300}, r"in the mould: the face x rose above .* is too much\. "),
        ({"mold.heat_flux.x": 1e300}, r"in the mould: the corner fell"),
        ({"ambient_temperature": 1e5}, r"in zones\.0: a face came near the ambient temperature, 100000 K"),
    ],
)
def test_a_change_that_cannot_be_is_told_where_it_acts(
    change: dict[str, float], said: str, method: str, strand: Strand
) -> None:
    """Without the cooling that would do: it has not been the same all the way."""
    stepper = Stepper(strand, GRID, method=method)
    march(stepper, 0.1)
    stepper.set(change)
    with pytest.warns(RuntimeWarning, match=said):
        march(stepper)
    assert stepper.status == Status.DIVERGED
    assert "would have to fall" not in stepper.message
    assert np.isnan(stepper.temperature).all()
    assert stepper.at_end


def test_an_accuracy_chooses_the_steps_of_a_stepper(strand: Strand) -> None:
    plan, stepper = Plan(strand), Stepper(strand)
    assert stepper.temperature.shape == (plan.y.size, plan.x.size)
    z = [stepper.z]
    while stepper.step():
        z.append(stepper.z)
    np.testing.assert_array_equal(z, plan.z)


def test_a_march_on_its_way_is_not_copied(strand: Strand) -> None:
    stepper = Stepper(strand, GRID)
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            copied(stepper)


def test_a_strand_that_was_heated_may_stay_hot() -> None:
    """Above the temperature that it was poured at, and above the surroundings that it has now."""
    stepper = Stepper(published_strand())
    stepper.set({"mold.heat_flux.x": -2e6, "mold.heat_flux.y": -2e6})
    for _ in range(12):
        stepper.step()
    assert stepper.temperature.max() > published_strand().pouring_temperature + 50.0
    stepper.set({"mold.heat_flux.x": 1e5, "mold.heat_flux.y": 1e5})
    for _ in range(5):
        stepper.step()
    assert stepper.status == Status.CONVERGED
    assert np.all(np.isfinite(stepper.temperature))
