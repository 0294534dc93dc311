"""`kimberley dead-letters`: which there are, why one died, and what can still be read of it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner, Result

import kimberley.commands.dead_letters as verb
from kimberley.commands import main
from kimberley.commands.dead_letter_output import dump
from kimberley.errors import UnreadableRecordError
from kimberley.settings import load_settings
from kimberley.wire.audit import AuditRecord, Ledger
from kimberley.wire.avro import make_codec
from kimberley.wire.dead_letters import DeadLetter, dead_letter
from kimberley.wire.envelope import Headers, dead_letter_headers
from kimberley.wire.event_records import event_record
from kimberley.wire.records import record_from_json
from support.stories import issue

CODEC = make_codec(load_settings())
NAMED = issue(exporter={"name": "Exporter One Ltd"}, importer={"name": "Importer Two NV"})
RECORD = event_record(CODEC, *record_from_json(NAMED))
OCTOBER, DECEMBER = 1_727_740_800_000, 1_733_011_200_000


@dataclass
class Record:
    """A record of the dead letters' topic."""

    value: bytes | None
    headers: Headers
    topic: str = "dead-letters"
    partition: int = 3
    offset: int = 7
    timestamp: int = OCTOBER
    key: bytes | None = b"BW000001"


@dataclass
class Died:
    """What died where, as the stream says it."""

    value: bytes | None
    stage: str = "frame"
    message: str = "cannot be read"
    topic: str = "shipments"
    partition: int = 3
    offset: int = 42
    sent: Headers = field(default_factory=list)
    timestamp: int = OCTOBER
    trace: str = ""
    attempts: int = 1

    def letter(self) -> DeadLetter:
        problem = UnreadableRecordError(self.stage, self.message)
        added = dead_letter_headers(self.topic, self.partition, self.offset, self.stage, problem, self.trace, self.attempts)
        return dead_letter(Record(self.value, [*self.sent, *added], timestamp=self.timestamp))


LETTERS = [
    Died(b'{"type": "ShipmentArrived"}', sent=[("ce_source", b"/kp/AE/Dubai"), ("ce_id", b"one")]),
    Died(RECORD.value[:-20], "decode", "the body is short", "certificates", 0, 5, timestamp=DECEMBER, attempts=2),
    Died(RECORD.value, "process", "a fault of ours", "certificates", 1, 6, trace="Traceback: line one\nline two"),
    Died(None, message="a null value", offset=50),
    Died(b"\x00\x00\x00\x00\x09abc", "schema", "nobody has a schema of id 9", offset=60),
]

DONE: list[AuditRecord] = []


def done(action: str, place: str, **more: Any) -> AuditRecord:
    """What was done to the dead letter of a record of October."""
    known = {"by": "ada", "at": "2024-11-01T09:00:00Z", "reason": None, "dead_letter": "dead-letters-3@7", "stage": "frame", "attempts": 1}
    return AuditRecord(**{"action": action, "letter": place, "record_timestamp": "2024-10-01T00:00:00Z", **known, **more})


@pytest.fixture(autouse=True)
def _letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """These dead letters instead of a topic's, and what a test says was done to them."""
    DONE.clear()
    monkeypatch.setattr(verb, "read_letters", lambda settings: ([died.letter() for died in LETTERS], Ledger(DONE)))


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["dead-letters", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def places(*options: str) -> list[str]:
    return [json.loads(line)["place"] for line in run("list", "--format", "jsonl", *options).stdout.splitlines()]


def shown(place: str, *options: str) -> dict[str, Any]:
    result = run("show", place, "--format", "jsonl", *options)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


ALL = ["shipments-3@42", "certificates-0@5", "certificates-1@6", "shipments-3@50", "shipments-3@60"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ALL),
        (("--stage", "decode"), ["certificates-0@5"]),
        (("--topic", "certificates"), ["certificates-0@5", "certificates-1@6"]),
        (("--authority", "ae"), ["shipments-3@42"]),
        (("--authority", "BW"), ["certificates-0@5", "certificates-1@6"]),
        (("--since", "2024-11-01"), ["certificates-0@5"]),
        (("--since", "2024-10-01T02:00:00+02:00"), ALL),
        (("--stage", "decode", "--topic", "shipments"), []),
        (("--until", "2024-12-01"), [each for each in ALL if each != "certificates-0@5"]),
        (("--since", "2024-12-01", "--until", "2024-12-02"), ["certificates-0@5"]),
        (("shipments-3@50", "certificates/1/6"), ["certificates-1@6", "shipments-3@50"]),
        (("shipments-3@50", "--stage", "decode"), []),
        (("shipments-3@51",), []),
    ],
)
def test_dead_letters_are_listed_by_filter(options: tuple[str, ...], expected: list[str]) -> None:
    assert sorted(places(*options)) == sorted(expected)


