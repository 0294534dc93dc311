"""What `make bench` makes of its measurements: the statistics, the keys of the results, and the page made of them."""

import copy
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks import ROOT, page
from benchmarks.capacity import SHAPES, Costs, Shape, capacity
from benchmarks.cases import Template, copies, templates
from benchmarks.figures import FIGURES, KEYS, Found, is_reached, percentile, rate, spread, targets
from benchmarks.harness import MeasureFailedError, limited, tried
from benchmarks.scale import BROKER, WORKER
from hypothesis import given
from hypothesis import strategies as st

from kimberley.model.case import unpack_case

PROMISED = {
    "ratio_core",
    "core_over_codec",
    "ratio_plain_faust",
    "ratio_quix",
    "ratio_kafka_streams",
    "latency_ms_p50",
    "latency_ms_p99",
    "recovery_s_per_million",
    "bytes_per_case",
    "worker2_gain",
    "idle_cpu",
    "judge_events_per_s",
}


def test_the_spread_is_the_median_with_the_least_and_the_greatest_round() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "rounds": [3.0, 1.0, 2.0]}
    assert spread([1.0, 2.0])["median"] == 1.5
    assert spread([0.0]) == {"median": 0.0, "min": 0.0, "max": 0.0, "rounds": [0.0]}
    with pytest.raises(ValueError, match="no values"):
        spread([])


def test_figures_have_four_digits_that_count() -> None:
    assert spread([123_456.7])["median"] == 123_500
    assert spread([0.000123456])["median"] == 0.0001235


def test_a_percentile_is_a_value_that_was_measured_and_that_so_many_keep() -> None:
    hundred = [float(each) for each in range(100, 0, -1)]
    assert percentile(hundred, 0.5) == 50
    assert percentile(hundred, 0.99) == 99
    assert percentile(hundred, 1) == 100
    assert percentile([7.0], 0.99) == 7
    assert percentile([1.0, 2.0], 0.99) == 2
    for values, share in (([], 0.5), ([1.0], 0.0), ([1.0], 1.1)):
        with pytest.raises(ValueError, match="share"):
            percentile(values, share)


def test_a_rate_counts_what_came_after_the_start_in_the_time_that_it_took() -> None:
    steady = [1000 + each for each in range(2000)]
    assert rate(steady) == pytest.approx(1000, rel=0.01)
    assert rate(steady[::-1]) == rate(steady)


def test_a_rate_of_batches_is_told_from_when_work_on_the_first_began() -> None:
    batches = [1000 + 100 * batch for batch in range(1, 11) for _ in range(50)]
    assert rate(batches, since=1000) == pytest.approx(500)
    with pytest.raises(ValueError, match="too few"):
        rate(batches, since=5000)


def test_a_late_start_and_one_straggler_do_not_spoil_a_rate() -> None:
    steady = [60_000 + each for each in range(5000)]
    assert rate([0, *steady, 600_000]) == pytest.approx(1000, rel=0.01)


def test_records_of_one_instant_have_no_rate() -> None:
    with pytest.raises(ValueError, match="too few"):
        rate([5] * 100)


def test_rounds_of_several_measures_stand_one_after_the_other() -> None:
    found = Found(figures={"ratio_core": [1.0]}, rates={"pipeline": [10.0]})
    found.add(Found(figures={"ratio_core": [3.0], "idle_cpu": [0.1]}, rates={"pipeline": [20.0]}, failures={"x": "why"}))
    document = found.document()
    assert document["figures"]["ratio_core"] == {"median": 2.0, "min": 1.0, "max": 3.0, "rounds": [1.0, 3.0]}
    assert document["rates"]["pipeline"]["rounds"] == [10.0, 20.0]
    assert document["failures"] == {"x": "why"}


def test_the_document_has_every_key_also_where_nothing_was_measured() -> None:
    assert set(Found().document()["figures"]) == set(KEYS)
    assert set(KEYS) >= PROMISED


def test_a_target_is_a_bound_on_a_figure_that_exists(tmp_path: Path) -> None:
    assert set(targets()) <= set(KEYS)
    assert is_reached(("at least", 6.0), {"median": 6.0})
    assert not is_reached(("at least", 6.0), {"median": 5.9})
    assert is_reached(("at most", 6.0), {"median": 5.9})
    assert not is_reached(("at most", 6.0), {"median": 6.1})
    wrong = tmp_path / "targets.toml"
    for text in ("[ratio_core]\nabout = 1\n", "[speed]\nat_least = 1\n", "[ratio_core]\nat_least = 1\nat_most = 2\n"):
        wrong.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"targets\.toml"):
            targets(wrong)


def test_what_fails_or_hangs_is_told_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = Found()
    with tried(found, "broken", 5):
        raise MeasureFailedError("its last line")
    with tried(found, "hanging", 0.05):
        while True:
            pass
    with tried(found, "fine", 5):
        found.figures["idle_cpu"] = [0.1]
    assert found.failures == {"broken": "its last line", "hanging": "hanging: not done within 0 s"}
    assert found.figures == {"idle_cpu": [0.1]}
    assert "its last line" in capsys.readouterr().err


def test_an_inner_limit_leaves_the_outer_one_in_force() -> None:
    def inner_then_hang() -> None:
        with limited(5, "inner"):
            pass
        while True:
            pass

    with pytest.raises(MeasureFailedError, match="outer"), limited(0.3, "outer"):
        inner_then_hang()


