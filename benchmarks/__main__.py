"""`python -m benchmarks`: measures everything and prints it. With --write, puts the tables into the READMEs.

Takes some minutes. Run it on a machine that does nothing else.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks import compare, filtering, machine, optimize, roofline, segregation

ROOT = Path(__file__).resolve().parents[1]
FILES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")


def put(file: Path, tables: Mapping[str, str]) -> None:
    """Replaces what stands in `file` between <!-- measured:NAME --> and <!-- end -->."""
    text = file.read_text("utf-8")
    for name, table in tables.items():
        between = re.compile(rf"(<!-- measured:{name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = between.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", text)
    file.write_text(text, "utf-8")


def main() -> None:
    """Measures, prints and, if asked to, writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into the READMEs")
    arguments = parser.parse_args()
    tables = {
        "machine": machine.description(),
        **compare.tables(),
        **roofline.tables(),
        **optimize.tables(),
        **filtering.tables(),
        **segregation.tables(),
    }
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
    if arguments.write:
        for file in FILES:
            put(file, tables)


if __name__ == "__main__":
    main()
