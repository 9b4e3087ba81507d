"""Money is a whole number of minor units and a currency; it is never a float."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount: `minor` in the smallest unit of `currency` (ISO 4217), fen for CNY."""

    minor: int
    currency: str

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        if not isinstance(times, int):
            raise TypeError("money is multiplied by whole numbers only")
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def bps(self, rate: int) -> Money:
        """The part at `rate` basis points, rounded half up (to the payer's cent, not down)."""
        return Money((self.minor * rate + 5_000) // 10_000, self.currency)

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Parts in proportion to `weights` (largest remainder), which sum to the whole exactly."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be positive in sum and not negative")
        shares = [divmod(self.minor * weight, total) for weight in weights]
        parts = [whole for whole, _ in shares]
        by_rest = sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))
        for i in by_rest[: self.minor - sum(parts)]:
            parts[i] += 1
        return [Money(part, self.currency) for part in parts]


def digits(currency: str) -> int:
    """How many decimals a currency shows (ISO 4217 exponent of those we know)."""
    return 0 if currency in ("JPY", "KRW", "VND") else 2
