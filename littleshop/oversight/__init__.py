"""The operator's desk: what people who run the platform decide, each with a reason in the log."""
