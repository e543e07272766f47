"""What a card costs the resident, and under which rule. Shown and agreed before the card is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CardFee:
    """`kind`: service, convenience or surcharge. The fee is `fixed_minor` and `per_mille` of the sum, and no less."""

    rule: str
    kind: str
    fixed_minor: int = 0
    per_mille: int = 0
    least_minor: int = 0

    def of(self, base_minor: int) -> int:
        """Return the fee on `base_minor`, a half cent rounded up."""
        return max(self.least_minor, self.fixed_minor + (base_minor * self.per_mille + 500) // 1000)
