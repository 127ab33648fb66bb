"""Other ways to solve the published strand, to measure ours against; none of them uses ours."""
