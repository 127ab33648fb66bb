"""Whether Grad-CAM is higher between the dendrites than in them, and whether that says much."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, integer
from tundish._common.images import Grey, grey_stack
from tundish._common.optional import optional
from tundish._common.random import generator
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish.segregation.maps._grad_cam import Regressor, maps_of, networks_of
from tundish.segregation.patches._patch_set import PatchSet

Mask = NDArray[np.bool_]

ALTERNATIVES = ("greater", "less", "two-sided")
_BATCH = 8  # patches whose maps are held at a time
_TABLE = np.dtype([("model", "U16"), ("run", int), ("layer", int), ("interdendritic", float), ("core", float),
                   ("effect", float), ("p", float), ("p_holm", float)])  # fmt: skip


class Regions(NamedTuple):
    """What :func:`region_statistics` finds.

    - `table`: a structured array, one row for each model and layer: `model` ("trained", "random weights" or
      "shuffled labels"), its `run` from 0, `layer` from 1; `interdendritic` and `core`, the map's mean in the
      two regions, over the points; `effect`, the matched-pairs rank-biserial correlation, 1 where the
      map is higher between the dendrites at all points and -1 where it is lower at all; `p` of Wilcoxon's
      signed-rank test, and `p_holm`, corrected for the number of layers by Holm's method.
    - `supported`: (layers,) whether the trained model's `p_holm` is below 0.05 and its effect is beyond those
      of all controls at the layer.
    """

    table: NDArray[Any]
    supported: Mask


def region_statistics(
    reg: Regressor,
    patches: PatchSet | ArrayLike,
    interdendritic: ArrayLike,
    *,
    signed: bool = True,
    alternative: str = "greater",
    random_weights: int = 5,
    shuffled: Sequence[Regressor] = (),
    rng: Any = 0,
) -> Regions:
    """Whether Grad-CAM is higher between the dendrites than in them, by layer, and whether that says much.

    The paper compares eight patches by Wilcoxon's signed-rank test (p = 0.018). A network that learned
    nothing can pass that test: what is dark and wide gives other features than what is bright. So the same is
    done for controls, and a layer is `supported` only if it stands out from them.

    **Main arguments:**

    - `reg`: a fitted `CarbonRegressor`.
    - `patches`: a :class:`PatchSet` or (N, H, W) uint8, none of them from training. Patches of one point of a
      set are averaged, since they are no independent evidence.
    - `interdendritic`: (N, H, W) bool, True between the dendrites. Every patch needs both regions.

    **Other arguments:**

    - `signed`: as in :func:`grad_cam`.
    - `alternative`: "greater" (between the dendrites than in them, as published), "less" or "two-sided".
    - `random_weights`: number of controls whose weights are drawn anew by He's rule, biases 0 and batch norm
      as at first.
    - `shuffled`: controls with the same settings as `reg`, trained on :func:`shuffled_labels`.
    - `rng`: of the random weights: an integer, a `numpy.random.SeedSequence` or `Generator`, or None.

    **Returns:** :class:`Regions`.

    **Raises:** ValueError or TypeError naming the argument; so for a mask without one of its regions.
    """
    images = patches.images if isinstance(patches, PatchSet) else grey_stack("patches", patches)[0]
    group = patches.group if isinstance(patches, PatchSet) else np.arange(len(images))
    mask = _mask(interdendritic, images.shape)
    choice("alternative", alternative, ALTERNATIVES)
    if integer("random_weights", random_weights) < 0:
        raise ArgumentError("random_weights", random_weights, "must not be negative")
    random = generator(rng)
    networks = networks_of(reg)
    layers = list(range(len(networks[0].convolutions)))
    models: list[tuple[str, int, list[Any], Any]] = [("trained", 0, networks, reg.prepare)]
    for run in range(random_weights):
        redrawn = [_redrawn(network, random) for network in networks]
        models.append(("random weights", run, redrawn, reg.prepare))
    for run, other in enumerate(shuffled):
        if len(networks_of(other)[0].convolutions) != len(layers):
            text = f"must have {len(layers)} convolutions, as reg has"
            raise ArgumentError(f"shuffled[{run}]", MISSING, text)
        models.append(("shuffled labels", run, networks_of(other), other.prepare))
    tables = []
    for name, run, members, prepare in models:
        means = _region_means(members, prepare, images, mask, layers, signed)
        tables.append(_compared(name, run, _by_point(means, group), alternative))
    return Regions(np.concatenate(tables), _supported(tables, alternative))


def shuffled_labels(patches: PatchSet, rng: Any = 0) -> PatchSet:
    """The set with the carbon of its points dealt out anew among them; copies of a point keep one carbon.

    A network trained on it, with everything else as it was, has seen the same images and learned nothing of
    carbon: a control for :func:`region_statistics`. **Raises:** ValueError for a set of one point.
    """
    if patches.group.max() == 0:
        raise ArgumentError("patches", MISSING, "has one point; at least 2 are needed to shuffle")
    first = np.unique(patches.group, return_index=True)[1]
    dealt = generator(rng).permutation(patches.carbon[first])
    return patches.with_carbon(dealt[patches.group])


def _mask(value: ArrayLike, shape: tuple[int, ...]) -> Mask:
    mask = np.asarray(value)
    if mask.dtype != np.bool_:
        raise ArgumentTypeError("interdendritic", MISSING, f"is {mask.dtype}; bool is needed")
    if mask.shape != shape:
        raise ArgumentError("interdendritic", Shape(mask.shape), f"{shape}, as the patches, is needed")
    share = mask.mean(axis=(1, 2))
    bad = np.flatnonzero((share == 0) | (share == 1))
    if bad.size:
        words = "no place that is" if share[bad[0]] == 0 else "nothing but places that are"
        text = f"has {words} interdendritic; both regions are needed"
        raise ArgumentError(f"interdendritic[{bad[0]}]", MISSING, text)
    return mask


def _redrawn(network: Any, random: np.random.Generator) -> Any:
    torch = optional("torch", "vision")
    other = copy.deepcopy(network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(int(random.integers(2**63 - 1)))
        for module in other.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                # Drawn on the CPU: one seed is one network, wherever it runs.
                weight = torch.nn.init.kaiming_uniform_(torch.empty(module.weight.shape), nonlinearity="relu")
                module.weight.copy_(weight)
                if module.bias is not None:
                    module.bias.zero_()
            elif hasattr(module, "reset_running_stats"):
                module.reset_parameters()
    return other


def _region_means(
    networks: list[Any], prepare: Any, images: Grey, mask: Mask, layers: list[int], signed: bool
) -> Floats:
    """(2, layers, N) mean of the maps between the dendrites, and in them."""
    means = np.empty((2, len(layers), len(images)))
    for n in range(0, len(images), _BATCH):
        part = slice(n, n + _BATCH)
        maps = maps_of(networks, prepare, images[part], layers, signed)
        for row, region in enumerate((mask[part], ~mask[part])):
            means[row, :, part] = (maps * region).sum(axis=(2, 3)) / region.sum(axis=(1, 2))
    return means


def _by_point(means: Floats, group: NDArray[np.intp]) -> Floats:
    """(2, layers, points)."""
    names, place = np.unique(group, return_inverse=True)
    member = place[:, None] == np.arange(names.size)
    return np.asarray(means @ (member / member.sum(axis=0)))


def _compared(name: str, run: int, means: Floats, alternative: str) -> NDArray[Any]:
    table = np.zeros(means.shape[1], _TABLE)
    table["model"], table["run"], table["layer"] = name, run, np.arange(means.shape[1]) + 1
    table["interdendritic"], table["core"] = means.mean(axis=2)
    tested = [_signed_ranks(difference, alternative) for difference in means[0] - means[1]]
    table["effect"], table["p"] = np.array(tested).T
    table["p_holm"] = holm(table["p"])
    return table


def _signed_ranks(difference: Floats, alternative: str) -> tuple[float, float]:
    """Rank-biserial correlation, and p of Wilcoxon's test; 0 and 1 where there is no difference at all."""
    stats = optional("scipy.stats", "vision")
    different = difference[difference != 0]
    if not different.size:
        return 0.0, 1.0
    ranks = stats.rankdata(np.abs(different))
    effect = float(ranks @ np.sign(different) / ranks.sum())
    return effect, float(stats.wilcoxon(different, alternative=alternative).pvalue)


def holm(p: Floats) -> Floats:
    """(n,) p values, corrected for their number (S. Holm, Scand. J. Stat. 6, 1979)."""
    order = np.argsort(p)
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1)
    return corrected


def _supported(tables: list[NDArray[Any]], alternative: str) -> Mask:
    effects = np.array([table["effect"] for table in tables])
    if alternative != "greater":
        effects = -effects if alternative == "less" else np.abs(effects)
    beyond = np.all(effects[0] > effects[1:], axis=0)
    return np.asarray((tables[0]["p_holm"] < 0.05) & beyond)
