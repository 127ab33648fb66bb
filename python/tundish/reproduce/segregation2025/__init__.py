"""doi:10.20517/jmi.2025.73: carbon from etched patches, computed again on billets that were never cast.

X. Wei et al. train a convolutional network on 85 points of a 600 mm billet and compare it with other
architectures, preprocessings, augmentations and models. Their images are not public. Here the same is done on
`tundish.segregation.synthetic` billets, so differences between rows can be compared, and numbers cannot.

What is read differently: splits are by point, and what is published (single patches, split after turning and
mirroring) is one row beside that. Billets for validation: one with strong stirring, one of 0.40 wt% carbon.
"""

from tundish.reproduce.segregation2025.record import Record
from tundish.reproduce.segregation2025.study import (
    BILLETS,
    DRAWS,
    LABELLED,
    LEVEL,
    POINTS,
    RECOMMENDED,
    STUDIES,
    TEST,
    Run,
    Task,
    billet,
    compute,
    configuration,
    further_billet,
    missing,
    parted,
    published,
    splits_of,
    tasks,
)
from tundish.segregation.networks import BUNDLED

__all__ = [
    "BILLETS",
    "BUNDLED",
    "DRAWS",
    "LABELLED",
    "LEVEL",
    "POINTS",
    "RECOMMENDED",
    "STUDIES",
    "TEST",
    "Record",
    "Run",
    "Task",
    "billet",
    "compute",
    "configuration",
    "further_billet",
    "missing",
    "parted",
    "published",
    "splits_of",
    "tasks",
]
