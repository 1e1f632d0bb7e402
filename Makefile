# make demo    the whole job on real parts, on this machine (about a minute)
# make test    everything that proves it
#
# Both install what they need into .venv first. Needs Python 3.11 or newer; for the real
# Kafka also Java 17 and Maven (without them a folder takes Kafka's place).

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.besa-ready
ARGS ?=
# Tests at once: as many as there are processors. JOBS=0 runs one after the other, as -s
# and --pdb need it.
JOBS ?= auto

.PHONY: demo test lint bench lock format clean

demo: $(READY)
	@$(BIN)/besa demo $(ARGS)

test: lint
	$(BIN)/pytest -n $(JOBS) --maxprocesses 8 --dist worksteal $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.bench $(ARGS)

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The exact versions and hashes of everything, from the ranges in pyproject.toml.
lock: $(READY)
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/pip install --quiet --disable-pip-version-check pip-tools
	.venv/lock/bin/pip-compile --quiet --strip-extras --generate-hashes \
	    --allow-unsafe --extra test --extra build --no-header \
	    --no-emit-find-links --no-emit-index-url --no-emit-trusted-host \
	    --output-file requirements.lock pyproject.toml

# The stamp is written last: an installation that was interrupted starts again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Besa needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; \
	      exit 1; }
	@echo "Installing Besa into .venv (once; a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
	    -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps \
	    --no-build-isolation -e .
	@touch $@

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
