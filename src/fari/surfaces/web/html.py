"""HTML: templates with the reader's words and numbers in them. Whatever comes from the data is escaped; an unknown name is an error."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from fari import __version__
from fari.surfaces.web import charts, frame, preview
from fari.surfaces.web.scene import Scene
from fari.surfaces.words import Words, capital


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("fari.surfaces.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    made.globals |= {"version": __version__, "themed": _themed, "spark": _spark, "capital": capital, "frame": frame, "preview": preview}
    made.globals |= {"drawn": _drawn, "spark_drawn": _spark_drawn, "style": _style}
    return made


def _themed(spec: charts.Spec) -> Markup:
    # Made by Vega from our own specification, whose texts it escapes.
    return Markup(charts.themed(spec))  # noqa: S704


def _spark(values: list[float | None]) -> Markup:
    return Markup(charts.spark(values))  # noqa: S704 - numbers alone


def _drawn(spec: charts.Spec) -> Markup:
    return Markup(charts.drawn(spec))  # noqa: S704


def _spark_drawn(values: list[float | None], mood: str) -> Markup:
    return Markup(charts.spark_drawn(values, mood))  # noqa: S704 - numbers alone


def _style(name: str) -> Markup:
    """A style sheet of Fari's own, to stand in the file itself."""
    return Markup((Path(__file__).parent / "static" / f"{name}.css").read_text(encoding="utf-8"))  # noqa: S704


def render(template: str, scene: Scene, **shown: Any) -> str:
    """A template filled in."""
    made = _environment().get_template(template)
    return made.render(scene=scene, view=scene.view, _=scene.said.say, said=scene.said, reader=scene.reader, csrf=scene.reader.csrf, **shown)


def alone(template: str, said: Words, **shown: Any) -> str:
    """A template that tells nothing of any company, for who has not come in."""
    return _environment().get_template(template).render(_=said.say, said=said, **shown)
