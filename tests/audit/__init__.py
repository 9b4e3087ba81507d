"""Each rule of the audit is broken on purpose and must name what broke it."""
