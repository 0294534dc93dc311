"""The released bundle: what ships with a version besides the rulebook, and does not change while the stream runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

import msgspec

from kimberley.errors import ConfigurationError
from kimberley.reference.definitions import Definition, load_definitions
from kimberley.reference.plausibility import PriceBands, Producers, load_price_bands, load_producers
from kimberley.reference.profiles import Profiles, load_profiles
from kimberley.reference.reference import DATA


@dataclass(frozen=True)
class Bundle:
    """Issuer profiles, producers, price bands and definitions, as one state with one hash."""

    profiles: Profiles
    producers: Producers
    price_bands: PriceBands
    definitions: Mapping[str, Definition]

    def definition(self, definition_id: str | None) -> Definition:
        """The definition of an id; None: the one whose status is in force. Raises ConfigurationError where there is none."""
        if definition_id is None:
            in_force = [each for each in self.definitions.values() if each.status == "in_force"]
            if len(in_force) != 1:
                raise ConfigurationError(f"{len(in_force)} definitions are in force: name one in the rulebook (definition = …)")
            return in_force[0]
        found = self.definitions.get(definition_id)
        if found is None:
            raise ConfigurationError(f"there is no definition {definition_id!r}; there are {', '.join(sorted(self.definitions))}")
        return found

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 in hexadecimal of what the files mean: comments and the order of entries leave it as it is."""
        parts = (
            self.profiles.tables,
            sorted(msgspec.json.encode(row) for row in self.producers.rows),
            sorted(msgspec.json.encode(row) for row in self.price_bands.rows),
            dict(self.definitions),
        )
        return sha256(b"\n".join(msgspec.json.encode(part, order="sorted") for part in parts)).hexdigest()


def read_bundle(folder: Path) -> Bundle:
    """The bundle of a folder in the form of what ships; a file that it lacks is the shipped one. Raises ConfigurationError."""
    return Bundle(
        load_profiles(shipped_unless_in(folder, "issuer-profiles.toml")),
        load_producers(shipped_unless_in(folder, "producers.csv")),
        load_price_bands(shipped_unless_in(folder, "price-bands.csv")),
        load_definitions(shipped_unless_in(folder, "definitions.toml")),
    )


@cache
def shipped_bundle() -> Bundle:
    """The bundle that ships with this version."""
    return read_bundle(DATA)


def shipped_unless_in(folder: Path, name: str) -> Path:
    """A file of a folder; the one that ships where the folder has none."""
    return folder / name if (folder / name).is_file() else DATA / name
