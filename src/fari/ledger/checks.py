"""What must hold in a row beyond each cell being of its type."""

from typing import NamedTuple

from fari.ledger.sql import literal


class Check(NamedTuple):
    """A condition (SQL) that makes a row wrong, what is said about it and the way out.

    What is only said is looked for among the rows that are not refused, and may look at other rows by a window.
    """

    condition: str
    what: str
    mend: str
    refused: bool = True
    """Whether the row is left out; False where it is kept and said."""


CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNH CNY COP CRC CUP CVE "
    "CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK "
    "PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG ZWL"
)
"""ISO 4217, with those of the last years that have gone (HRK, ANG, ZWL) and the yuan traded abroad (CNH)."""

# Looked for in one text: a list of 170 values takes DuckDB a millisecond to set up, each time.
_CURRENCY = Check(
    f"NOT (length(currency) = 3 AND contains({literal(CURRENCIES)}, currency))", "currency is not an ISO 4217 code", "write EUR, USD, ..."
)

_NEVER = "DATE '9999-12-31'"

CHECKS: dict[str, tuple[Check, ...]] = {
    "events": (
        Check("anonymous_id IS NULL AND user_id IS NULL", "names nobody: it counts nowhere", "give it an anonymousId or a userId", refused=False),
    ),
    "subscriptions": (
        Check("amount < 0", "amount is negative", "give credits as a discount"),
        Check("interval_count < 1", "interval_count is below 1", "write 1 or more"),
        Check("ends_on < starts_on", "ends_on is before starts_on", "ends_on is the first day the terms no longer hold"),
        _CURRENCY,
        Check(
            "discount > 0 AND discount_kind IS NULL",
            "has a discount without a discount_kind: it does not count",
            "write repeating, forever or once",
            refused=False,
        ),
        Check(
            f"lead(starts_on) OVER (PARTITION BY file_no, subscription_id ORDER BY starts_on) < coalesce(ends_on, {_NEVER})",
            "overlaps the subscription's next stretch: from its start that one counts",
            "end it on the day the next one starts",
            refused=False,
        ),
    ),
    "spend": (Check("until <= day", "until is not after day", "until is the first day the amount no longer covers"), _CURRENCY),
    "deals": (
        Check("probability < 0 OR probability > 1", "probability is not between 0 and 1", "write 0.4 for 40 %"),
        _CURRENCY,
        Check(
            "status <> 'open' AND closed_at IS NULL",
            "is won or lost but has no closed_at: it is in no pipeline figure",
            "add the day it closed",
            refused=False,
        ),
    ),
    "rates": (Check("rate <= 0", "rate is not above 0", "write the company's currency for one unit"), _CURRENCY),
    "feedback": (Check("account_id IS NULL AND person_id IS NULL", "account_id and person_id are both missing", "give one of them"),),
    "searches": (Check("volume < 0", "volume is negative", "write the number of searches"),),
}
"""The checks of each table, in the order they are made; the first that refuses a row is the one that is told."""

ONCE = frozenset({"people", "accounts", "deals", "rates", "targets", "subscriptions"})
"""Tables in which a key names one thing: of two rows of a file with one key the last is kept."""
COUNTED = frozenset({"spend"})
"""Tables of which two equal rows are two things: two salaries on one day are two costs."""
