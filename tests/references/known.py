"""What still breaks the rules of the house; each list may only shrink, but for that of pictures."""

from __future__ import annotations

# Modules that import each other.
CIRCLES: list[tuple[str, ...]] = []

# Private parts of other rooms that are used.
FOREIGN: set[str] = set()

# The targets of `late` by module: pictures alone. This list may grow by a picture.
LATE: dict[str, set[str]] = {
    "tundish.casting._solution": {
        "tundish.casting.plots:plot_strand",
        "tundish.casting.plots:plot_batch",
        "tundish.casting.plots:plot_sections",
    },
    "tundish.casting.identification._identification": {"tundish.casting.plots:plot_identification"},
    "tundish.casting.identification._profile": {"tundish.casting.plots:plot_profile"},
    "tundish.scrap._estimate": {
        "tundish.scrap.plots:plot_composition",
        "tundish.scrap.plots:plot_innovations",
        "tundish.scrap.plots:plot_partition",
    },
}

# Files of more than 400 lines, with their lines.
LONG_FILES: dict[str, int] = {}

# Functions of more than 60 lines without their docstring.
LONG_FUNCTIONS: dict[str, int] = {}

# Folders of more than 12 modules.
FULL_FOLDERS: dict[str, int] = {}

# Files with lines drawn in comments.
BANNERS: set[str] = set()

# Modules that build plans of the extension beside casting/_plan.py.
BUILDERS: set[str] = set()

# Modules that read messages of errors.
PARSERS: set[str] = set()
