"""The ledger's tables: one `Table` per table of the contract, one `Column` per column, each with its comment.

A *key* names what a row is about; the rows an import brings for one key replace, as a multiset, those known before.
For `subscriptions` and `stages` the scope that is replaced is wider (`group`): all rows of an id, so that a corrected date replaces too.
"""

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "money", "rate", "integer", "flag", "date", "month", "instant"]

SQL_TYPES: dict[Type, str] = {
    "text": "VARCHAR",
    "money": "DECIMAL(18,6)",
    "rate": "DECIMAL(19,12)",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
    "date": "DATE",
    "month": "DATE",
    "instant": "TIMESTAMP",
}
"""How each column type is kept. Instants are UTC microseconds; a month is its first day."""


@dataclass(frozen=True)
class Column:
    """One column of a ledger table."""

    name: str
    type: Type
    comment: str
    required: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class Table:
    """One ledger table: what it holds, its columns, its key and the column that dates its rows."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    dated_by: str | None
    group: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()

    @property
    def scope(self) -> tuple[str, ...]:
        """The columns whose values name what an import replaces."""
        return self.group or self.key

    @property
    def dates(self) -> tuple[Column, ...]:
        """Columns holding dates, months or instants; each is stored with its local day beside it (`<name>_day`, days since 1970-01-01)."""
        return tuple(c for c in self.columns if c.type in ("date", "month", "instant"))

    @property
    def instants(self) -> tuple[Column, ...]:
        """Columns holding instants."""
        return tuple(c for c in self.columns if c.type == "instant")

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _table(name: str, comment: str, dated_by: str | None, key: str, *columns: Column, group: str = "", amounts: str = "") -> Table:
    return Table(name, comment, columns, tuple(key.split()), dated_by, tuple(group.split()), tuple(amounts.split()))


C = Column
STAGES = ("lead", "mql", "sql", "opportunity", "customer")

_TABLES = (
    _table(
        "events",
        "Segment-shaped messages, flattened: what visitors and users did.",
        "timestamp",
        "message_id",
        C("type", "text", "page, track, identify, group, alias or screen", True, ("page", "track", "identify", "group", "alias", "screen")),
        C("message_id", "text", "the sender's id of the message; else a hash of the row"),
        C("anonymous_id", "text", "the device or cookie"),
        C("user_id", "text", "the known user"),
        C("group_id", "text", "the account the user belongs to (group messages)"),
        C("previous_id", "text", "the id that an alias message replaces"),
        C("timestamp", "instant", "when it happened", True),
        C("name", "text", "name of the page, or the event tracked"),
        C("host", "text", "host of the page, lower case, without www."),
        C("path", "text", "path of the page"),
        C("referrer_host", "text", "host that sent the visitor, lower case, without www."),
        C("utm_source", "text", "campaign source"),
        C("utm_medium", "text", "campaign medium"),
        C("utm_campaign", "text", "campaign name"),
        C("utm_term", "text", "campaign term"),
        C("utm_content", "text", "campaign content"),
        C("click_ids", "text", "names of the click-id parameters on the page's address, sorted, joined by a comma (gclid,gad_source=1)"),
        C("user_agent", "text", "the browser's own description"),
        C("device", "text", "desktop, mobile, tablet or other"),
        C("country", "text", "ISO 3166 code, from the address before that is dropped"),
        C("locale", "text", "the browser's language"),
        C("email", "text", "e-mail trait of an identify message"),
        C("plan", "text", "the `plan` property"),
        C("said_type", "text", "the `type` property"),
        C("properties", "text", "other properties, JSON"),
        C("traits", "text", "other traits, JSON"),
    ),
    _table(
        "people",
        "Contacts: who they are and where the CRM says they came from.",
        "created_at",
        "person_id",
        C("person_id", "text", "the source's id of the person", True),
        C("email", "text", "e-mail address; equal addresses are one person"),
        C("account_id", "text", "the account the person belongs to"),
        C("created_at", "instant", "when the contact was created"),
        C("name", "text", "name"),
        C("persona", "text", "buyer persona"),
        C("country", "text", "country"),
        C("channel", "text", "the CRM's own original source"),
        C("campaign", "text", "the CRM's own original campaign"),
        C("internal", "flag", "one of us: left out of every count of people"),
    ),
    _table(
        "stages",
        "A person reached a stage of the funnel.",
        "at",
        "person_id stage at",
        C("person_id", "text", "the person", True),
        C("stage", "text", "lead, mql, sql, opportunity, customer, rejected or recycled", True, (*STAGES, "rejected", "recycled")),
        C("at", "instant", "when", True),
        C("reason", "text", "why (rejections)"),
        C("actor", "text", "who said so"),
        group="person_id",
    ),
    _table(
        "accounts",
        "Companies that buy.",
        "created_at",
        "account_id",
        C("account_id", "text", "the source's id of the account", True),
        C("name", "text", "name"),
        C("created_at", "instant", "when it was created"),
        C("country", "text", "country"),
        C("industry", "text", "industry"),
    ),
    _table(
        "feedback",
        "What customers said: reasons for leaving, scores, comments.",
        "at",
        "account_id person_id kind at",
        C("account_id", "text", "the account (or person_id)"),
        C("person_id", "text", "the person (or account_id)"),
        C("at", "instant", "when", True),
        C("kind", "text", "churn_reason, nps, csat, comment, ...", True),
        C("value", "text", "the reason or the score"),
        C("text", "text", "free text"),
        C("said_by", "text", "customer, care or sales"),
    ),
    _table(
        "subscriptions",
        "One row per stretch of unchanged terms.",
        "starts_on",
        "subscription_id starts_on",
        C("subscription_id", "text", "the subscription", True),
        C("account_id", "text", "who pays", True),
        C("starts_on", "date", "first day of these terms", True),
        C("ends_on", "date", "first day they no longer hold; empty while running"),
        C("amount", "money", "list price per interval, for all seats", True),
        C("currency", "text", "ISO 4217 code", True),
        C("interval", "text", "day, week, month, quarter or year", True, ("day", "week", "month", "quarter", "year")),
        C("interval_count", "integer", "intervals paid at once", default="1"),
        C("quantity", "integer", "seats (the amount already counts them)"),
        C("plan", "text", "name of the plan"),
        C("status", "text", "active, trialing, past_due or paused", choices=("active", "trialing", "past_due", "paused"), default="active"),
        C("discount", "money", "off per interval"),
        C("discount_kind", "text", "none, once, repeating or forever", choices=("none", "once", "repeating", "forever")),
        C("cancelled_on", "date", "day of the click on cancel"),
        C("past_due_on", "date", "day the unpaid invoice fell due"),
        C("tax", "money", "tax per interval that the amount includes"),
        C("metered", "flag", "usage billed by the meter: a closed period and what it came to"),
        group="subscription_id",
        amounts="amount",
    ),
    _table(
        "spend",
        "Sales and marketing cost, salaries and tools included.",
        "day",
        "platform account campaign channel kind purpose day",
        C("day", "date", "the day, or the first day", True),
        C("until", "date", "first day after it; the amount is spread evenly over the days"),
        C("channel", "text", "channel it was spent on; empty = shared cost"),
        C("campaign", "text", "campaign"),
        C(
            "kind",
            "text",
            "ads, salary, commission, tool, agency, content, event or other",
            choices=("ads", "salary", "commission", "tool", "agency", "content", "event", "other"),
            default="other",
        ),
        C("purpose", "text", "acquire, retain or expand", choices=("acquire", "retain", "expand"), default="acquire"),
        C("amount", "money", "cost", True),
        C("currency", "text", "ISO 4217 code", True),
        C("platform", "text", "where it was spent (google_ads, payroll, ...)"),
        C("account", "text", "the platform's account"),
        amounts="amount",
    ),
    _table(
        "deals",
        "Sales opportunities.",
        "created_at",
        "deal_id",
        C("deal_id", "text", "the deal", True),
        C("account_id", "text", "the account"),
        C("person_id", "text", "the contact"),
        C("name", "text", "name"),
        C("amount", "money", "value"),
        C("currency", "text", "ISO 4217 code; empty = the company's"),
        C("stage", "text", "the CRM's stage"),
        C("probability", "rate", "0 to 1"),
        C("created_at", "instant", "when it was created", True),
        C("meeting_at", "instant", "when the first meeting was held"),
        C("closed_at", "instant", "when it was won or lost"),
        C("status", "text", "open, won or lost", True, ("open", "won", "lost")),
        C("lost_reason", "text", "why it was lost"),
        amounts="amount",
    ),
    _table(
        "searches",
        "Monthly searches for our brand and its competitors.",
        "month",
        "month brand",
        C("month", "month", "the month", True),
        C("brand", "text", "the brand", True),
        C("ours", "flag", "true for our own brand", True),
        C("volume", "money", "searches, or an index of them", True),
        amounts="volume",
    ),
    _table(
        "series",
        "Any outside number: shown beside, never mixed into counts.",
        "day",
        "name channel day",
        C("day", "date", "the day", True),
        C("name", "text", "what is measured", True),
        C("value", "money", "the number", True),
        C("unit", "text", "its unit"),
        C("channel", "text", "channel"),
        amounts="value",
    ),
    _table(
        "targets",
        "The plan that actuals are held against.",
        "month",
        "month metric channel",
        C("month", "month", "the month", True),
        C("metric", "text", "the metric", True),
        C("value", "money", "the goal", True),
        C("channel", "text", "channel"),
    ),
    _table(
        "rates",
        "Exchange rates: units of the company's currency for one unit.",
        "day",
        "day currency",
        C("day", "date", "the day", True),
        C("currency", "text", "ISO 4217 code", True),
        C("rate", "rate", "units of the company's currency for one unit", True),
    ),
    _table(
        "aliases",
        "Two ids that are one: a person's or an account's. An id pointing at itself stands alone.",
        None,
        "kind from_id",
        C("kind", "text", "person or account", True, ("person", "account")),
        C("from_id", "text", "the id that gives way", True),
        C("to_id", "text", "the id that stays", True),
        C("at", "instant", "when it became known"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""Every table a file can fill, by name."""
