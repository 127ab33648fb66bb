"""`tundish scrap`: what is in the scrap, heat by heat."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE
from tundish.cli._run import bar, clock, reading, refused, shown, timed
from tundish.cli._scrap_options import ScrapCommand, add_to
from tundish.cli.info import instruction_set

if TYPE_CHECKING:
    from tundish.scrap import Estimate, HeatLog, PartitionedElement, Prior, RetainedElement

__all__ = ["add_to", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Estimates, writes the files asked for, prints the result; 1 when the fit did not converge."""
    from tundish.scrap import HeatLog, bundled_heats, bundled_truth, report

    command = ScrapCommand.parse(arguments)
    if command.example:
        print(bundled_heats(command.element).read_text("utf-8"), end="")
        return DONE
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    path = command.heats or bundled_heats(command.element)
    with reading(path):
        log = HeatLog.read_csv(path)
    with refused(command.options, command.heats or "bundled heats"):
        prior = _prior(command, log)
        model = _model(command, prior)
        command.make_folder()
        estimate, seconds = timed(lambda: _estimate(command, log, model))
        found = report(
            estimate,
            element=command.element,
            name=str(command.heats or "bundled"),
            prior_source=prior.source,
            truth=bundled_truth(command.element) if command.heats is None else None,
            seconds=seconds,
        )
    command.show(found)
    if not command.fit or found.facts["fit"]["success"]:
        return DONE
    return command.failed(f"--fit: {found.facts['fit']['message']}")


def _prior(command: ScrapCommand, log: HeatLog) -> Prior:
    from tundish._common.refusals import ArgumentError
    from tundish.scrap import estimate_prior, read_prior

    if command.prior is not None:
        with reading(command.prior):
            return read_prior(command.prior, log.types)
    try:
        return estimate_prior(log, partition=command.coefficients)
    except ArgumentError as error:
        if error.argument == "partition":
            raise
        raise ArgumentError(error.argument, error.value, f"{error.allowed}; give --prior") from None


def _model(command: ScrapCommand, prior: Prior) -> RetainedElement | PartitionedElement:
    from tundish.scrap import PartitionedElement, RetainedElement
    from tundish.scrap.simulation import PUBLISHED_DECAY, SENSOR, SPREAD

    std = command.measurement_std
    numbers: dict[str, Any] = {
        "prior_mean": prior.mean,
        "prior_var": prior.var,
        "decay": PUBLISHED_DECAY if command.decay is None else command.decay,
        "measurement_std": SENSOR[command.element] if std is None else std,
        "nonnegative": command.nonnegative,
        "robust": command.robust,
    }
    partition = command.coefficients
    if partition is None:
        return RetainedElement(**numbers)
    c1, c2 = partition
    variances = (SPREAD * c1**2, SPREAD * c2**2)
    return PartitionedElement(**numbers, partition_mean=partition, partition_var=variances)


def _estimate(command: ScrapCommand, log: HeatLog, model: RetainedElement | PartitionedElement) -> Estimate:
    if command.fit:
        with shown("fitting"):
            model = model.fit(log, progress=bar())
    with clock("estimating"):
        return model.smooth(log) if command.smooth else model.filter(log)
