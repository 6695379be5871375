"""What is kept of Stripe's objects: the fields that terms, periods and payments are read from, and no personal data."""

from collections.abc import Mapping, Sequence
from typing import Any

from fari.sources.stripe_price import id_of, members

Spec = Mapping[str, Any]
"""Fields that are kept: None as they are, `_ID` as an id only, a Spec as an object (or a list of objects) of which these are kept."""
_ID = "id"


def _plain(names: str, **nested: Any) -> Spec:
    return dict.fromkeys(names.split()) | nested


_TIERS = _plain("up_to unit_amount unit_amount_decimal flat_amount flat_amount_decimal amount")
_PRICE = _plain(
    "id object currency nickname lookup_key unit_amount unit_amount_decimal billing_scheme tiers_mode tax_behavior "
    "amount amount_decimal interval interval_count usage_type",
    tiers=_TIERS,
    transform_quantity=_plain("divide_by round"),
    transform_usage=_plain("divide_by round"),
    recurring=_plain("interval interval_count usage_type"),
    product=_plain("id name"),
    currency_options=None,
)
_COUPON = _plain("id object duration duration_in_months percent_off amount_off currency", applies_to=_plain("products"), currency_options=None)
_DISCOUNT = _plain("id object start end", coupon=_COUPON, source=_plain("type", coupon=_COUPON), subscription=_ID, subscription_item=_ID)
_RATE = _plain("id percentage effective_percentage inclusive")
_ITEM = _plain("id created quantity current_period_start current_period_end deleted", price=_PRICE, plan=_PRICE, discounts=_DISCOUNT, tax_rates=_RATE)
_SUBSCRIPTION = _plain(
    "id object status currency created start_date trial_start trial_end canceled_at ended_at cancel_at cancel_at_period_end "
    "current_period_start current_period_end quantity",
    customer=_ID,
    pause_collection=_plain("behavior resumes_at"),
    discount=_DISCOUNT,
    discounts=_DISCOUNT,
    items=_plain("object has_more", data=_ITEM),
    plan=_PRICE,
    default_tax_rates=_RATE,
    schedule=_ID,
    latest_invoice=_ID,
)
_LINE = _plain(
    "id type amount currency quantity proration",
    price=_ID,
    plan=_ID,
    pricing=_plain("type unit_amount_decimal", price_details=_plain("", price=_ID, product=_ID)),
    period=_plain("start end"),
    subscription=_ID,
    subscription_item=_ID,
    parent=_plain(
        "type",
        subscription_item_details=_plain("proration subscription subscription_item"),
        invoice_item_details=_plain("proration subscription"),
    ),
    discounts=_DISCOUNT,
    discount_amounts=_plain("amount", discount=_ID),
    tax_amounts=_plain("amount inclusive"),
    taxes=_plain("amount tax_behavior"),
)
_INVOICE = _plain(
    "id object status created due_date attempted attempt_count billing_reason collection_method currency paid total post_payment_credit_notes_amount",
    customer=_ID,
    charge=_ID,
    payment_intent=_ID,
    payments=_plain("", data=_plain("", payment=_plain("type", charge=_ID, payment_intent=_ID))),
    subscription=_ID,
    parent=_plain("type", subscription_details=_plain("", subscription=_ID)),
    status_transitions=_plain("finalized_at paid_at voided_at marked_uncollectible_at"),
    discount=_DISCOUNT,
    discounts=_DISCOUNT,
    lines=_plain("has_more", data=_LINE),
)
_PHASE = _plain(
    "start_date end_date trial_end currency", items=_plain("quantity", price=_ID, plan=_ID, discounts=_DISCOUNT), discounts=_DISCOUNT, coupon=_COUPON
)
_SCHEDULE = _plain(
    "id object status created canceled_at released_at completed_at end_behavior",
    customer=_ID,
    subscription=_ID,
    released_subscription=_ID,
    phases=_PHASE,
)

SPECS: dict[str, Spec] = {
    "subscription": _SUBSCRIPTION,
    "invoice": _INVOICE,
    "charge": _plain("id object created refunded", customer=_ID, invoice=_ID, payment_intent=_ID),
    "subscription_schedule": _SCHEDULE,
    "customer": _plain("id", discount=_DISCOUNT),
    "discount": _DISCOUNT,
    "price": _PRICE,
    "plan": _PRICE,
    "coupon": _COUPON,
}
"""By the name that Stripe gives an object, what is kept of it."""


def trimmed(value: object, spec: Spec | str | None) -> Any:
    """What is kept of a value. An id that stands for an object that was not expanded stays an id."""
    if spec is None or value is None:
        return value
    if spec == _ID:
        return id_of(value)
    if isinstance(value, list):
        return [trimmed(one, spec) for one in value]
    if not isinstance(value, dict):
        return value
    assert not isinstance(spec, str)
    return {name: trimmed(value[name], kept) for name, kept in spec.items() if value.get(name) is not None}


def listed(value: object) -> Sequence[Any]:
    """The members of a list object or a bare list."""
    if isinstance(value, dict):
        value = value.get("data")
    return value if isinstance(value, list) else ()


def before_of(event: Mapping[str, Any], spec: Spec) -> dict[str, Any] | None:
    """What an event says the object was before, as far as it is kept; None where it says nothing of that.

    A field that was not set before is null there, and has to stay so.
    """
    previous = members(members(event.get("data")).get("previous_attributes"))
    if not previous:
        return None
    kept = {name: trimmed(value, spec[name]) for name, value in previous.items() if name in spec}
    return kept or None


def overlaid(state: Mapping[str, Any], previous: Mapping[str, Any]) -> dict[str, Any]:
    """A state with earlier values in place of its own. Lists are given whole, objects by what was different in them.

    >>> overlaid({"a": 1, "p": {"x": 1, "y": 2}, "l": [1]}, {"p": {"x": 0}, "l": [0]})
    {'a': 1, 'p': {'x': 0, 'y': 2}, 'l': [0]}
    """
    made = dict(state)
    for name, value in previous.items():
        own = state.get(name)
        made[name] = overlaid(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return made
