"""The log of heats: from arrays, files and data frames; and what is refused of them."""

from __future__ import annotations

import copy
import csv
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tundish import ArgumentError
from tundish.scrap import HeatLog

COLUMNS = ("scrap", "steel_t", "steel_ppm", "hot_metal_t", "hot_metal_ppm", "slag_t", "feo_pct")
HEADER = "heat,scrap_hms_t,scrap_shred_t,steel_t,steel_ppm,hot_metal_t,hot_metal_ppm,slag_t,feo_pct\n"
GOOD = {
    "heat": [7, 8, 9],
    "types": ["hms", "shred"],
    "scrap": [[50.0, 20.0], [60.0, 0.1], [0.0, 70.0]],
    "steel_t": [340.0, 345.0, 350.0],
    "steel_ppm": [200.0, np.nan, 210.0],
}


def written(folder: Path, text: str) -> Path:
    file = folder / "heats.csv"
    file.write_text(text, encoding="utf-8")
    return file


def random_log(heats: int = 20, types: int = 3, seed: int = 0) -> HeatLog:
    rng = np.random.default_rng(seed)
    steel_ppm = rng.uniform(100, 300, heats)
    steel_ppm[::7] = np.nan
    return HeatLog(
        np.arange(1, heats + 1),
        [f"scrap {n}, used" for n in range(types)],
        rng.uniform(0, 30, (heats, types)),
        rng.uniform(340, 350, heats),
        steel_ppm,
        hot_metal_t=rng.uniform(280, 290, heats),
        hot_metal_ppm=rng.uniform(20, 30, heats),
        slag_t=rng.uniform(20, 30, heats),
        feo_pct=rng.uniform(20, 30, heats),
    )


def same(a: HeatLog, b: HeatLog) -> bool:
    columns = all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in COLUMNS)
    return columns and a.types == b.types and a.heat.tolist() == b.heat.tolist()


def test_what_is_left_out_is_zero_and_one_number_is_for_all() -> None:
    log = HeatLog(**GOOD, hot_metal_t=285.0, hot_metal_ppm=[20.0, 21.0, 22.0])
    assert log.hot_metal_t.tolist() == [285.0] * 3
    assert log.hot_metal_ppm.tolist() == [20.0, 21.0, 22.0]
    assert log.slag_t.tolist() == log.feo_pct.tolist() == [0.0] * 3
    assert log.missing.tolist() == [False, True, False]
    assert len(log) == 3
    assert "3 heats, 7 to 9, 2 scrap types, 1 readings missing" in repr(log)


def test_logs_do_not_change() -> None:
    given = np.array(GOOD["scrap"])
    log = HeatLog(**{**GOOD, "scrap": given})
    given[:] = 7.0
    assert log.scrap.tolist() == GOOD["scrap"]
    with pytest.raises(ValueError, match="read-only"):
        log.steel_t[0] = 1.0
    with pytest.raises(AttributeError, match="does not change"):
        log.steel_t = given


@pytest.mark.parametrize("copied", [lambda log: pickle.loads(pickle.dumps(log)), copy.deepcopy])
def test_copies_and_pickles_do_not_change_either(copied: Callable[[HeatLog], HeatLog]) -> None:
    log = random_log()
    other = copied(log)
    assert same(other, log)
    for name in ("heat", *COLUMNS):
        assert not getattr(other, name).flags.writeable, name


def test_some_heats_are_taken_with_all_that_belongs_to_them() -> None:
    log = random_log()
    for which in (slice(3, 9), np.arange(20) % 2 == 0, [0, 4, 5]):
        part = log[which]
        assert part.heat.tolist() == log.heat[which].tolist()
        for name in COLUMNS:
            assert np.array_equal(getattr(part, name), getattr(log, name)[which], equal_nan=True)
    with pytest.raises(TypeError, match="take a slice"):
        log[3]
    with pytest.raises(ValueError, match="there are no heats"):
        log[5:5]
    with pytest.raises(ValueError, match=r"heat\[1\] = 1: must be above 2"):
        log[[1, 0]]


def test_a_replaced_column_leaves_the_others_and_shares_the_masses() -> None:
    log = random_log()
    other = log.replace(steel_ppm=np.full(20, 150.0))
    assert other.steel_ppm.tolist() == [150.0] * 20
    assert other.scrap is log.scrap
    assert same(other.replace(steel_ppm=log.steel_ppm), log)
    with pytest.raises(TypeError, match="steel: is not a column"):
        log.replace(steel=1.0)


