"""A reader of Avro bodies made for one schema: Python source with a statement or two a field, compiled once.

fastavro finds its way through the schema anew for every record; this does it once, and reads twice as fast. It knows the part of
Avro that our schemas use and gives up on any other, which then stays fastavro's. What it reads is what fastavro reads, held by a property
test; it is stricter with bytes that no encoder writes (a decimal of more digits than its schema allows, an overlong number), and with lists
without end.
"""

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kimberley.model.days import date_or_day
from kimberley.wire.compatibility import NamedTypes

Reader = Callable[[bytes, int], tuple[dict[str, Any], int]]
"""Value and position of the body in it, to the record and the position after it, which lies beyond the value's end where that was cut.

Raises IndexError, ValueError or UnicodeDecodeError on bytes that the schema does not describe.
"""

_MOST_DEEP = 6
MOST_ITEMS = 10_000
"""Items of a list: ten times what an event may have. To make a million parcels only to refuse them would keep thousands waiting."""
_EXACT = decimal.Context(prec=64)


class _UnknownError(Exception):
    """The schema has something that this does not know."""


def compile_reader(schema: Any) -> Reader | None:
    """The reader of a record's schema (parsed JSON); None where it has what this does not know."""
    writer = _Writer(NamedTypes(schema))
    try:
        value = writer.value(schema, 1, 0)
    except (_UnknownError, KeyError, TypeError):
        return None
    source = "\n".join(["def read(b, p):", *writer.lines, f"    return {value}, p"])
    names: dict[str, Any] = {"number": _number, "day": date_or_day, "decimal": Decimal, "exact": _EXACT, "from_bytes": int.from_bytes}
    names |= {f"constant{index}": constant for index, constant in enumerate(writer.constants)}
    exec(compile(source, "<compiled reader>", "exec"), names)  # the source is made above of a schema's field names, as literals
    reader: Reader = names["read"]
    return reader


class _Writer:
    """Writes the statements that read a value, and names the expression that then holds it."""

    def __init__(self, names: NamedTypes) -> None:
        self.lines: list[str] = []
        self.constants: list[Any] = []
        self._names = names
        self._count = 0

    def value(self, schema: Any, indent: int, depth: int) -> str:
        """The expression of a value of this schema, after the statements written for it."""
        if depth > _MOST_DEEP:  # a type within itself
            raise _UnknownError
        schema = self._names.resolve(schema)
        if isinstance(schema, list):
            return self._union(schema, indent, depth)
        match schema:
            case {"type": "record", "fields": fields}:
                values = [(field["name"], self.value(field["type"], indent, depth + 1)) for field in fields]
                return "{" + ", ".join(f"{name!r}: {value}" for name, value in values) + "}"
            case {"type": "array", "items": items}:
                return self._array(items, indent, depth)
            case {"type": "enum", "symbols": symbols}:
                return self._enum(symbols, indent)
            case {"type": "bytes", "logicalType": "decimal", "precision": precision}:
                return self._decimal(precision, schema.get("scale", 0), indent)
            case {"type": "int", "logicalType": "date"}:
                self._read_number(indent)
                return self._kept("day((n >> 1) ^ -(n & 1))", indent)
            case {"type": "int" | "long"}:
                self._read_number(indent)
                return self._kept("(n >> 1) ^ -(n & 1)", indent)
            case {"type": "string"}:
                self._read_length(indent)
                self._line(indent, "q = p + n")
                name = self._kept("str(b[p:q], 'utf-8')", indent)
                self._line(indent, "p = q")
                return name
            case {"type": "boolean"}:
                name = self._kept("b[p] != 0", indent)
                self._line(indent, "p += 1")
                return name
        raise _UnknownError

    def _union(self, branches: list[Any], indent: int, depth: int) -> str:
        if len(branches) != 2 or "null" not in branches:
            raise _UnknownError
        null = branches.index("null")
        name = self._new()
        self._line(indent, f"if b[p] == {2 * null}:")
        self._line(indent + 1, "p += 1")
        self._line(indent + 1, f"{name} = None")
        self._line(indent, f"elif b[p] == {2 - 2 * null}:")
        self._line(indent + 1, "p += 1")
        value = self.value(branches[1 - null], indent + 1, depth + 1)
        self._line(indent + 1, f"{name} = {value}")
        self._line(indent, "else:")
        self._line(indent + 1, "raise ValueError(f'a union has no branch of the number that byte {p} holds')")
        return name

    def _array(self, items: Any, indent: int, depth: int) -> str:
        name = self._new()
        count = self._new()
        self._line(indent, f"{name} = []")
        self._line(indent, "while True:")
        inner = indent + 1
        self._read_number(inner)
        self._line(inner, "if not n:")
        self._line(inner + 1, "break")
        self._line(inner, f"{count} = (n >> 1) ^ -(n & 1)")
        self._line(inner, f"if {count} < 0:")  # then the block's size in bytes comes first
        self._line(inner + 1, f"{count} = -{count}")
        self._read_number(inner + 1)
        self._line(inner, f"if len({name}) + {count} > {MOST_ITEMS}:")
        self._line(inner + 1, f"raise ValueError(f'a list of {{len({name}) + {count}}} items; at most {MOST_ITEMS} are read')")
        self._line(inner, f"for _ in range({count}):")
        before = len(self.lines)
        value = self.value(items, inner + 1, depth + 1)
        if len(self.lines) == before:  # an item that takes no bytes: a few could claim to be thousands of millions
            raise _UnknownError
        self._line(inner + 1, f"{name}.append({value})")
        return name

    def _enum(self, symbols: list[str], indent: int) -> str:
        self._read_length(indent)
        return self._kept(f"{self._constant(symbols)}[n]", indent)

    def _decimal(self, precision: int, scale: int, indent: int) -> str:
        limit = self._constant(10**precision)
        self._read_length(indent)
        self._line(indent, "q = p + n")
        self._line(indent, "n = from_bytes(b[p:q], 'big', signed=True)")
        self._line(indent, f"if not -{limit} < n < {limit}:")
        self._line(indent + 1, "raise ValueError('a decimal has more digits than its schema allows')")
        name = self._kept(f"decimal(n).scaleb({-scale}, exact)", indent)
        self._line(indent, "p = q")
        return name

    def _read_number(self, indent: int) -> None:
        """`n` becomes the number as it is written: zigzag."""
        self._line(indent, "n = b[p]")
        self._line(indent, "p += 1")
        self._line(indent, "if n > 127:")
        self._line(indent + 1, "n, p = number(b, p - 1)")

    def _read_length(self, indent: int) -> None:
        """`n` becomes a number that can't be negative."""
        self._read_number(indent)
        self._line(indent, "if n & 1:")
        self._line(indent + 1, "raise ValueError(f'a negative length before byte {p}')")
        self._line(indent, "n >>= 1")

    def _line(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def _kept(self, expression: str, indent: int) -> str:
        name = self._new()
        self._line(indent, f"{name} = {expression}")
        return name

    def _new(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _constant(self, value: Any) -> str:
        self.constants.append(value)
        return f"constant{len(self.constants) - 1}"


def _number(value: bytes, position: int) -> tuple[int, int]:
    """A number of several bytes, seven bits each, least first; still zigzag."""
    found = shift = 0
    while True:
        byte = value[position]
        position += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            if found >> 64:
                raise ValueError(f"a number of more than 64 bits before byte {position}")
            return found, position
        shift += 7
        if shift > 63:
            raise ValueError(f"a number of more than 64 bits before byte {position}")
