"""Rule sets: named answers to the questions on which revenue tools differ. The data, with sources, is `rules.toml` beside this file."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fari.errors import UsageError, did_you_mean

DEFAULT = "fari"
EVER = 1_000_000
"""More days than any subscription runs."""
DATA = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True)
class Choice:
    """One question on which tools differ, and the answers it can have."""

    name: str
    says: str
    options: Mapping[str, str]
    form: Literal["word", "days", "ratio"] = "word"
    number: str = ""
    """What an answer that is a number means."""

    def checked(self, answer: str) -> str:
        """The answer as it is written, or UsageError saying what can be answered."""
        text = answer.strip().lower()
        if text in self.options or (self.form == "days" and text.isdecimal() and int(text) < EVER):
            return text
        # A power of ten, which a fraction takes too, would keep whoever asks by address waiting for good.
        if self.form == "ratio" and re.fullmatch(r"\d{1,9}([/.]\d{1,9})?", text, re.ASCII):
            try:
                if 0 <= Fraction(text) <= 1000:
                    return text
            except (ValueError, ZeroDivisionError):
                pass
        number = {"word": (), "days": ("a number of days",), "ratio": ("a ratio such as 52/12 or 4.33",)}[self.form]
        raise UsageError(f"{self.name} is {' or '.join([*self.options, *number])}, not {answer!r}{did_you_mean(text, self.options)}")

    def meaning(self, answer: str) -> str:
        """An answer in words."""
        return self.options.get(answer, self.number.format(answer))


@dataclass(frozen=True)
class Rules:
    """A preset, and the single answers given otherwise. Every choice has one answer."""

    preset: str
    answers: tuple[tuple[str, str], ...]
    overrides: tuple[str, ...] = ()

    def __getitem__(self, choice: str) -> str:
        return dict(self.answers)[choice]

    @property
    def label(self) -> str:
        """What is printed under numbers: the preset, and what differs from it.

        >>> preset("fari").label, preset("fari").changed(past_due_days="60").label
        ('fari', 'fari with past_due_days = 60')
        """
        return f"{self.preset} with {', '.join(f'{name} = {self[name]}' for name in self.overrides)}" if self.overrides else self.preset

    def changed(self, /, **answers: str) -> "Rules":
        """The same with some answers given otherwise; UsageError where one is unknown. An answer the preset gives anyway overrides nothing."""
        own = dict(preset(self.preset).answers)
        known = dict(self.answers)
        for name, answer in answers.items():
            if name not in choices():
                raise UsageError(f"no rule {name!r}{did_you_mean(name, choices())} (`fari rules` lists them)")
            known[name] = choices()[name].checked(answer)
        return Rules(self.preset, tuple(known.items()), tuple(name for name in known if known[name] != own[name]))

    def ratio(self, choice: str) -> tuple[int, int]:
        """A ratio's numerator and denominator.

        >>> preset("fari").ratio("week"), preset("fari").ratio("year")
        ((13, 3), (1, 12))
        """
        return Fraction(self[choice]).as_integer_ratio()

    def days(self, choice: str) -> int:
        """A number of days; 0 where the answer is a word."""
        return int(self[choice]) if self[choice].isdecimal() else 0


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


@cache
def choices() -> dict[str, Choice]:
    """Every choice by name, in the order in which a bridge walks over them."""
    return {
        name: Choice(name, said["says"], said.get("options", {}), said.get("form", "word"), said.get("number", ""))
        for name, said in _data()["choice"].items()
    }


@cache
def presets() -> dict[str, str]:
    """The presets by name, and what each stands for."""
    return {name: said["says"] for name, said in _data()["preset"].items()}


@cache
def preset(name: str = DEFAULT) -> Rules:
    """A preset; UsageError where there is none of that name."""
    if name not in presets():
        raise UsageError(f"unknown rules {name!r}{did_you_mean(name, presets())} (one of: {', '.join(presets())})")
    said = _data()["preset"][name]
    return Rules(name, tuple((choice, said[choice][0]) for choice in choices()))


def named(label: str) -> Rules:
    """The rule set of a label.

    >>> named("fari with past_due_days = 60, pause = keep")["pause"], named("stripe") == preset("stripe")
    ('keep', True)
    """
    name, _, others = label.partition(" with ")
    pairs = (one.partition(" = ") for one in others.split(", ") if one)
    return preset(name).changed(**{choice: answer for choice, _, answer in pairs})


def source(name: str, choice: str) -> str:
    """Where it stands that a preset answers a choice as it does."""
    return str(_data()["preset"][name][choice][1])


def differing(one: Rules, other: Rules) -> list[str]:
    """The choices two rule sets answer differently, in the order of a bridge.

    >>> differing(preset("fari"), preset("lago"))
    ['discount_repeating', 'discount_forever', 'past_due_days', 'reactivation']
    """
    return [name for name in choices() if one[name] != other[name]]
