"""Baidu Wallet, generation 1: the GBK gateway, its cashier, its notices, its books."""