@pytest.mark.parametrize(
    ("heat", "expected"),
    [
        ([1, 2, 30], [1, 2, 30]),
        ([1.0, 2.0, 30.0], [1, 2, 30]),
        (["-1", "2", "30"], [-1, 2, 30]),
        (["007", "008", "010"], ["007", "008", "010"]),
        ([-(2**63), 0, 2**63 - 1], [-(2**63), 0, 2**63 - 1]),
        (["1.5", "1.25", "10.25"], ["1.5", "1.25", "10.25"]),
        (["B1", "A2", "B7"], ["B1", "A2", "B7"]),
    ],
)
def test_ids_that_are_integers_rise_and_others_differ(heat: list, expected: list) -> None:
    assert HeatLog(**{**GOOD, "heat": heat}).heat.tolist() == expected


@pytest.mark.parametrize(
    ("heat", "message"),
    [
        ([1, 3, 3], r"heat\[2\] = 3: must be above 3"),
        (["1", "3", "2"], r"heat\[2\] = 2: must be above 3"),
        (["9", "10", "010"], r"heat\[2\] = '010': must be above 10"),
        (["a", "b", "a"], r"heat\[2\] = 'a': is given already, heat\[0\]"),
        (["a", "", "c"], r"heat\[1\]: must not be empty"),
        ([1.0, 2.5, 3.0], r"heat\[1\] = 2.5: must be an integer or text"),
        ([1.0, 2.0, np.nan], r"heat\[2\] = nan: must be an integer or text"),
        ([1.0, np.inf, 2.0], r"heat\[1\] = inf: must be an integer or text"),
        (["a", np.nan, "b"], r"heat\[1\] = 'nan': must be an integer or text"),
        ([None, "a", "b"], r"heat\[0\] = None: must be an integer or text"),
        ([[1], [1, 2], 3], "heat: one dimension"),
        (np.ma.masked_equal([1, 2, 3], 2), "heat: is masked in places"),
        ([True, False, True], "heat: has type bool"),
        (["1", "2", "3O"], r"heat\[2\] = '3O': others are integers; ids must be all integers or all text"),
        (["1", "1_0", "20"], r"heat\[1\] = '1_0': others are integers"),
        ([1, 2, 2**63], r"heat\[2\] = 9223372036854775808: must be an integer below 2\*\*63"),
        ([1, 2, 2**70], r"heat\[2\] = .*: must be an integer below 2\*\*63"),
        (["1", "2", str(2**63)], r"heat\[2\] = .*: must be an integer below 2\*\*63"),
        ([1.0, 2.0, 1e300], r"heat\[2\] = .*: must be an integer below 2\*\*63"),
        ([[1, 2, 3]], r"heat: has shape \(1, 3\)"),
    ],
)
def test_ids_in_disorder_are_refused(heat: list, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        HeatLog(**{**GOOD, "heat": heat})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heat": [], "scrap": np.empty((0, 2)), "steel_t": [], "steel_ppm": []}, "no heats"),
        (
            {"scrap": [[50.0, 20.0], [60.0, -0.1], [0.0, 70.0]]},
            r"scrap\[1, 1\] = -0.1: must be between 0 and 1e\+06 t",
        ),
        ({"scrap": [[50.0, np.nan], [60.0, 1.0], [0.0, 70.0]]}, r"scrap\[0, 1\] = nan"),
        ({"scrap": [[50.0, 20.0]]}, r"scrap: has shape \(1, 2\); .*\(3, 2\)"),
        ({"steel_t": [340.0, 0.0, 350.0]}, r"steel_t\[1\] = 0: must be above 0 and at most 1e\+06 t"),
        ({"steel_t": 340.0}, r"steel_t: has shape \(\); \(3,\)"),
        ({"steel_t": [340.0, np.inf, 350.0]}, r"steel_t\[1\] = inf"),
        ({"steel_ppm": [200.0, np.inf, 210.0]}, r"steel_ppm\[1\] = inf"),
        (
            {"steel_ppm": [200.0, 1.1e6, 210.0]},
            r"steel_ppm\[1\] = 1.1e\+06: must be between 0 and 1e\+06 ppm",
        ),
        ({"steel_ppm": ["a", "b", "c"]}, "steel_ppm: must be an array of numbers"),
        ({"steel_t": [340.0, 1.1e6, 350.0]}, r"steel_t\[1\] = 1.1e\+06: must be .* at most 1e\+06 t"),
        ({"slag_t": 1e300}, r"slag_t\[0\] = 1e\+300: must be between 0 and 1e\+06 t"),
        ({"hot_metal_t": -1.0}, r"hot_metal_t\[0\] = -1"),
        ({"hot_metal_ppm": [1.0, 2.0, -3.0]}, r"hot_metal_ppm\[2\] = -3"),
        ({"slag_t": [1.0, 2.0]}, r"slag_t: has shape \(2,\)"),
        ({"feo_pct": [1.0, 101.0, 2.0]}, r"feo_pct\[1\] = 101: must be between 0 and 100 %"),
        ({"types": ["hms", "hms"]}, "types: 'hms' is given twice"),
        ({"types": ["hms", ""]}, "types: '' must be a name"),
        ({"types": [], "scrap": np.empty((3, 0))}, "types: at least one"),
        ({"types": "ab"}, "types = 'ab': must be a list"),
    ],
)
def test_bad_arrays_are_refused_by_name_and_index(changes: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        HeatLog(**{**GOOD, **changes})


def test_files_come_back_to_the_last_bit(tmp_path: Path) -> None:
    log = random_log()
    log.write_csv(tmp_path / "a.csv")
    back = HeatLog.read_csv(tmp_path / "a.csv")
    assert same(back, log)
    assert back.heat.dtype == log.heat.dtype
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    at = rows[0].index("steel_ppm")
    assert [row[at] == "" for row in rows[1:]] == log.missing.tolist()


def test_files_may_have_columns_in_any_order_quotes_and_empty_lines(tmp_path: Path) -> None:
    text = (
        "\ufeffsteel_ppm, scrap_b_1_t ,heat,steel_t,scrap_a_t,slag_t,feo_pct,hot_metal_t,hot_metal_ppm\r\n"
        '"200.5",1,A,340,2,25,20,0,0\r\n\r\n ,3,B,341,4,26,21,0,0\r\n'
    )
    log = HeatLog.read_csv(written(tmp_path, text))
    assert log.types == ("b_1", "a")
    assert log.scrap.tolist() == [[1, 2], [3, 4]]
    assert log.heat.tolist() == ["A", "B"]
    assert log.steel_ppm[0] == 200.5
    assert log.missing.tolist() == [False, True]
    assert log.slag_t.tolist() == [25, 26]
    assert log.feo_pct.tolist() == [20, 21]
    assert log.hot_metal_t.tolist() == log.hot_metal_ppm.tolist() == [0, 0]


WORDS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
MASSES = st.floats(0, 1e6, allow_subnormal=True)


@st.composite
def logs(draw: st.DrawFn) -> HeatLog:
    heats = draw(st.integers(1, 4))
    types = draw(st.lists(WORDS, min_size=1, max_size=3, unique=True))
    ids = st.lists(WORDS.map(lambda word: "B" + word.strip()), min_size=heats, max_size=heats, unique=True)
    numbers = st.lists(st.integers(-(2**62), 2**62), min_size=heats, max_size=heats, unique=True).map(sorted)
    column = st.lists(MASSES, min_size=heats, max_size=heats)
    ppm = st.lists(MASSES | st.just(np.nan), min_size=heats, max_size=heats)
    return HeatLog(
        draw(ids | numbers),
        types,
        np.array([draw(column) for _ in types]).T,
        np.maximum(draw(column), 5e-324),
        draw(ppm),
        slag_t=draw(column),
    )


@given(logs())
def test_any_log_comes_back_to_the_last_bit(log: HeatLog) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log.write_csv(Path(folder) / "a.csv")
        assert same(HeatLog.read_csv(Path(folder) / "a.csv"), log)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns heat, steel_t, .* are missing"),
        (HEADER, "no heats below the first line"),
        (HEADER.replace("scrap_hms_t,scrap_shred_t,", ""), "column scrap_<type>_t is missing"),
        (HEADER.replace("steel_ppm", "steel_parts"), "column 'steel_parts' is unknown; .*steel_ppm"),
        (HEADER.replace(",steel_t", ""), "column steel_t is missing"),
        (HEADER.replace("shred", "hms"), "column scrap_hms_t is given twice"),
        (HEADER.replace(",slag_t,feo_pct", ""), "columns slag_t, feo_pct are missing; what there is none of"),
        (HEADER + "1,50,20,340,0,0,0,0\n", "line 2: has 8 fields; 9 are needed"),
        (
            HEADER + "1,50,20,340,200,0,0,0,0\n2,50,2O,340,200,0,0,0,0\n",
            "line 3, scrap_shred_t = '2O': must be a number",
        ),
        (HEADER + "1,,20,340,200,0,0,0,0\n", "line 2, scrap_hms_t = '': must be a number"),
        (
            HEADER + "1,50,20,340,200,0,0,0,0\n\n2,-5,20,340,200,0,0,0,0\n",
            "line 4, scrap_hms_t = -5: must be between 0 and 1e\\+06 t",
        ),
        (HEADER + "1,50,20,0,200,0,0,0,0\n", "line 2, steel_t = 0: must be above 0"),
        (HEADER + "1,50,20,340,200,0,0,0,0\n1,50,20,340,200,0,0,0,0\n", "line 3, heat = 1: must be above 1"),
        (
            HEADER + "a,50,20,340,200,0,0,0,0\nb,50,20,340,200,0,0,0,0\na,5,2,340,2,0,0,0,0\n",
            "line 4, heat = 'a': .*already, line 2",
        ),
        (HEADER + '1,50,20,340,"200\n', "line 2: unexpected end of data"),
        (HEADER + '1,50,20,340,"2"0,0,0,0,0\n', "line 2: '.*' expected after"),
        (HEADER + "1,5_0,20,340,200,0,0,0,0\n", "line 2, scrap_hms_t = '5_0': must be a number"),
        (
            HEADER + "1,50,20,340,\uff12\uff10\uff10,0,0,0,0\n",
            "line 2, steel_ppm = '\uff12\uff10\uff10': must be a number",
        ),
        (HEADER + "1,50,2e6,340,200,0,0,0,0\n", "line 2, scrap_shred_t = 2e\\+06: .*1e\\+06 t"),
        (HEADER + "1,5,2,340,2,0,0,0,0\nO2,5,2,340,2,0,0,0,0\n", "line 3, heat = 'O2': others are integers"),
        (HEADER + "nan,50,20,340,200,0,0,0,0\n", "line 2, heat = 'nan': must be an integer or text"),
    ],
)
def test_bad_files_are_refused_by_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        HeatLog.read_csv(written(tmp_path, text))
    assert "heats.csv" in str(error.value)


