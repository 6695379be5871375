"""Robots: what was left out of visits because its agent says that nobody was there."""

from ibis.expr.types import Table

from fari.facts.words import settled


def bot_days(page_views: Table, agents: Table) -> Table:
    """One row per robot, local day and pattern that knew it (`bot`): its page views, and the source row of one of them."""
    views = page_views.filter(page_views.kind == "bot").select("visitor", "day", "user_agent", "origin")
    known = agents.filter(agents.bot.notnull()).select("user_agent", "bot")
    joined = settled(views).inner_join(known, views.user_agent == known.user_agent).select("visitor", "day", "bot", "origin")
    days = joined.group_by(["visitor", "day", "bot"]).aggregate(views=joined.count().cast("int64"), origin=joined.origin.min())
    return days.select("visitor", "day", "bot", "views", "origin")
