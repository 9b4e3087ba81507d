"""Who bought in a shop."""
