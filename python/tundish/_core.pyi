from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Never, SupportsInt

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
_Pair = tuple[float, float]
_Progress = Callable[[int, int], object]

__version__: str

def instruction_set() -> str: ...
def default_threads() -> int: ...

class _Metaclass(type): ...

class _Enumeration(metaclass=_Metaclass):
    __members__: ClassVar[dict[str, Any]]
    def __init__(self, value: SupportsInt) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __ne__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __int__(self) -> int: ...
    def __index__(self) -> int: ...

class Residual(_Enumeration):
    none: ClassVar[Residual]
    solidus: ClassVar[Residual]
    rescale: ClassVar[Residual]

class Property(_Enumeration):
    enthalpy: ClassVar[Property]
    heat_capacity: ClassVar[Property]
    solid_fraction: ClassVar[Property]
    density: ClassVar[Property]
    conductivity: ClassVar[Property]
    potential: ClassVar[Property]

class Steel(metaclass=_Metaclass):
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @staticmethod
    def scheil(parameters: Sequence[float], residual: Residual) -> Steel: ...
    @staticmethod
    def table(
        temperature: Sequence[float] | _Floats,
        solid_fraction: Sequence[float] | _Floats,
        density: Sequence[float] | _Floats,
        specific_heat: Sequence[float] | _Floats,
        conductivity: Sequence[float] | _Floats,
        latent_heat: float,
    ) -> Steel: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def parameters(self) -> list[float]: ...
    @property
    def solidus(self) -> float: ...
    @property
    def liquidus(self) -> float: ...
    def replaced(self, parameters: Sequence[float]) -> Steel: ...
    def temperature(self, enthalpy: _Floats) -> _Floats: ...
    def tables(self) -> list[tuple[float, float, _Floats]]: ...
    # Last: it hides the decorator of its name from what follows.
    def property(self, which: Property, temperature: _Floats) -> _Floats: ...

class Strand(metaclass=_Metaclass):
    def __init__(
        self,
        steel: Steel,
        width: float,
        thickness: float,
        speed: float,
        pouring_temperature: float,
        ambient_temperature: float,
        stretches: Sequence[tuple[float, _Pair, _Pair]],
    ) -> None: ...
    @property
    def slot_names(self) -> list[str]: ...
    @property
    def slots(self) -> list[float]: ...

class Grid(metaclass=_Metaclass):
    def __init__(
        self, nx: int, ny: int, dz_mold: float, dz_spray: Sequence[float], grading: _Pair, ramp: float
    ) -> None: ...
    @property
    def nx(self) -> int: ...
    @property
    def ny(self) -> int: ...
    @property
    def dz_mold(self) -> float: ...
    @property
    def dz_spray(self) -> list[float]: ...
    @property
    def grading(self) -> _Pair: ...
    @property
    def ramp(self) -> float: ...

def default_grid(strand: Strand) -> Grid: ...

class Options(metaclass=_Metaclass):
    def __init__(
        self,
        method: str,
        phase_change: str,
        relaxation: float,
        tolerance: float | None,
        max_sweeps: int,
        ordering: str,
        probes: Sequence[_Pair],
        sections: Sequence[float],
    ) -> None: ...

class Plan64(metaclass=_Metaclass):
    def __init__(self, strand: Strand, grid: Grid, options: Options) -> None: ...
    @property
    def x(self) -> _Floats: ...
    @property
    def y(self) -> _Floats: ...
    @property
    def z(self) -> _Floats: ...
    def run(
        self,
        varied: Sequence[int],
        values: _Floats,
        gradient: Sequence[int],
        outputs: Sequence[str],
        threads: int,
        progress: _Progress | None,
    ) -> dict[str, NDArray[Any]]: ...

class Plan32(metaclass=_Metaclass):
    def __init__(self, strand: Strand, grid: Grid, options: Options) -> None: ...
    @property
    def x(self) -> _Floats: ...
    @property
    def y(self) -> _Floats: ...
    @property
    def z(self) -> _Floats: ...
    def run(
        self,
        varied: Sequence[int],
        values: _Floats,
        gradient: Sequence[int],
        outputs: Sequence[str],
        threads: int,
        progress: _Progress | None,
    ) -> dict[str, NDArray[Any]]: ...

class Stepper(metaclass=_Metaclass):
    def __init__(self, strand: Strand, grid: Grid, options: Options) -> None: ...
    def step(self) -> bool: ...
    @property
    def z(self) -> float: ...
    @property
    def at_end(self) -> bool: ...
    @property
    def heat(self) -> float: ...
    @property
    def iterations(self) -> int: ...
    @property
    def converged(self) -> bool: ...
    @property
    def stretch(self) -> int: ...
    @property
    def temperature(self) -> _Floats: ...
    def set(self, changes: Mapping[str, float]) -> None: ...
    def get(self, name: str) -> float: ...

class Objective(metaclass=_Metaclass):
    def __init__(self, *args: Never, **kwargs: Never) -> None: ...
    @property
    def dimensions(self) -> int: ...
    def evaluate(self, x: _Floats) -> _Floats: ...

class TestFunction(Objective):
    def __init__(self, name: str, dimensions: int) -> None: ...

class Misfit64(Objective):
    def __init__(
        self,
        strand: Strand,
        grid: Grid,
        options: Options,
        varied: Sequence[int],
        probe: NDArray[np.int32],
        z: _Floats,
        temperature: _Floats,
        weight: _Floats,
        threads: int,
    ) -> None: ...

class Misfit32(Objective):
    def __init__(
        self,
        strand: Strand,
        grid: Grid,
        options: Options,
        varied: Sequence[int],
        probe: NDArray[np.int32],
        z: _Floats,
        temperature: _Floats,
        weight: _Floats,
        threads: int,
    ) -> None: ...

class ColonyEnding(_Enumeration):
    none: ClassVar[ColonyEnding]
    cycles: ClassVar[ColonyEnding]
    evaluations: ClassVar[ColonyEnding]
    target: ClassVar[ColonyEnding]

class BeeColony(metaclass=_Metaclass):
    def __init__(
        self,
        variant: str,
        sources: int,
        limit: int,
        lower: _Floats,
        upper: _Floats,
        integral: Sequence[bool],
        key: tuple[int, int],
        start: _Floats,
    ) -> None: ...
    @staticmethod
    def restored(
        variant: str,
        sources: int,
        limit: int,
        lower: _Floats,
        upper: _Floats,
        integral: Sequence[bool],
        key: tuple[int, int],
        rounds: int,
        population: _Floats,
        energies: _Floats,
        trials: Sequence[int],
        chosen: Sequence[int],
        x: _Floats,
        fun: float,
    ) -> BeeColony: ...
    @property
    def sources(self) -> int: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def nit(self) -> int: ...
    @property
    def nfev(self) -> int: ...
    @property
    def x(self) -> _Floats: ...
    @property
    def fun(self) -> float: ...
    @property
    def population(self) -> _Floats: ...
    @property
    def population_energies(self) -> _Floats: ...
    def ask(self) -> _Floats: ...
    def tell(self, values: _Floats) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def ending(self, cycles: int, evaluations: int, target: float) -> ColonyEnding: ...
    def run(self, objective: Objective, cycles: int, evaluations: int, target: float) -> ColonyEnding: ...
