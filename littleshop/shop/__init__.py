"""A shop: its face and address, the legal person behind it, who works there, its bank card."""
