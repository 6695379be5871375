"""What must hold in a row beyond each cell being of its type."""

from typing import NamedTuple

from fari.ledger.sql import among


class Check(NamedTuple):
    """A condition (SQL) that makes a row wrong, what is said about it and the way out."""

    condition: str
    what: str
    mend: str
    refused: bool = True
    """Whether the row is left out; False where it is kept and said."""


CURRENCIES = tuple(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNH CNY COP CRC CUP CVE "
    "CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK "
    "PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG ZWL".split()
)
"""ISO 4217, with those of the last years that have gone (HRK, ANG, ZWL) and the yuan traded abroad (CNH)."""

_CURRENCY = Check(f"currency NOT IN {among(CURRENCIES)}", "currency is not an ISO 4217 code", "write EUR, USD, ...")

CHECKS: dict[str, tuple[Check, ...]] = {
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

ONCE = frozenset({"people", "accounts", "deals", "rates", "aliases", "targets", "subscriptions"})
"""Tables in which a key names one thing: of two rows of a file with one key the last is kept."""
