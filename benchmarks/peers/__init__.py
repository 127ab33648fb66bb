"""Other ways to solve the published strand and to filter, to measure ours against; none of them uses ours."""