def test_a_row_says_where_when_why_and_how_often() -> None:
    row = json.loads(run("list", "--format", "jsonl", "--stage", "decode").stdout)
    assert (row["topic"], row["partition"], row["offset"], row["dead_letter"]) == ("certificates", 0, 5, "dead-letters-3@7")
    assert (row["stage"], row["message"], row["attempts"], row["timestamp"]) == ("decode", "the body is short", 2, "2024-12-01T00:00:00Z")
    assert row["authority"] == "BW", "as far as it can be decoded"


def test_the_table_has_a_row_for_each_and_counts_by_stage() -> None:
    table = run("list", "--format", "table").stdout
    for place in ALL:
        assert place in table
    assert "5 dead letters: 2 frame, 1 decode, 1 process, 1 schema" in table
    assert run("list", "--format", "table", "--topic", "nothing").stdout == "0 dead letters\n"


def test_a_dead_letter_shows_why_its_headers_and_its_bytes() -> None:
    table = run("show", "shipments-3@42", "--format", "table").stdout
    for words in ("cannot be read", "ce_source  /kp/AE/Dubai", "UnreadableRecordError", "BW000001", "JSON"):
        assert words in table
    assert '00000000  7b 22 74 79 70 65 22 3a  20 22 53 68 69 70 6d 65  |{"type": "Shipme|' in table
    assert "__kimberley" not in table, "what the stream added is told in words"


def test_a_place_may_be_written_as_a_decisions_id() -> None:
    assert shown("shipments/3/42") == shown("shipments-3@42")


@pytest.mark.parametrize("place", ["shipments", "shipments-3", "shipments@42", "shipments-x@1", ""])
def test_what_is_no_place_is_wrong_usage_with_an_example(place: str) -> None:
    result = run("show", place)
    assert result.exit_code == 2
    assert "shipments-3@1042" in result.stderr


def test_an_unknown_place_is_exit_status_1() -> None:
    result = run("show", "shipments-3@43")
    assert result.exit_code == 1
    assert "shipments-3@43" in result.stderr
    assert result.stdout == ""


def test_a_sound_record_is_decoded_whole_without_names_unless_asked() -> None:
    letter = shown("certificates-1@6")
    assert letter["reading"]["type"] == "CertificateIssued"
    assert letter["reading"]["fields"]["certificate_number"] == "BW000001"
    assert "exporter" not in letter["reading"]["fields"]
    assert shown("certificates-1@6", "--names")["reading"]["fields"]["exporter"] == {"name": "Exporter One Ltd"}
    assert letter["stacktrace"].startswith("Traceback")
    assert "line two" in run("show", "certificates-1@6", "--format", "table").stdout


def test_of_a_broken_record_the_leading_fields_are_read() -> None:
    letter = shown("certificates-0@5")
    fields = letter["reading"]["fields"]
    assert fields["event_id"] == NAMED["event_id"]
    assert fields["issued_on"] == "2024-03-04"
    assert "remarks" not in fields
    assert "leading fields" in letter["reading"]["how"]
    assert bytes.fromhex(letter["value_hex"]) == RECORD.value[:-20]


