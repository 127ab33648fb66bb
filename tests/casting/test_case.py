"""Case files: what they hold, and that everything wrong in one is refused by name."""

import dataclasses
import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tundish.casting import Case, Grid, Steel, published_strand, read_case, solve
from tundish.casting import _case as case_format

DOCUMENT = Path(__file__).parents[2] / "docs" / "case-format.md"
CASE = """\
[strand]
width = 0.20
thickness = 0.16
length = 2
speed = 0.04
pouring_temperature = 1823.0
ambient_temperature = 303.0

[steel]
kind = "scheil"
solidus = 1672.0
liquidus = 1728.0
pure_iron_melting = 1809.0
partition = 0.84
latent_heat = 189e3
specific_heat = [700.0, 800.0]
density = [7256.0, 7011.0]
conductivity = [12.3167, 0.0107534, 7.7098e-7]

[mold]
length = 0.5
heat_flux = [2.0e6, 1.85e6]

[[zones]]
end = 1.2
htc = [1000.0, 900.0]

[[zones]]
end = 2.0
htc = 700

[grid]
nx = 9
dz_mold = 0.1
dz_spray = 0.2
"""
TABLE = {
    "temperature_K": [300, 1650, 1700, 1900],
    "solid_fraction": [1, 1, 0, 0],
    "density": [7200, 7200, 7000, 7000],
    "specific_heat": [700, 700, 800, 800],
    "conductivity": [30, 30, 60, 60],
}


