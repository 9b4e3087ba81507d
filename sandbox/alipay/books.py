"""Alipay's books beside those of plain payments, as anyone may read them."""

from sandbox.alipay import pockets, settling
from sandbox.world import World


def more(world: World) -> dict[str, object]:
    """What belongs to Alipay's part of /books.json: no keys, whole fen, oldest first."""
    settling.settle_due(world)
    owners = world.store.all(
        "select seller_id as owner, 'funds' as pocket from alipay_apps union"
        " select owner, pocket from alipay_moves order by owner, pocket"
    )
    return {
        "sellers": _rows(
            world,
            "select order_id, app_id, external_id, alias_name, settles_to, status, audit,"
            " sub_confirm, refusal, smid, made_at from alipay_sellers",
        ),
        "held": _rows(world, "select * from alipay_held"),
        "splits": _rows(world, "select * from alipay_splits"),
        "card_payouts": _rows(world, "select * from alipay_card_payouts"),
        "transfers": _rows(
            world,
            "select order_id, app_id, out_biz_no, product_code, payee_name, amount_minor, status,"
            " error_code, fail_reason, made_at, changed_at from alipay_transfers",
        ),
        "moves": _rows(world, "select * from alipay_moves"),
        "pockets": [
            {**dict(row), "balance_minor": pockets.balance(world, row["owner"], row["pocket"])}
            for row in owners
        ],
    }


def _rows(world: World, select: str) -> list[dict[str, object]]:
    return [dict(row) for row in world.store.all(f"{select} order by rowid")]