def test_the_results_that_are_shown_are_complete() -> None:
    results = page.load()
    assert set(results["figures"]) == set(KEYS)
    left_out = {"ratio_plain_faust_ten_rules"} if results["quick"] else set()
    for key in set(KEYS) - left_out:
        found = results["figures"][key]
        assert found is not None, f"{key} was not measured; run `make bench`"
        assert found["min"] <= found["median"] <= found["max"], key
        assert len(found["rounds"]) >= 1, key
    assert {"cores", "processor", "python", "kafka", "commit"} <= set(results["machine"])
    assert set(results["rates"]) >= {name for name in page.CONTENDERS if not (results["quick"] and "ten rules" in name)}
    assert set(page.profile(results)) == set(page.STEPS)
    assert results["failures"] == {}


def test_the_performance_page_is_made_of_its_results() -> None:
    """Run `make bench` where this fails, or `python -m benchmarks.page` after a change of its words."""
    results = page.load()
    assert page.PAGE.read_text(encoding="utf-8") == page.page(results)
    assert page.PLOT.read_text(encoding="utf-8") == page.plot_of(results)


def test_the_page_says_of_each_target_whether_it_was_reached_and_of_each_failure_why() -> None:
    results = copy.deepcopy(page.load())
    key, (_, bound) = next(iter(targets().items()))
    results["figures"][key] = spread([bound / 2])
    assert "**not reached**" in page.page(results)
    results["figures"][key] = spread([bound * 2])
    assert ": reached" in page.page(results)
    results["figures"][key] = None
    results["failures"] = {"recovery": "the process ended\nlast line"}
    text = page.page(results)
    assert f"| `{key}` | not measured |" in text
    assert "**recovery**\n\n```\nthe process ended\nlast line\n```" in text
    assert all(f"| `{figure.key}` |" in text for figure in FIGURES)


def test_the_plot_is_well_formed_and_names_every_contender() -> None:
    results = page.load()
    words = {text.text for text in ElementTree.fromstring(page.plot_of(results)).iter("{http://www.w3.org/2000/svg}text")}
    assert words >= set(results["rates"])


def test_a_million_cases_are_copies_of_real_ones_each_with_a_number_of_its_own() -> None:
    count = len(templates()) + 100
    stored = dict(copies(templates(), count, 1))
    assert len(stored) == count
    for number, packed in stored.items():
        case = unpack_case(packed)
        assert case.number == number.decode()
        assert {fact.event.certificate_number for fact in case.facts} <= {case.number}


def test_three_records_a_case_are_what_it_was_and_last_what_it_is() -> None:
    (*_, whole) = (each for each in templates() if len(each.versions) > 3)
    records = [unpack_case(value) for _, value in copies([whole], 1, 3)]
    assert [len(each.facts) for each in records] == sorted(len(each.facts) for each in records)
    assert len(records[-1].facts) == len(unpack_case(whole.versions[-1]).facts)
    assert list(Template(b"BW1", (b"a", b"b")).stored(3)) == [b"a", b"a", b"b"]


def test_numbers_that_run_out_are_refused_not_given_twice() -> None:
    with pytest.raises(ValueError, match="fewer cases"):
        list(copies([Template(b"BW1", (b"BW1",))], 11, 1))


def test_contenders_have_the_same_libraries_of_the_core_and_the_same_kafka() -> None:
    ours, theirs = (
        dict(re.findall(r"^([a-z-]+)==([^ ]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        for lock in ("requirements-dev.lock", "benchmarks/quix/requirements.lock")
    )
    for name in ("fastavro", "msgspec", "kafka-python", "structlog"):
        assert ours[name] == theirs[name], f"{name}: run `make lock`"
    versions = [
        re.findall(r"<artifactId>kafka[^<]*</artifactId>\s*<version>([^<]+)", (ROOT / pom).read_text(encoding="utf-8"))
        for pom in ("tests/java/pom.xml", "benchmarks/kafka_streams/pom.xml")
    ]
    assert set(versions[0]) == set(versions[1])


COSTS = Costs(worker=100.0, broker=25.0)


@pytest.mark.parametrize(
    ("shape", "events_per_s", "bound"),
    [
        (Shape(1, 12, 1, 2, 1), 10_000, "workers"),
        (Shape(2, 12, 1, 2, 1), 20_000, "workers"),
        (Shape(5, 12, 3, 4, 1), 40_000, "workers: some have a partition more than others"),
        (Shape(12, 12, 1, 2, 1), 80_000, "brokers"),
        (Shape(24, 12, 9, 4, 3), 120_000, "partitions: there are more workers"),
        (Shape(24, 48, 3, 4, 3), 160_000, "brokers"),
    ],
)
def test_what_an_installation_does_is_bounded_by_the_least_of_workers_partitions_and_brokers(
    shape: Shape, events_per_s: float, bound: str
) -> None:
    found = capacity(shape, COSTS)
    assert (round(found.events_per_s), found.bound) == (events_per_s, bound)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 9))
def test_more_of_anything_never_does_less(workers: int, partitions: int, brokers: int) -> None:
    here = capacity(Shape(workers, partitions, brokers, 4, 1), COSTS).events_per_s
    assert capacity(Shape(workers, partitions, brokers + 1, 4, 1), COSTS).events_per_s >= here
    assert capacity(Shape(workers + 1, partitions, brokers, 4, 1), COSTS).events_per_s >= here
    assert capacity(Shape(workers, 2 * partitions, brokers, 4, 1), COSTS).events_per_s >= here


def test_a_shape_without_brokers_is_refused() -> None:
    with pytest.raises(ValueError, match="none of something"):
        capacity(Shape(1, 12, 0, 4, 1), COSTS)


def test_the_page_has_a_row_for_every_shape_once_the_costs_are_known() -> None:
    results = page.load()
    results["costs_us"] |= {WORKER: {"median": 100.0}, BROKER: {"median": 25.0}}
    text = page.page(results)
    assert text.count("\n| 24 |") == sum(shape.workers == 24 for shape in SHAPES)
    assert "(100 µs) and its broker (25 µs" in text
