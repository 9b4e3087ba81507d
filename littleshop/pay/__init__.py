"""Money from buyers and back to them: payments, refunds, notices and the gateways."""
