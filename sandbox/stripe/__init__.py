"""A payment gateway that speaks Stripe's API: Checkout, refunds, disputes, webhooks, balance."""
