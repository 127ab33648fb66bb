"""What models without a network make of the same patches, and of their places alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, choice, names_of
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish._common.random import generator
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.segregation.estimators._estimator import SCORES, scores
from tundish.segregation.patches._handcrafted import features
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._quality import clahe

FOLDS = 4
_TREES = 200
_TABLE = np.dtype([("model", "U20"), *((name, float) for name in SCORES), ("settings", "U120")])

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


class _Model(NamedTuple):
    """An estimator of a seed, the settings to search, and what it looks at: "features", "radius", "xy"."""

    build: Callable[[int], Any]
    grid: Mapping[str, Sequence[object]]
    inputs: str = "features"


def baselines(
    train: PatchSet,
    test: PatchSet,
    rng: Any = 0,
    *,
    models: Iterable[str] | None = None,
    enhance: str | None = "clahe",
    progress: bool | Callback = False,
) -> NDArray[Any]:
    """What a carbon network has to beat: models on handcrafted features, and models that see no image.

    **Main arguments:**

    - `train`, `test`: :class:`PatchSet`, such as `p.split()` gives. Copies by turns and mirrors have the
      features of their patch, so augmented sets teach these models nothing more and only take longer.
    - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None. A model's result does not
      depend on which others are asked for.

    **Other arguments:**

    - `models`: some of :data:`BASELINES`; the default is all but those of :func:`missing_baselines`.
    - `enhance`: "clahe", applied before the features are computed, or None.
    - `progress`: of the models: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a structured array, one row a model in the order of :data:`BASELINES`: `model`; `r2`
    (1 - SSE / SST), `r2_correlation` (squared correlation, the paper's "R2"), `mae` and `bias` (predicted -
    measured), wt%, on `test`; and the `settings` that were chosen.

    Settings are searched by cross-validation on `train` in 4 folds of whole points, by mean absolute error,
    as the paper does (its supplement, "Baseline comparison"), which states no ranges; those searched here are
    in docs/segregation.md. Models on features: "linear SVR", "RBF SVR", "random forest", "gradient boosting",
    "XGBoost", "MLP". Models on places, one a point: "radius" and "Gaussian process", which interpolate over
    the radius and over x and y; they predict nothing that differs from billet to billet.

    **Raises:** ValueError or TypeError naming the argument, so for fewer points in `train` than folds;
    KeyError for an unknown model; ImportError for a model that is asked for by name and cannot run, and
    without scikit-learn (`tundish[vision]`).
    """
    asked = _asked(train, test, models)
    if enhance is not None:
        choice("enhance", enhance, ("clahe",))
    random = generator(rng)
    seeds = dict(zip(BASELINES, random.integers(2**31 - 1, size=len(BASELINES)).tolist(), strict=True))
    points = random.permutation(train.group.max() + 1)
    optional("sklearn", "vision")
    known, told = _inputs(train, asked, enhance), _inputs(test, asked, enhance)
    first = np.unique(train.group, return_index=True)[1]
    table = np.zeros(len(asked), _TABLE)
    with progress_callback(progress, "models") as tell:
        for n, name in enumerate(asked):
            looks_at = _MODELS[name].inputs
            # Copies of a point are of one place: they would count its one analysis several times.
            rows = np.arange(len(train)) if looks_at == "features" else first
            folds = _folds(train.group[rows], points)
            fitted, settings = _fitted(name, seeds[name], known[looks_at][rows], train.carbon[rows], folds)
            figures = scores(np.asarray(fitted.predict(told[looks_at]), float), test.carbon)
            table[n] = (name, *(figures[s] for s in SCORES), settings)
            if tell is not None:
                tell(n + 1, len(asked))
    return table


def missing_baselines(train: PatchSet, test: PatchSet) -> dict[str, str]:
    """The models of :data:`BASELINES` that cannot run on these sets, each with the reason."""
    reasons = {}
    if find_spec("xgboost") is None:
        reasons["XGBoost"] = "needs xgboost: pip install 'tundish[boosting]'"
    for word, patches in (("train", train), ("test", test)):
        if patches.position is None:
            places = [name for name, model in _MODELS.items() if model.inputs != "features"]
            reasons |= dict.fromkeys(places, f"needs positions, which {word} does not have")
    return reasons


def _asked(train: PatchSet, test: PatchSet, models: Iterable[str] | None) -> list[str]:
    """Names in the order of the table, once all that could fail later is refused."""
    for word, patches in (("train", train), ("test", test)):
        if not isinstance(patches, PatchSet):
            text = f"is a {type(patches).__name__}; a PatchSet is needed"
            raise ArgumentTypeError(word, MISSING, text)
    for name in ("size", "mm_per_px"):
        if getattr(train, name) != getattr(test, name):
            text = f"{name} is {getattr(test, name)!r}; {getattr(train, name)!r}, as in train, is needed"
            raise ArgumentError("test", MISSING, text)
    if train.group.max() + 1 < FOLDS:
        text = f"has {train.group.max() + 1} points; {FOLDS}, one a fold, are needed"
        raise ArgumentError("train", MISSING, text)
    missing = missing_baselines(train, test)
    if models is None:
        return [name for name in BASELINES if name not in missing]
    asked = names_of("models", models, BASELINES)
    for name in asked:
        if name in missing:
            if name == "XGBoost":
                raise ImportError(f"models: {name!r} {missing[name]}")
            raise ArgumentError("models", MISSING, f"{name!r} {missing[name]}")
    return [name for name in BASELINES if name in asked]


def _inputs(patches: PatchSet, asked: list[str], enhance: str | None) -> dict[str, Floats]:
    """(N, k) numbers by what the models look at."""
    inputs: dict[str, Floats] = {}
    wanted = {_MODELS[name].inputs for name in asked}
    if "features" in wanted:
        inputs["features"] = features(patches.images if enhance is None else clahe(patches.images))
    if "radius" in wanted and patches.radius is not None:
        inputs["radius"] = patches.radius[:, None]
    if "xy" in wanted and patches.position is not None:
        inputs["xy"] = patches.position
    return inputs


def _folds(group: NDArray[np.intp], points: NDArray[np.intp]) -> Folds:
    """Rows to fit and to judge: every point is judged in one fold, and its copies with it."""
    judged = [np.isin(group, points[n::FOLDS]) for n in range(FOLDS)]
    return [(np.flatnonzero(~rows), np.flatnonzero(rows)) for rows in judged]


def _fitted(name: str, seed: int, known: Floats, carbon: Floats, folds: Folds) -> tuple[Any, str]:
    """The model with the settings of the least error over the folds, fitted to all rows; and its settings."""
    selection = optional("sklearn.model_selection", "vision")
    exceptions = optional("sklearn.exceptions", "vision")
    model = _MODELS[name]
    with warnings.catch_warnings():
        # Stopped early or at a bound of its kernel, a candidate is judged by its error like any other.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        if not model.grid:
            return model.build(seed).fit(known, carbon), ""
        search = selection.GridSearchCV(
            model.build(seed), model.grid, scoring="neg_mean_absolute_error", cv=folds, error_score="raise"
        )
        search.fit(known, carbon)
    chosen = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    return search, ", ".join(f"{name}={value}" for name, value in chosen.items())


def _scaled(estimator: Any) -> Any:
    """Inputs and carbon of zero mean and unit variance, as support vectors and networks need them."""
    compose, pipeline = optional("sklearn.compose", "vision"), optional("sklearn.pipeline", "vision")
    preprocessing = optional("sklearn.preprocessing", "vision")
    steps = pipeline.Pipeline([("scale", preprocessing.StandardScaler()), ("model", estimator)])
    return compose.TransformedTargetRegressor(steps, transformer=preprocessing.StandardScaler())


def _support_vectors(kernel: str) -> Callable[[int], Any]:
    return lambda _seed: _scaled(optional("sklearn.svm", "vision").SVR(kernel=kernel))


def _forest(seed: int) -> Any:
    return optional("sklearn.ensemble", "vision").RandomForestRegressor(_TREES, random_state=seed)


def _boosting(seed: int) -> Any:
    ensemble = optional("sklearn.ensemble", "vision")
    return ensemble.GradientBoostingRegressor(n_estimators=_TREES, subsample=0.7, random_state=seed)


def _xgboost(seed: int) -> Any:
    xgboost = optional("xgboost", "boosting")
    return xgboost.XGBRegressor(n_estimators=_TREES, subsample=0.7, n_jobs=1, verbosity=0, random_state=seed)


def _perceptron(seed: int) -> Any:
    networks = optional("sklearn.neural_network", "vision")
    return _scaled(networks.MLPRegressor(solver="lbfgs", max_iter=500, random_state=seed))


def _process(seed: int) -> Any:
    process = optional("sklearn.gaussian_process", "vision")
    kernels = optional("sklearn.gaussian_process.kernels", "vision")
    # Lengths in units of the points' scatter over the section.
    smooth = kernels.ConstantKernel(1.0, (1e-3, 1e3)) * kernels.RBF(1.0, (0.05, 20.0))
    kernel = smooth + kernels.WhiteKernel(0.3, (1e-4, 1e1))
    return _scaled(process.GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=seed))


_INNER = "regressor__model__"
_BOOSTED: dict[str, list[object]] = {"learning_rate": [0.03, 0.1], "max_depth": [2, 3]}
_MODELS = {
    "linear SVR": _Model(
        _support_vectors("linear"), {_INNER + "C": [1e-3, 1e-2, 0.1, 1.0], _INNER + "epsilon": [0.1, 0.3]}
    ),
    "RBF SVR": _Model(
        _support_vectors("rbf"),
        {
            _INNER + "C": [0.3, 1.0, 3.0, 10.0],
            _INNER + "gamma": [1e-3, 3e-3, 1e-2, 3e-2],
            _INNER + "epsilon": [0.1, 0.3],
        },
    ),
    "random forest": _Model(_forest, {"max_features": [0.33, 1.0], "min_samples_leaf": [1, 3]}),
    "gradient boosting": _Model(_boosting, _BOOSTED),
    "XGBoost": _Model(_xgboost, _BOOSTED),
    "MLP": _Model(
        _perceptron,
        {_INNER + "hidden_layer_sizes": [(16,), (32, 16)], _INNER + "alpha": [1.0, 10.0, 100.0]},
    ),
    "radius": _Model(_process, {}, "radius"),
    "Gaussian process": _Model(_process, {}, "xy"),
}
BASELINES = tuple(_MODELS)
