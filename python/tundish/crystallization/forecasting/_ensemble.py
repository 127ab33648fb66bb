"""Ensembles of networks: their training with a checkpoint, and what each reads and forecasts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._common.progress import epochs_callback
from tundish._learning.checkpoint import read_training, write_training
from tundish._learning.devices import seeded
from tundish._learning.model_folder import fill_member
from tundish._learning.training import (
    History,
    Member,
    ProgressAdapter,
    Resumption,
    history_of,
    train_ensemble,
)
from tundish.crystallization.forecasting import _card
from tundish.crystallization.forecasting._network import FluxNet
from tundish.crystallization.forecasting._training import Epoch, Material, SeriesPlan, SeriesTraining, View

torch = optional("torch", "vision")

_AT_ONCE = 256  # pictures


class NetworkReader(NamedTuple):
    """The input and output of trained networks of one architecture; see `FluxForecaster`."""

    view: View
    window: int
    horizons: tuple[int, ...]
    device: Any

    def embedded(self, network: Any, pictures: Any) -> Floats:
        """The features (T, embedding) that a network finds on pictures (T, side, side)."""
        with torch.inference_mode():
            parts = [network.encode(part.to(self.device)).cpu().numpy() for part in pictures.split(_AT_ONCE)]
        return np.concatenate(parts)

    def paths(self, network: Any, recent: Floats, features: Floats | None, steps: int) -> Floats:
        """(n, steps, k) from windows (n, window, k) and the features (n, window, embedding) of their frames.

        Beyond its horizons the network goes on from its own forecast, and sees the last frame.
        """
        parts: list[Floats] = []
        for _ in range(-(-steps // self.horizons[-1])):
            part = self._path(network, recent, features)
            parts.append(part)
            recent = np.concatenate([recent, part], axis=1)[:, -self.window :]
            if features is not None:
                last = np.repeat(features[:, -1:], part.shape[1], axis=1)
                features = np.concatenate([features, last], axis=1)[:, -self.window :]
        return np.concatenate(parts, axis=1)[:, :steps]

    def _path(self, network: Any, recent: Floats, features: Floats | None) -> Floats:
        """(n, longest horizon, k): what the network adds is linear between horizons."""
        seen, unit = self.view.seen(recent)
        number, window, columns = seen.shape
        rows = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1), np.float32)).reshape(
            -1, window, 1
        )
        if features is not None:
            of_frames = torch.from_numpy(np.ascontiguousarray(features, np.float32))
            rows = torch.cat([rows, of_frames.repeat(columns, 1, 1)], dim=-1)
        with torch.inference_mode():
            out = network.read(rows.to(self.device)).double().cpu().numpy()
        output = out.reshape(columns, number, -1).transpose(1, 2, 0) * unit[:, None]
        return self.view.path(recent, self.horizons, output)


class EnsembleTraining:
    """The training of networks of one architecture, the arguments of :class:`FluxNet`.

    `networks` and `history` grow with each network that is trained. `card` is what a checkpoint in `folder`
    is compared with, and written with.
    """

    def __init__(
        self,
        architecture: dict[str, Any],
        plan: SeriesPlan,
        ensemble: int,
        device: Any,
        card: dict[str, Any],
        folder: Path | None,
    ) -> None:
        self.networks: list[Any] = []
        self.history: list[History] = []
        self._architecture, self._plan, self._ensemble = architecture, plan, ensemble
        self._device, self._card, self._folder = device, card, folder

    def run(self, rows: Material, progress: bool | Callable[[Epoch], object]) -> None:
        """Trains all networks, from where the checkpoint is."""
        resumption = None if self._folder is None else self._resumption(self._folder)
        write = None if self._folder is None else self._write_checkpoint
        with epochs_callback(progress, _in_words) as report:
            train_ensemble(
                self._ensemble,
                lambda member: SeriesTraining(self._new_network(member), self._plan, rows, member),
                resumption,
                lambda: ProgressAdapter(report, Epoch, self._ensemble, write),
                self._keep,
            )

    def _keep(self, member: Member, trained: bool) -> None:
        """Takes a trained network over, and writes it where it was trained now."""
        self.networks.append(member.network)
        self.history.append(member.history)
        if self._folder is not None and trained:
            _card.write_unfinished(self._folder, self._card, self.networks, self.history)

    def _write_checkpoint(self, run: SeriesTraining) -> None:
        """The networks that are trained, and what the run of the next one goes on from."""
        assert self._folder is not None
        _card.write_unfinished(self._folder, self._card, self.networks, self.history)
        write_training(self._folder, *run.state())

    def _resumption(self, folder: Path) -> Resumption | None:
        """Networks that are finished, with their losses, and the state of the one in training."""
        found = _card.read_unfinished(folder, self._card)
        if found is None:
            return None
        tensors, there = found
        done = [
            Member(
                filled_network(self._architecture, folder, tensors, n, self._device),
                history_of(there["history"][n]),
            )
            for n in range(len(there["members"]))
        ]
        return Resumption(done, read_training(folder, _card.FORMAT))

    def _new_network(self, member: int) -> Any:
        with seeded(torch.device("cpu"), self._plan.seed, member, 0):
            network = FluxNet(**self._architecture)
        # At first the output of the network is 0: what the view expects.
        torch.nn.init.zeros_(network.dense.weight)
        torch.nn.init.zeros_(network.dense.bias)
        return network.to(self._device)


def filled_network(
    architecture: dict[str, Any], file: Path, tensors: dict[str, Any], member: int, device: Any
) -> Any:
    """A network with the weights that were read from a file; ValueError naming it."""
    network = FluxNet(**architecture)
    fill_member(file, network, tensors, member)
    return network.to(device).eval()


def _in_words(e: Epoch) -> tuple[int, int, str]:
    """Epochs done, all epochs, and a line for the bar."""
    which = f"network {e.member + 1} of {e.members}, " if e.members > 1 else ""
    text = f"{which}epoch {e.epoch} of {e.epochs}: validation loss {e.validation_loss:.4f}, "
    text += f"least {e.best_validation_loss:.4f} in epoch {e.best_epoch}"
    return e.member * e.epochs + e.epoch, e.members * e.epochs, text