def test_an_unknown_schema_and_no_value_are_said() -> None:
    assert "schema id 9, which nobody has" in shown("shipments-3@60")["reading"]["how"]
    empty = shown("shipments-3@50")
    assert (empty["value_hex"], empty["bytes"], empty["reading"]["fields"]) == (None, None, {})
    assert "No value" in run("show", "shipments-3@50", "--format", "table").stdout


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 300])
def test_a_dump_holds_every_byte_and_fits_80_columns(length: int) -> None:
    value = bytes(index % 256 for index in range(length))
    lines = [line.plain for line in dump(value)]
    assert bytes.fromhex("".join(line[10:59] for line in lines).replace(" ", "")) == value
    assert all(len(line) <= 80 for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_long_value_is_cut_and_says_how_to_see_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LETTERS[0], "value", b"x" * 2000)
    cut = run("show", "shipments-3@42", "--format", "table").stdout
    assert "976 bytes more; --all dumps them" in cut
    whole = run("show", "shipments-3@42", "--format", "table", "--all").stdout
    assert "000007c0  78" in whole
    assert "bytes more" not in whole


def test_a_record_without_our_headers_stands_for_itself() -> None:
    letter = dead_letter(Record(b"x", [("a", b"b")]))
    assert letter.origin == letter.place
    assert (letter.stage, letter.attempts, letter.headers) == ("", 0, [("a", b"b")])


DONE_TO_THREE = [
    done("replay", "shipments-3@42", replayed_to="shipments-3@99"),
    done("drop", "shipments-3@50", reason="a test"),
    done("replay-begun", "shipments-3@60"),
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"certificates-0@5": "waiting", "certificates-1@6": "waiting", "shipments-3@60": "unclear"}),
        (("--state", "waiting"), {"certificates-0@5": "waiting", "certificates-1@6": "waiting"}),
        (("--state", "replayed"), {"shipments-3@42": "replayed"}),
        (("--state", "dropped"), {"shipments-3@50": "dropped"}),
        (("--state", "unclear", "--topic", "certificates"), {}),
    ],
)
def test_what_is_still_to_do_is_listed_unless_told_otherwise(options: tuple[str, ...], expected: dict[str, str]) -> None:
    DONE.extend(DONE_TO_THREE)
    rows = [json.loads(line) for line in run("list", "--format", "jsonl", *options).stdout.splitlines()]
    assert {row["place"]: row["state"] for row in rows} == expected


def test_the_table_tells_states_only_where_they_differ() -> None:
    assert "waiting" not in run("list", "--format", "table").stdout
    DONE.extend(DONE_TO_THREE)
    table = run("list", "--format", "table", "--state", "all").stdout
    for words in ("waiting", "replayed", "dropped", "unclear", "5 dead letters"):
        assert words in table


def test_a_dropped_letter_shows_by_whom_when_and_why() -> None:
    DONE.extend(DONE_TO_THREE)
    assert "2024-11-01T09:00:00Z ada dropped shipments-3@50 (stage frame, 1 attempt): a test" in " ".join(
        run("show", "shipments-3@50", "--format", "table").stdout.split()
    )
    letter = shown("shipments-3@50")
    assert (letter["state"], letter["audit"]["by"], letter["audit"]["reason"], letter["answer"]) == ("dropped", "ada", "a test", None)
    assert shown("certificates-0@5")["audit"] is None


@pytest.mark.parametrize("arguments", [("replay",), ("drop", "--reason", "a test", "--yes"), ("drop", "--reason", "a test")])
def test_without_a_place_or_a_filter_nothing_is_done_unless_all_is_said(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "--all" in result.stderr


def test_all_is_not_said_beside_a_filter() -> None:
    assert run("replay", "--all", "--stage", "decode").exit_code == 2


@pytest.mark.parametrize("reason", [[], ["--reason", " "]])
def test_who_drops_says_why(reason: list[str]) -> None:
    result = run("drop", "shipments-3@42", "--yes", *reason)
    assert result.exit_code == 2
    assert "--reason" in result.stderr


def test_without_yes_what_would_be_dropped_is_told() -> None:
    DONE.extend(DONE_TO_THREE)
    result = run("drop", "--all", "--reason", "a test")
    assert result.exit_code == 2
    assert "3 dead letters: 1 decode, 1 process, 1 schema would be dropped" in result.stderr
    assert "Nothing is dropped without --yes" in result.stderr
    assert result.stdout == ""
