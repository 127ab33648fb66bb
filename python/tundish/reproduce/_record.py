"""Records of runs: files of one JSON object a line, to which every run that is done adds one."""

from __future__ import annotations

from pathlib import Path


def whole_lines(file: Path) -> list[str]:
    """The lines of a record, none if there is no file.

    The last line of a run that was killed may be half a line: it is taken off the file, so that what is
    added next begins a line.
    """
    if not file.exists():
        return []
    text = file.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole, "utf-8")
    return whole.splitlines()
