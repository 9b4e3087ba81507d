"""littleshop: a little shop of your own."""
