"""The bee colony in plain Python and NumPy, one bee and one coordinate at a time.

It draws the same random numbers as the package: Philox4x32-10, a function of key and counter alone, written
here from its definition (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Words = tuple[int, int, int, int]
PLACE, MOVE, CHOICE = range(3)
MASK = 0xFFFFFFFF


def philox(counter: Sequence[int], key: Sequence[int]) -> Words:
    """Four random 32-bit words."""
    a, b, c, d = counter
    first, second = key
    for _ in range(10):
        left, right = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (right >> 32) ^ b ^ first, right & MASK, (left >> 32) ^ d ^ second, left & MASK
        first, second = (first + 0x9E3779B9) & MASK, (second + 0xBB67AE85) & MASK
    return a, b, c, d


def unit(high: int, low: int) -> float:
    """In [0, 1)."""
    return ((high << 32 | low) >> 11) * 2.0**-53


class ReferenceColony:
    """Asked and told like BeeColony."""

    def __init__(
        self,
        bounds: Sequence[tuple[float, float]],
        key: Sequence[int],
        popsize: int = 8,
        variant: str = "published",
        limit: int | None = None,
        integrality: Sequence[bool] | None = None,
    ) -> None:
        self.lower, self.upper = np.array(bounds, dtype=float).T
        self.integral = np.zeros(len(bounds), bool) if integrality is None else np.array(integrality)
        self.key, self.n, self.published = key, popsize, variant == "published"
        self.limit = popsize * len(bounds) if limit is None else limit
        self.moves = self.limit if self.published else 1
        self.rounds = 0
        self.x = np.array([self.anywhere(i, self.lower, self.upper) for i in range(popsize)])
        self.f = np.full(popsize, np.inf)
        self.trials = np.zeros(popsize, int)
        self.chosen = np.zeros(popsize, int)
        self.best, self.fun = self.x[0].copy(), np.inf

    def draw(self, bee: int, what: int, part: int = 0) -> Words:
        low, high = self.rounds & MASK, self.rounds >> 32
        return philox((bee, part, low, high << 2 | what), self.key)

    def anywhere(self, bee: int, lower: Floats, upper: Floats) -> Floats:
        """A place between two corners."""
        x = np.empty(len(lower))
        for j in range(len(x)):
            words = self.draw(bee, PLACE, j // 2)
            u = unit(*(words[:2] if j % 2 == 0 else words[2:]))
            if self.integral[j]:
                x[j] = lower[j] + np.floor(u * (upper[j] - lower[j] + 1))
            else:
                x[j] = lower[j] + u * (upper[j] - lower[j])
        return np.clip(x, lower, upper)

    @property
    def place_in_cycle(self) -> int:
        return (self.rounds - 1) % (2 * self.moves)

    def source(self, bee: int) -> int:
        """The source that a bee works on."""
        viewing = self.rounds > 0 and self.place_in_cycle >= self.moves
        return int(self.chosen[bee]) if viewing else bee

    def is_left(self, source: int) -> bool:
        """Whether the source is given up in this round."""
        if self.rounds == 0 or self.place_in_cycle != 0 or self.trials[source] < self.limit:
            return False
        return self.published or source == np.argmax(self.trials)

    def ask(self) -> Floats:
        if self.rounds == 0:
            return self.x.copy()
        points = np.array([self.x[self.source(bee)] for bee in range(self.n)])
        for bee in range(self.n):
            s = self.source(bee)
            if self.is_left(bee):
                corners = (self.x.min(axis=0), self.x.max(axis=0))
                points[bee] = self.anywhere(bee, *(corners if self.published else (self.lower, self.upper)))
                continue
            words = self.draw(bee, MOVE)
            j, k = words[0] * len(self.lower) >> 32, words[1] * (self.n - 1) >> 32
            k += k >= s
            v = self.x[s, j] + (2 * unit(*words[2:]) - 1) * (self.x[s, j] - self.x[k, j])
            if self.integral[j]:
                v = np.floor(v + 0.5)
            points[bee, j] = min(max(v, self.lower[j]), self.upper[j])
        return points

    def tell(self, points: Floats, values: Sequence[float]) -> None:
        left = [self.is_left(bee) for bee in range(self.n)]
        sources = [self.source(bee) for bee in range(self.n)]
        employed = self.rounds > 0 and self.place_in_cycle < self.moves
        if self.published and employed and self.place_in_cycle == 0:
            self.trials[:] = 0
        for bee, s in enumerate(sources):
            value = np.inf if np.isnan(values[bee]) else values[bee]
            moved = not np.array_equal(points[bee], self.x[s])
            arrives = self.rounds == 0 or left[bee]
            taken = value <= self.f[s] and value < np.inf and moved
            if arrives or taken:
                self.x[s], self.f[s] = points[bee], value
            if employed or not self.published:
                self.trials[s] = 0 if arrives or taken else self.trials[s] + 1
            if value < self.fun:
                self.best, self.fun = points[bee].copy(), value
        self.rounds += 1
        if self.place_in_cycle == self.moves:
            self.choose()

    def choose(self) -> None:
        """Every viewer's source, by fitness."""
        fitness = np.array([1 / (1 + f) if f >= 0 else min(1 + abs(f), 1e300) for f in self.f])
        total = np.cumsum(fitness)
        for bee in range(self.n):
            u = unit(*self.draw(bee, CHOICE)[:2])
            if total[-1] == 0:
                self.chosen[bee] = int(u * self.n)
            else:
                above = int(np.searchsorted(total, u * total[-1], side="right"))
                self.chosen[bee] = min(above, self.n - 1)

    @property
    def cycles(self) -> int:
        return max(0, (self.rounds - 1) // (2 * self.moves))


def run(colony: ReferenceColony, fun: Callable[[Floats], float], cycles: int) -> ReferenceColony:
    """To the end of so many cycles."""
    while colony.cycles < cycles:
        points = colony.ask()
        colony.tell(points, [fun(point) for point in points])
    return colony
