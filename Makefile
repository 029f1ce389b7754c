# The machine around the engine; every target calls a command of `python -m fleet`.
STACK ?= dev
PYTHON ?= python3

# What is given on the command line reaches the recipes as variables of their environment, with the
# very characters that were given: neither make nor the shell expands them. So a recipe writes
# "$${STACK}", in quotes, and never $(STACK). Of a name that no recipe reads, make would expand the
# value all the same, to export it.
$(foreach each,$(.VARIABLES),$(if $(filter command,$(origin $(each))),$(eval override $(each) := $$(value $(each)))))
override GIVEN := STACK PYTHON JSON REFRESH NEWEST IMAGE TAG MIRRORS AT TO BECAUSE UNTIL PLATFORM APPLY KEEP_DAYS MAX_SHARE OUTPUT FAST_WORKERS WORKERS SCHEDULES KILLS
override define take
ifneq ($(origin $1),undefined)
override $1 := $$(value $1)
export $1
endif
endef
$(foreach name,each $(GIVEN),$(eval $(call take,$(name))))

# These are not for the command line.
override SHELL := /bin/sh
override .SHELLFLAGS := -c
override VENV := .venv/bin
override FLEET := $(VENV)/python -m fleet
override PLAIN := status env plan graph versions doctor check page comment removals drift repair collect proposal
override OF_ALL_STACKS := checksums down clean
override SCRIPTS := $(wildcard benchmarks/*/*.sh assets/*/*/*.sh assets/*/*/*/*.sh) fleet/local/base_images/rootfs.sh fleet/local/docker/buildctl.sh fleet/releases/lock/ask_backend.sh .ci/run providers/ociregistry/pulumi-resource-ociregistry

override .DEFAULT_GOAL := help
.PHONY: $(PLAIN) $(OF_ALL_STACKS) audit up preview refresh lock restore verify history rollback sbom adopt prune split docs catalog bootstrap \
	help test test-fast test-integration test-slow lint venv venv-any venv-dev

# These take the stack and nothing else; what each does stands at its name below.
$(PLAIN): venv
	@$(FLEET) $@ --stack "$${STACK}"

checksums: venv
down clean: venv-any
$(OF_ALL_STACKS):
	@$(FLEET) $@

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile
	@printf '  STACK=%s chooses the stack, PYTHON=%s the Python of the environment\n' "$${STACK}" "$${PYTHON}"

up: venv ## Make the registry equal to the declaration, from nothing if need be [JSON=1: the report as JSON]
	@$(FLEET) up --stack "$${STACK}" $(if $(JSON),--json)

preview: venv ## Show what up would do [JSON=1]
	@$(FLEET) preview --stack "$${STACK}" $(if $(JSON),--json)

refresh: venv ## Read the registry and report drift [JSON=1]
	@$(FLEET) refresh --stack "$${STACK}" $(if $(JSON),--json)

lock: venv ## Resolve what is not locked; REFRESH=1: bases, yanked versions, REFRESH=builders: these too; NEWEST=image|all: all of it
	@$(FLEET) lock --stack "$${STACK}" $(if $(REFRESH),--refresh "$${REFRESH}") --newest "$${NEWEST:-}"

status: ## Print the tags: digest, platforms, size, verified
env: ## Print shell exports: eval "$(make -s env)"

restore: venv ## Put a removed name back on its digest: TAG=py3.8-LATEST [IMAGE=name or host/namespace/name]
	@$(FLEET) restore --stack "$${STACK}" --image "$${IMAGE:-}" \
		--tag "$${TAG:?name the tag: make restore TAG=py3.8-LATEST}"

verify: venv ## Verify what is signed of the declared tags, by digest [TAG=py3.13-slim-0.34.0] [IMAGE=name] [MIRRORS=1]
	@$(FLEET) verify --stack "$${STACK}" --image "$${IMAGE:-}" --tag "$${TAG:-}" $(if $(MIRRORS),--mirrors)

history: venv ## Print which digest tags had, since when and why: [TAG=py3.12-LATEST] [IMAGE=name] [AT=2026-11-03] [JSON=1]
	@$(FLEET) history --stack "$${STACK}" --image "$${IMAGE:-}" --tag "$${TAG:-}" \
		$(if $(AT),--at "$${AT}") $(if $(JSON),--json)

rollback: venv ## List what a tag named before; TO= pins it there, TO=declared ends that: TAG=py3.12-LATEST [IMAGE=name] [TO=0.33.0] [BECAUSE=..] [UNTIL=2026-12-31]
	@$(FLEET) rollback --stack "$${STACK}" --image "$${IMAGE:-}" --to "$${TO:-}" \
		$(if $(BECAUSE),--because "$${BECAUSE}") $(if $(UNTIL),--until "$${UNTIL}") \
		--tag "$${TAG:?name the tag: make rollback TAG=py3.12-LATEST}"

adopt: venv ## Write the import file of a lost or foreign state; APPLY=1 imports it
	@$(FLEET) adopt --stack "$${STACK}" $(if $(APPLY),--apply)

prune: venv ## List superseded digests; APPLY=1 deletes what is due [KEEP_DAYS=30] [IMAGE=name] [MAX_SHARE=0.5]
	@$(FLEET) prune --stack "$${STACK}" $(if $(APPLY),--apply) --image "$${IMAGE:-}" \
		$(if $(KEEP_DAYS),--keep-days "$${KEEP_DAYS}") \
		$(if $(MAX_SHARE),--max-share "$${MAX_SHARE}")

split: venv ## Write a stack file per image, for a fleet that has outgrown one; APPLY=1 moves the state
	@$(FLEET) split --stack "$${STACK}" $(if $(APPLY),--apply)

sbom: venv ## Print what a tag consists of, as CycloneDX, a line per platform: TAG=py3.13-slim-LATEST [PLATFORM=linux/amd64] [IMAGE=name]
	@$(FLEET) sbom --stack "$${STACK}" --image "$${IMAGE:-}" --platform "$${PLATFORM:-}" \
		--tag "$${TAG:?name the tag: make sbom TAG=py3.13-slim-LATEST}"

audit: venv ## Print the advisories that the lock holds, by image, what can be fixed first [JSON=1]
	@$(FLEET) audit --stack "$${STACK}" $(if $(JSON),--json)

check: ## Check declaration, plan, generated files and pins, without state or registry
doctor: ## Check what a person must give once for the workflows; writes nothing

bootstrap: doctor ## The same, then the first up, then what remains to be given
	@$(FLEET) up --stack "$${STACK}"
	@$(FLEET) doctor --stack "$${STACK}"

page: ## Print a run's report, FLEET_REPORT, as Markdown
comment: ## Write that report into the one comment of a pull request
removals: ## Hand over what it would remove, FLEET_REMOVALS, and print how many names
drift: ## Write, update or close the one issue of what a preview found
repair: ## Start the workflow up where a preview found drift
collect: ## Hand over what make versions changed: FLEET_VERSIONS is its text, FLEET_PROPOSAL a folder
proposal: ## Open, update or close the one pull request with what FLEET_PROPOSAL holds
versions: ## Ask for new releases; edits the declaration and the lock, prints what and why
plan: ## Print the plan as tables, touching nothing
graph: ## Print which image is built on which, as Mermaid in Markdown

docs: venv ## Write the pages of the images, as Markdown: [IMAGE=name] prints one [OUTPUT=folder]
	@$(FLEET) docs --stack "$${STACK}" --image "$${IMAGE:-}" $(if $(OUTPUT),--output "$${OUTPUT}")

catalog: venv ## Write a static site of what the fleet publishes: [OUTPUT=folder]
	@$(FLEET) catalog --stack "$${STACK}" $(if $(OUTPUT),--output "$${OUTPUT}")

checksums: ## Record the SHA-256 of the tools' published archives; for maintainers
down: ## Stop what was started, by pid; keeps all data
clean: ## Stop it and remove .fleet; keeps the user's cache

test: lint test-fast test-integration ## Lint, then the fast tests, then those with the real engine

# Many of these wait for a timer or a process, so there is one more of them at once than processors.
test-fast: venv-dev ## The tests without daemons or network: [FAST_WORKERS=3]
	@$(VENV)/python -m pytest -n "$${FAST_WORKERS:-3}" --dist worksteal -m "not integration and not slow"

# Most of these wait most of the time, so there are more of them at once than processors.
test-integration: venv-dev ## The tests with the real engine, registry and builder: [WORKERS=4]
	@$(VENV)/python -m pytest -n "$${WORKERS:-4}" --dist loadgroup -v -m "integration and not slow"

# The tests one after the other: they are about faults, and take as long as they take.
test-slow: venv-dev ## What test leaves out, more of the same, for up to an hour: [SCHEDULES=200] [KILLS=20] [WORKERS=2]
	@$(VENV)/python -m pytest -v -m slow
	@$(VENV)/python -m tests.seeded_faults
	@$(VENV)/python -m tests.faults --schedules "$${SCHEDULES:-200}" --engine "$${KILLS:-20}" --workers "$${WORKERS:-2}"

lint: venv-dev ## Style and types, Dockerfiles and shell scripts
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/hadolint $(wildcard assets/*/*/Dockerfile benchmarks/*/Dockerfile templates/*/Dockerfile fleet/releases/lock/*.Dockerfile)
	@$(VENV)/shellcheck $(SCRIPTS)

venv:
	@"$${PYTHON}" fleet/local/venv.py

# What stops daemons must work with the environment that there is, be it of another lock.
venv-any:
	@test -x $(VENV)/python || "$${PYTHON}" fleet/local/venv.py

venv-dev:
	@"$${PYTHON}" fleet/local/venv.py --dev
