"""The compiled build: the core and the codecs through Cython and a C compiler, from the same sources. What that gains depends on the
machine: `docs/performance.md` has both.

Off unless asked for, as the image and `make bench` do:

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 pip wheel --no-deps --no-build-isolation .

It needs the extra `compile`. Each compiled module's source lies beside it in the wheel, so that tracebacks show lines; without a compiled
module at its side the source runs, which is what an ordinary installation has.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("streams")
COMPILED = (
    "kimberley/model/*.py",
    "kimberley/reference/*.py",
    "kimberley/rules/*.py",
    "kimberley/cases/*.py",
    "kimberley/wire/avro.py",
    "kimberley/wire/compiled_reader.py",
    "kimberley/wire/decision_encoding.py",
    "kimberley/wire/envelope.py",
    "kimberley/wire/lineage.py",
    "kimberley/wire/outputs.py",
    "kimberley/wire/partitioner.py",
    "kimberley/pipeline/batch.py",
    "kimberley/pipeline/batch_writer.py",
    "kimberley/pipeline/processor.py",
)
"""All that runs for every event, and nothing else."""


class CompiledBuild(BuildHookInterface):  # type: ignore[type-arg]
    """Puts compiled modules into the wheel, which is then one of this Python and platform only."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, for a wheel proper; a compiled module beside a source that is being edited would hide the edits."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="kimberley-build-")
        library = Path(self._folder.name, "library")
        _compile(Path(self.root, SOURCES), library, Path(self._folder.name, "work"))
        build_data["force_include"] |= {str(file): str(file.relative_to(library)) for file in library.rglob("*") if file.is_file()}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        if version != "editable":
            self._folder.cleanup()


def _compile(sources: Path, library: Path, work: Path) -> None:
    from Cython.Build import cythonize  # only where it is asked for
    from setuptools import Distribution, Extension

    files = [file.relative_to(sources) for pattern in COMPILED for file in sorted(sources.glob(pattern)) if file.name != "__init__.py"]
    extensions = cythonize(
        [Extension(".".join(file.with_suffix("").parts), [str(sources / file)], extra_compile_args=["-g0", "-fno-plt"]) for file in files],
        build_dir=str(work),
        nthreads=os.cpu_count() or 1,
        quiet=True,
        # the sources are typed for readers and mypy, not for C: an int of theirs is a Python int
        compiler_directives={"language_level": "3", "annotation_typing": False},
    )
    command = Distribution({"name": "kimberley", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp, command.parallel = str(library), str(work), os.cpu_count()
    command.ensure_finalized()
    command.run()
