"""arXiv:2504.11319: how well the next heat's steel is predicted, by recipe of scrap and by noise of scales.

Y. Zhou, K. Naert and D. Nuyens simulate 20 000 heats with 45 scrap types, filter them, and tabulate mean and
standard deviation of the error of the predicted copper and chromium for four kinds of recipes (Table 2) and
for noise in the masses of scrap (3) and slag (4) and in the slag's iron oxide (5), one simulation each. Here
the same is done for several.

What the paper leaves open, and how it is read here: an error is predicted - measured, one heat ahead, over
all heats; types of the identity-based matrix take turns; the sparse, full-rank and low-rank matrices are
those of :func:`tundish.scrap.simulate`; noise is one factor a heat and type; c1 and c2 are driven by normal
noise; the model has the numbers of the simulation.
"""

from tundish.reproduce.scrap2025.study import (
    ELEMENTS,
    HEATS,
    LEVELS,
    OF_ELEMENTS,
    RECIPES,
    SEEDS,
    TABLES,
    TRUSTED,
    TYPES,
    VARIABLES,
    PublishedRecipe,
    Record,
    Run,
    add_noise,
    cases,
    compare_recipes,
    noisy_heats,
    published_noise,
    published_recipes,
    seed_of,
)

__all__ = [
    "ELEMENTS",
    "HEATS",
    "LEVELS",
    "OF_ELEMENTS",
    "RECIPES",
    "SEEDS",
    "TABLES",
    "TRUSTED",
    "TYPES",
    "VARIABLES",
    "PublishedRecipe",
    "Record",
    "Run",
    "add_noise",
    "cases",
    "compare_recipes",
    "noisy_heats",
    "published_noise",
    "published_recipes",
    "seed_of",
]
