"""How word of a shop travels: shares."""
