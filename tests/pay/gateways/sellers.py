"""Who wants to sell, for the institutions that admit sellers."""

import secrets

from littleshop.pay.gateways.escrow import AdmissionRequest


def seller(card_number: str = "6222020200112230099") -> AdmissionRequest:
    """Somebody who wants to sell, with a number of his own."""
    return AdmissionRequest(
        reference=f"A{secrets.token_hex(9).upper()}0",
        shop_name="小满的茶",
        legal_name="王小满",
        id_number="11010519491231002X",
        phone="13800138000",
        card_number=card_number,
        bank_code="ICBC",
        bank_name="工商银行",
    )
