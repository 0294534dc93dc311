"""The project's wheel, and wheels of what it needs, made of what is installed here, so that nothing is fetched."""

import base64
import hashlib
import importlib.metadata as metadata
import subprocess
import sys
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def build_wheel(folder: Path) -> Path:
    """The wheel, as it is built for a release."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return found


def needed(name: str, *extras: str) -> dict[str, metadata.Distribution]:
    """An installed distribution, and all that it needs with these extras, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [(name, extra) for extra in ("", *extras)]
    asked = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in asked:
            continue
        asked.add((name, extra))
        found[name] = metadata.distribution(name)
        for requirement in map(Requirement, found[name].requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]
    return found


def pack_again(distribution: metadata.Distribution, folder: Path) -> Path:
    """An installed distribution as a wheel, without the scripts and byte code that installing made."""
    home = Path(str(distribution.locate_file("")))
    tags = [line.removeprefix("Tag: ") for line in (distribution.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")]
    tag = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*(each.split("-") for each in tags), strict=True))
    name = f"{canonicalize_name(distribution.name).replace('-', '_')}-{distribution.version}"
    target = folder / f"{name}-{tag}.whl"
    rows = []
    with zipfile.ZipFile(target, "w") as packed:
        for file in distribution.files or ():
            place = file.as_posix()
            if place.startswith("../") or place.endswith((".pyc", "/INSTALLER", "/REQUESTED", "/direct_url.json", "/RECORD")):
                continue
            content = (home / place).read_bytes()
            packed.writestr(place, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append(f"{place},sha256={digest},{len(content)}\n")
            if place.endswith(".dist-info/WHEEL"):
                record = place.replace("/WHEEL", "/RECORD")
        packed.writestr(record, "".join([*rows, f"{record},,\n"]))
    return target
