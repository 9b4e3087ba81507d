"""Double entry: what we hold, for whom, and where it lies."""
