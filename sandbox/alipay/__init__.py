"""A payment gateway that speaks Alipay's Open Platform wire (PROTOCOLS 2)."""
