"""The bytes of cases at rest, compressed: a case is small and cases are alike, so that it takes a dictionary of what cases hold."""

import zlib
from pathlib import Path

_WINDOW = -13
"""Raw deflate that looks 8 KiB back, no further than the dictionary reaches."""
_MEMORY_LEVEL = 6
_LEVEL = 1
LARGEST = 16 << 10
"""Bytes of a case that is compressed: of a larger one the time would be felt, and there are few."""
# cases are stored by it: another one needs another format (`deploy/case_dictionary.py` made this one)
_DICTIONARY = Path(__file__).with_name("data").joinpath("cases-1.dictionary").read_bytes()
# a copy is made in a fraction of the time that a new one takes to learn the dictionary
_compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
_decompressor = zlib.decompressobj(_WINDOW, _DICTIONARY)


def compress(plain: bytes) -> bytes:
    """The bytes in under half as many."""
    compressor = _compressor.copy()
    return compressor.compress(plain) + compressor.flush()


def decompress(compressed: bytes | memoryview) -> bytes:
    """What `compress` was given. Raises ValueError on anything that is not its answer for at most `LARGEST` bytes."""
    decompressor = _decompressor.copy()
    try:
        plain = decompressor.decompress(compressed, LARGEST + 1)
    except zlib.error as problem:
        raise ValueError(f"a compressed case that is damaged: {problem}") from None
    if len(plain) > LARGEST or not decompressor.eof or decompressor.unused_data:
        raise ValueError(f"a compressed case that is damaged: it ends elsewhere than it should, or holds more than {LARGEST:,} bytes")
    return plain
