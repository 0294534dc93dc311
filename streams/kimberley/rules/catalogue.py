"""The whole catalogue: every module of this package is imported, which enters its rules. A new rule needs no word here."""

from importlib import import_module
from pkgutil import iter_modules

from kimberley import rules
from kimberley.rules.rule import CATALOGUE

_READERS = frozenset({"catalogue", "published", "rulebook", "rules_page"})
"""The modules that need the catalogue, and so have no part in it."""

for _module in iter_modules(rules.__path__):
    if _module.name not in _READERS:
        import_module(f"{rules.__name__}.{_module.name}")

__all__ = ["CATALOGUE"]
