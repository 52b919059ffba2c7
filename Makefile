# Everything for people who work on or try OSM Flow. Each target first brings .venv up to date by itself.

PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
# uv installs several times faster; without it the pip inside .venv does the same from the same lock files.
UV := $(shell command -v uv 2>/dev/null)

.PHONY: install run test check bench lock clean

install: .venv/.installed

run: .venv/.installed
	$(BIN)/osm-flow serve --demo --port $(PORT)

test: .venv/.installed-dev
	$(BIN)/pytest -n auto

check: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -f package-lock.json ] && command -v npm >/dev/null 2>&1; then \
		npm ci --silent --no-fund --no-audit && npx --no-install bpmnlint 'bpmn/*.bpmn'; \
	else echo "bpmnlint left out: it needs Node.js and npm"; fi

bench: .venv/.installed-dev
	$(BIN)/osm-flow bench

# Pins every dependency anew, with hashes and without the address of any package index.
lock: .venv/.installed-dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --upgrade --quiet --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv node_modules

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "OSM Flow needs Python 3.11 or newer; say which with: make PYTHON=python3.12 …" >&2; exit 1; }
ifdef UV
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
else
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv" >&2; \
		  echo "Or install uv (https://docs.astral.sh/uv/); then run make again." >&2; exit 1; }
	$(PYTHON) -m venv .venv
endif
	@touch $@

.venv/.installed: .venv/.created requirements.lock pyproject.toml
	$(call pip-install,requirements.lock)
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(call pip-install,requirements-dev.lock)
	@touch $@

ifdef UV
define pip-install
	VIRTUAL_ENV=.venv $(UV) pip install --quiet --require-hashes -r $(1)
	VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps -e .
endef
else
define pip-install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endef
endif
