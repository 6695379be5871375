"""The tax inside a price that includes it: a share of the price, as rates or invoice lines say."""

from datetime import date
from decimal import Decimal

from fari.sources.stripe_case import Case
from fari.sources.stripe_fields import listed
from fari.sources.stripe_lines import details_of, is_proration, price_id
from fari.sources.stripe_price import id_of, members, number, text_of
from fari.sources.stripe_terms import Pricer, Terms, items_of


class Taxes:
    """What share of each item's price is tax, over time."""

    def __init__(self, case: Case, pricer: Pricer) -> None:
        self.case = case
        self.pricer = pricer
        self._billed: list[tuple[date, str | None, str | None, Decimal]] = []
        """Day, item, price and share, of each invoice line that says."""
        for invoice in case.invoices:
            if not invoice.counts:
                continue
            for line in invoice.lines:
                taxes = [*listed(line.get("tax_amounts")), *listed(line.get("taxes"))]
                amount = number(line.get("amount") or 0, "amount")
                off = sum((number(members(one).get("amount") or 0, "amount") for one in listed(line.get("discount_amounts"))), Decimal(0))
                day = pricer.day(members(line.get("period")).get("start"))
                if taxes and day and amount - off > 0 and not is_proration(line):
                    inside = [one for one in taxes if members(one).get("inclusive") or members(one).get("tax_behavior") == "inclusive"]
                    tax = sum((number(members(one).get("amount") or 0, "amount") for one in inside), Decimal(0))
                    item = text_of(line.get("subscription_item")) or text_of(details_of(line).get("subscription_item"))
                    self._billed.append((day, item, price_id(line), tax / (amount - off)))
        self._billed.sort(key=lambda one: one[0])

    def share(self, item: str, terms: Terms, day: date) -> Decimal:
        """The share of the price that is tax on a day: by the rates set, else as billed last before it, else first after it; else 0."""
        rates = [rate for rate in self._rates(item) if rate.get("inclusive")]
        if rates:
            percent = sum((number(rate.get("effective_percentage") or rate.get("percentage") or 0, "percentage") for rate in rates), Decimal(0))
            return percent / (100 + percent)
        own = [(on, share) for on, of, price, share in self._billed if of == item or (of is None and price == terms.price.id)]
        if own:
            return next((share for on, share in reversed(own) if on <= day), own[0][1])
        if terms.price.tax_inside:
            what = f"{self.case.id} has a price that includes tax, and nothing says how much: counted whole"
            origin = self.case.points[-1].origin if self.case.points else self.case.invoices[-1].origin
            self.pricer.say(origin, what, "tax_behavior", "inclusive", "import its invoices (JSON of the API) too")
        return Decimal(0)

    def _rates(self, item: str) -> list[dict[str, object]]:
        """The tax rates set on an item, else on the subscription."""
        if not self.case.points:
            return []
        state = self.case.points[-1].state
        own = next((one.get("tax_rates") for one in items_of(state) if id_of(one) == item), None)
        return [rate for rate in (own or state.get("default_tax_rates") or ()) if isinstance(rate, dict)]
