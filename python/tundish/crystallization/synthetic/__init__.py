"""Synthetic sequences: a flux that melts, crystallises and is filmed as this package's physics has it."""

from tundish.crystallization.frames._truth import Experiment, Truth
from tundish.crystallization.synthetic._film import sequence

__all__ = ["Experiment", "Truth", "sequence"]
