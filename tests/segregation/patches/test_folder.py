"""Folders of patches: written, read back to the last bit, and refused by the name of the file at fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tundish.segregation import PatchSet

RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.integers(0, 256, (3, 12, 10), dtype=np.uint8)
HEADER = "file,carbon_wt,mm_per_px,point,billet,x_mm,y_mm\n"


def folder_of(path: Path, labels: str, images: np.ndarray = IMAGES) -> Path:
    for n, image in enumerate(images):
        Image.fromarray(image).save(path / f"{n}.png")
    (path / "labels.csv").write_text(labels, encoding="utf-8")
    return path


def test_a_set_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    carbon = RANDOM.uniform(0.4, 0.5, 3)
    position = RANDOM.uniform(-200, 200, (3, 2))
    for name, billet in (("a", 4), ("b", np.array(["07", "A", "A"]))):
        p = PatchSet(IMAGES, carbon, point=[3, 1, 1], billet=billet, position=position, mm_per_px=0.1)
        p.write_folder(tmp_path / name)
        again = PatchSet.from_folder(tmp_path / name)
        for field in ("images", "carbon", "point", "billet", "position", "mm_per_px"):
            assert np.array_equal(getattr(again, field), getattr(p, field))
            assert np.asarray(getattr(again, field)).dtype == np.asarray(getattr(p, field)).dtype


def test_only_file_carbon_and_scale_are_needed(tmp_path: Path) -> None:
    labels = "mm_per_px , carbon_wt,file\n\n0.1,0.41,2.png\n0.1,0.42,0.png\n"
    p = PatchSet.from_folder(folder_of(tmp_path, labels))
    assert np.array_equal(p.images, IMAGES[[2, 0]])
    assert (p.carbon.tolist(), p.point.tolist(), p.billet.tolist()) == ([0.41, 0.42], [0, 1], [0, 0])
    assert p.position is None
    p.write_folder(tmp_path / "new")
    assert PatchSet.from_folder(tmp_path / "new").position is None


def test_folders_are_not_written_over_nor_copies_kept(tmp_path: Path) -> None:
    p = PatchSet(IMAGES, [0.4] * 3, mm_per_px=0.1)
    p.write_folder(tmp_path)
    with pytest.raises(ValueError, match="is not empty"):
        p.write_folder(tmp_path)
    with pytest.raises(ValueError, match="as it was before augment"):
        p.augment("mirror").write_folder(tmp_path / "new")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_colour_is_converted_and_said_so(tmp_path: Path, mode: str) -> None:
    folder_of(tmp_path, "file,carbon_wt,mm_per_px\n0.png,0.4,1\n1.png,0.4,1\n2.png,0.4,1\n")
    for n in (1, 2):
        Image.fromarray(IMAGES[n]).convert(mode).save(tmp_path / f"{n}.png")
    with pytest.warns(UserWarning, match=r"1\.png and 1 more: in colour; converted to grey"):
        p = PatchSet.from_folder(tmp_path)
    assert np.array_equal(p.images, IMAGES)


def test_files_and_arrays_are_converted_alike(tmp_path: Path) -> None:
    colour = RANDOM.integers(0, 256, (1, 20, 20, 3), dtype=np.uint8)
    folder_of(tmp_path, "file,carbon_wt,mm_per_px\n0.png,0.4,1\n", colour)
    with pytest.warns(UserWarning, match="in colour"):
        from_file = PatchSet.from_folder(tmp_path).images
    with pytest.warns(UserWarning, match="in colour"):
        from_array = PatchSet(colour, [0.4], mm_per_px=1).images
    assert np.array_equal(from_file, from_array)
    assert np.array_equal(from_file[0], np.asarray(Image.fromarray(colour[0]).convert("L")))


def test_a_photograph_is_read_from_its_file(tmp_path: Path) -> None:
    Image.fromarray(IMAGES[0]).save(tmp_path / "section.tif")
    p = PatchSet.from_photograph(tmp_path / "section.tif", [(0, 0)], [0.4], 1.0, size=4)
    assert np.array_equal(p.images[0], IMAGES[0, 4:8, 3:7])
    with pytest.raises(FileNotFoundError, match="no such file"):
        PatchSet.from_photograph(tmp_path / "gone.tif", [(0, 0)], [0.4], 1.0, size=4)


GOOD = "0.png,0.4,0.1,1,A,10,20\n"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "column file is missing"),
        ("file,carbon_wt\n0.png,0.4\n", "column mm_per_px is missing"),
        ("file,carbon_wt,mm_per_px,grade\n", "column 'grade' is unknown; allowed are file"),
        ("file,carbon_wt,mm_per_px,file\n", "column file is given twice"),
        ("file,carbon_wt,mm_per_px,x_mm\n", "columns x_mm and y_mm: both"),
        (HEADER, "no patches below the first line"),
        (HEADER + "0.png,0.4\n", "line 2: has 2 fields; 7 are needed"),
        (HEADER + GOOD + "1.png,,0.1,1,A,1,2\n", "line 3, carbon_wt: is empty"),
        (HEADER + "0.png,high,0.1,1,A,1,2\n", "line 2, carbon_wt = 'high': must be a finite number"),
        (HEADER + "0.png,nan,0.1,1,A,1,2\n", "line 2, carbon_wt = 'nan'"),
        (HEADER + "0.png,42,0.1,1,A,1,2\n", "line 2, carbon_wt = 42: must be above 0 and at most 2.14 wt%"),
        (HEADER + "0.png,0.4,0,1,A,1,2\n", "line 2, mm_per_px = 0: must be above 0"),
        (HEADER + GOOD + "1.png,0.4,0.2,1,A,1,2\n", "line 3, mm_per_px = 0.2: .*one scale"),
        (HEADER + "0.png,0.4,0.1,1,A,inf,2\n", "line 2, x_mm = 'inf'"),
        (HEADER + "9.png,0.4,0.1,1,A,1,2\n", r"line 2, file = '9\.png': there is no such file"),
        (HEADER + "../0.png,0.4,0.1,1,A,1,2\n", r"line 2, file = '\.\./0\.png': must lie inside the folder"),
        (HEADER + "/etc/passwd,0.4,0.1,1,A,1,2\n", "line 2, file = '/etc/passwd': must lie inside"),
        (HEADER + "link.png,0.4,0.1,1,A,1,2\n", r"line 2, file = 'link\.png': must lie inside"),
        (HEADER + '"0.png,0.4\n', "labels.csv"),
    ],
)
def test_bad_labels_are_refused_by_file_line_and_column(tmp_path: Path, labels: str, message: str) -> None:
    inside = tmp_path / "patches"
    inside.mkdir()
    folder_of(tmp_path, "", IMAGES[:1])
    (inside / "link.png").symlink_to(tmp_path / "0.png")
    with pytest.raises(ValueError, match=message) as raised:
        PatchSet.from_folder(folder_of(inside, labels))
    assert str(raised.value).startswith(str(inside / "labels.csv"))


def test_bad_images_are_refused_by_name(tmp_path: Path) -> None:
    folder_of(tmp_path, "file,carbon_wt,mm_per_px\n0.png,0.4,1\n1.png,0.4,1\n")
    whole = (tmp_path / "1.png").read_bytes()

    def refused(content: bytes, message: str) -> None:
        (tmp_path / "1.png").write_bytes(content)
        with pytest.raises(ValueError, match=message) as raised:
            PatchSet.from_folder(tmp_path)
        assert str(raised.value).startswith(str(tmp_path / "1.png"))

    refused(whole[:-40], "cannot be read")
    refused(whole[:30], "cannot be read|is no image")
    refused(b"", "is no image; allowed are PNG")
    refused(b"GIF89a" + bytes(40), "is no image")
    Image.fromarray(IMAGES[1, :5]).save(tmp_path / "1.png")
    refused((tmp_path / "1.png").read_bytes(), r"is 5 x 10 px; 12 x 10 px, as 0\.png, is needed")
    Image.fromarray(IMAGES[1].astype(np.uint16) * 256).save(tmp_path / "1.png")
    refused((tmp_path / "1.png").read_bytes(), "mode 'I;16'; 8-bit grey or colour is needed")


def test_a_folder_without_labels_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"labels\.csv"):
        PatchSet.from_folder(tmp_path)
