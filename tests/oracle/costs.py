"""Sales and marketing cost, day by day."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .company import UNALLOCATED, Company, Tables, text
from .money import Rates, number, rounded
from .when import DAY, day


@dataclass(frozen=True)
class Cost:
    """What one row of `spend` cost on one day, in the company's currency."""

    on: date
    channel: str
    campaign: str
    kind: str
    purpose: str
    amount: Fraction

    def known(self, name: str) -> str:
        """Channel or campaign; empty where it is shared."""
        return {"channel": self.channel, "campaign": self.campaign}[name]

    def dimension(self, name: str) -> str:
        """Channel or campaign, shared cost as a row of its own."""
        return self.known(name) or UNALLOCATED


def costs(tables: Tables, company: Company) -> list[Cost]:
    """Every row of `spend`, those with `until` spread over their days; left out where there is no rate yet."""
    rates, found = Rates(tables, company), []
    for row in tables.get("spend", ()):
        first, amount = day(text(row, "day")), number(row, "amount")
        if first is None or amount is None:
            continue
        until = day(text(row, "until")) or first + DAY
        days = (until - first).days
        share = rounded(amount / days)
        for index in range(days):
            on = first + DAY * index
            part = rates.convert(share if index < days - 1 else amount - share * (days - 1), text(row, "currency"), on)
            if part is not None:
                kind, purpose = text(row, "kind") or "other", text(row, "purpose") or "acquire"
                found.append(Cost(on, text(row, "channel"), text(row, "campaign"), kind, purpose, part))
    return found


def allocated(spent: list[Cost], won: dict[tuple[str, ...], Fraction], names: tuple[str, ...]) -> dict[tuple[str, ...], Fraction]:
    """Costs by segment: what a row does not name is shared over the segments that agree with what it does, by their new customers."""
    found: dict[tuple[str, ...], Fraction] = {}
    for cost in spent:
        known = [cost.known(name) for name in names]
        takers = {segment: n for segment, n in won.items() if all(k in {"", s} for k, s in zip(known, segment, strict=True))}
        if all(known) or not takers:
            takers = {tuple(k or UNALLOCATED for k in known): Fraction(1)}
        for segment, n in takers.items():
            found[segment] = found.get(segment, Fraction(0)) + cost.amount * n / sum(takers.values())
    return found
