"""The one pricing engine: facts in, explained lines and a total out."""
