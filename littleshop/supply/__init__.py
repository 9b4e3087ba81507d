"""Where goods come from: suppliers, purchases, counts of the shelf, what it is worth."""
