# Everything for people who work on or try OSM Flow. Each target first brings .venv up to date by itself.

PORT ?= 8000
PYTHON ?= python3
BPMNLINT := 11.15.0
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: install run test check bench stress lock clean

install: .venv/.installed

run: .venv/.installed
	$(BIN)/osm-flow serve --demo --port $(PORT)

test: .venv/.installed-dev
	$(BIN)/pytest -n auto --dist worksteal

check: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npx >/dev/null 2>&1; then npx --yes bpmnlint@$(BPMNLINT) -c bpmn/.bpmnlintrc bpmn/*.bpmn; \
	else echo "bpmnlint left out: it needs Node.js and npm"; fi

bench: .venv/.installed-dev
	$(BIN)/python -m tests.bench

# Kills, races, faults and hostile requests for long, on both databases, and the faults planted to see that they would be found.
stress: .venv/.installed-dev
	$(BIN)/python -m tests.stress.kills --sabotage
	$(BIN)/python -m tests.stress.kills
	$(BIN)/python -m tests.stress.faults --sabotage
	$(BIN)/python -m tests.stress.faults
	$(BIN)/python -m tests.stress.races --database sqlite
	$(BIN)/python -m tests.stress.races --database postgresql
	$(BIN)/python -m tests.stress.races --sabotage
	$(BIN)/python -m tests.stress.hostile --sabotage
	$(BIN)/python -m tests.stress.hostile --requests $${OSM_STRESS_HOSTILE:-20000}
	$(BIN)/python -m tests.stress.hostile --requests $${OSM_STRESS_HOSTILE:-20000} --database postgresql
	$(BIN)/python -m tests.stress.soak --requests $${OSM_STRESS_REQUESTS:-100000}
	OSM_WHOLE=1 OSM_ALL_ACCOUNTS=1 $(BIN)/pytest tests/integration/web/test_sensitive.py tests/integration/web/test_reads.py \
		tests/integration/web/test_matrix.py tests/golden/test_databases.py -q -n auto
	OSM_WHOLE=1 $(BIN)/pytest -m sampled -q -n auto
	OSM_WHOLE=1 $(BIN)/pytest tests/integration/web -k postgresql -q -n auto
	OSM_ALL_PAGES=1 $(BIN)/pytest tests/browser/test_demo_words.py tests/browser/test_bundle_player.py -q
	OSM_ALL_DAYS=1 $(BIN)/pytest tests/integration/demo/test_any_day.py -q -n auto --timeout=0
	OSM_ALL_PLACES=1 $(BIN)/pytest tests/integration/operations/replay/test_same_bytes.py -q
	OSM_AGREEMENT=5000 $(BIN)/pytest tests/integration/operations/bundles/test_agreement.py tests/integration/operations/bundles/test_chains.py -q -n auto --timeout=0
	OSM_RANDOM_ACTS=200 $(BIN)/pytest tests/integration/operations/books/test_random_acts.py -q -n auto --timeout=0
	OSM_GRAPHS=20000 $(BIN)/pytest tests/unit/engine/test_unstructured.py -q -n auto --timeout=0

# Pins every dependency anew, with hashes and without the address of any package index.
lock: .venv/.installed-dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --upgrade --quiet --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "OSM Flow needs Python 3.11 or newer; say which with: make PYTHON=python3.12 …" >&2; exit 1; }
ifdef UV
	@$(UV) venv --quiet --seed --allow-existing --python $(PYTHON) .venv
else
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv" >&2; \
		  echo "Or install uv (https://docs.astral.sh/uv/); then run make again." >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "uv cannot be had here; pip does its work" >&2
endif
	@touch $@

.venv/.installed: .venv/.created requirements.lock pyproject.toml
	@echo "Installing what OSM Flow needs into .venv …"
	@$(call install-from,requirements.lock)
	@$(BIN)/python -m compileall -q osm_flow
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	@echo "Installing what its tests and checks need into .venv …"
	@$(call install-from,requirements-dev.lock)
	@touch $@

# uv first because it is quick; pip when uv is missing or cannot reach the package index that pip is configured for.
define install-from
	uv=$$(command -v $(BIN)/uv || command -v uv || echo false); \
	if VIRTUAL_ENV=.venv "$$uv" pip install --quiet --compile-bytecode --require-hashes -r $(1) 2>/dev/null; \
	then VIRTUAL_ENV=.venv "$$uv" pip install --quiet --no-deps -e . ; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	     $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e . ; fi
endef
