# Every target sets up what it needs: on a machine with Python 3.11 or newer, `make demo` is the first command.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := build/tools
GENERATORS := build/generators
BASELINES := build/baselines
EXTRAS := torch,engines,zero-shot,otel,embedded,demo,dev,docs

# The first interpreter that is new enough and has what makes environments, which Debian packages as python3-venv;
# `make PYTHON=/path/to/python` chooses another.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Tests at a time, each with one thread: on 2 cores, 3 are faster than 2, because some tests wait for processes.
WORKERS ?= 3

# Python compiles the modules that it imports, and keeps them; pip would compile all of them, which takes as long
# as the rest of the installation.
unexport PYTHONDONTWRITEBYTECODE
PIP := -m pip install --quiet --disable-pip-version-check --progress-bar off --no-compile

.PHONY: demo test test-fast mutants nightly soak soak-hostile faults scale generated-clients bench gpu-check lint docs contracts client release lock sbom audit secrets format install clean

demo: install
	@$(BIN)/python -m cli.demo

# Coverage has a floor for the whole suite only, so it is not measured when ARGS choose a part.
LINES ?= $(if $(ARGS),,PYTEST_PLUGINS=tests.lines)

# Which of the tests marked nightly run as well: none, all, or share K of N, counted from 0.
NIGHTLY ?= none

test: install
	@OMP_NUM_THREADS=1 $(LINES) $(BIN)/python -m pytest -n $(WORKERS) --nightly $(NIGHTLY) $(ARGS)

# What needs no server and takes no seconds: under two minutes on 2 cores.
test-fast: install
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(ARGS)

# One change at a time to the modules whose mistakes would be silent: do the tests notice?
mutants: install
	@nice $(BIN)/python -m tools.mutants $(ARGS)

# What takes too long for every change: first every test, then what is not pytest's.
nightly: lint
	@$(MAKE) test NIGHTLY=all
	@$(MAKE) mutants soak soak-hostile faults generated-clients scale

# In a database with a million jobs: what a scheduler's round reads.
scale: install
	@SCALE_JOBS=1000000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -s tests/scheduler/test_plans.py $(ARGS)

# Clients that openapi-python-client and openapi-typescript generate from the OpenAPI document: they compile, and run
# a job. The generators have an environment of their own; the latter needs Node.js and npm.
generated-clients: install $(GENERATORS)/.installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/generated_clients/run_a_job.py $(ARGS)

$(GENERATORS)/.installed: tests/generated_clients/package.json tests/generated_clients/requirements.txt
	@"$(PYTHON)" -m venv --clear $(GENERATORS)
	@$(GENERATORS)/bin/python $(PIP) --requirement tests/generated_clients/requirements.txt
	@cp tests/generated_clients/package.json $(GENERATORS)
	@cd $(GENERATORS) && npm install --silent --no-audit --no-fund
	@touch $@

soak: install
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.soak $(ARGS)
	@CROWD_JOBS=1000 CROWD_REAL_JOBS=50 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/faults/test_crowd.py --timeout 3600

# Faults of every process of a running service, judged from outside; ARGS="-k valkey": a part of them. Without the
# conftest.py of other tests, because the harness uses nothing of the service but REST, commands and process ids.
faults: install
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --confcutdir=tests/faults/blackbox -o python_files="scenarios_*.py" \
		tests/faults/blackbox --timeout 1800 $(ARGS)

# ARGS="--requests 100000 --seed 1": a part of it.
soak-hostile: install
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.api.security.soak_hostile $(ARGS)

bench: install
	@$(BIN)/python -m bench.engine $(ARGS)

# bench-quality, bench-models, bench-memory, bench-fits and bench-api: docs/methods.md, docs/results.md and docs/performance.md show their tables.
bench-%: install
	@$(BIN)/python -m bench.$* $(ARGS)

# Next to llm-compressor, which pins another transformers and so has an environment of its own.
bench-baselines: install $(BASELINES)/.installed
	@$(BIN)/python -m bench.baselines $(ARGS)

$(BASELINES)/.installed: bench/baselines/requirements.txt
	@"$(PYTHON)" -m venv --clear $(BASELINES)
	@$(BASELINES)/bin/python $(PIP) --requirement bench/baselines/requirements.txt
	@touch $@

