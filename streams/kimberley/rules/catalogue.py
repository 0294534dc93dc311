"""The whole catalogue: importing a theme's module enters its rules. A new theme is added here."""

from kimberley.rules import certificate, conflict, lineage, movement, participation, plausibility, regimes, sanctions, transit
from kimberley.rules.rule import CATALOGUE

THEMES = (participation, certificate, movement, regimes, sanctions, transit, conflict, lineage, plausibility)

__all__ = ["CATALOGUE", "THEMES"]
