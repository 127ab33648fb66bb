"""README.md: its examples run and print what it says; its commands are where CI looks for them."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def output_of(code, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), names)
    return printed.getvalue()


def test_examples_print_what_is_printed_below_them():
    """One after the other: later ones use what earlier ones made."""
    names, compared = {}, 0
    for code, shown in re.findall(
        r"^```python\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", README, re.DOTALL | re.M
    ):
        found = output_of(code, names)
        if not shown:
            continue
        compared += 1
        assert NUMBER.sub("#", found).split() == NUMBER.sub("#", shown).split()
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (found, shown)]
        assert numbers[0] == pytest.approx(numbers[1], rel=2e-3)
    assert compared == README.count("```text")


@pytest.mark.parametrize("name", ["run", "test"])
def test_commands_for_ci_stand_after_their_marker(name):
    assert README.count(f"\n<!-- ci:{name} -->\n```sh\n") == 1


def test_files_that_are_linked_exist():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    missing = [link for link in links if not (ROOT / link).exists()]
    assert links
    assert not missing
