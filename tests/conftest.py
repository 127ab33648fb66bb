"""What all tests share: repeatable property tests, and a small strand that freezes through."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants
from references.strand import small_strand

from tundish.casting import Grid, Strand

# Not shrunk: a failing march takes its time, and its strand is printed anyway.
settings.register_profile(
    "tundish",
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tundish")
# Hypothesis mixes constants of the modules that are imported from a checkout into its examples. Without them
# a test draws the same examples alone, after other tests, in parallel and of an installed package.
HypothesisProvider._local_constants = Constants()

# Networks of this size are slower on several threads of torch, and by far if other work is done beside.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell starts in the background ignores Ctrl-C, and so would the programs that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses names of tests that differ between processes: parallel workers would not agree on them."""
    if names := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"name the parameters by ids=: {names}")


@pytest.fixture(scope="session")
def strand() -> Strand:
    """A 40 mm billet that is solid after about 1.2 of its 1.5 m, cooled differently on its two faces."""
    return small_strand()


@pytest.fixture(scope="session")
def grid() -> Grid:
    """A coarse mesh for it: 50 steps."""
    return Grid(9, 11, dz_mold=0.02, dz_spray=0.04)
