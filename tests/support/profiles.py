"""Issuer profiles of a test's own, in the form of the file that ships."""

from pathlib import Path

_DEFAULT = """[default]
number = "^[A-Z]{2}[0-9A-Z]{1,18}$"
confirmation_days = 15
arrival_days = 30
unknown_certificate_days = 3
value_tolerance = { relative = "0.05", absolute = "0" }
carats_tolerance = { relative = "0.001", absolute = "0.05" }
"""


def with_profiles(folder: Path, more: str) -> tuple[str, str]:
    """The options of a command that judges by the default profile and what is added after it."""
    (folder / "issuer-profiles.toml").write_text(_DEFAULT + more, encoding="utf-8")
    return "--reference", str(folder)
