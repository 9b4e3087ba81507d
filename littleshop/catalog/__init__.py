"""What a shop sells: products, their variants and photos, the stock of each."""
