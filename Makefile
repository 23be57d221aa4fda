# Everything that is done to this repository, by one name each: `make` lists them.
# GNU make 4, Python 3.11 or newer; all else is installed into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
# The first of these that is new enough; name another one with `make PYTHON=…`.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo "$$python"; break; fi; done)
SETUP = "$(or $(PYTHON),python3)" scripts/setup_venv.py "$(VENV)"

# Kept in ~/.cache/skykeep-peers, or where SKYKEEP_PEERS_CACHE says.
PEERS = "$(BIN)/python" -m tests.peers

# Tests run on two cores unless told otherwise. Some of them, not measured:
# `make test JOBS=0 TESTS=tests/layers`.
JOBS ?= 2
TESTS ?=
PYTEST_OPTIONS ?=

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.PHONY: help
help: ## List the targets (this is the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- using it

.PHONY: run
run: setup-run ## Set up, then do the main job on the embedded default and say what to try next
	@"$(BIN)/python" scripts/first_run.py

.PHONY: setup-run setup-dev setup-bench
setup-run:
	@$(SETUP) run
setup-dev:
	@$(SETUP) dev
setup-bench:
	@$(SETUP) bench

# -- testing it

FIRST := tests/providers/wire tests/peers
LAST := tests/conformance tests/providers tests/journeys

# `coverage run`, not pytest-cov: skykeep is itself a pytest plugin, and would be imported
# before pytest-cov could begin to measure.
.PHONY: test
test: setup-dev ## Set up, then run all tests and measure what they cover
	@$(PEERS) prepare --if-possible
ifeq ($(TESTS),)
	@"$(BIN)/coverage" erase
	@# In three turns, each with processes of its own: the wire's tests and those of the peers
	@# fork, kill, and close and replace files and connections under a running process. The
	@# stores' come last, so that the last lines name what each was tested against.
	@"$(BIN)/coverage" run -m pytest -n $(JOBS) $(PYTEST_OPTIONS) $(FIRST)
	@"$(BIN)/coverage" run -m pytest -n $(JOBS) $(PYTEST_OPTIONS) \
		$(addprefix --ignore=,$(FIRST) $(LAST))
	@"$(BIN)/coverage" run -m pytest -n $(JOBS) $(PYTEST_OPTIONS) \
		--ignore=tests/providers/wire $(LAST)
	@"$(BIN)/coverage" combine --quiet
else
	@"$(BIN)/python" -m pytest -n $(JOBS) $(PYTEST_OPTIONS) $(TESTS)
endif

.PHONY: test-quick
test-quick: setup-dev ## The tests without the slow ones, not measured
	@"$(BIN)/python" -m pytest -n $(JOBS) -m "not slow" $(PYTEST_OPTIONS) $(TESTS)

.PHONY: peers
peers: setup-dev ## Install or build the servers that drivers are tested against (1.3 GB, minutes, once)
	@$(PEERS) prepare

.PHONY: peers-status
peers-status: setup-dev ## Which of them are there, where, and why not
	@$(PEERS) status

# Seconds of each outage: `make faults SECONDS_EACH=5`.
SECONDS_EACH ?= 60

.PHONY: faults
faults: setup-dev ## Real stores that go wrong under load, six ways, a minute each (20 minutes)
	@"$(BIN)/python" -m tests.outage.faults --seconds $(SECONDS_EACH)

.PHONY: test-live
test-live: setup-dev ## The suite on a real account: make test-live TARGET='{backend: aws, region: …}' PREFIX=skykeep-test/
	@if [ -z "$(TARGET)" ] || [ -z "$(PREFIX)" ]; then \
		echo "say what to test and under which prefix:"; \
		echo "  make test-live TARGET='{backend: aws, region: eu-west-1}' PREFIX=skykeep-test/"; \
		exit 2; \
	fi
	@SKYKEEP_LIVE_TARGET="$(TARGET)" SKYKEEP_LIVE_PREFIX="$(PREFIX)" \
		"$(BIN)/python" -m pytest -n 0 $(PYTEST_OPTIONS) tests/live/suite.py

.PHONY: eval eval-check
eval: setup-dev ## Evaluate each scanner of the shield, and write the figures into docs/scanners
	@"$(BIN)/python" scripts/shield_eval.py
eval-check: setup-dev ## The same figures as docs/scanners has: what drops fails
	@"$(BIN)/python" scripts/shield_eval.py --check

.PHONY: check
check: lint types imports docs coverage eval-check secrets-scan audit repo-check ## All checks below
	@echo "check: all passed"

