"""The whole catalogue: importing a theme's module enters its rules. A new theme is added here."""

from kimberley.rules import (
    amounts,
    certificate,
    conflict,
    conflicts,
    deadlines,
    lineage,
    movement,
    notices,
    origins,
    participation,
    plausibility,
    regimes,
    sanctions,
    seals,
    transit,
    validity,
)
from kimberley.rules.rule import CATALOGUE

THEMES = (
    participation,
    certificate,
    notices,
    validity,
    conflicts,
    movement,
    amounts,
    seals,
    deadlines,
    regimes,
    sanctions,
    transit,
    conflict,
    lineage,
    origins,
    plausibility,
)

__all__ = ["CATALOGUE", "THEMES"]
