"""The whole catalogue: importing a theme's module enters its rules. A new theme is added here."""

from kimberley.rules import amounts, certificate, conflicts, movement, notices, participation, regimes, seals, validity
from kimberley.rules.rule import CATALOGUE

THEMES = (participation, certificate, notices, validity, conflicts, movement, amounts, seals, regimes)

__all__ = ["CATALOGUE", "THEMES"]
