"""Carbon segregation of cast billets, read from photographs of their etched sections."""

from tundish.segregation import synthetic
from tundish.segregation._features import FEATURE_NAMES, features
from tundish.segregation._leak import Leak, leak
from tundish.segregation._patches import PatchSet
from tundish.segregation._quality import clahe, image_quality

__all__ = [
    "FEATURE_NAMES",
    "Leak",
    "PatchSet",
    "clahe",
    "features",
    "image_quality",
    "leak",
    "synthetic",
]
