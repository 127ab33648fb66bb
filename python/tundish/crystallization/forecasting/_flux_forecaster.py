"""The forecaster of a series or of frames: a damped trend, and networks that learn what it misses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, count, positive
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish._learning import model_folder
from tundish._learning.checkpoint import remove_training
from tundish._learning.devices import device_name, torch_device
from tundish._learning.training import History, history_of
from tundish.crystallization.forecasting import _card
from tundish.crystallization.forecasting._base import STEPS, Forecaster, Places
from tundish.crystallization.forecasting._ensemble import EnsembleTraining, NetworkReader, filled_network
from tundish.crystallization.forecasting._frame_encoder import FrameEncoder
from tundish.crystallization.forecasting._network import MIN_SIDE
from tundish.crystallization.forecasting._series import (
    Clock,
    Gap,
    Series,
    checked_horizons,
    checked_limits,
    even_series,
    refuse_beyond,
)
from tundish.crystallization.forecasting._training import Epoch, SeriesPlan, View, material
from tundish.crystallization.forecasting._trend import Blend, prior_weights, trends, windows
from tundish.crystallization.frames._sequence import FrameSequence

torch = optional("torch", "vision")

FORMS = ("change", "level")
_SETTINGS = (
    "window", "units", "horizons", "form", "feature", "limits", "image_size", "learning_rate", "epochs",
    "patience", "ensemble", "seed",
)  # fmt: skip
_PLAN = ("form", "learning_rate", "epochs", "patience", "seed")


class FluxForecaster(Forecaster):
    """What a series does next, by an ensemble of :class:`FluxNet` and local trends, with intervals.

    **Main arguments:**

    - `window`: number of values that a forecast is made from, at least 4. `units`: of the LSTM.
    - `horizons`: steps ahead that the networks learn, increasing. In between, their output for the change
      beside the trend is taken as linear; beyond the last they go on from their own forecast.
    - `ensemble`: number of networks, each with another start and order.
    - `device`: "auto" (CUDA if there is one), or a name of torch's, such as "cpu" or "cuda:1".
    - `seed`: an integer of at least 0. One seed, device and number of threads is one result.

    **Other arguments:**

    - `form`: "change": the networks learn what a damped trend misses (the median step of half a window,
      damping 0.9), and their mean is blended with persistence and 20 local trends by weights that follow
      what comes true (:class:`Blend`). "level", the published form: the networks learn the value itself, by
      its z-score and squared errors, and nothing else is asked.
    - `feature`: column of `FrameSequence.features()`, or several, that is forecast of frames.
    - `limits`: (least, most) that the series can be, such as (0, 1) of a share or (0, None) of a count; None
      if it has none. Forecasts and intervals stay between them. Those of the feature "share" are known.
    - `image_size`: side, px, to which frames are brought for the networks; None: they see the features alone.
    - `learning_rate` of Adam, at most `epochs`, and an end after `patience` epochs without a better
      validation loss; the best epoch is kept. The last 30 % of what is fitted validates: the networks never
      train on it. It also starts the weights of the blend, and the last half the intervals.

    Each column of a series is seen by itself, by the same networks. Weights of the networks do not change in
    `update`; those of the blend and the intervals do.

    **Attributes:** the arguments; after `fit`: `networks`, a list of `FluxNet`; `network`, the first of them;
    `history`, for each its (training, validation) loss by epoch (:class:`Epoch`); `card`, what is known of
    the model, as it is saved; `gaps`, what was missing in time (:class:`Gap`).

    **Raises:** ValueError or TypeError naming the argument; ImportError without torch (`tundish[vision]`).
    """

    def __init__(
        self,
        window: int = 20,
        units: int = 8,
        horizons: Iterable[int] = (1, 10, 30),
        *,
        ensemble: int = 1,
        device: str = "auto",
        seed: int = 0,
        form: str = "change",
        feature: str | Iterable[str] = "share",
        limits: tuple[float | None, float | None] | None = None,
        image_size: int | None = 32,
        learning_rate: float = 3e-3,
        epochs: int = 200,
        patience: int = 20,
    ) -> None:
        super().__init__()
        self.window, self.units = count("window", window, 4), count("units", units, 1)
        self.horizons = checked_horizons(horizons)
        self.ensemble = count("ensemble", ensemble, 1)
        self.device = device_name(device)
        self.seed = count("seed", seed, 0)
        self.form = choice("form", form, FORMS)
        self.feature = feature if isinstance(feature, str) else tuple(feature)
        if not self.feature:
            allowed = "must name one column of frames, or several"
            raise ArgumentError("feature", self.feature, allowed)
        self._range = None if limits is None else checked_limits(limits)
        self.limits = None if limits is None else tuple(limits)
        self.image_size = None if image_size is None else count("image_size", image_size, MIN_SIDE)
        self.learning_rate = positive("learning_rate", learning_rate)
        self.epochs, self.patience = count("epochs", epochs, 1), count("patience", patience, 1)
        self.networks: list[Any] = []
        self.history: list[History] = []
        self.card: dict[str, Any] = {}
        self._window = self._max_gap = self.window
        self._learns_from = 5
        self._steps = max(STEPS, self.horizons[-1])
        self._encoder: FrameEncoder | None = None
        self._embeddings: list[Floats] = []

    @property
    def network(self) -> Any:
        """The first network of the ensemble, a `torch.nn.Module`."""
        self._fitted()
        return self.networks[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make this forecaster again, but for the device."""
        return {name: model_folder.plain(getattr(self, name)) for name in _SETTINGS}

    def fit(
        self,
        series: ArrayLike | FrameSequence,
        time: ArrayLike | None = None,
        *,
        progress: bool | Callable[[Epoch], object] = False,
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Trains the networks, and starts the weights and the intervals.

        **Main arguments:**

        - `series`: (T,) or (T, k), finite, and not constant in all its columns, with at least 12 values more
          than the window; or a :class:`FrameSequence`, whose `feature` is the series. Noisy copies of frames
          (`augment`) are seen in training beside them, and are neither measured nor validated on.
        - `time`: (T,) s, increasing; left out, 0, 1, 2 and so on, or that of the frames. A step of more than
          1.5 usual ones is a gap, of a window at most: what is missing is put on a straight line (and frames
          are seen for longer), and the gap is in `.gaps`. Steps are taken as even otherwise.

        **Other arguments:**

        - `progress`: a bar with the validation loss on stderr, or a function that takes an :class:`Epoch`.
        - `checkpoint`: a folder, written anew as often as takes 5 % of the time. The same call, after an
          interruption, goes on from it and ends at what it would have ended at.

        A horizon that reaches beyond the trained part is not learnt; `card["targets"]` has their numbers.

        **Raises:** ValueError or TypeError naming the argument and the value at fault; so for a checkpoint of
        other settings or data; FloatingPointError if training diverges.
        """
        checked, encoder, pictures = self._prepared(series, time)
        if self._range is not None:
            refuse_beyond(self._range, checked.values)
        self._begin(checked)
        self._encoder = encoder
        self._limits = self._known_limits()
        self.card = _card.begun(self.settings, checked, pictures)
        folder = None if checkpoint is None else Path(checkpoint)
        self._train(pictures, progress, folder)
        self._embeddings = self._embedded(pictures[0]) if pictures else []
        self._try_out()
        self.card["complete"] = True
        if folder is not None:
            self.save(folder)
            remove_training(folder)
        return self

    def _prepared(
        self, series: ArrayLike | FrameSequence, time: ArrayLike | None
    ) -> tuple[Series, FrameEncoder | None, list[Any]]:
        """The series on even steps; of frames also their encoder, and pictures of them and their copies."""
        gaps = {"min_values": self._window + self._learns_from + 7, "max_gap": self._max_gap}
        if not isinstance(series, FrameSequence):
            return even_series(series, time, **gaps), None, []
        if time is not None:
            raise ArgumentError("time", MISSING, "is that of the frames; leave it out")
        return FrameEncoder.prepare(series, self.feature, self.image_size, self._first_validated, **gaps)

    def _known_limits(self) -> Floats | None:
        """(k, 2): those that were given, and otherwise those of features that have some."""
        if self._range is not None:
            return np.tile(self._range, (self._values.shape[1], 1))
        return None if self._encoder is None else self._encoder.limits

    def _train(
        self, pictures: list[Any], progress: bool | Callable[[Epoch], object], folder: Path | None
    ) -> None:
        self._learn(self._values)
        device = torch_device(self.device)
        rows = material(
            self._values, self._view, self.window, self.horizons, self._first_validated(len(self._values)),
            [each.to(device) for each in pictures], device,
        )  # fmt: skip
        self.card["targets"] = _card.targets(self.horizons, rows.trained, rows.validated)
        plan = SeriesPlan(**{name: getattr(self, name) for name in _PLAN})
        training = EnsembleTraining(self._architecture(), plan, self.ensemble, device, self.card, folder)
        training.run(rows, progress)
        self.networks, self.history = training.networks, training.history
        self.card["members"] = _card.members(self.history)

    def _architecture(self) -> dict[str, Any]:
        """The arguments of the networks."""
        return {
            "window": self.window,
            "units": self.units,
            "horizons": self.horizons,
            "image_size": None if self._encoder is None else self._encoder.side,
            "inputs": 1,
        }

    def _learn(self, values: Floats) -> None:
        """How networks see the series, and weights before anything is known."""
        self._view = View.of(self.form, values[: self._first_validated(len(values))])
        self._blend = Blend(
            prior_weights(self.form, self._steps), np.abs(np.diff(values, axis=0)).mean(axis=0)
        )

    def predict(self, series: ArrayLike | FrameSequence) -> Floats:
        """One step ahead: element t is forecast from `series[:t]` alone, with what was learnt so far.

        `series`: (T,) or (T, k), as fitted, on even steps; or a :class:`FrameSequence`, which is needed if
        the networks see frames. **Returns:** (T,) or (T, k); NaN for the first `window` values.

        **Raises:** ValueError or TypeError naming `series`; RuntimeError before `fit`.
        """
        self._fitted()
        if not isinstance(series, FrameSequence):
            if self._embeddings:
                allowed = "the networks of this forecaster see frames; give a FrameSequence"
                raise ArgumentTypeError("series", MISSING, allowed)
            return super().predict(series)
        known = self._embeddings
        values = self.observed(series)
        try:
            if known:
                self._embeddings = self._embedded(self._frame_encoder().pictures(series.images))
            return super().predict(values)
        finally:
            self._embeddings = known

    def observed(self, sequence: FrameSequence) -> Floats:
        """(T,) or (T, k): the `feature` of frames, by the calibration of those that were fitted.

        **Raises:** RuntimeError before `fit`, and if it was fitted to numbers.
        """
        self._fitted()
        return self._frame_encoder().values(sequence)

    def update(self, value: ArrayLike | FrameSequence, time: float | None = None) -> Self:
        """Takes what was observed next, and learns from how it was forecast.

        **Main arguments:** `value`: a number or (k,). If frames were fitted: a frame (H, W) or (H, W, 3), or
        a :class:`FrameSequence` of those that follow. `time`, s: when it was observed; left out, one step
        after the last, or that of the frames. What is missing between is put on a straight line, and the gap
        is in `.gaps`; errors of forecasts are not measured there.

        **Raises:** ValueError or TypeError naming the argument; RuntimeError before `fit`.
        """
        step = self._fitted().clock.step
        if self._encoder is None:
            if isinstance(value, FrameSequence):
                allowed = "is a FrameSequence; this forecaster was fitted to numbers"
                raise ArgumentTypeError("value", MISSING, allowed)
            return super().update(value, time)
        if isinstance(value, FrameSequence):
            if time is not None:
                raise ArgumentError("time", MISSING, "is that of the frames; leave it out")
            for n in range(len(value)):
                self._take_frame(value[n : n + 1])
            return self
        self._take_frame(self._encoder.frame(value, self._now + step if time is None else time))
        return self

    def _take_frame(self, frame: FrameSequence) -> None:
        """Takes a sequence of one frame."""
        encoder, time = self._frame_encoder(), float(frame.time[0])
        value, missing = encoder.values(frame)[0], self._missing_before(time)
        if self._embeddings:
            new = self._embedded(encoder.pictures(frame.images))
            self._embeddings = [
                np.concatenate([known, np.repeat(known[-1:], missing, axis=0), one])
                for known, one in zip(self._embeddings, new, strict=True)
            ]
        super().update(value, time)

    def _frame_encoder(self) -> FrameEncoder:
        if self._encoder is None:
            raise RuntimeError("this forecaster was fitted to numbers; it has not seen frames")
        return self._encoder

    @property
    def fitted_to_frames(self) -> bool:
        """Whether it was fitted to a :class:`FrameSequence`, and not to numbers."""
        return self._encoder is not None

    def _embedded(self, pictures: Any) -> list[Floats]:
        """For each network the features (T, embedding) of pictures (T, side, side)."""
        reader = self._reader()
        return [reader.embedded(network, pictures) for network in self.networks]

    def _reader(self) -> NetworkReader:
        return NetworkReader(self._view, self.window, self.horizons, torch_device(self.device))

    def _outlooks(self, values: Floats, origins: Places) -> Floats:
        return self._candidates(values, origins, self._steps)

    def _mixed(self, outlook: Floats) -> Floats:
        return self._blend.mean(outlook)

    def _weigh(self, value: Floats) -> None:
        self._blend.learn(self._parts, value)

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        return self._blend.mean(self._candidates(values, origins, steps))

    def _candidates(self, values: Floats, origins: Places, steps: int) -> Floats:
        """(origins, steps, k, m): persistence, trends and networks; networks alone in the published form."""
        recent = windows(values, origins, self.window)
        reader, parts = self._reader(), []
        for n, network in enumerate(self.networks):
            features = windows(self._embeddings[n], origins, self.window) if self._embeddings else None
            parts.append(reader.paths(network, recent, features, steps))
        learnt = np.mean(parts, axis=0)
        if self.form == "level":
            return np.asarray(learnt[..., None])
        last = np.repeat(recent[:, -1:], steps, axis=1)[..., None]
        return np.concatenate([last, last + trends(recent, steps), learnt[..., None]], axis=-1)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes weights and state (safetensors) and `card.json`, the model card, into a folder, made if
        missing. A model there is replaced, whole or not at all. The series is in it, frames are not.

        **Raises:** RuntimeError before `fit`.
        """
        fitted = self._fitted()
        steps, columns = self._steps, fitted.values.shape[1]
        state = {
            "values": self._values,
            "view.centre": self._view.centre,
            "view.spread": self._view.spread,
            **self._blend.state(),
            "scores": _card.stacked(self._conformal.scores, (steps, columns)),
            "pending": _card.stacked(self._pending, (steps, columns)),
            "parts": _card.stacked(self._parts, (steps, columns, self._blend.prior.shape[1])),
        }
        state |= {f"embedding.{n}": one for n, one in enumerate(self._embeddings)}
        card = {**self.card, "history": self.history, "now": self._now, "gaps": self.gaps}
        card["frames"], arrays = (None, {}) if self._encoder is None else self._encoder.described()
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in (state | arrays).items()}
        model_folder.write_model(path, _card.FORMAT, tensors | _card.weights(self.networks), card)

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "auto") -> Self:
        """Reads what :meth:`save` wrote; `update` goes on where it was.

        **Raises:** ValueError that begins with the file at fault: a missing or foreign card, weights of
        another hash or architecture, a pickle (never read), a training that was interrupted (`fit` with the
        folder as its checkpoint goes on from it).
        """
        make = partial(cls, device=device)
        return model_folder.load_model(
            Path(path), _card.FORMAT, _card.NEEDED, make, cls._restore, _card.refuse_unfinished
        )

    def _restore(self, file: Path, tensors: dict[str, Any], card: dict[str, Any]) -> None:
        arrays = {name: value.numpy() for name, value in tensors.items() if not name.startswith("members.")}
        data = card["data"]
        self._encoder = None if card["frames"] is None else FrameEncoder.restored(card["frames"], arrays)
        clock = Clock(float(data["start"]), float(data["step"]))
        values = arrays["values"]
        self._begin(Series(values, bool(data["flat"]), clock, [Gap(*gap) for gap in card["gaps"]]))
        self._now, self._limits = float(card["now"]), self._known_limits()
        self._view = View(self.form, arrays["view.centre"], arrays["view.spread"])
        self._blend = Blend(prior_weights(self.form, self._steps), arrays["blend.least"])
        self._blend.restore(arrays)
        self._conformal.scores = list(arrays["scores"])
        self._pending, self._parts = list(arrays["pending"]), list(arrays["parts"])
        self._embeddings = [arrays[f"embedding.{n}"] for n in range(self.ensemble) if "embedding.0" in arrays]
        architecture, device = self._architecture(), torch_device(self.device)
        self.networks = [filled_network(architecture, file, tensors, n, device) for n in range(self.ensemble)]
        self.history = [history_of(losses) for losses in card["history"]]
        self.card = {name: card[name] for name in ("complete", "settings", "data", "targets", "members")}
