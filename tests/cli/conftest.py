"""What the tests of commands share."""

import pytest

from tundish.cli.main import main


@pytest.fixture
def run(capsys):
    """Runs a command line and returns (exit status, stdout, stderr)."""

    def ran(*argv):
        status = main([str(word) for word in argv])
        out, err = capsys.readouterr()
        return status, out, err

    return ran
