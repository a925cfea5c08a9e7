.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
RUNS ?= nucleoflow-runs
BIN := .venv/bin

.PHONY: help setup demo test test-fast test-slow test-cluster kind-up kind-down lint format lock schema \
  golden chart docs images clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.complete ## Make .venv from the lock file and install CP2K where it is missing

.venv/.complete: requirements.lock pyproject.toml .ci/setup
	@PYTHON=$(PYTHON) .ci/setup
	@touch $@

demo: setup ## Run the quick-start study: from molecules to a report, with the real engines
	@$(BIN)/nucleoflow run quickstart --runs $(RUNS)

test: setup ## Run all tests, those with the real engines included
	@.ci/setup browser
	@$(BIN)/pytest

test-fast: setup ## Run the tests that need no engine
	@$(BIN)/pytest --ignore=tests/integration

test-slow: setup ## Run the tests that take minutes each: labels at the article's level of theory
	@$(BIN)/pytest -m slow

test-cluster: setup ## Run the tests on the cluster that KUBECONFIG names, or kind-up made
	@KUBECONFIG=$${KUBECONFIG:-$(CURDIR)/.kind/kubeconfig} $(BIN)/pytest tests/cluster -m cluster

kind-up: setup ## Make a cluster in docker (kind) with the images and the chart
	@tests/cluster/kind-up

kind-down: ## Delete that cluster
	@tests/cluster/kind-down

lint: setup ## Check style, types and the published schemas
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/nucleoflow schema | diff -q - workflows/nucleoflow/study/data/study.schema.json \
	  || { echo "the published JSON schema is out of date: make schema"; exit 1; }
	@$(BIN)/nucleoflow schema --profile \
	  | diff -q - workflows/nucleoflow/profile/data/profile.schema.json \
	  || { echo "the published JSON schema of profiles is out of date: make schema"; exit 1; }
	@$(BIN)/python helm/make_chart.py --check
	@$(BIN)/yamllint --strict helm

format: setup ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

schema: setup ## Rewrite the published JSON schemas of study files and cluster profiles
	@$(BIN)/nucleoflow schema -o workflows/nucleoflow/study/data/study.schema.json
	@$(BIN)/nucleoflow schema --profile -o workflows/nucleoflow/profile/data/profile.schema.json

golden: setup ## Rewrite the manifests that tests compare with; read the difference like code
	@$(BIN)/pytest tests/workflows/backends/argo -q --rewrite-golden

chart: setup ## Rewrite the parts of the Helm chart that follow from code and comments
	@$(BIN)/python helm/make_chart.py

docs: setup ## Rewrite the table of profile fields in docs/cluster.md
	@$(BIN)/python docs/profile_table.py

lock: ## Rewrite the lock files from pyproject.toml
	uv pip compile pyproject.toml --extra engines --extra dev --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements.lock
	uv pip compile pyproject.toml --extra gpu -c requirements.lock --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements-gpu.lock
	uv pip compile pyproject.toml -c requirements.lock --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements-core.lock
	uv pip compile pyproject.toml --extra engines -c requirements.lock --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements-engines.lock
	printf '%s\n' 'hatchling>=1.27' setuptools wheel | uv pip compile - -c requirements.lock --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -o requirements-build.lock

images: ## Build the container images with docker, podman or buildah (images/README.md)
	@images/build

clean: ## Remove what setup and tests made
	rm -rf .venv .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis
