# Two commands do everything on a machine with only Python 3.11 or newer and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made

.PHONY: run env test test-service test-pages test-days test-faults check audit faults bench lock clean

run: env  ## Start everything in this terminal; Ctrl-C stops it.
	@exec $(BIN)/reglament up

env: $(STAMP)  ## Make the environment from the lock.

$(STAMP): requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Reglament needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(STAMP)

check: env  ## Style and types, in seconds.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: env  ## Known faults of the locked packages; says aloud when their database is out of reach.
	$(BIN)/python tests/audit.py

test: check  ## Everything that CI runs, in parts that share the machine.
	$(MAKE) --no-print-directory --jobs 3 test-service test-pages test-days test-faults

test-service:
	$(BIN)/pytest tests/service tests/test_*.py

test-pages:
	$(BIN)/pytest tests/workflow tests/notifications tests/admin

test-days:
	$(BIN)/pytest tests/e2e

test-faults:
	$(BIN)/pytest tests/faults

faults: env  ## The fault tests at full length, every look of every page, thousands of requests of a fuzzer, the mutants (an hour and more).
	$(BIN)/pytest -m long --durations=0 --durations-min=1
	$(BIN)/python tests/faults/mutants.py

bench: env  ## Measure this machine and Reglament on it, side by side, up to a million tickets; half an hour and more.
	$(BIN)/python tests/bench/run.py --out docs/bench --readme README.md

lock:  ## Resolve the dependencies anew (needs uv).
	uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -o requirements.lock
	uv pip compile --quiet --group dev pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -c requirements.lock -o requirements-dev.lock

clean:  ## Forget the environment (the data in .reglament stays).
	rm -rf $(VENV)
