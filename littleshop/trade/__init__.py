"""Orders and what belongs to them: carts, parcels, clocks."""
