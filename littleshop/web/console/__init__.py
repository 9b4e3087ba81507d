"""The pages of a seller: the back room of a shop."""
