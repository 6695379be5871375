"""Every page by its path, and what forms do by theirs, found by importing the modules of this package: each has its own `PAGES` and `ACTS`."""

import importlib
import pkgutil

from fari.surfaces.web.page import Act, Make

PAGES: dict[str, Make] = {}
ACTS: dict[str, Act] = {}
for _module in pkgutil.iter_modules(__path__):
    _own = importlib.import_module(f"{__name__}.{_module.name}")
    PAGES |= _own.PAGES
    ACTS |= getattr(_own, "ACTS", {})
