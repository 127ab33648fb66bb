"""OpenVINO, imported without its reports."""

from __future__ import annotations

import sys
from typing import Any

from tundish._common.optional import optional

_REPORTS = "openvino_telemetry"


def openvino() -> Any:
    """The module `openvino`, or an ImportError that says how to install it.

    On its first import it reports itself to its makers, from a process that a thread of it forks: whoever
    asks for a prediction did not ask for that, and a fork may lock up a program with threads (JAX warns of
    it). OpenVINO takes a stub where the package that reports cannot be imported.
    """
    before = sys.modules.get(_REPORTS)
    sys.modules[_REPORTS] = None  # type: ignore[assignment]
    try:
        return optional("openvino", "deploy")
    finally:
        del sys.modules[_REPORTS]
        if before is not None:
            sys.modules[_REPORTS] = before
