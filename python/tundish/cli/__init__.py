"""The command `tundish`: exit status 0 is done, 1 failed, 2 bad input."""


class BadInputError(Exception):
    """What was asked for cannot be done; the message is one line for the user."""
