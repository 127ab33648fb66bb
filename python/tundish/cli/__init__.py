"""The command `tundish`: exit status 0 is done, 1 failed, 2 bad input, 130 interrupted."""

DONE, FAILED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


class BadInputError(Exception):
    """What was asked for cannot be done; the message is one line for the user."""
