# `make` lists the targets. Everything the project needs is installed into .venv from the lock file.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := .venv-tools/bin/uv
# pip's certificate setting, where there is one, also holds for uv.
export SSL_CERT_FILE ?= $(PIP_CERT)
ifeq ($(SSL_CERT_FILE),)
unexport SSL_CERT_FILE
endif

##@ Start here
.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/base ## Run the first example, embedded: no server, no Docker
	@mkdir -p .mtf
	$(BIN)/mtf run examples/penguins/run.yaml --inconclusive pass

.PHONY: test
test: .venv/dev ## Unit, contract, integration, end to end embedded and faults; brings its own PostgreSQL and Redis
	$(BIN)/python -m pytest -m "not compose and not chaos" $(PYTEST_ARGS)

##@ Develop
.PHONY: setup
setup: .venv/dev ## Create .venv with everything for development

.PHONY: check
check: .venv/dev ## Format, lint, types, laws of the house, spelling, compose and monitoring files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy shared services
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/yamllint --strict compose.yaml monitoring examples .github
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows
	$(BIN)/python monitoring/grafana/build.py --check
	$(BIN)/python docs/generate.py --check
	$(UV) lock --check --quiet

.PHONY: format
format: .venv/dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: golden
golden: .venv/dev ## Write the golden files anew: look at the difference before you commit it
	$(BIN)/python -m pytest tests/contract -q --update
	$(BIN)/python -m tests.conformance

##@ Rings that need more
.PHONY: chaos
chaos: .venv/dev ## Kill processes at random while 200 runs go through two gateways
	$(BIN)/python -m pytest -m chaos $(PYTEST_ARGS)

.PHONY: coverage
coverage: .venv/dev ## Simulate how often intervals hold the truth and gates pass wrongly, into docs/statistics; hours
	$(BIN)/python -m benchmarks.coverage_study
	$(BIN)/python -m benchmarks.gates_study --write --jobs 2

.PHONY: compose
compose: .venv/dev ## Build the images, start the stack, run every example through it; needs a Docker engine
	$(BIN)/python -m pytest -m compose $(PYTEST_ARGS)

.PHONY: wheel
wheel: .venv/dev ## Build the wheel from the sdist, install it alone, run the demo from an empty folder
	bash deploy/scripts/check-wheel.sh

.PHONY: bench
bench: .venv/dev ## Measure what we measure ourselves against
	for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

.PHONY: bench-peers
bench-peers: .venv/dev ## Measure evaluation beside MLflow, Evidently and scikit-learn, each in an environment of its own
	PATH="$(CURDIR)/.venv-tools/bin:$$PATH" $(BIN)/python benchmarks/peers/run.py

##@ The stack
.PHONY: up
up: ## Build and start the stack
	docker compose up --build --detach --wait

.PHONY: down
down: ## Stop the stack; volumes stay
	docker compose down

.PHONY: clean
clean: ## Remove what the targets made, but no data
	rm -rf .venv .venv-tools dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/pip install --quiet --disable-pip-version-check "uv>=0.9,<1"

.venv/base: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --inexact --no-default-groups --python $(PYTHON)
	@touch $@

.venv/dev: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --python $(PYTHON)
	@touch .venv/base $@
