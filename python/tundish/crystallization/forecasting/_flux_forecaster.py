"""The forecaster of a series or of frames: a damped trend, and networks that learn what it misses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, count, floats, positive
from tundish._common.optional import optional
from tundish._common.progress import epochs_callback
from tundish._learning import model_folder as _model_folder
from tundish._learning.training import Pace, device_name, seeded, torch_device
from tundish.crystallization import _card
from tundish.crystallization.forecasting._trend import Blend
from tundish.crystallization.forecasting._frame_encoder import Eye
from tundish.crystallization.forecasting._base import (
    STEPS,
    Clock,
    Forecaster,
    Gap,
    Places,
    Series,
    checked_horizons,
    checked_series,
)
from tundish.crystallization.forecasting._network import LEAST_SIDE, FluxNet
from tundish.crystallization.frames._sequence import FrameSequence
from tundish.crystallization.forecasting._training import Course, Epoch, Material, Plan, View, material
from tundish.crystallization.forecasting._trend import DAMPINGS, trends, windows

torch = optional("torch", "vision")

FORMS = ("change", "level")
_FAVOURED = 100.0  # of the prior weights, where the others have 1
_SETTINGS = (
    "window", "units", "horizons", "form", "feature", "limits", "image_size", "learning_rate", "epochs",
    "patience", "ensemble", "seed",
)  # fmt: skip


class FluxForecaster(Forecaster):
    """What a series does next, by an ensemble of :class:`FluxNet` and local trends, with intervals.

    **Main arguments:**

    - `window`: values that are looked at, at least 4. `units`: of the LSTM.
    - `horizons`: steps ahead that the networks learn, increasing. In between what they say of the change
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
            raise ValueError(f"feature = {feature!r}: must name one column of frames, or several")
        self._range = None if limits is None else _range(limits)
        self.limits = None if limits is None else tuple(limits)
        self.image_size = None if image_size is None else count("image_size", image_size, LEAST_SIDE)
        self.learning_rate = positive("learning_rate", learning_rate)
        self.epochs, self.patience = count("epochs", epochs, 1), count("patience", patience, 1)
        self.networks: list[Any] = []
        self.history: list[list[tuple[float, float]]] = []
        self.card: dict[str, Any] = {}
        self._window, self._longest_gap = self.window, self.window
        self._learns_from = 5
        self._steps = max(STEPS, self.horizons[-1])
        self._eye: Eye | None = None

    @property
    def network(self) -> Any:
        """The first network of the ensemble, a `torch.nn.Module`."""
        self._fitted()
        return self.networks[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make this forecaster again, but for the device."""
        return {name: _model_folder.plain(getattr(self, name)) for name in _SETTINGS}

    # -- training

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
          are seen for longer) and told in `.gaps`. Steps are taken as even otherwise.

        **Other arguments:**

        - `progress`: a bar with the validation loss on stderr, or a function that takes an :class:`Epoch`.
        - `checkpoint`: a folder, written anew as often as takes 5 % of the time. The same call, after an
          interruption, goes on from it and ends at what it would have ended at.

        A horizon that reaches beyond the trained part is not learnt; `card["targets"]` tells how many there
        were of each.

        **Raises:** ValueError or TypeError naming the argument and the value at fault; so for a checkpoint of
        other settings or data; FloatingPointError if training diverges.
        """
        least = self._window + self._learns_from + 7
        eye = None
        pictures: list[Any] = []  # of the frames, and of their noisy copies
        if isinstance(series, FrameSequence):
            if time is not None:
                raise ValueError("time: is that of the frames; leave it out")
            frames, noisy = series.parted()
            eye = Eye.of(frames, self.feature, self.image_size, self._first_judged(len(frames)))
            checked = checked_series(eye.values(frames), frames.time, least, self._longest_gap)
            if eye.side is not None:
                held = torch.from_numpy(_held(checked.gaps, len(frames)))
                pictures = [eye.pictures(each)[held] for each in (frames.images, noisy) if each is not None]
        else:
            checked = checked_series(series, time, least, self._longest_gap)
        if self._range is not None:
            _refuse_beyond(self._range, checked.values)
        self._begin(checked)
        self._eye = eye
        self._limits = self._known_limits()
        self.card = _card.begun(self.settings, checked, pictures)
        folder = None if checkpoint is None else Path(checkpoint)
        self._train(pictures, progress, folder)
        self._embeddings = self._embedded(pictures[0]) if pictures else []
        self._try_out()
        self.card["complete"] = True
        if folder is not None:
            self.save(folder)
            (folder / _model_folder.TRAINING).unlink(missing_ok=True)
        return self

    def _known_limits(self) -> Floats | None:
        """(k, 2): those that were given, and otherwise those of features that have some."""
        if self._range is not None:
            return np.tile(self._range, (self._values.shape[1], 1))
        return None if self._eye is None else self._eye.limits

    def _train(
        self, pictures: list[Any], progress: bool | Callable[[Epoch], object], folder: Path | None
    ) -> None:
        self._learn(self._values)
        done, state = ([], None) if folder is None else self._resumed(folder)
        rows = self._material(pictures)
        self.card["targets"] = _card.targets(self.horizons, rows.trained, rows.judged)
        plan = Plan(self.form, self.learning_rate, self.epochs, self.patience, self.seed)
        self.networks, self.history = [], []
        with epochs_callback(progress, _told) as report:
            for member in range(self.ensemble):
                if member < len(done):
                    network, losses = done[member]
                else:
                    course = Course(self._new_network(member), plan, rows, member)
                    if state is not None and state[1]["member"] == member:
                        course.resume(*state)
                    course.run(_Watch(self, report, folder))
                    network, losses = course.network, course.history
                self.networks.append(network)
                self.history.append(losses)
                if folder is not None and member >= len(done):
                    _card.write_unfinished(folder, self.card, self.networks, self.history)
        self.card["members"] = _card.members(self.history)

    def _material(self, pictures: list[Any]) -> Material:
        judged_from, device = self._first_judged(len(self._values)), torch_device(self.device)
        seen = [each.to(device) for each in pictures]
        return material(self._values, self._view, self.window, self.horizons, judged_from, seen, device)

    def _new_network(self, member: int) -> Any:
        with seeded(torch.device("cpu"), self.seed, member, 0):
            network = self._empty_network()
        # At first the network says 0: what the view expects.
        torch.nn.init.zeros_(network.dense.weight)
        torch.nn.init.zeros_(network.dense.bias)
        return network.to(torch_device(self.device))

    def _empty_network(self) -> Any:
        side = None if self._eye is None else self._eye.side
        return FluxNet(self.window, self.units, self.horizons, side, inputs=1)

    def _resumed(self, folder: Path) -> tuple[list[tuple[Any, list[tuple[float, float]]]], Any]:
        """Networks that are finished, with their losses, and the state of the one under way."""
        found = _card.read_unfinished(folder, self.card)
        if found is None:
            return [], None
        tensors, there = found
        done = [
            (self._filled_network(folder, tensors, n), _card.losses(there["history"][n]))
            for n in range(len(there["members"]))
        ]
        return done, _model_folder.read_training(folder, _card.FORMAT)

    def _filled_network(self, folder: Path, tensors: dict[str, Any], member: int) -> Any:
        found, network = _model_folder.part(tensors, f"members.{member}."), self._empty_network()
        _model_folder.refuse_other(folder, found, network.state_dict())
        network.load_state_dict(found)
        return network.to(torch_device(self.device)).eval()

    def _learn(self, values: Floats) -> None:
        """How networks see the series, and weights before anything is known."""
        self._view = View.of(self.form, values[: self._first_judged(len(values))])
        self._blend = Blend(_prior(self.form, self._steps), np.abs(np.diff(values, axis=0)).mean(axis=0))

    # -- forecasts

    def predict(self, series: ArrayLike | FrameSequence) -> Floats:
        """One step ahead: element t is forecast from `series[:t]` alone, with what was learnt so far.

        `series`: (T,) or (T, k), as fitted, on even steps; or a :class:`FrameSequence`, which is needed if
        the networks see frames. **Returns:** (T,) or (T, k); NaN for the first `window` values.

        **Raises:** ValueError or TypeError naming `series`; RuntimeError before `fit`.
        """
        self._fitted()
        if not isinstance(series, FrameSequence):
            if self._embeddings:
                raise TypeError("series: the networks of this forecaster see frames; give a FrameSequence")
            return super().predict(series)
        known = self._embeddings
        values = self.observed(series)
        try:
            if known:
                self._embeddings = self._embedded(self._seeing().pictures(series.images))
            return super().predict(values)
        finally:
            self._embeddings = known

    def observed(self, sequence: FrameSequence) -> Floats:
        """(T,) or (T, k): the `feature` of frames, by the calibration of those that were fitted.

        **Raises:** RuntimeError before `fit`, and if it was fitted to numbers.
        """
        self._fitted()
        return self._seeing().values(sequence)

    def update(self, value: ArrayLike | FrameSequence, time: float | None = None) -> Self:
        """Takes what was observed next, and learns from how it was forecast.

        **Main arguments:** `value`: a number or (k,). If frames were fitted: a frame (H, W) or (H, W, 3), or
        a :class:`FrameSequence` of those that follow. `time`, s: when it was observed; left out, one step
        after the last, or that of the frames. What is missing between is put on a straight line and told in
        `.gaps`; forecasts are not judged by it.

        **Raises:** ValueError or TypeError naming the argument; RuntimeError before `fit`.
        """
        step = self._fitted().clock.step
        if self._eye is None:
            if isinstance(value, FrameSequence):
                raise TypeError("value: is a FrameSequence; this forecaster was fitted to numbers")
            return super().update(value, time)
        if isinstance(value, FrameSequence):
            if time is not None:
                raise ValueError("time: is that of the frames; leave it out")
            for n in range(len(value)):
                self._see(value[n : n + 1])
            return self
        self._see(self._eye.frame(value, self._now + step if time is None else time))
        return self

    def _see(self, frame: FrameSequence) -> None:
        """Takes a sequence of one frame."""
        eye, time = self._seeing(), float(frame.time[0])
        value, missing = eye.values(frame)[0], self._missing_before(time)
        if self._embeddings:
            new = self._embedded(eye.pictures(frame.images))
            self._embeddings = [
                np.concatenate([known, np.repeat(known[-1:], missing, axis=0), one])
                for known, one in zip(self._embeddings, new, strict=True)
            ]
        super().update(value, time)

    def _seeing(self) -> Eye:
        if self._eye is None:
            raise RuntimeError("this forecaster was fitted to numbers; it has not seen frames")
        return self._eye

    def _embedded(self, pictures: Any) -> list[Floats]:
        """What each network makes of pictures (T, side, side): (T, embedding)."""
        device, found = torch_device(self.device), []
        with torch.inference_mode():
            for network in self.networks:
                parts = [network.encode(part.to(device)).cpu().numpy() for part in pictures.split(256)]
                found.append(np.concatenate(parts))
        return found

    def _outlooks(self, values: Floats, origins: Places) -> Floats:
        return self._candidates(values, origins, self._steps)

    def _mixed(self, outlook: Floats) -> Floats:
        return _mean(outlook, self._weights(len(outlook)))

    def _weigh(self, value: Floats) -> None:
        self._blend.learn(self._parts, value)

    def _weights(self, steps: int) -> Floats:
        """(steps, k, m), those of the last step that is followed for all beyond."""
        weights = self._blend.weights()
        return weights[np.minimum(np.arange(steps), len(weights) - 1)]

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        return _mean(self._candidates(values, origins, steps), self._weights(steps))

    def _candidates(self, values: Floats, origins: Places, steps: int) -> Floats:
        """(origins, steps, k, m): persistence, trends and networks; networks alone in the published form."""
        recent = windows(values, origins, self.window)
        learnt = np.mean(
            [self._network_paths(n, recent, origins, steps) for n in range(self.ensemble)], axis=0
        )
        if self.form == "level":
            return np.asarray(learnt[..., None])
        last = np.repeat(recent[:, -1:], steps, axis=1)[..., None]
        return np.concatenate([last, last + trends(recent, steps), learnt[..., None]], axis=-1)

    def _network_paths(self, member: int, recent: Floats, origins: Places, steps: int) -> Floats:
        """(origins, steps, k) by one network, which goes on from its own forecast beyond its horizons."""
        features = windows(self._embeddings[member], origins, self.window) if self._embeddings else None
        parts: list[Floats] = []
        for _ in range(-(-steps // self.horizons[-1])):
            part = self._network_part(self.networks[member], recent, features)
            parts.append(part)
            recent = np.concatenate([recent, part], axis=1)[:, -self.window :]
            if features is not None:
                held = np.repeat(features[:, -1:], part.shape[1], axis=1)
                features = np.concatenate([features, held], axis=1)[:, -self.window :]
        return np.concatenate(parts, axis=1)[:, :steps]

    def _network_part(self, network: Any, recent: Floats, features: Floats | None) -> Floats:
        """(n, longest horizon, k): what the network adds is linear between horizons."""
        seen, unit = self._view.seen(recent)
        number, window, columns = seen.shape
        rows = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1), np.float32)).reshape(
            -1, window, 1
        )
        if features is not None:
            told = torch.from_numpy(np.ascontiguousarray(features, np.float32))
            rows = torch.cat([rows, told.repeat(columns, 1, 1)], dim=-1)
        with torch.inference_mode():
            out = network.read(rows.to(torch_device(self.device))).double().cpu().numpy()
        said = out.reshape(columns, number, -1).transpose(1, 2, 0) * unit[:, None]
        return self._view.path(recent, self.horizons, said)

    # -- folders

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
            "blend.error": self._blend.error,
            "blend.number": self._blend.number,
            "blend.least": self._blend.least,
            "scores": _card.stacked(self._conformal.scores, (steps, columns)),
            "pending": _card.stacked(self._pending, (steps, columns)),
            "parts": _card.stacked(self._parts, (steps, columns, self._blend.prior.shape[1])),
        }
        state |= {f"embedding.{n}": one for n, one in enumerate(self._embeddings)}
        card = {**self.card, "history": self.history, "now": self._now, "gaps": self.gaps}
        card["frames"], arrays = (None, {}) if self._eye is None else self._eye.described()
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in (state | arrays).items()}
        _model_folder.write_model(path, _card.FORMAT, tensors | _card.weights(self.networks), card)

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "auto") -> Self:
        """Reads what :meth:`save` wrote; `update` goes on where it was.

        **Raises:** ValueError that begins with the file at fault: a missing or foreign card, weights of
        another hash or architecture, a pickle (never read), a training that was interrupted (`fit` with the
        folder as its checkpoint goes on from it).
        """
        folder = Path(path)
        tensors, card = _model_folder.read_model(folder, _card.FORMAT)
        file = folder / _model_folder.CARD
        if not card.get("complete"):
            raise ValueError(
                f"{file}: is of a training that was interrupted; fit with this folder as its checkpoint"
            )
        missing = [name for name in _card.NEEDED if name not in card]
        if missing:
            raise ValueError(f"{file}: has no {missing[0]}")
        try:
            forecaster = cls(**card["settings"], device=device)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{file}: settings: {error}") from None
        try:
            forecaster._restore(folder / card["weights"]["file"], tensors, card)
        except (AttributeError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{file}: does not describe its weights: {error}") from None
        return forecaster

    def _restore(self, file: Path, tensors: dict[str, Any], card: dict[str, Any]) -> None:
        arrays = {name: value.numpy() for name, value in tensors.items() if not name.startswith("members.")}
        data = card["data"]
        self._eye = None if card["frames"] is None else Eye.restored(card["frames"], arrays)
        clock = Clock(float(data["start"]), float(data["step"]))
        values = arrays["values"]
        self._begin(Series(values, bool(data["flat"]), clock, [Gap(*gap) for gap in card["gaps"]]))
        self._now, self._limits = float(card["now"]), self._known_limits()
        self._view = View(self.form, arrays["view.centre"], arrays["view.spread"])
        self._blend = Blend(_prior(self.form, self._steps), arrays["blend.least"])
        self._blend.error, self._blend.number = arrays["blend.error"], arrays["blend.number"]
        self._blend.least = arrays["blend.least"]
        self._conformal.scores = list(arrays["scores"])
        self._pending, self._parts = list(arrays["pending"]), list(arrays["parts"])
        self._embeddings = [arrays[f"embedding.{n}"] for n in range(self.ensemble) if "embedding.0" in arrays]
        self.networks = [self._filled_network(file, tensors, n) for n in range(self.ensemble)]
        self.history = [_card.losses(losses) for losses in card["history"]]
        self.card = {name: card[name] for name in ("complete", "settings", "data", "targets", "members")}


class _Watch:
    """Called after each epoch: reports it, and writes the checkpoint when that is due."""

    def __init__(
        self, forecaster: FluxForecaster, report: Callable[[Epoch], object], folder: Path | None
    ) -> None:
        self.forecaster, self.report, self.folder = forecaster, report, folder
        self.pace = Pace()

    def __call__(self, course: Course) -> None:
        f = self.forecaster
        if self.folder is not None and self.pace.due:
            with self.pace.writing():
                _card.write_unfinished(self.folder, f.card, f.networks, f.history)
                _model_folder.write_training(self.folder, *course.state())
        training, validation = course.history[-1]
        self.report(Epoch(course.member, f.ensemble, len(course.history), course.epochs, training, validation,
                          course.best_epoch, course.best_error))  # fmt: skip


def _told(e: Epoch) -> tuple[int, int, str]:
    which = f"network {e.member + 1} of {e.members}, " if e.members > 1 else ""
    text = f"{which}epoch {e.epoch} of {e.epochs}: validation loss {e.validation_loss:.4f}, "
    text += f"least {e.best_validation_loss:.4f} in epoch {e.best_epoch}"
    return e.member * e.epochs + e.epoch, e.members * e.epochs, text


def _range(limits: Iterable[float | None]) -> Floats:
    """(2,) of which a side that is open is infinite."""
    if not isinstance(limits, Iterable):
        raise TypeError(f"limits = {limits!r}: must be (least, most), such as (0, 1)")
    pair, infinite = tuple(limits), (-np.inf, np.inf)
    found = floats("limits", [infinite[n > 0] if side is None else side for n, side in enumerate(pair)])
    if found.shape != (2,) or not found[0] < found[1]:
        raise ValueError(f"limits = {pair}: must be (least, most), such as (0, 1) or (0, None)")
    return found


def _refuse_beyond(limits: Floats, values: Floats) -> None:
    least, most = limits
    beyond = np.flatnonzero(((values < least) | (values > most)).any(axis=1))
    if beyond.size:
        raise ValueError(
            f"series[{beyond[0]}] = {values[beyond[0]]}: is beyond limits = ({least:g}, {most:g})"
        )


def _prior(form: str, steps: int) -> Floats:
    """(steps, m): weights of persistence, the trends and the networks, before anything is known.

    Persistence, the median steps damped by 0.8 and 0.9, and the networks have 100 times the weight of each
    other; the networks less far ahead, by the root of the steps, since changes over h steps overlap and they
    have seen fewer that do not.
    """
    if form == "level":
        return np.ones((steps, 1))
    trend = np.ones((2, 2, len(DAMPINGS)))  # half and whole window; median step and line
    trend[:, 0, :2] = _FAVOURED
    prior = np.empty((steps, trend.size + 2))
    prior[:, 0], prior[:, 1:-1] = _FAVOURED, trend.reshape(-1)
    prior[:, -1] = _FAVOURED / np.sqrt(np.arange(1, steps + 1))
    return np.asarray(prior / prior.sum(axis=1, keepdims=True))


def _mean(parts: Floats, weights: Floats) -> Floats:
    """The weighted mean over the last axis, exactly what all parts are if they are the same."""
    first = parts[..., 0]
    return np.asarray(first + ((parts - first[..., None]) * weights).sum(axis=-1))


def _held(gaps: list[Gap], number: int) -> Places:
    """Which frame is seen at each step, where the last is seen until the next."""
    seen = list(range(number))
    for gap in reversed(gaps):
        before = gap.after - sum(g.missing for g in gaps if g.after < gap.after)
        seen[before + 1 : before + 1] = [before] * gap.missing
    return np.array(seen)
