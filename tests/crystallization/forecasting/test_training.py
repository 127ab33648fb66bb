"""What a network learns from."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from tundish.crystallization.forecasting._training import View


def test_what_a_network_says_is_linear_between_horizons() -> None:
    view = View("change", np.zeros(1), np.ones(1))
    recent = np.zeros((1, 8, 1))
    said = np.array([[[1.0], [3.0]]])
    assert view.path(recent, (1, 5), said)[0, :, 0] == pytest.approx([1, 1.5, 2, 2.5, 3])
    level = View("level", np.array([2.0]), np.ones(1))
    assert level.path(recent, (2,), np.array([[[4.0]]]))[0, :, 0] == pytest.approx([3, 6])