# Ten minutes on a machine with a GPU; ARGS="--device cpu" runs the same list at toy size.
gpu-check: install
	@$(BIN)/python -m bench.gpu_check --out .bench/gpu-check $(ARGS)

lint: install
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The documentation as a site, into build/site: a dead link or a missing reference fails, as in tests/test_site.py.
docs: install
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# Snapshots of what other programs rely on.
contracts: install
	@$(BIN)/python -m tools.contracts

# Wheels, CI files, SBOM, notes and checksums from the last commit, into dist/.
release: sbom
	@$(BIN)/python -m tools.release

# What the client shares with the service and may not import: its models.
client: contracts
	@$(BIN)/python -m tools.client_models

# Exact versions with hashes of what the images install, from pyproject.toml, into requirements/. Versions that are locked
# already are kept where they fit, unless UPGRADE is --upgrade.
LOCK = $(TOOLS)/bin/uv pip compile --quiet $(UPGRADE) --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --system-certs

# Each file has what its image adds to the one below, whose entries `ABOVE` leaves out of a whole lock.
ABOVE = awk 'FNR == NR { below[$$1]; next } /==/ { new = !($$1 in below) } new'

lock: $(TOOLS)/.installed
	@mkdir -p build/lock
	@cat requirements/api.txt requirements/torch.txt requirements/zero-shot.txt > build/lock/zero-shot.txt
	@$(LOCK) pyproject.toml --extra otel --extra torch --extra engines --extra zero-shot --output-file build/lock/zero-shot.txt
	@cp build/lock/zero-shot.txt build/lock/torch.txt
	@$(LOCK) pyproject.toml --extra otel --extra torch --extra engines --constraint build/lock/zero-shot.txt --output-file build/lock/torch.txt
	@$(LOCK) pyproject.toml --extra otel --constraint build/lock/zero-shot.txt --output-file requirements/api.txt
	@$(ABOVE) requirements/api.txt build/lock/torch.txt > requirements/torch.txt
	@$(ABOVE) build/lock/torch.txt build/lock/zero-shot.txt > requirements/zero-shot.txt
	@sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | $(LOCK) - --output-file requirements/build.txt

# What the worker's image holds, as a CycloneDX document, into build/sbom. The tools have an
# environment of their own, so that they do not describe themselves.
sbom: install $(TOOLS)/.installed
	@$(TOOLS)/bin/python -m tools.sbom $(abspath $(BIN))/python

# Known vulnerabilities of what the images hold. Fails as well where the service does not answer for a part.
audit: $(TOOLS)/.installed
	@$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes $(patsubst %,--requirement requirements/%.txt,api torch zero-shot)

$(TOOLS)/.installed:
	@"$(PYTHON)" -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/python $(PIP) cyclonedx-bom pip-audit uv
	@touch $@

# The secrets of docker-compose.yml, as files in secrets/: only those that are missing.
secrets:
	@"$(or $(PYTHON),python3)" -m tools.compose_secrets

format: install
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

install: $(INSTALLED)

# The tests run with the versions that the images hold, but for NVIDIA's parts of torch's build for CUDA. The stamp comes
# last, so that an installation that was cut short is done again; pip's program is the last that `venv` writes.
$(INSTALLED): pyproject.toml $(wildcard requirements/*.txt)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with its venv module, is needed (Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Installing into $(VENV), once: about 3 GB of packages, which takes minutes. Ctrl-C is safe: it begins again."
	@$(BIN)/pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@sed -n '/^\(nvidia\|cuda\)/d; s/^\([^ ;]*==[^ ;]*\).*/\1/p' requirements/*.txt > $(VENV)/constraints.txt
	@echo "  1 of 2: torch and what it needs, about 2 GB ..."
	@$(BIN)/python $(PIP) --constraint $(VENV)/constraints.txt torch
	@echo "  2 of 2: PruneServe, its servers and its tools ..."
	@$(BIN)/python $(PIP) --constraint $(VENV)/constraints.txt --editable '.[$(EXTRAS)]'
	@$(BIN)/python -m pruning.exports.packages >/dev/null || echo "  without exports, which this machine cannot write" >&2
	@echo "  installed"
	@touch $@

clean:
	rm -rf build dist mutants .demo .bench .coverage *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
