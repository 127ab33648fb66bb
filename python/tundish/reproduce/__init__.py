"""Published results computed again, theirs beside ours; one module a paper."""
