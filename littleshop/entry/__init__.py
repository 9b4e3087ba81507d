"""Coming in: signing in with a phone, opening a shop."""
