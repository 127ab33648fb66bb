"""The artificial bee colony."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish import _core
from tundish._common.arguments import Floats, choice, count, floats, integer, number
from tundish._common.random import seed_of
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape, UnknownNameError
from tundish.optimize._objective import Map, Objective
from tundish.optimize._run import Callback, Run

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

_VARIANTS = ("published", "standard")
_STATE = ("variant", "limit", "key", "lower", "upper", "integrality", "rounds", "population",
          "population_energies", "trials", "chosen", "x", "fun")  # fmt: skip


class BeeColony:
    """An artificial bee colony that its owner drives: by :meth:`ask` and :meth:`tell`, or :meth:`minimize`.

    **Main arguments:** `bounds`, and `popsize`, `limit`, `variant`, `integrality`, `x0`, `rng` as for
    :func:`bee_colony`.

    A colony proceeds in rounds of `popsize` points. Take them from :meth:`ask`, evaluate them anywhere, and
    hand their values to :meth:`tell`::

        colony = BeeColony([(-5, 5)] * 3, rng=0)
        while colony.nit < 25:
            x = colony.ask()              # (popsize, n_dim)
            colony.tell(x, [fun(p) for p in x])

    :meth:`state` is all of a colony, as plain arrays and numbers; a colony restored from it continues as if
    nothing had happened. Colonies pickle, too. A colony is for one thread at a time.

    **Raises:** ValueError or TypeError naming the argument.
    """

    def __init__(
        self,
        bounds: ArrayLike | Any,
        *,
        popsize: int = 8,
        limit: int | None = None,
        variant: str = "published",
        integrality: ArrayLike | None = None,
        x0: ArrayLike | None = None,
        rng: Any = None,
    ) -> None:
        lower, upper = _ends(bounds)
        self._core = _core.BeeColony(
            choice("variant", variant, _VARIANTS),
            integer("popsize", popsize),
            0 if limit is None else count("limit", limit, 1),
            lower,
            upper,
            _flags(integrality, lower.size),
            _key(rng),
            _places(x0, lower.size),
        )

    @property
    def x(self) -> Floats:
        """(n_dim,) The best point so far; before any is evaluated, the first one that will be."""
        return self._core.x

    @property
    def fun(self) -> float:
        """The objective there; inf as long as no value is finite."""
        return self._core.fun

    @property
    def nit(self) -> int:
        """Complete cycles."""
        return self._core.nit

    @property
    def nfev(self) -> int:
        """The number of values that :meth:`tell` has taken."""
        return self._core.nfev

    @property
    def population(self) -> Floats:
        """(popsize, n_dim) The sources."""
        return self._core.population

    @property
    def population_energies(self) -> Floats:
        """(popsize,) The objective at the sources; inf where it has no value."""
        return self._core.population_energies

    def ask(self) -> Floats:
        """(popsize, n_dim) The points of this round, the same ones until :meth:`tell` has their values."""
        return self._core.ask()

    def tell(self, x: ArrayLike, f: ArrayLike) -> None:
        """Ends the round: `f` (popsize,) are the values of `x`, the points that :meth:`ask` returned.

        Raises ValueError, and leaves the colony as it is, for other points or another number of values. NaN
        and inf mean that there is no value.
        """
        points = floats("x", x)
        if not np.array_equal(points, self._core.ask()):
            raise ArgumentError("x", MISSING, "must be the points that ask() returned, (popsize, n_dim)")
        values = floats("f", f)
        if values.shape != (len(points),):
            raise ArgumentError("f", Shape(values.shape), f"({len(points)},) is needed")
        self._core.tell(values)

    def minimize(
        self,
        fun: Objective | _core.Objective,
        *,
        maxiter: int = 25,
        vectorized: bool = False,
        workers: int | Map = 1,
        maxfev: int | None = None,
        target: float | None = None,
        callback: Callback | None = None,
    ) -> OptimizeResult:
        """Goes on until `maxiter` cycles are complete, those before this call included, or something ends it.

        **Main arguments:** as for :func:`bee_colony`. `maxfev` is also counted from the colony's beginning.

        **Returns:** as :func:`bee_colony`. The colony itself stays where the run ended, however it ended.
        """
        return Run(self._core, fun, maxiter, vectorized, workers, maxfev, target, callback)()

    def state(self) -> dict[str, Any]:
        """All of the colony, as arrays, numbers and one word.

        `np.savez(file, **state)` saves it without pickling; so does
        `json.dumps(state, default=np.ndarray.tolist)`, to the last bit. Points without values yet
        are not part of it: :meth:`ask` of the restored colony returns the same ones.
        """
        return self._core.state()

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """A colony that continues from :meth:`state`, as a dict or as what np.load or json.loads made of it.

        Raises KeyError, TypeError or ValueError naming what is missing, unknown or impossible.
        """
        given = {name: np.asarray(state[name]) for name in state}
        for name in (*_STATE, *given):
            if name not in given or name not in _STATE:
                what = "is unknown" if name in given else "is missing"
                raise UnknownNameError("state", MISSING, f"{name!r} {what}; it holds " + ", ".join(_STATE))
        population = floats("population", given["population"])
        if population.ndim != 2:
            raise ArgumentError("population", Shape(population.shape), "(popsize, n_dim) is needed")
        colony = cls.__new__(cls)
        colony._core = _core.BeeColony.restored(
            choice("variant", given["variant"].item(), _VARIANTS),
            len(population),
            _integers("limit", given["limit"], 1, 2**31)[0],
            floats("lower", given["lower"]),
            floats("upper", given["upper"]),
            _flags(given["integrality"], population.shape[1]),
            _pair_of_words(_integers("key", given["key"], 0, 2**32)),
            _integers("rounds", given["rounds"], 0, 2**62)[0],
            population,
            floats("population_energies", given["population_energies"]),
            _integers("trials", given["trials"], 0, 2**62),
            _integers("chosen", given["chosen"], 0, 2**31),
            floats("x", given["x"]),
            number("fun", given["fun"].item()),
        )
        return colony

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_state, (self.state(),)


def bee_colony(
    fun: Objective | _core.Objective,
    bounds: ArrayLike | Any,
    *,
    popsize: int = 8,
    maxiter: int = 25,
    limit: int | None = None,
    variant: str = "published",
    vectorized: bool = False,
    workers: int | Map = 1,
    integrality: ArrayLike | None = None,
    x0: ArrayLike | None = None,
    rng: Any = None,
    maxfev: int | None = None,
    target: float | None = None,
    callback: Callback | None = None,
) -> OptimizeResult:
    """Minimises a function of several variables in a box by an artificial bee colony.

    Bees improve `popsize` sources, points in the box. In the first phase of a cycle every bee moves its own
    source, in the second each moves one that it chose with a probability proportional to its fitness,
    1/(1 + f), or 1 + abs(f) where f < 0. A move changes one coordinate, to x + phi (x - x_k) with phi from
    -1 to 1 and x_k that of another source, and is kept where f does not rise. What leaves the box stops at
    its side.

    **Main arguments:**

    - `fun`: the objective, called with x (n_dim,), returns a number.
    - `bounds`: (n_dim, 2) finite pairs (lower, upper), or a `scipy.optimize.Bounds`.
    - `popsize`: number of sources, and of bees in either phase (scipy's `differential_evolution` multiplies
      its own by n_dim). At least 2.
    - `maxiter`: number of cycles.
    - `variant`: "published", the algorithm of Zielonka, Słota and Hetmaniok, Energies 2020, 13, 2429,
      section 4: a phase is `limit` moves of every bee, and a source that none of the first phase's moves has
      changed is left for a random point between the least and the largest coordinates of the population. Or
      "standard", Karaboga's ("An idea based on honey bee swarm for numerical optimization", report TR06,
      Erciyes University 2005): a phase is one move of every bee, and at most one source a cycle, the one
      that most moves in succession have failed at, is left for a random point of the box once these are at
      least `limit`.
    - `limit`: None is popsize x n_dim, as published.

    **Other arguments:**

    - `vectorized`: `fun` takes a whole round, (n_dim, S), and returns (S,).
    - `workers`: number of processes that share a round, -1 for all processors, or a map-like callable
      `workers(fun, points)` such as the `map` of a pool; then `fun` must pickle.
    - `integrality`: (n_dim,) True where only integers are allowed.
    - `x0`: (n_dim,) a first source, or (up to popsize, n_dim) several of them; the others are random.
    - `rng`: an integer, a sequence of them or a `numpy.random.SeedSequence` for a run that can be repeated,
      a `numpy.random.Generator`, from which the seed is drawn, or None. The random numbers are a function of
      seed, round and bee: one seed gives one run, vectorized or not, for any number of workers.
    - `maxfev`: the run ends before the first round that would exceed so many evaluations.
    - `target`: the run ends after the first round with a value at or below it.
    - `callback`: called after every cycle, as `callback(intermediate_result=...)` if that is the name of its
      only parameter, else as `callback(x)`. If it returns a true value or raises StopIteration the run ends.

    All bees of a round move from the same state, and are evaluated together; a cycle is 2 x limit such
    rounds ("published") or 2 ("standard"). The bee of a source that was left spends the next cycle's first
    round on its new place, so a run costs popsize + maxiter x 2 x limit x popsize evaluations, the published
    one of 8 bees, 8 unknowns and 25 cycles 8 + 25 x 1024 = 25 608; the standard variant costs
    popsize + maxiter x 2 x popsize.

    NaN and inf mean that the objective has no value there: such a point is never better than another, and a
    source there counts as unchanged until a move finds a value. Initial points may be such.

    **Returns:** a `scipy.optimize.OptimizeResult` with `x`, `fun`, `nit` (complete cycles), `nfev`,
    `population` (popsize, n_dim), `population_energies` (popsize,), `success`, `status`, `message`, and
    `state`, from which :meth:`BeeColony.from_state` continues. `success` is true when all cycles are done,
    or, with a `target`, when that was reached. `status`: 0 cycles done, 1 target reached, 2 `maxfev`, 3
    stopped by the callback, 4 interrupted: Ctrl-C (KeyboardInterrupt) ends the run and what was found is
    returned.

    **Raises:** ValueError or TypeError naming the argument before any work, or `fun` where it returns
    something else than one real number a point; ImportError where scipy is missing. What `fun` or `callback`
    raise passes through. Exceptions raised during the run carry the result so far, `state` included, in
    their attribute `intermediate_result`; the round in which it happened is not part of it.
    """
    colony = BeeColony(
        bounds, popsize=popsize, limit=limit, variant=variant, integrality=integrality, x0=x0, rng=rng
    )
    return colony.minimize(
        fun,
        maxiter=maxiter,
        vectorized=vectorized,
        workers=workers,
        maxfev=maxfev,
        target=target,
        callback=callback,
    )


def _ends(bounds: Any) -> tuple[Floats, Floats]:
    """Lower and upper bounds, (n_dim,) each."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        pairs = np.stack(np.broadcast_arrays(np.atleast_1d(bounds.lb), bounds.ub), axis=-1)
    else:
        pairs = floats("bounds", bounds)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ArgumentError(
            "bounds",
            Shape(pairs.shape),
            "pairs (lower, upper), an array (n_dim, 2), are needed",
        )
    lower, upper = floats("bounds", pairs.T)
    return lower.copy(), upper.copy()


