"""What is known when a question is asked."""

from datetime import date

Known = date | frozenset[str] | None
"""All there is (None), what was recorded by the end of a day, or what these imports told and no other."""
