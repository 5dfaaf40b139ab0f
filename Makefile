# Two commands: `make demo` does the main job, `make test` passes the tests. Both make their own environment in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: demo test test-all lint benchmark clean

demo: $(STAMP)
	@$(BIN)/python examples/demo.py demo

test: $(DEV_STAMP) lint
	@$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(DEV_STAMP) lint
	@MODELWRIGHT_TEST_RANDOM=1 $(BIN)/python -m pytest

lint: $(DEV_STAMP)
	@$(BIN)/ruff check src tests examples benchmarks scripts
	@$(BIN)/ruff format --check src tests examples benchmarks scripts
	@$(BIN)/mypy

benchmark: $(DEV_STAMP)
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned dependencies into $(VENV) (two to three minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
