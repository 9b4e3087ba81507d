"""A bank that takes pain.001 and answers pain.002 and camt.053 (PROTOCOLS 5)."""
