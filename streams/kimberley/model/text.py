"""The one normal form of numbers and codes: what people write differently and mean alike."""

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

_NUMBER_NOISE = re.compile(r"[\s\-/‐-―−]+")
_LONGEST_SHOWN = 60
_HS_NOISE = re.compile(r"[\s.]+")


def normalise_number(text: str) -> str:
    """A certificate number in upper case without blanks, hyphens (and the dashes that word processors make of them) or slashes."""
    return text.upper() if text.isalnum() else _NUMBER_NOISE.sub("", text).upper()


def normalise_code(text: str) -> str:
    """A country code in upper case without blanks."""
    return text.strip().upper()


def normalise_hs_code(text: str) -> str:
    """An HS code's digits: `7102.31` as `710231`."""
    return text if text.isalnum() else _HS_NOISE.sub("", text)


@lru_cache(maxsize=4096)
def normalise_place(text: str) -> str:
    """A place's name as it is compared: accents, case and spare blanks are forgiven (`BERBERATI` is `Berbérati`)."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(letters.casefold().split())


def shown(value: object) -> str:
    """A value at fault as a message has it: not longer than a line."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
