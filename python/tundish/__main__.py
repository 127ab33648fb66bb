"""`python -m tundish` is the command `tundish`."""

from tundish.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
