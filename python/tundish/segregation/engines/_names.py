"""The engines by name."""

from __future__ import annotations

EAGER, INT8 = "eager", "torch-int8"
ENGINES = (
    EAGER, "torch", "torch-bfloat16", "torch-float16", INT8, "openvino", "openvino-bfloat16",
)  # fmt: skip
