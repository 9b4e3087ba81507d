"""What proves the books, the stock and the payouts."""
