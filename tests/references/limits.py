"""How long a test waits for what must come, and is given up if it does not."""

HANG = 900  # s, many times what anything takes on a slow machine with other work
