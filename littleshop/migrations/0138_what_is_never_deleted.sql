-- What moves money or says where it goes is ended, never taken away.

revoke delete, truncate on chargebacks, refunds, releases, payments, payouts, cards, payees,
  admissions from littleshop_app;
