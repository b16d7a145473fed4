# make run    Tables 2 and 3 at laptop scale: 20 minutes, after a few for the installation
# make test   lint, types, tests
# make check  lint, types, and the tests that take no cluster and little time
# make torture KILLS=30 SEED=0   kills what runs a suite, at random, and compares it with a run left alone
# make faults  full disks and dying processes
# make large  how long the report of a hundred trials takes, and how much memory

SUITE ?= suites/paper.yaml
ARGS ?= --profile laptop
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# these start no cluster and time nothing, so that two of them can run at a time
PURE := tests/docs tests/variants \
	$(addprefix tests/harness/,analysis cli data drawing plan plugins record report serving statistics suite) \
	$(wildcard tests/harness/test_*.py)

KILLS ?= 30
SEED ?= 0

.PHONY: run test check torture faults large install clean

run: $(VENV)/.installed
	$(BIN)/python -m harness run $(SUITE) $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 $(PURE)
	$(BIN)/python -m pytest $(PURE:%=--ignore %)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -m "not slow and not torture and not faults and not large" $(PURE)

torture: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m torture tests/torture --kills $(KILLS) --torture-seed $(SEED)

faults: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m faults tests/test_faults.py

large: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m large tests/harness/report/test_large.py

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
