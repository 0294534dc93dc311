"""The whole catalogue: importing a theme's module enters its rules. A new theme is added here."""

from kimberley.rules import certificate, deadlines, movement, participation, regimes
from kimberley.rules.rule import CATALOGUE

THEMES = (participation, certificate, movement, deadlines, regimes)

__all__ = ["CATALOGUE", "THEMES"]
