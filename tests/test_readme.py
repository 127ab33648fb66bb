"""README.md: its examples run and print what it says; its commands are where CI looks for them."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def output_of(code):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {})
    return printed.getvalue()


def test_the_first_example_prints_what_is_printed_below_it():
    code, printed = re.search(
        r"^```python\n(.*?)^```\n+```text\n(.*?)^```$", README, re.DOTALL | re.M
    ).groups()
    found = output_of(code)
    assert NUMBER.sub("#", found).split() == NUMBER.sub("#", printed).split()
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (found, printed)]
    assert numbers[0] == pytest.approx(numbers[1], rel=2e-3)


def test_all_examples_run_one_after_the_other():
    output_of("\n".join(blocks("python")))


@pytest.mark.parametrize("name", ["run", "test"])
def test_commands_for_ci_stand_after_their_marker(name):
    assert README.count(f"\n<!-- ci:{name} -->\n```sh\n") == 1


def test_files_that_are_linked_exist():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    missing = [link for link in links if not (ROOT / link).exists()]
    assert links
    assert not missing
