# Every task of the project. `make help` lists them; README.md names the two to begin with.
# Needs: make, git and a Python from 3.11 to 3.13 with its venv module. All else goes into .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python
# Stamps: the environment is made again only when a lock or the project's own metadata changes.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed
S3 := $(VENV)/.s3-installed
BROWSER := $(VENV)/.browser-installed
DOCS := $(VENV)/.docs-installed
FUZZ := $(VENV)/.fuzz-installed
# Libraries to measure against that need another spaCy
PEERS := .venv-peers
# Arguments for one run, as in: make test ARGS="tests/api -k problems"
ARGS ?=
# Processes that run tests, each with a PostgreSQL and a Redis of its own
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# The certificates of the system count, as they do for pip: many houses have a proxy with one of its own.
UV_LOCK := uv pip compile --system-certs --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"
# A lock is complete, so nothing is resolved and nothing is built with tools from outside of it.
PIP_LOCKED = $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation

.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNTIME) ## Start the real service, post reports, audit the sample archive, show the cases
	@$(RUN) examples/demo.py $(ARGS)

.PHONY: serve
serve: $(RUNTIME) ## Run the whole service here: API, worker, dispatcher, SQLite, embedded Redis
	@$(BIN)/marrow serve $(ARGS)

TESTS := -m pytest --numprocesses=$(JOBS) --maxprocesses=4 --dist=loadfile --durations=10
COVERAGE := --cov --cov-report=term:skip-covered

# Counting lines takes the tests half as long again, so only CI does it each time.
.PHONY: test
test: $(DEV) ## Run every test (in CI with the coverage floor)
	@$(RUN) $(TESTS) $(if $(CI),$(COVERAGE)) $(ARGS)

.PHONY: coverage
coverage: $(DEV) ## Run every test, and fail where fewer lines than the floor are run
	@$(RUN) $(TESTS) $(COVERAGE) $(ARGS)

.PHONY: check
check: lint types imports lock-check test ## All that CI runs

.PHONY: install
install: $(DEV) ## Make .venv with the locked packages and tools (the other tasks do it, too)

.PHONY: lint
lint: $(DEV) ## Look for mistakes and unformatted code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: make fmt"; exit 1; }

.PHONY: types
types: $(DEV) ## Check the types
	@$(BIN)/mypy

.PHONY: imports
imports: $(DEV) ## Check that imports go one way
	@$(BIN)/lint-imports

.PHONY: fmt
fmt: $(DEV) ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: bench
bench: $(BENCH) $(PEERS)/.installed ## Measure the speed side by side; write benchmarks/results.json and docs/reference/speed.md
	@$(RUN) -m benchmarks --peers $(PEERS)/bin/python $(ARGS)

.PHONY: check-gate
check-gate: $(DEV) ## Compare reading with and without the gate on every report there is (minutes)
	@MARROW_ALL_REPORTS=1 $(RUN) -m pytest tests/extractor/test_gate.py tests/audits/test_gated.py $(ARGS)

.PHONY: chaos
chaos: $(DEV) ## Kill, freeze, cut off and flush everything there is, and count the reports (half an hour)
	@$(RUN) -m pytest tests/chaos --chaos=full --durations=0 --durations-min=60 $(ARGS)

.PHONY: chaos-short
chaos-short: $(DEV) ## One scenario of each kind, as in every CI run (under two minutes)
	@$(RUN) -m pytest tests/chaos --chaos=short --numprocesses=2 $(ARGS)

.PHONY: canary
canary: $(DEV) ## Send a marked report through every route and every way to fail, and look for it everywhere (a minute)
	@MARROW_CANARY=1 $(RUN) -m pytest tests/canary $(ARGS)

.PHONY: fuzz
fuzz: fuzz-random fuzz-guided ## Change archives of every format and reports, by chance and led by coverage (a quarter of an hour)

.PHONY: fuzz-random
fuzz-random: $(DEV) ## Change archives of every format five thousand times each, and read them (EXAMPLES=500)
	@MARROW_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(RUN) -m pytest tests/fuzz --numprocesses=$(JOBS) $(ARGS)

.PHONY: fuzz-guided
fuzz-guided: $(FUZZ) ## Change archives and reports towards code not reached yet, a minute each (SECONDS=600)
	@$(RUN) -m scripts.guided_fuzzing --seconds $(or $(SECONDS),60) --jobs $(JOBS) $(ARGS)

.PHONY: fuzz-api
fuzz-api: $(DEV) ## Ask the API a thousand things of each operation, right and wrong (make fuzz-api EXAMPLES=100)
	@MARROW_FUZZ_API=$(or $(EXAMPLES),1000) $(RUN) -m pytest tests/api/test_schemathesis.py $(ARGS)

.PHONY: fuzz-api-short
fuzz-api-short: $(DEV) ## The same with thirty, as in every CI run (a minute)
	@MARROW_FUZZ_API=0 $(RUN) -m pytest tests/api/test_schemathesis.py --numprocesses=2 $(ARGS)

.PHONY: load
load: $(DEV) ## Post single reports from 50 clients for a minute; none may be lost
	@$(RUN) -m benchmarks.load $(ARGS)

.PHONY: bench-pages
bench-pages: $(DEV) ## Measure the lists of the pages over 100,000 reports and cases; p95 under 100 ms
	@$(RUN) -m benchmarks.pages $(ARGS)

