"""Every page by its path, found by importing the modules of this package: each has its own `PAGES`."""

import importlib
import pkgutil

from fari.surfaces.web.page import Make

PAGES: dict[str, Make] = {}
for _module in pkgutil.iter_modules(__path__):
    PAGES |= importlib.import_module(f"{__name__}.{_module.name}").PAGES
