"""The backbones of transfer learning by name."""

from __future__ import annotations

LITE = "efficientnet-lite0"
BACKBONES = ("vgg16", "vgg19", "inception-v3", LITE)
BUNDLED = (LITE,)  # those whose weights come with a package
