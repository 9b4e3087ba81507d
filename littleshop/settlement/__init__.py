"""Money to sellers: the T+1 run, payouts, and the banks that carry them."""
