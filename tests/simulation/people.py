"""The people of the town, and what they do at an hour of its day."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulation import holding, kinds
from tests.simulation.buying import Buying
from tests.simulation.desks import Desks
from tests.simulation.rails import Browsers, Deck
from tests.simulation.selling import Selling
from tests.simulation.town import OWN, Town


@dataclass
class People:
    """Everybody who acts; buyers `surely` pay."""

    town: Town
    surely: bool = False
    kinds: Deck = field(init=False)
    buying: Buying = field(init=False)
    selling: Selling = field(init=False)
    desks: Desks = field(init=False)

    def __post_init__(self) -> None:
        browsers = Browsers(self.town)
        self.kinds = Deck(self.town.chance, kinds.cards(self.town.escrow))
        self.buying = Buying(self.town, browsers, self.surely)
        self.selling = Selling(self.town)
        self.desks = Desks(self.town, browsers)

    def act(self, hour: int) -> None:
        """All that people do at this hour of a day."""
        self.buying.pay_late()
        self.buying.pay_invited()
        for _ in range(self.town.chance.randrange(1, 5)):
            self.buy(self.kinds.draw())
        if hour == 8:
            self.desks.operators_switch()
            self._desks_open()
            self.selling.sellers_restock()
            if self.town.escrow != OWN:
                holding.Sellers(self.town).act(0.7)
            self.desks.banks_decide()
        if hour in (12, 21):
            self.selling.sellers_ship()
            self.selling.buyers_receive()
            self.selling.cases_go_on()
            kinds.gifts_are_claimed(self.town, 0.4, self.town.chance.random())
        if hour == 16:
            regret = 0.08 if self.town.escrow == OWN else 0.2  # after the release too
            self.selling.buyers_regret(regret)
            self.desks.banks_take_back()

    def _desks_open(self, redirected: float = 0.5) -> None:
        self.desks.operators_explain()
        self.desks.rails_unstick()
        self.desks.operators_redirect(redirected)
        self.desks.operators_try_again()

    def buy(self, kind: str, rail: str = "") -> None:
        """Somebody buys so, over this rail or any."""
        wish = self.buying.wish(kind, rail)
        if kind in kinds.OTHERS_PAY and self.buying.can_be_paid(wish.shop.shop_id):
            self.buying.ask_others(wish)
        else:
            self.buying.order(wish)
