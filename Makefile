# Every target installs what it needs into .venv of this clone first; nothing outside of it is touched,
# but for the system packages of the tests, which tests/system-packages names before it installs them.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PARALLEL ?= 2

.PHONY: help install demo test check bench bench-engine bench-drift bench-serve test-image test-faults test-statistics format clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "bertwatch needs Python 3.11 or newer; name one with make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "Installing bertwatch and what it needs into $(VENV) (about 2 GB, once; a few minutes)"
	$(BIN)/pip install --quiet --progress-bar on --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-for-tests: $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV)"
	$(BIN)/pip install --quiet --progress-bar on --disable-pip-version-check --editable '.[test]'
	touch $@

install: $(VENV)/.installed  ## Install bertwatch into .venv

demo: $(VENV)/.installed  ## The whole journey: train, baseline, serve, drift, alert, recovery
	$(BIN)/bertwatch demo

check: $(VENV)/.installed-for-tests  ## Format, lint, types, import contracts, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/docs

test: $(VENV)/.installed-for-tests  ## Every test but the long forms below
	tests/system-packages chromium postgres strace prometheus alertmanager
	$(BIN)/pytest -n $(PARALLEL) --dist loadfile -m 'not slow and not image and not alone'
	$(BIN)/pytest -m 'alone and not slow' tests/e2e

test-image: $(VENV)/.installed-for-tests  ## Build the Dockerfile and run its image, without a daemon
	tests/system-packages buildah debootstrap
	$(BIN)/pytest -m image tests/image

test-statistics: $(VENV)/.installed-for-tests  ## The long simulations
	$(BIN)/pytest -m slow tests/statistics

# As root it also mounts small disks, to fill them. KILLS=100 SERVER_KILLS=20 TERMINATIONS=100 say how often.
test-faults: $(VENV)/.installed-for-tests  ## The long form of the fault tests, half an hour: kills, lost servers, full disks
	tests/system-packages postgres strace
	$(BIN)/pytest -m slow tests/e2e tests/contract

bench: $(VENV)/.installed-for-tests  ## Benchmarks, against a control in the same run
	$(BIN)/python -m tests.bench.engine $(ARGUMENTS)
	$(BIN)/python -m tests.bench.evaluate
	$(BIN)/python -m tests.bench.hour
	$(BIN)/python -m tests.bench.stream

bench-engine: $(VENV)/.installed-for-tests  ## Engines alone, all workers, no HTTP (ARGUMENTS='--model DIR' or '--shape 12x768')
	$(BIN)/python -m tests.bench.engine $(ARGUMENTS)

bench-serve: $(VENV)/.installed-for-tests  ## The service beside other serving frameworks, each in an environment of its own (ARGUMENTS as above)
	tests/system-packages wrk
	$(BIN)/python -m tests.bench.serve $(ARGUMENTS)

bench-drift: $(VENV)/.installed-for-tests  ## The decision engine beside its peers, 45 minutes (ARGUMENTS='--quick' or '--model DIR --dataset CSV')
	$(BIN)/python -m tests.bench.drift $(ARGUMENTS)

format: $(VENV)/.installed-for-tests  ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove .venv and caches
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
