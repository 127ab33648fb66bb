"""The kernels' own object refuses unknown words."""

from __future__ import annotations

import numpy as np
import pytest

from tundish import _core
from tundish.filtering import kalman_filter


def filters(form: str = "standard", observes: str = "linear") -> _core.Filters64:
    """A filter of one state over three steps."""
    one, square = np.ones((1, 1, 1)), np.ones((1, 1, 1, 1))
    arrays = {
        "y": np.ones((1, 3, 1)),
        "design": square,
        "obs_cov": square,
        "obs_intercept": 0 * one,
        "transition": one,
        "transition_less_one": 0 * one,
        "state_cov": one,
        "state_intercept": 0 * one,
        "initial_mean": 0 * one,
        "initial_cov": square,
    }
    return _core.Filters64(arrays, form, observes, 0.0, 2.0, 1.0, 0.0)


def test_known_words_make_the_filter_of_the_public_function() -> None:
    found = filters("joseph").run(["mean"], False, 1, None)
    expected = kalman_filter(np.ones(3), 1.0 * np.ones(1), 1.0, initial_mean=np.zeros(1), initial_cov=1.0,
                             state_cov=1.0, form="joseph")  # fmt: skip
    assert expected.mean is not None
    np.testing.assert_array_equal(found["mean"][0], expected.mean)


def test_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"form = 'Joseph': must be 'standard' or 'joseph' or 'sqrt'"):
        filters(form="Joseph")


def test_unknown_observation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"observes = '': must be 'linear' or 'projected' or 'sigma'"):
        filters(observes="")
