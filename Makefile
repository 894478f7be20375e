# Everything from a clean checkout with only Python >= 3.11 (with venv and pip) and make.
#   make demo   the pump and the programmer, here in this terminal
#   make test   the default test suite
#   make help   the rest

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.set-up
ROOMS := protocol firmware_model emulator programmer_tui workbench
CHECKED := $(ROOMS) tests tools
WORKERS ?= 2
ARGS ?=
FRAMES ?= 200000
SEED ?= 1

# The first interpreter that is new enough and can make a virtual environment. `make PYTHON=... demo` names another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	if $$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)

.PHONY: help setup demo test slow soak lint style types contracts format wheel docs generated check-generated requirements clean

help: ## show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24

setup: $(STAMP) ## make the virtual environment (every other target does it when it is needed)

$(STAMP): requirements/dev.txt pyproject.toml
	@python="$(PYTHON)"; \
	if ! "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		echo "cisterna needs Python 3.11 or newer with its venv and ensurepip modules$${python:+, and $$python is not that}." >&2; \
		echo "Install one (on Debian and Ubuntu: python3 and python3-venv), or name one: make PYTHON=/path/to/python3.12 demo" >&2; \
		exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" --version) (once; it takes about a minute) ..."; \
	"$$python" -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP) ## a living pump in a second process and the programmer connected to it
	@$(BIN)/cisterna demo $(ARGS)

test: $(STAMP) ## the default test suite (WORKERS=2, ARGS="-k words")
	@$(PY) -m pytest -q -n $(WORKERS) $(ARGS)

slow: $(STAMP) ## the longer tests that the default suite leaves out
	@$(PY) -m pytest -q -n $(WORKERS) -m slow $(ARGS)

soak: $(STAMP) ## random and mutated frames against both endpoints (FRAMES=200000, SEED=1)
	@PYTHONPATH=.:tests $(PY) -m support.soak --frames $(FRAMES) --seed $(SEED)

lint: style types contracts ## style, types and import contracts (`make -k lint` goes on after the first that fails)

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy $(CHECKED)

contracts: $(STAMP)
	$(BIN)/lint-imports --no-cache --no-logo

format: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP) ## build the wheel and try it in a clean virtual environment
	@$(PY) tools/wheel_smoke.py

docs: generated ## another name for `generated`

generated: $(STAMP) ## write the generated documents anew
	@$(PY) -m workbench.generate

check-generated: $(STAMP) ## compare the generated documents with what the code says
	@$(PY) -m workbench.generate --check

# uv only resolves and hashes; installing needs nothing but pip. UPGRADE=--upgrade takes the newest versions allowed.
UV := .venv-uv/bin/uv
LOCK = $(UV) --no-config pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make requirements" $(UPGRADE) pyproject.toml

$(UV):
	@"$(PYTHON)" -m venv .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"

requirements: $(UV) ## resolve pyproject.toml into the hashed requirements/*.txt
	@$(LOCK) --extra dev --output-file requirements/dev.txt
	@$(LOCK) --constraints requirements/dev.txt --output-file requirements/runtime.txt

clean: ## remove the environment, the caches and what was built
	rm -rf $(VENV) .venv-* build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +
