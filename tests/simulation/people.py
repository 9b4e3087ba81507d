"""The people of the town, and what they do at an hour of its day."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.simulation import holding, kinds
from tests.simulation.buying import Buying
from tests.simulation.desks import Desks
from tests.simulation.letters import Letters
from tests.simulation.rails import Browsers, Deck
from tests.simulation.referred import Referred
from tests.simulation.resold import Resold
from tests.simulation.selling import Selling
from tests.simulation.teams import Teams
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
        self.teams, self.letters = Teams(self.buying), Letters(self.buying)
        self.resold, self.referred = Resold(self.buying), Referred(self.buying)

    def act(self, hour: int) -> None:
        """All that people do at this hour of a day."""
        self.buying.pay_late()
        self.buying.pay_invited()
        self.teams.others_join()
        self.letters.others_read()
        for _ in range(self.town.chance.randrange(1, 5)):
            self.buy(self.kinds.draw())
        if hour == 8:
            self._in_the_morning()
        if hour in (12, 21):
            self.selling.sellers_ship()
            self.selling.buyers_receive()
            self.selling.cases_go_on()
            kinds.gifts_are_claimed(self.town, 0.4, self.town.chance.random())
        if hour == 16:
            regret = 0.12 if self.town.escrow == OWN else 0.2  # after the release too
            self.selling.buyers_regret(regret)
            self.desks.banks_take_back()
            self.teams.some_leave()
            self.letters.sellers_rethink()
            self.selling.sellers_give_back()

    def _in_the_morning(self) -> None:
        self.desks.operators_switch()
        self.desks.open_()
        self.desks.banks_decide()
        self.selling.sellers_restock()
        if self.town.escrow != OWN:
            holding.Sellers(self.town).act(0.7)
        else:
            self.resold.suppliers_offer()
            self.resold.suppliers_withdraw()
            self.referred.sellers_agree()

    def buy(self, kind: str, rail: str = "") -> None:
        """Somebody buys so, over this rail or any."""
        wish = self.buying.wish(kind, rail)
        known = {
            "team": self.teams.open_,
            "invitation": self.letters.write,
            "resale": self.resold.order,
            "referred": self.referred.order,
        } | dict.fromkeys(kinds.OTHERS_PAY, self.buying.ask_others)
        there = self.buying.can_be_paid(wish.shop.shop_id)
        (known.get(kind, self.buying.order) if there else self.buying.order)(wish)
