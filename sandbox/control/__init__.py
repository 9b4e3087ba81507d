"""Switches, clock and books, as JSON for programs and as one page for people."""