@pytest.fixture
def write(tmp_path):
    """Writes a case file and returns its path."""

    def written(text, name="case.toml"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return written


def with_steel(lines):
    """The case with another [steel]."""
    return re.sub(r"\[steel\].*?\n\n", f"[steel]\n{lines}\n\n", CASE, flags=re.DOTALL)


def inline(columns):
    return "\n".join(['kind = "table"', *(f"{name} = {values}" for name, values in columns.items())])


def test_published_strand_is_the_published_one():
    """The bundled strand has the numbers of Energies 2020, 13, 2429."""
    strand = published_strand()
    assert (strand.width, strand.thickness, strand.length) == (0.16, 0.16, 15.5)
    assert [zone.end for zone in strand.zones] == [1.2, 3.0, 15.5]
    assert (
        strand.parameters()
        | {
            "speed": 2.5 / 60,
            "pouring_temperature": 1823.0,
            "ambient_temperature": 303.0,
            "mold.heat_flux.x": 2.0e6,
            "mold.heat_flux.y": 1.85e6,
            "zones.0.htc.x": 1000.0,
            "zones.0.htc.y": 900.0,
            "zones.1.htc.x": 700.0,
            "zones.1.htc.y": 600.0,
            "zones.2.htc.x": 300.0,
            "zones.2.htc.y": 280.0,
            "steel.latent_heat": 189e3,
            "steel.liquid_conductivity_factor": 3.0,
        }
        == strand.parameters()
    )
    assert (strand.steel.solidus, strand.steel.liquidus) == (1672.0, 1728.0)


def test_bundled_case_has_thermocouples_and_sections():
    """The bundled case keeps the three thermocouples and some sections, on the default grid."""
    case = read_case()
    assert case.probes == ((0.062, 0.074), (0.074, 0.074), (0.074, 0.062))
    assert case.sections == (0.5, 3.0, 10.0, 15.0)
    assert case.grid == Grid()


def test_a_case_is_solved_as_it_says(write):
    """Case.solve is solve with the case's strand, grid and options."""
    case = read_case(
        write(CASE + '[solve]\nmethod = "sor"\n[output]\nprobes = [[0.09, 0.07]]\nsections = [1]')
    )
    same = solve(case.strand, case.grid, method="sor", probes=[(0.09, 0.07)], sections=[1.0])
    solution = case.solve()
    assert np.array_equal(solution.probe_temperature, same.probe_temperature)
    assert np.array_equal(solution.section_temperature, same.section_temperature)
    assert np.array_equal(solution.iterations, same.iterations)


def test_numbers_land_where_they_belong(write):
    """Whole numbers, pairs and single numbers are read alike."""
    strand = read_case(write(CASE)).strand
    assert (strand.width, strand.thickness, strand.length) == (0.20, 0.16, 2.0)
    assert strand.zones[1].htc == (700.0, 700.0)
    assert strand.mold.heat_flux == (2.0e6, 1.85e6)


def test_every_option_is_read(write):
    """All keys of [grid], [solve] and [output] reach the case."""
    text = CASE[: CASE.index("[grid]")] + (
        "[grid]\nnx = 7\nny = 8\ndz_mold = 0.05\ndz_spray = [0.1, 0.2]\ngrading = [2, 3]\nramp = 4\n"
        '[solve]\nmethod = "sor"\nphase_change = "correction"\nrelaxation = 1.5\ntolerance = 1e-3\n'
        'max_sweeps = 99\nordering = "red-black"\ndtype = "float32"\n'
        "[output]\nprobes = [[0, 0.01]]\nsections = [1, 1.5]\n"
    )
    case = read_case(write(text))
    assert case.grid == Grid(7, 8, 0.05, (0.1, 0.2), (2.0, 3.0), 4.0)
    assert case == Case(
        case.strand,
        case.grid,
        probes=((0.0, 0.01),),
        sections=(1.0, 1.5),
        method="sor",
        phase_change="correction",
        relaxation=1.5,
        tolerance=1e-3,
        max_sweeps=99,
        ordering="red-black",
        dtype="float32",
    )


def test_defaults_are_those_of_solve():
    """A case has every option of solve that describes the problem, with the same default."""
    options = {name: p.default for name, p in inspect.signature(solve).parameters.items()}
    for name in ("strand", "grid", "gradient", "outputs", "threads", "backend"):
        del options[name]
    fields = {f.name: f.default for f in dataclasses.fields(Case) if f.name not in ("strand", "grid")}
    assert fields == options


def test_a_case_refuses_what_solve_refuses():
    """A Case made in Python is checked when it is made."""
    with pytest.raises(ValueError, match="sections"):
        Case(published_strand(), sections=(16.0,))


def test_steel_from_a_file_beside_the_case(write, tmp_path):
    """A table's file is looked for in the case file's folder; an absolute path will do, too."""
    rows = zip(*TABLE.values(), strict=True)
    grade = write(",".join(TABLE) + "\n" + "\n".join(",".join(map(str, row)) for row in rows), "grade.csv")
    expected = Steel.from_table(TABLE, latent_heat=250e3)
    for file in ("grade.csv", str(grade)):
        text = with_steel(f'kind = "table"\nfile = "{file}"\nlatent_heat = 250e3')
        steel = read_case(write(text)).strand.steel
        assert steel.enthalpy(1823.0) == expected.enthalpy(1823.0)


def test_steel_from_columns_in_the_case(write):
    """A table may be written into the case; its latent heat is 0 unless given."""
    steel = read_case(write(with_steel(inline(TABLE)))).strand.steel
    assert steel.enthalpy(1823.0) == Steel.from_table(TABLE).enthalpy(1823.0)


def test_a_byte_order_mark_does_no_harm(write):
    """Editors that begin a file with a byte order mark are forgiven."""
    assert read_case(write("\ufeff" + CASE)).strand.width == 0.20


def test_documented_case_works(write):
    """The example of docs/case-format.md is a case that solves."""
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    assert read_case(write(example)).solve().success


def test_every_key_is_documented():
    """docs/case-format.md names every table and key that is read."""
    text = DOCUMENT.read_text("utf-8")
    keys = {key for table in case_format._TABLES.values() for key in table}
    keys |= {"kind", "file", "end", "heat_flux", "htc"}
    for name in ("strand", "steel", "mold", "[zones]", "grid", "solve", "output"):
        assert f"`[{name}]`" in text
    missing = [key for key in keys if f"`{key}`" not in text and f"`{key} =" not in text]
    assert missing == []


def test_bundled_comments_show_valid_keys(write):
    """What the bundled case shows in comments can be switched on."""
    text = case_format.PUBLISHED_CASE.read_text("utf-8")
    head, tail = text.split("# [grid]")
    options = re.sub(r"^# ", "", "# [grid]" + tail, flags=re.MULTILINE)
    assert set(tomllib.loads(options)) == {"grid", "solve"}
    case = read_case(write(head + options))
    assert (case.grid.nx, case.method, case.phase_change) == (100, "sor", "correction")


# What is replaced in the case, by what, and how the message goes on after the file's name.
REFUSED = [
    ("[strand]", "[strand", "is not TOML: "),
    ("[strand]", "speed = -1\n[strand]", "speed: is unknown; allowed are strand, steel, mold"),
    ("[strand]", "[strands]", "strands: is unknown"),
    ("[mold]", "[output]\n[mould]", "mould: is unknown"),
    ("width", "wide", "strand.wide: is unknown; allowed are width, "),
    ("width = 0.20\n", "", "strand.width: is missing"),
    ("width = 0.20", "width = '0.20'", "strand.width = '0.20': must be a number"),
    ("width = 0.20", "width = true", "strand.width = True: must be a number"),
    ("width = 0.20", "width = 1979-05-27", "strand.width = "),
    ("width = 0.20", "width = -0.2", "strand.width = -0.2: must be finite and above 0"),
    ("width = 0.20", "width = nan", "strand.width = nan: must be finite"),
    ("width = 0.20", "width = inf", "strand.width = inf: must be finite"),
    ("speed = 0.04", "speed = 0", "strand.speed = 0: "),
    ("pouring_temperature = 1823.0", "pouring_temperature = 1700.0", "strand.pouring_temperature = 1700: "),
    ("length = 2\n", "length = 3\n", "zones: the last one ends at 2 m; it must end at length = 3 m"),
    ('kind = "scheil"\n', "", "steel.kind: is missing: must be 'scheil' or 'table'"),
    ('"scheil"', '"iron"', "steel.kind = 'iron': must be 'scheil' or 'table'"),
    ('"scheil"', "[1]", "steel.kind = [1]: must be"),
    ('"scheil"', '"table"', "steel.solidus: is unknown; allowed are temperature_K"),
    ("solidus = 1672.0", "solidus = 1750.0", "steel.solidus = 1750: must be below the liquidus"),
    ("partition = 0.84", "partition = 1.2", "steel.partition = 1.2: "),
    ("partition = 0.84", "residual = 'half'\npartition = 0.84", "steel.residual = 'half': must be 'none' or"),
    ("[700.0, 800.0]", "[700.0]", "steel.specific_heat = [700.0]: must be a pair"),
    ("[700.0, 800.0]", "[700.0, 'a']", "steel.specific_heat[1] = 'a': must be a number"),
    ("[12.3167, 0.0107534, 7.7098e-7]", "30", "steel.conductivity = 30: must be a list of numbers"),
    ("[12.3167, 0.0107534, 7.7098e-7]", "[]", "steel.conductivity = "),
    ("[mold]\nlength = 0.5\nheat_flux = [2.0e6, 1.85e6]", "mold = 1", "mold: is missing"),
    ("length = 0.5\n", "length = 0.5\nhtc = [1, 2, 3]\n", "mold.htc = [1, 2, 3]: must be a pair"),
    ("length = 0.5\n", "length = 0\n", "mold.length = 0: "),
    ("heat_flux = [2.0e6, 1.85e6]\n", "", "mold: heat_flux or htc must be given"),
    ("heat_flux = [2.0e6, 1.85e6]", "heat_flux = [nan, 1.85e6]", "mold.heat_flux.x = nan: "),
    ("[1000.0, 900.0]", "[-1000.0, 900.0]", "zones.0.htc.x = -1000: must be finite and not negative"),
    ("htc = 700\n", "", "zones.1: htc or heat_flux must be given"),
    ("htc = 700", "htc = {x = 1}", "zones.1.htc = {'x': 1}: "),
    ("htc = 700", "htc = 'cold'", "zones.1.htc = 'cold': "),
    ("htc = 700", "flux = 700", "zones.1.flux: is unknown; allowed are end, heat_flux, htc"),
    ("end = 1.2", "end = 0.4", "zones.0.end = 0.4: must be beyond the end of what comes before"),
    ("end = 1.2\n", "", "zones.0.end: is missing"),
    ("nx = 9", "nx = 9.5", "grid.nx = 9.5: must be an integer"),
    ("nx = 9", "nx = 1", "grid.nx = 1: nodes"),
    ("nx = 9", "ny = 9", "grid.nx: must be given with ny"),
    ("dz_mold = 0.1", "dz_mold = 0.6", "grid.dz_mold = 0.6: m is longer than mold"),
    ("dz_spray = 0.2", "dz_spray = [0.1, 0.2, 0.3]", "grid.dz_spray = 3: steps; one, or one for each"),
    ("dz_spray = 0.2", "dz_spray = ['a']", "grid.dz_spray[0] = 'a': must be a number"),
    ("dz_spray = 0.2", "ramp = 0", "grid.ramp = 0: "),
    ("[grid]", "[solve]\nmethod = 'magic'\n[grid]", "solve.method = 'magic': must be 'adi' or 'sor'"),
    ("[grid]", "[solve]\nmethod = 1\n[grid]", "solve.method = 1: must be a text"),
    ("[grid]", "[solve]\nphase_change = 'none'\n[grid]", "solve.phase_change = 'none': "),
    ("[grid]", "[solve]\nrelaxation = 2\n[grid]", "solve.relaxation = 2: "),
    ("[grid]", "[solve]\ntolerance = 0\n[grid]", "solve.tolerance = 0: "),
    ("[grid]", "[solve]\nmax_sweeps = 0\n[grid]", "solve.max_sweeps = 0: "),
    ("[grid]", "[solve]\nordering = 'random'\n[grid]", "solve.ordering = 'random': "),
    ("[grid]", "[solve]\ndtype = 'int8'\n[grid]", "solve.dtype = 'int8': "),
    (
        "[grid]",
        "[output]\nprobes = [[0.2, 0.0]]\n[grid]",
        "output.probes = (0.200000, 0.000000): must lie in",
    ),
    (
        "[grid]",
        "[output]\nprobes = [0.2, 0.0]\n[grid]",
        "output.probes = [0.2, 0.0]: must be a list of places",
    ),
    ("[grid]", "[output]\nprobes = [[0.2]]\n[grid]", "output.probes[0] = [0.2]: must be a place [x, y]"),
    ("[grid]", "[output]\nprobes = [[0.2, 'a']]\n[grid]", "output.probes[0][1] = 'a': must be a number"),
    ("[grid]", "[output]\nsections = [16]\n[grid]", "output.sections = 16: must lie between"),
    ("[grid]", "[output]\nsections = 1\n[grid]", "output.sections = 1: must be a list of numbers"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED, ids=[message[:40] for _, _, message in REFUSED])
def test_what_is_wrong_is_refused_by_name(write, old, new, message):
    """A wrong case is a ValueError that begins with the file's name and then names the key."""
    assert old in CASE
    path = write(CASE.replace(old, new, 1))
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")) as refused:
        read_case(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


ZONES = re.compile(r"\[\[zones\]\].*(?=\[grid\])", re.DOTALL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "strand: is missing"),
        ("strand = 1\nsteel = 1\nmold = 1\nzones = 1\n", "strand = 1: must be a table, headed [strand]"),
        (ZONES.sub("", CASE), "zones: is missing"),
        ("zones = []\n" + ZONES.sub("", CASE), "zones = []: at least one zone"),
        ("zones = [1]\n" + ZONES.sub("", CASE), "zones.0 = 1: must be a table"),
        (
            "[zones]\nend = 2.0\n" + ZONES.sub("", CASE),
            "zones: must be a list of tables, each headed [[zones]]",
        ),
        (
            with_steel(inline(TABLE | {"temperature_K": [300, 300, 1700, 1900]})),
            "steel.temperature_K[1] = 300",
        ),
        (with_steel(inline(TABLE | {"density": [7200]})), "steel.density = 1: rows; temperature_K has 4"),
        (with_steel(inline(TABLE | {"density": ["a"] * 4})), "steel.density[0] = 'a': must be a number"),
        (with_steel('kind = "table"\ndensity = [1]'), "steel.temperature_K: is missing"),
        (with_steel('kind = "table"\nfile = 3'), "steel.file = 3: must be a text"),
        (with_steel('kind = "table"\nfile = "no.csv"'), "steel.file = 'no.csv': No such file or directory"),
        (with_steel('kind = "table"\nfile = "."'), "steel.file = '.': Is a directory"),
        (
            with_steel('kind = "table"\nfile = "a.csv"\ndensity = [1]'),
            "steel.density: is unknown; allowed are file",
        ),
        (with_steel('kind = "table"\nfile = "case.toml"'), "steel.file = 'case.toml': "),
    ],
)
def test_what_is_wrong_at_large_is_refused_by_name(write, text, message):
    """Missing tables, tables of the wrong kind and unusable steel tables are refused alike."""
    path = write(text)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        read_case(path)


def test_a_bad_grade_is_refused_by_row(write):
    """What is wrong in the steel's own file is told with the case, the key, the column and the row."""
    write(",".join(TABLE) + "\n300,1,7200,700,oops\n1700,0,7000,800,60\n", "grade.csv")
    path = write(with_steel('kind = "table"\nfile = "grade.csv"'))
    with pytest.raises(ValueError, match=r"conductivity\[0\] = 'oops': must be a number") as refused:
        read_case(path)
    assert str(refused.value).startswith(f"{path}: steel.file.conductivity[0] = 'oops': ")
    error = refused.value
    assert (error.argument, error.value) == ("steel.file.conductivity[0]", "oops")
    assert (error.file, error.line) == (str(path), None)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    """Bytes that are not UTF-8 are no TOML."""
    path = tmp_path / "case.toml"
    path.write_bytes(CASE.encode() + b"# \xb5m\n")
    with pytest.raises(ValueError, match="is not TOML"):
        read_case(path)


def test_a_missing_file_is_an_oserror(tmp_path):
    """A file that cannot be read is told by the operating system's own error."""
    with pytest.raises(FileNotFoundError):
        read_case(tmp_path / "nowhere.toml")
