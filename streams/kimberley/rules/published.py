"""The record of published rulebooks: under each id the hash of what it says, so that an altered one can't pass for it."""

import tomllib
from functools import cache

import msgspec

from kimberley.reference.bundle import shipped_bundle
from kimberley.reference.reference import DATA

RECORD = DATA / "published.toml"
_HEAD = """\
# Rulebooks that were published: under each id SHA-256 of what the rulebook says (`rulebook`) and of the rest of the bundle that it came
# with (`bundle`: issuer profiles, producers, price bands, definitions). What stands here does not change; a new version is a new id.
# `make rulebook` writes the entry of the rulebook that ships, until that one is released.
"""


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hashes of a rulebook and of the bundle that it was published with."""

    rulebook: str
    bundle: str


@cache
def published_rulebooks() -> dict[str, Published]:
    """Every published rulebook by its id."""
    return msgspec.convert(tomllib.loads(RECORD.read_text(encoding="utf-8")), dict[str, Published])


def record() -> None:
    """Enter the rulebook that ships, in the place of what stands under its id."""
    from kimberley.rules.rulebook import SHIPPED, read_rulebook  # which reads this record

    book = read_rulebook(SHIPPED)
    entries = {**published_rulebooks(), book.id: Published(book.content_hash, shipped_bundle().content_hash)}
    tables = (f'["{each}"]\nrulebook = "{entry.rulebook}"\nbundle = "{entry.bundle}"\n' for each, entry in sorted(entries.items()))
    RECORD.write_text("\n".join((_HEAD, *tables)), encoding="utf-8")


if __name__ == "__main__":
    record()
