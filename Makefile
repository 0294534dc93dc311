# Two commands do everything on a fresh machine with Python 3.11+: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# with hashes, for every platform, naming no host; extras stay, for an installation that resolves nothing
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate --no-emit-index-url
# two processes, each file of tests in one of them, for many wait for brokers; PARALLEL= runs one test after the other
PARALLEL ?= -n 2 --dist loadfile
# atheris needs an environment of its own: it comes for few versions of Python, and nothing else here wants it
FUZZ := .venv-fuzz
SOURCES := streams tests benchmarks deploy

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-faults lint format lock bench bench-quick fuzz docs rulebook clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready ## play some weeks of trade on an embedded broker and show the alerts
	@$(BIN)/kimberley demo

test: $(VENV)/.ready-dev ## everything: lint, types, all tests (real Kafka and registry where Java and Maven are)
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term

test-quick: $(VENV)/.ready-dev ## tests without real Kafka and registry, and without slow ones
	@$(BIN)/python -m pytest -m "not kafka and not registry and not slow"

test-faults: $(VENV)/.ready-dev ## break what can break while events flow, at length; WRITE=1 keeps the table (Java 17+, Maven, faketime)
	@$(BIN)/python -m pytest -m faults
	@$(BIN)/python tests/faults/run.py $(if $(WRITE),--write)
	@$(BIN)/python tests/faults/run.py --backlog 1000000 $(if $(WRITE),--write)

lint: $(VENV)/.ready-dev ## ruff and mypy
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check --quiet $(SOURCES) || { echo "run: make format"; exit 1; }
	@$(BIN)/mypy

format: $(VENV)/.ready-dev ## put the sources in the house's form
	@$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	@$(BIN)/ruff format --quiet $(SOURCES)

lock: $(VENV)/.ready-dev ## resolve the dependencies of pyproject.toml anew
	@$(LOCK) --upgrade --extra demo --extra build -o requirements.lock pyproject.toml
	@$(LOCK) --constraint requirements.lock --extra pipeline -o requirements-image.lock pyproject.toml
	@$(LOCK) --constraint requirements.lock --extra compile -o requirements-build.lock pyproject.toml
	@$(LOCK) --constraint requirements.lock --extra dev -o requirements-dev.lock pyproject.toml
	@$(LOCK) --constraint requirements.lock --extra fuzz -o requirements-fuzz.lock pyproject.toml
	@$(LOCK) --upgrade -o benchmarks/quix/requirements.lock benchmarks/quix/requirements.in

bench: $(VENV)/.ready-dev ## measure on real Kafka beside others, 20 to 30 minutes; writes docs/performance.md (Java 17+, Maven, a C compiler)
	@$(BIN)/python -m benchmarks.run

bench-quick: $(VENV)/.ready-dev ## the same in small, to see that it works; writes no documents
	@$(BIN)/python -m benchmarks.run --quick

fuzz: $(FUZZ)/.ready ## bytes that atheris thinks of, given to the decoder; SECONDS=60
	@$(FUZZ)/bin/python tests/fuzz/decode.py $(or $(SECONDS),60)

docs: $(VENV)/.ready-dev ## make anew what in docs/ is made of schemas, topics and code
	@$(BIN)/kimberley schemas asyncapi > docs/asyncapi.json
	@$(BIN)/kimberley schemas tables > docs/events.md
	@$(BIN)/python -m kimberley.rules.rules_page > docs/rules.md
	@$(BIN)/python -m kimberley.pipeline.metrics_page > docs/operator-metrics.md
	@$(BIN)/python deploy/grafana/make_dashboard.py
	@$(BIN)/python -m benchmarks.page

rulebook: $(VENV)/.ready-dev ## record the shipped rulebook and bundle as published under its id; only while that id is not released
	@$(BIN)/python -m kimberley.rules.published

clean: ## remove the environment and all that tools left
	@rm -rf $(VENV) $(FUZZ) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov build dist .cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# the environment of `make demo`; a developer's, which holds more, serves as well
$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	@if [ $(VENV)/.ready-dev -nt requirements-dev.lock ] && [ $(VENV)/.ready-dev -nt pyproject.toml ]; then touch $@; else \
		echo "installing into $(VENV) …" && $(PIP) install --no-deps --require-hashes -r requirements.lock && \
		$(PIP) install --no-deps --no-build-isolation --editable . && touch $@; fi

$(VENV)/.ready-dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing into $(VENV), with the tools of developers …"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(FUZZ)/.ready: requirements-fuzz.lock pyproject.toml
	@echo "installing into $(FUZZ) …"
	@$(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes -r requirements-fuzz.lock
	@$(FUZZ)/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv is missing; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