def _flags(integrality: ArrayLike | None, dimensions: int) -> list[bool]:
    given = np.asarray(False if integrality is None else integrality)
    if given.dtype.kind not in "biu" or not np.isin(given, (0, 1)).all():
        raise ArgumentTypeError("integrality", MISSING, "must be True or False for every dimension")
    if given.shape not in ((), (1,), (dimensions,)):
        raise ArgumentError("integrality", Shape(given.shape), f"({dimensions},) is needed")
    return [bool(flag) for flag in np.broadcast_to(given, dimensions)]


def _places(x0: ArrayLike | None, dimensions: int) -> Floats:
    if x0 is None:
        return np.empty((0, dimensions))
    places = floats("x0", x0)
    if places.ndim not in (1, 2) or places.shape[-1] != dimensions:
        raise ArgumentError("x0", Shape(places.shape), f"({dimensions},) or (rows, {dimensions}) is needed")
    return places


def _key(rng: Any) -> tuple[int, int]:
    """The two words that name a stream of random numbers."""
    if isinstance(rng, np.random.Generator):
        return _pair_of_words(rng.integers(2**32, size=2).tolist())
    if isinstance(rng, bool):
        raise ArgumentTypeError("rng", rng, "must be an integer, a SeedSequence, a Generator or None")
    sequence = rng if isinstance(rng, np.random.SeedSequence) else seed_of(rng)
    return _pair_of_words(sequence.generate_state(2).tolist())


def _pair_of_words(words: list[int]) -> tuple[int, int]:
    if len(words) != 2:
        raise ArgumentError("key", MISSING, f"has {len(words)} numbers; 2 are needed")
    return words[0], words[1]


def _integers(name: str, value: Any, minimum: int, below: int) -> list[int]:
    array = np.atleast_1d(value)
    if array.dtype.kind not in "iu" or array.ndim != 1 or array.size == 0:
        raise ArgumentTypeError(name, MISSING, "must be integers")
    if array.min() < minimum or array.max() >= below:
        raise ArgumentError(name, MISSING, f"must be at least {minimum} and below {below}")
    return [int(n) for n in array]
