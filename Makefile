# The machine around the engine; every target does what `python -m local` says.
STACK ?= dev
PYTHON ?= python3
VENV := .venv/bin
LOCAL = $(VENV)/python -m local
UPKEEP = $(VENV)/python -m upkeep
SCRIPTS = $(wildcard assets/*/*/*.sh) local/rootfs.sh .ci/run providers/oci/pulumi-resource-oci

.DEFAULT_GOAL := help
.PHONY: help up preview refresh lock status env down clean test test-fast test-integration lint \
	venv venv-dev restore adopt prune

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  STACK=$(STACK) chooses the stack, PYTHON=$(PYTHON) the Python of the environment"

up: venv ## Make the registry equal to the declaration, from nothing if need be
	@$(LOCAL) up --stack $(STACK)

preview: venv ## Show what up would do
	@$(LOCAL) preview --stack $(STACK)

refresh: venv ## Read the registry and report drift
	@$(LOCAL) refresh --stack $(STACK)

lock: venv ## Resolve what comes from outside; REFRESH=1 asks again for what is locked
	@$(LOCAL) lock --stack $(STACK) $(if $(REFRESH),--refresh)

status: venv ## Print the tags: digest, platforms, size, verified
	@$(LOCAL) status --stack $(STACK)

env: venv ## Print shell exports: eval "$$(make -s env)"
	@$(LOCAL) env --stack $(STACK)

# What is given on the command line reaches the recipe's environment, where nothing expands it.
restore: venv ## Put a removed name back on its digest: TAG=py3.8-LATEST [IMAGE=name]
	@$(UPKEEP) restore --stack $(STACK) --image "$${IMAGE:-}" \
		--tag "$${TAG:?name the tag: make restore TAG=py3.8-LATEST}"

adopt: venv ## Write the import file of a lost or foreign state; APPLY=1 imports it
	@$(UPKEEP) adopt --stack $(STACK) $(if $(APPLY),--apply)

prune: venv ## List superseded digests; APPLY=1 deletes what is due [KEEP_DAYS=30] [IMAGE=name]
	@$(UPKEEP) prune --stack $(STACK) $(if $(APPLY),--apply) --image "$${IMAGE:-}" \
		$(if $(KEEP_DAYS),--keep-days "$${KEEP_DAYS}")

down: venv ## Stop what was started, by pid; keeps all data
	@$(LOCAL) down

clean: venv ## Stop it and remove .fleet; keeps the user's cache
	@$(LOCAL) clean

test: lint test-fast test-integration ## Lint, then the fast tests, then those with the real engine

test-fast: venv-dev ## The tests without daemons or network
	@$(VENV)/python -m pytest -m "not integration"

test-integration: venv-dev ## The tests with the real engine, registry and builder
	@$(VENV)/python -m pytest -m integration

lint: venv-dev ## Style and types, Dockerfiles and shell scripts
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/hadolint $(wildcard assets/*/*/Dockerfile)
	@$(VENV)/shellcheck $(SCRIPTS)

venv:
	@$(PYTHON) local/venv.py

venv-dev:
	@$(PYTHON) local/venv.py --dev
