"""Carbon from patches: how fast the engines compute the published network, maps a section, and a step trains.

Everything runs on two processors, in a process of its own. Times are the best wall times of calls taken in
turns. What the engines are measured against is eager float32: `network(images)` in torch's own order of
memory, without any preparation for inference. The weights are as drawn: how far engines are from float32 on a
trained network is in docs/segregation.md and tests/segregation/engines/test_compiled.py.
"""

import copy
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks import machine
from tundish.segregation import (
    ENGINES,
    CarbonRegressor,
    PatchSet,
    missing_engines,
    section_map,
)
from tundish.segregation.engines import processor_flags
from tundish.segregation.estimators._training import step

ROUNDS = 3
PROCESSORS = 2
BFLOAT16 = {"amx_bf16", "avx512_bf16"}


class Sizes(NamedTuple):
    """The network, and how much goes through it."""

    blocks: int
    image_size: int
    batch: int
    photograph: int  # its side, px
    stride: int  # px


FULL = Sizes(blocks=6, image_size=224, batch=16, photograph=288, stride=32)
TINY = Sizes(blocks=2, image_size=16, batch=8, photograph=24, stride=4)


class Cases:
    """A regressor and what it computes, made when it is first asked for."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    @cached_property
    def patches(self) -> PatchSet:
        """A batch of noise."""
        random, count, side = np.random.default_rng(0), self.sizes.batch, self.sizes.image_size
        images = random.integers(0, 256, (count, side, side), np.uint8)
        return PatchSet(images, random.uniform(0.36, 0.52, count), mm_per_px=0.1)

    @cached_property
    def regressor(self) -> CarbonRegressor:
        """With weights as drawn: of one epoch, the least that there is, at a rate that changes nothing."""
        settings = {"blocks": self.sizes.blocks, "image_size": self.sizes.image_size, "device": "cpu"}
        regressor = CarbonRegressor(epochs=1, learning_rate=1e-12, augment=None, **settings)
        return regressor.fit(self.patches)

    @cached_property
    def images(self) -> Any:
        """The patches, prepared."""
        return self.regressor.prepare(self.patches)

    @cached_property
    def photograph(self) -> Any:
        """Of a part of a section."""
        side = self.sizes.photograph
        return np.random.default_rng(1).integers(0, 256, (side, side), np.uint8)


class Way(NamedTuple):
    """What is timed, and what is counted."""

    name: str
    prepare: Callable[[Cases], Callable[[], Any]]
    count: Callable[[Cases], int]


def eager(cases: Cases) -> Callable[[], Any]:
    """As torch computes a network that nothing is done for."""
    network, images = cases.regressor.network.eval(), cases.images

    def work() -> Any:
        with torch.no_grad():
            return network(images)[None].double().numpy()

    return work


def compiled(cases: Cases, name: str) -> Any:
    """An engine; that integers change what untrained weights make of noise by more is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return cases.regressor.compile(name)._compiled


def engine(name: str) -> Callable[[Cases], Callable[[], Any]]:
    """One of ours."""

    def prepare(cases: Cases) -> Callable[[], Any]:
        run = compiled(cases, name).run
        return lambda: run(cases.images)

    return prepare


def mapped(name: str) -> Callable[[Cases], Callable[[], Any]]:
    """A map of a photograph, every window enhanced by itself."""

    def prepare(cases: Cases) -> Callable[[], Any]:
        regressor = cases.regressor
        scale, chosen = regressor.card["mm_per_px"], compiled(cases, name)

        def work() -> Any:
            regressor._compiled = chosen
            return section_map(
                regressor, cases.photograph, mm_per_px=scale, stride_mm=cases.sizes.stride * scale, level=None
            ).carbon

        return work

    return prepare


def trained(cases: Cases) -> Callable[[], Any]:
    """A step of Adam on a batch."""
    network, images = copy.deepcopy(cases.regressor.network).train(), cases.images
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-12)
    carbon = torch.full((len(images),), 0.42)
    return lambda: step(network, optimiser, images, carbon, False)


def batch(cases: Cases) -> int:
    """Patches in a batch."""
    return cases.sizes.batch


def windows(cases: Cases) -> int:
    """Windows of the photograph."""
    return ((cases.sizes.photograph - cases.sizes.image_size) // cases.sizes.stride + 1) ** 2


def computed() -> list[str]:
    """The engines that this machine computes quickly."""
    slow = set() if BFLOAT16 & processor_flags() else {"torch-bfloat16"}
    return [name for name in ENGINES if name not in missing_engines() and name not in slow]


FASTEST = "torch-int8" if "torch-int8" not in missing_engines() else "torch"
WAYS = {
    "plain": Way("plain `network(images)`", eager, batch),
    **{name: Way(f'**engine "{name}"**', engine(name), batch) for name in computed()},
    "map": Way('**section_map**, engine "eager"', mapped("eager"), windows),
    "fast map": Way(f'**section_map**, engine "{FASTEST}"', mapped(FASTEST), windows),
    "training": Way("**training**, a step", trained, batch),
}

# What is to be reached: a way, the one that it is measured against, and by how much it is to be faster.
AIMS = tuple(
    (way, against, aim)
    for way, against, aim in (
        ("torch", "plain", None),
        ("torch-bfloat16", "plain", None),
        ("torch-int8", "plain", 4),
        ("openvino", "plain", None),
        ("openvino-bfloat16", "plain", 8),
        ("fast map", "map", None),
    )
    if way in WAYS
)


class Comparison:
    """All times, measured once in this process."""

    def __init__(self, sizes: Sizes = FULL) -> None:
        cases = Cases(sizes)
        works = {key: way.prepare(cases) for key, way in WAYS.items()}
        runs = {key: machine.Run(machine.timed(work), ROUNDS) for key, work in works.items()}
        timings = machine.interleaved(runs)
        self.seconds = {key: timings[key].best / WAYS[key].count(cases) for key in WAYS}

    def tables(self) -> dict[str, str]:
        """As Markdown, by name."""
        return {"segregation": self.times(), "segregation_ratios": self.ratios()}

    def times(self) -> str:
        """Times and rates, as Markdown."""
        lines = ["| | ms a patch | patches a second |", "| --- | ---: | ---: |"]
        for key, way in WAYS.items():
            lines.append(f"| {way.name} | {1e3 * self.seconds[key]:.3g} | {1 / self.seconds[key]:.3g} |")
        return "\n".join(lines)

    def ratios(self) -> str:
        """How much faster, as Markdown."""
        lines = ["| | against | times faster | asked for |", "| --- | --- | ---: | ---: |"]
        for key, against, aim in AIMS:
            ratio = self.seconds[against] / self.seconds[key]
            cells = [WAYS[key].name, WAYS[against].name, f"{ratio:.2f}", "" if aim is None else str(aim)]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


def tables() -> Mapping[str, str]:
    """Everything, as Markdown, by name: measured in a process of its own, on two processors."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(allowed)[-PROCESSORS:]))  # which the process inherits
    try:
        measured = subprocess.run(
            [sys.executable, "-c", "from benchmarks import segregation; segregation.measure()"],
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, "OMP_NUM_THREADS": str(PROCESSORS)},
            stdout=subprocess.PIPE,
            check=True,
        )
    finally:
        os.sched_setaffinity(0, allowed)
    return json.loads(measured.stdout)


def measure() -> None:
    """Prints all tables as JSON."""
    print(json.dumps(Comparison().tables()))


def main() -> None:
    """Print the tables."""
    print(machine.description())
    for table in tables().values():
        print(f"\n{table}")


if __name__ == "__main__":
    main()
