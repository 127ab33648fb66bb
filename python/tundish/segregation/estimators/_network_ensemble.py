"""An ensemble of networks that is computed: prepared patches, predictions, engines, export."""

from __future__ import annotations

from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish._learning.devices import torch_device
from tundish._learning.model_folder import plain
from tundish.segregation.engines._compiled import CALIBRATED, Compiled, Setting, compiled, eager
from tundish.segregation.engines._export import export
from tundish.segregation.engines._graphs import Preparation
from tundish.segregation.engines._names import EAGER
from tundish.segregation.estimators._estimator import PatchEstimator
from tundish.segregation.patches._patch_set import PatchSet

torch = optional("torch", "vision")

_PREPARED = 256  # patches at a time


class NetworkEnsemble(PatchEstimator):
    """Networks of patches, and the engine that computes them.

    Networks see a patch enhanced, as (grey / 255 - mean) / deviation with the mean and deviation of all
    training patches, which `card["preprocessing"]` has.
    """

    device: str
    _patches: PatchSet | None
    _compiled: Compiled | None

    def __getstate__(self) -> dict[str, Any]:
        """A copy may get other weights: it computes eagerly until it is compiled."""
        return self.__dict__ | {"_compiled": None}

    @property
    def network(self) -> Any:
        """The first network of the ensemble, a `torch.nn.Module` from prepared patches to wt%."""
        return self._fitted()[0]

    def prepare(self, images: ArrayLike | PatchSet) -> Any:
        """What the networks see: a float32 tensor (N, 1, H, W), on the CPU, of (N, H, W) or (H, W) uint8.

        **Raises:** RuntimeError before `fit`; ValueError or TypeError naming `images`.
        """
        return self._preparation().of_grey(self._enhanced(self._grey(images)))

    def predict_members(self, patches: PatchSet | ArrayLike) -> Floats:
        """(ensemble, N) wt%, of each network."""
        networks, grey, preparation = self._fitted(), self._grey(patches), self._preparation()
        run = eager(networks) if self._compiled is None else self._compiled.run
        parts = [
            run(preparation.of_grey(self._enhanced(grey[n : n + _PREPARED])))
            for n in range(0, len(grey), _PREPARED)
        ]
        return np.concatenate(parts, axis=1)

    @property
    def engine(self) -> str:
        """What predictions are computed by: "eager", or what :meth:`compile` chose."""
        return EAGER if self._compiled is None else self._compiled.engine

    def compile(self, engine: str = "auto", *, calibration: PatchSet | ArrayLike | None = None) -> Self:
        """Chooses how the networks are computed by `predict`, `predict_interval`, `score` and section maps.

        **Main arguments:** `engine`, one of

        - "eager": the networks as they are, in float32. So it is before, and after each `fit` and `update`.
        - "torch": float32, channels last in memory, batch norm in the convolutions.
        - "torch-bfloat16", "torch-float16": convolutions in these; the second on CUDA alone. A processor
          without bfloat16 of its own computes it slowly.
        - "torch-int8": convolutions in integers of 8 bits, on the CPU (VNNI or AMX). They are calibrated.
        - "openvino", "openvino-bfloat16": by OpenVINO (`tundish[deploy]`) on the CPU, in float32 or, where
          the processor has AMX or AVX512-BF16, in bfloat16.
        - "auto": the fastest of these that run here. In bfloat16 where the processor has it, float16 on
          CUDA; "torch-int8" only if `calibration` is given, there is no bfloat16, and predictions change
          by no more than 5 % of the training's deviation of carbon.

        **Other arguments:** `calibration`: a PatchSet or (N, H, W) uint8, such as those of the training, of
        which 64 are taken evenly. "torch-int8" by name takes the patches of `fit` if none are given.

        **Returns:** itself. The calibration of intervals and the training stay in float32.

        **Raises:** ValueError for an unknown engine, or calibration that is needed and not there; ImportError
        or ValueError for an engine of `missing_engines()`; RuntimeError before `fit`.

        **Warns:** UserWarning if "torch-int8" changes predictions of the calibration's patches by more than
        5 % (root mean square) of the training's deviation of carbon.
        """
        self._compiled = self._computed(engine, calibration)
        return self

    def _computed(self, engine: str, calibration: PatchSet | ArrayLike | None) -> Compiled:
        networks = self._fitted()
        setting = Setting(self._torch_device(), **self._normalisation())
        return compiled(
            engine, networks, setting, lambda: self._calibrating(calibration), calibration is not None
        )

    def _calibrating(self, calibration: PatchSet | ArrayLike | None) -> Any:
        """Prepared patches, few and evenly taken."""
        patches = self._patches if calibration is None else calibration
        if patches is None:
            raise ArgumentError(
                "calibration",
                MISSING,
                "a loaded model does not hold its patches; 'torch-int8' needs some, such as those of its "
                "training",
            )
        grey = self._grey(patches)
        rows = np.unique(np.linspace(0, len(grey) - 1, CALIBRATED).astype(np.intp))
        return self._preparation().of_grey(self._enhanced(grey[rows]))

    def export(self, path: str | PathLike[str], format: str = "onnx") -> None:
        """Writes the networks for other programs, and a model card beside them.

        **Main arguments:**

        - `path`: ends in .onnx or, for OpenVINO, .xml. Weights of OpenVINO go beside it as .bin, the card as
          .json: `save`'s, with hashes, input and output. What is there is replaced.
        - `format`: "onnx" (operators of version 17) or "openvino", of `tundish[deploy]`.

        The graph takes `grey`, (N, image_size, image_size) uint8 of any N at the training's scale, and gives
        `carbon`, (N,) float32, wt%. Normalisation and the mean of the ensemble are in it. Enhancement is not:
        patches go through :func:`clahe` first if `enhance` says so.

        **Raises:** ValueError naming `path` or `format`, and for an ensemble above 2 GB as ONNX; RuntimeError
        before `fit`; ImportError without onnx or openvino.
        """
        preparation = self._preparation()
        export(path, format, self._fitted(), preparation, self.image_size, plain(self.card))

    def _preparation(self) -> Preparation:
        self._fitted()
        return Preparation.of(**self._normalisation())

    def _normalisation(self) -> dict[str, float]:
        """Mean and deviation of the training's patches, in units of 0 to 1."""
        self._fitted()
        return {name: self.card["preprocessing"][name] for name in ("mean", "deviation")}

    def _torch_device(self) -> Any:
        return torch_device(self.device)