.PHONY: soak
soak: $(DEV) ## Send 200,000 reports through the service (make soak ARGS="--reports 20000"); nothing may grow
	@$(RUN) -m benchmarks.soak $(ARGS)

.PHONY: check-s3
check-s3: $(S3) ## Put files into a real object store (SeaweedFS, started here), and fetch and remove them
	@$(RUN) -m pytest tests/s3 $(ARGS)

.PHONY: check-pages
check-pages: $(BROWSER) ## Look at every page of a running service with chromium: axe, keyboard, no scripts (minutes)
	@MARROW_BROWSER=1 $(RUN) -m pytest tests/pages $(ARGS)

.PHONY: screenshots
screenshots: $(BROWSER) ## Photograph every page at three widths, light and dark, into screenshots/
	@$(RUN) -m scripts.screenshots $(ARGS)

.PHONY: audit-kill
audit-kill: $(DEV) ## Audit 200,000 reports, kill -9 and resume, compare every table (minutes)
	@$(RUN) -m scripts.audit_kill $(ARGS)

.PHONY: audit-kill-service
audit-kill-service: $(DEV) ## The same by the service, whose workers are killed meanwhile (minutes)
	@$(RUN) -m scripts.audit_kill_service $(ARGS)

.PHONY: evaluate
evaluate: $(RUNTIME) ## Score the extractor on all gold there is, or on one file: make evaluate GOLD=FILE
	@$(if $(GOLD),$(BIN)/marrow evaluate --gold "$(GOLD)",$(RUN) -m evaluation) $(ARGS)

.PHONY: compose-check
compose-check: $(RUNTIME) ## Build the image, start docker-compose.yml, post a report through it, take it down
	@$(RUN) scripts/compose_check.py $(ARGS)

.PHONY: bundle
bundle: $(RUNTIME) ## Put all that an installation without a network needs into dist/ (make bundle ARGS=--check tries it)
	@$(RUN) -m scripts.bundle $(ARGS)

.PHONY: compose-kill
compose-kill: $(RUNTIME) ## Kill each container of docker-compose.yml while reports come in; none may be lost
	@$(RUN) -m scripts.compose_kill $(ARGS)

.PHONY: reference
reference: $(DEV) ## Write the pages of the reference that are made from the code
	@$(RUN) -m scripts.reference_pages

.PHONY: docs
docs: $(DOCS) ## Build the documentation into site/, with every warning an error
	@NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --quiet $(ARGS) && echo "site/index.html"

.PHONY: lock
lock: $(DEV) ## Write requirements/*.txt anew (make lock ARGS=--upgrade for newer versions)
	@$(BIN)/$(UV_LOCK) $(ARGS) pyproject.toml --excludes requirements/excluded.in -o requirements/runtime.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group dev -c requirements/runtime.txt -o requirements/dev.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group build -c requirements/dev.txt -o requirements/build.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group bench -c requirements/runtime.txt -c requirements/dev.txt -o requirements/bench.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group s3 -c requirements/runtime.txt -c requirements/dev.txt -o requirements/s3.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group browser -c requirements/runtime.txt -c requirements/dev.txt -o requirements/browser.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group docs -c requirements/runtime.txt -c requirements/dev.txt -o requirements/docs.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group fuzz -c requirements/runtime.txt -c requirements/dev.txt -o requirements/fuzz.txt
	@$(BIN)/$(UV_LOCK) $(ARGS) --group peers -o requirements/peers.txt

.PHONY: lock-check
lock-check: $(DEV) ## Check that the locks say what pyproject.toml asks for
	@$(RUN) scripts/lock_check.py

.PHONY: clean
clean: ## Remove what the tools made (not marrow-data)
	@rm -rf $(VENV) $(PEERS) build dist site htmlcov demo-output .coverage .coverage.* \
		.pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .fuzz
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@scripts/make_venv.sh $(VENV)

$(RUNTIME): requirements/runtime.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked packages into $(VENV) (a minute, once)"
	@$(PIP_LOCKED) --require-hashes -r requirements/build.txt
	@$(PIP_LOCKED) --require-hashes -r requirements/runtime.txt
	@$(PIP_LOCKED) --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "Installing the locked tools for tests and checks into $(VENV)"
	@$(PIP_LOCKED) --require-hashes -r requirements/dev.txt
	@touch $@

$(BENCH): requirements/bench.txt $(DEV)
	@echo "Installing medspaCy's own sentence splitter to measure against"
	@$(PIP_LOCKED) --require-hashes -r requirements/bench.txt
	@touch $@

$(S3): requirements/s3.txt $(DEV)
	@echo "Installing an object store and its driver to test with"
	@$(PIP_LOCKED) --require-hashes -r requirements/s3.txt
	@touch $@

$(BROWSER): requirements/browser.txt $(DEV)
	@echo "Installing the driver of a browser"
	@$(PIP_LOCKED) --require-hashes -r requirements/browser.txt
	@touch $@

$(FUZZ): requirements/fuzz.txt $(DEV)
	@echo "Installing a fuzzer that is led by coverage"
	@$(PIP_LOCKED) --require-hashes -r requirements/fuzz.txt
	@touch $@

$(DOCS): requirements/docs.txt $(DEV)
	@echo "Installing what builds the documentation"
	@$(PIP_LOCKED) --require-hashes -r requirements/docs.txt
	@touch $@

$(PEERS)/.installed: requirements/peers.txt
	@scripts/make_venv.sh $(PEERS)
	@echo "Installing EDS-NLP and negspaCy to measure against"
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/peers.txt
	@touch $@
