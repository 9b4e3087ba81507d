"""The pages of the operator's desk, and every address of it."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from littleshop.web.operator import (
    debts,
    desk,
    differences,
    disputes,
    domains,
    entering,
    escrow,
    fees,
    frame,
    holds,
    log,
    look_up,
    rails,
    referrals,
    refunds,
    reports,
    ways_in,
)

ROOT = frame.ROOT
_CASE = f"{disputes.HERE}/{{shop_id}}/{{case_id}}"
_HOLD = f"{holds.HERE}/{{shop_id}}/{{hold_id}}"
_REFUND = f"{refunds.HERE}/{{shop_id}}/{{refund_id}}"
_APPEAL = f"{reports.HERE}/appeals/{{shop_id}}/{{takedown_id}}"
_DIFFERENCE = f"{differences.HERE}/{{difference_id}}"

ROUTES: list[BaseRoute] = [
    Route(ROOT, desk.page),
    Route(frame.CODE, entering.page),
    Route(frame.CODE, entering.confirm, methods=["POST"]),
    Route(f"{ROOT}/leaving", entering.leave, methods=["POST"]),
    Route(disputes.HERE, disputes.listed),
    Route(_CASE, disputes.page),
    Route(f"{_CASE}/decision", disputes.decide, methods=["POST"]),
    Route(f"{_CASE}/photos/{{photo_id}}", disputes.photo),
    Route(refunds.HERE, refunds.listed),
    Route(f"{_REFUND}/sending", refunds.send_again, methods=["POST"]),
    Route(f"{_REFUND}/card", refunds.to_card, methods=["POST"]),
    Route(f"{_REFUND}/to-us", refunds.to_us, methods=["POST"]),
    Route(f"{_REFUND}/by-hand", refunds.by_hand, methods=["POST"]),
    Route(escrow.HERE, escrow.listed),
    Route(debts.HERE, debts.listed),
    Route(holds.HERE, holds.listed),
    Route(f"{_HOLD}/lifting", holds.lift, methods=["POST"]),
    Route(f"{_HOLD}/keeping", holds.keep, methods=["POST"]),
    Route(reports.HERE, reports.listed),
    Route(f"{reports.HERE}/{{shop_id}}/{{about}}/dismissal", reports.dismiss, methods=["POST"]),
    Route(f"{reports.HERE}/{{shop_id}}/{{about}}/settlement", reports.settle, methods=["POST"]),
    Route(f"{reports.HERE}/{{shop_id}}/{{about}}/takedown", reports.take_down, methods=["POST"]),
    Route(f"{_APPEAL}/refusal", reports.refuse, methods=["POST"]),
    Route(f"{_APPEAL}/return", reports.put_back, methods=["POST"]),
    Route(differences.HERE, differences.listed),
    Route(f"{_DIFFERENCE}/explanation", differences.explain, methods=["POST"]),
    Route(f"{_DIFFERENCE}/question", differences.ask, methods=["POST"]),
    Route(f"{ROOT}/days/{{day}}/closing", differences.close, methods=["POST"]),
    Route(fees.HERE, fees.page),
    Route(fees.HERE, fees.charge, methods=["POST"]),
    Route(rails.HERE, rails.listed),
    Route(f"{rails.HERE}/{{rail}}/switch", rails.switch, methods=["POST"]),
    Route(referrals.HERE, referrals.listed),
    Route(f"{referrals.HERE}/{{shop_id}}/switch", referrals.switch, methods=["POST"]),
    Route(domains.HERE, domains.listed),
    Route(domains.HERE, domains.add, methods=["POST"]),
    Route(f"{domains.HERE}/{{host}}/marks", domains.mark, methods=["POST"]),
    Route(f"{domains.HERE}/{{host}}/removal", domains.remove, methods=["POST"]),
    Route(ways_in.HERE, ways_in.listed),
    Route(ways_in.HERE, ways_in.make, methods=["POST"]),
    Route(f"{ways_in.HERE}/{{code}}.svg", ways_in.drawn),
    Route(rails.JOBS, rails.jobs),
    Route(f"{rails.JOBS}/{{job_id}}/attempt", rails.retry, methods=["POST"]),
    Route(f"{rails.JOBS}/{{job_id}}/removal", rails.drop, methods=["POST"]),
    Route(f"{ROOT}/look-up", look_up.page),
    Route(f"{look_up.SHOPS}/{{shop_id}}", look_up.shop),
    Route(f"{look_up.SHOPS}/{{shop_id}}/opening", look_up.open_shop, methods=["POST"]),
    Route(f"{look_up.SHOPS}/{{shop_id}}/holds", holds.hold, methods=["POST"]),
    Route(f"{look_up.SHOPS}/{{shop_id}}/fees", fees.page),
    Route(f"{look_up.SHOPS}/{{shop_id}}/fees", fees.charge, methods=["POST"]),
    Route(f"{look_up.PEOPLE}/{{person_id}}", look_up.person),
    Route(f"{look_up.PEOPLE}/{{person_id}}/opening", look_up.open_person, methods=["POST"]),
    Route(f"{ROOT}/runs", desk.runs),
    Route(f"{ROOT}/runs/{{day}}", desk.run),
    Route(f"{ROOT}/acts", log.page),
]