.PHONY: lint
lint: setup-dev ## ruff: rules and format
	@"$(BIN)/ruff" check --quiet .
	@"$(BIN)/ruff" format --check --quiet --diff .
	@echo "lint: ok"

.PHONY: types
types: setup-dev ## mypy, strict, on sources, tests, scripts and benchmarks
	@"$(BIN)/mypy"

.PHONY: imports
imports: setup-dev ## Import contracts: which room may import which
	@"$(BIN)/lint-imports" --no-cache --no-logo

.PHONY: coverage
coverage: setup-dev ## At least 90 % of lines covered, as the last `make test` measured
	@if [ ! -f .coverage ]; then \
		echo "coverage: nothing measured yet; running the tests first"; \
		$(MAKE) test TESTS=; \
	fi
	@"$(BIN)/coverage" report
	@"$(BIN)/coverage" report --omit="src/skykeep/conformance/*" --format=total \
		| sed "s/^/coverage: without the conformance suite, in percent: /"

.PHONY: secrets-scan
secrets-scan: setup-dev ## Secrets that were left in the tree
	@"$(BIN)/python" scripts/secrets_scan.py

.PHONY: audit
audit: setup-dev ## Known vulnerabilities in what is locked ("NOT RUN" if nobody answers)
	@"$(BIN)/python" scripts/audit.py requirements/run.txt requirements/dev.txt \
		requirements/docs.txt

.PHONY: repo-check
repo-check: setup-dev ## Rules about the repository itself (tests/repo)
	@"$(BIN)/python" -m pytest -q -m "not slow" tests/repo

.PHONY: format
format: setup-dev ## Put sources into form and mend what ruff can mend
	@"$(BIN)/ruff" check --quiet --fix-only .
	@"$(BIN)/ruff" format --quiet .

.PHONY: readme
readme: setup-dev ## Make the session in the README anew, from real output
	@"$(BIN)/python" scripts/readme.py

.PHONY: docs
docs: setup-dev ## Build the documentation into build/docs; warnings are errors
	@rm -rf build/docs build/doctrees
	@"$(BIN)/sphinx-build" --quiet --fail-on-warning --nitpicky -j auto \
		-c docs -d build/doctrees . build/docs
	@echo "docs: ok: build/docs/index.html"

.PHONY: pages
pages: setup-dev ## Make anew what pages of the documentation show: help, tables, sessions
	@"$(BIN)/python" -m tests.apps.cli.page
	@"$(BIN)/python" -m scripts.docs_site.tables
	@"$(BIN)/python" -m scripts.docs_site.sessions
	@"$(BIN)/python" -m scripts.shield_settings

.PHONY: outage
outage: setup-dev ## Play the bad night of docs/guides/outage.md on the peers, and make the page anew
	@"$(BIN)/python" -m tests.outage.guide

HISTORIES ?= 50000
SEED ?= 0

.PHONY: simulate
simulate: setup-dev ## 50,000 random histories of outages and crashes: make simulate HISTORIES=1000000 SEED=7
	@"$(BIN)/python" -m tests.simulation --histories $(HISTORIES) --seed $(SEED) --jobs $(JOBS)

.PHONY: bench
bench: setup-bench ## Measure side by side with what users would pick instead
	@"$(BIN)/python" -m bench

# -- shipping it

.PHONY: wheel
wheel: setup-dev ## Build the source archive, and the wheel from it, into dist/
	@rm -rf dist
	@echo "wheel: building …"
	@"$(BIN)/python" -m build --quiet --no-isolation --outdir dist .
	@ls dist

.PHONY: wheel-test
wheel-test: wheel ## Install the wheel into a new environment, without extras, and use it
	@"$(BIN)/python" scripts/wheel_test.py dist/*.whl

.PHONY: newcomer
newcomer: ## Walk the README's way to a first secret in an application, on a fresh clone
	@$(or $(PYTHON),python3) -m scripts.newcomer

.PHONY: lock
lock: setup-dev ## Resolve requirements/*.in anew into requirements/*.txt, with hashes
	@for name in run build dev docs bench peers rivals llm-guard; do \
		echo "lock: requirements/$$name.txt"; \
		"$(BIN)"/$(LOCK) $(LOCK_OPTIONS) \
			--output-file "requirements/$$name.txt" "requirements/$$name.in"; \
	done

.PHONY: clean
clean: ## Remove what was built and measured; `make clean VENV_TOO=1` removes .venv, too
	@rm -rf dist build .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .run
	@find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +
	@if [ -n "$(VENV_TOO)" ]; then rm -rf "$(VENV)"; fi