@pytest.mark.parametrize(
    ("text", "argument", "line"),
    [
        ("", "", None),
        (HEADER, "", None),
        (HEADER + "1,50,20,340,0,0,0,0\n", "", 2),
        (HEADER + '1,50,20,340,"200\n', "", 2),
        (HEADER + "1,50,2O,340,200,0,0,0,0\n", "scrap_shred_t", 2),
    ],
)
def test_refusals_have_file_line_and_column(
    tmp_path: Path, text: str, argument: str, line: int | None
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ArgumentError) as refused:
        HeatLog.read_csv(file)
    error = refused.value
    assert (error.argument, error.file, error.line) == (argument, str(file), line)


def test_a_file_that_is_not_utf8_is_refused_by_line(tmp_path: Path) -> None:
    file = tmp_path / "heats.csv"
    file.write_bytes((HEADER + "1,50,20,340,200,0,0,0,0\n").encode() + b"\xe9,50,20,340,200,0,0,0,0\n")
    with pytest.raises(ArgumentError, match="line 3: is not text in UTF-8") as refused:
        HeatLog.read_csv(file)
    assert (refused.value.argument, refused.value.file, refused.value.line) == ("", str(file), 3)


def test_data_frames_say_the_same_as_files(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    log = random_log()
    log.write_csv(tmp_path / "a.csv")
    frame = pandas.read_csv(tmp_path / "a.csv")
    assert same(HeatLog.from_dataframe(frame), log)
    assert same(HeatLog.from_dataframe(frame.astype({"steel_ppm": "Float64"})), log)


def test_bad_data_frames_are_refused_by_row_and_column() -> None:
    pandas = pytest.importorskip("pandas")
    good = {"heat": [1, 2], "scrap_a_t": [70, 70], "steel_t": [340.0, 341.0], "steel_ppm": [200.0, None],
            "hot_metal_t": 0.0, "hot_metal_ppm": 0.0, "slag_t": 0.0, "feo_pct": 0.0}  # fmt: skip
    assert HeatLog.from_dataframe(pandas.DataFrame(good)).missing.tolist() == [False, True]
    for column, values, message in (
        ("scrap_a_t", [70, None], r"scrap_a_t\[1\] = nan: must be between"),
        ("scrap_a_t", [70, "7O"], r"scrap_a_t\[1\] = '7O': must be a number"),
        ("steel_t", [0, 340.0], r"steel_t\[0\] = 0"),
        ("heat", [2, 1], r"heat\[1\] = 1: must be above 2"),
        ("heat", [1, None], r"heat\[1\] = nan: must be an integer or text"),
        ("heat", ["B1", None], r"heat\[1\] = (None|nan): must be an integer or text"),
        (
            "heat",
            pandas.array([1, None], dtype="Int64"),
            r"heat\[1\] = (<NA>|nan): must be an integer or text",
        ),
        ("heat", pandas.to_datetime(["2025-01-01", "2025-01-02"]), "heat: has type datetime64"),
        ("steel", [2, 1], "column 'steel' is unknown"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            HeatLog.from_dataframe(pandas.DataFrame({**good, column: values}))
    with pytest.raises(ValueError, match="column slag_t is missing"):
        HeatLog.from_dataframe(pandas.DataFrame(good).drop(columns="slag_t"))
    with pytest.raises(TypeError, match="frame = 3: must be a pandas DataFrame"):
        HeatLog.from_dataframe(3)
