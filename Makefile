# The machine around the engine; every target calls a command of `python -m fleet`.
STACK ?= dev
PYTHON ?= python3

# What is given on the command line reaches the recipes as variables of their environment, with the
# very characters that were given: neither make nor the shell expands them. So a recipe writes
# "$${STACK}", in quotes, and never $(STACK). So do those that no recipe reads and the program does,
# such as FLEET_DAEMONS: make would expand their values, to export them.
$(foreach each,$(.VARIABLES),$(if $(filter command,$(origin $(each))),$(eval override $(each) := $$(value $(each)))$(eval export $(each))))
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
override REMOVED := announced
override SCRIPTS := $(wildcard benchmarks/*/*.sh assets/*/*/*.sh assets/*/*/*/*.sh) fleet/local/base_images/rootfs.sh fleet/local/docker/buildctl.sh fleet/releases/lock/ask_backend.sh .ci/run providers/ociregistry/pulumi-resource-ociregistry

override .DEFAULT_GOAL := help
.PHONY: $(PLAIN) $(OF_ALL_STACKS) $(REMOVED) audit up preview refresh lock restore verify history rollback sbom adopt prune split docs catalog bootstrap \
	help test test-fast test-integration test-slow lint venv venv-any venv-dev

# These take the stack and nothing else; what each does stands at its name below.
$(PLAIN): venv
	@$(FLEET) $@ --stack "$${STACK}"

# Of the removed ones, the command says what takes their place.
checksums $(REMOVED): venv
down clean: venv-any
$(OF_ALL_STACKS) $(REMOVED):
	@$(FLEET) $@

help: ## Show this text
	@awk -F ' *## *' '/^##@/ { sub("##@ ", ""); printf "\n%s:\n", $$0; next } \
		/^[a-z-]+:.*## / { sub(":.*", "", $$1); printf "  make %-17s %s", $$1, $$2; \
		if ($$3 != "" && length($$2 $$3) > 75) printf "\n%25s", ""; print ($$3 == "" ? "" : " " $$3) }' Makefile
	@printf '\nSTACK=%s chooses the stack, PYTHON=%s the Python of the environment.\n' "$${STACK}" "$${PYTHON}"
	@echo 'FLEET_DAEMONS=host or docker chooses where registry and builder run. docs/commands.md describes each target.'

##@ every day
up: venv ## Make the registry equal to the declaration ## [JSON=1: the report as JSON]
	@$(FLEET) up --stack "$${STACK}" $(if $(JSON),--json)

preview: venv ## Show what the next up would change ## [JSON=1]
	@$(FLEET) preview --stack "$${STACK}" $(if $(JSON),--json)

refresh: venv ## Read the registry into the state, and report what differs (drift) ## [JSON=1]
	@$(FLEET) refresh --stack "$${STACK}" $(if $(JSON),--json)

status: ## Print the tags and pointers of the last up, and the disk space in use
plan: ## Print the declared tags and pointers as tables, without state or registry
env: ## Print shell exports for plain pulumi and for registry clients ## eval "$(make -s env)"
down: ## Stop the registry and builder of this checkout; keep all data
clean: ## Stop the registry and builder of this checkout, and remove .fleet

##@ declaration, lock and releases
lock: venv ## Resolve what the declaration needs and the lock does not have ## [REFRESH=1 or builders] [NEWEST=image or all]
	@$(FLEET) lock --stack "$${STACK}" $(if $(REFRESH),--refresh "$${REFRESH}") --newest "$${NEWEST:-}"

versions: ## Ask for new releases, edit declaration and lock, print what changed and why

audit: venv ## Print the advisories in the lock, by image, those with a fix first ## [JSON=1]
	@$(FLEET) audit --stack "$${STACK}" $(if $(JSON),--json)

checksums: ## Record the SHA-256 of the archives of Pulumi, its plugins, BuildKit and the registry

##@ upkeep
history: venv ## Print which digest each tag had, since when and why ## [TAG=py3.12-LATEST] [IMAGE=name] [AT=2026-11-03] [JSON=1]
	@$(FLEET) history --stack "$${STACK}" --image "$${IMAGE:-}" --tag "$${TAG:-}" \
		$(if $(AT),--at "$${AT}") $(if $(JSON),--json)

rollback: venv ## List what a tag named before, or pin the tag to an earlier version or digest ## TAG=py3.12-LATEST [IMAGE=name] [TO=0.33.0 or declared] [BECAUSE=reason] [UNTIL=2026-12-31]
	@$(FLEET) rollback --stack "$${STACK}" --image "$${IMAGE:-}" --to "$${TO:-}" \
		$(if $(BECAUSE),--because "$${BECAUSE}") $(if $(UNTIL),--until "$${UNTIL}") \
		--tag "$${TAG:?name the tag: make rollback TAG=py3.12-LATEST}"

restore: venv ## Put a removed tag back on its last digest ## TAG=py3.8-LATEST [IMAGE=name or host/namespace/name]
	@$(FLEET) restore --stack "$${STACK}" --image "$${IMAGE:-}" \
		--tag "$${TAG:?name the tag: make restore TAG=py3.8-LATEST}"

verify: venv ## Verify the evidence of the declared version tags, by digest ## [TAG=py3.13-slim-0.34.0] [IMAGE=name] [MIRRORS=1: at mirrors too]
	@$(FLEET) verify --stack "$${STACK}" --image "$${IMAGE:-}" --tag "$${TAG:-}" $(if $(MIRRORS),--mirrors)

sbom: venv ## Print what a tag consists of, as CycloneDX, one line of JSON per platform ## TAG=py3.13-slim-LATEST [IMAGE=name] [PLATFORM=linux/amd64]
	@$(FLEET) sbom --stack "$${STACK}" --image "$${IMAGE:-}" --platform "$${PLATFORM:-}" \
		--tag "$${TAG:?name the tag: make sbom TAG=py3.13-slim-LATEST}"

prune: venv ## List superseded digests, or delete those superseded for long enough ## [APPLY=1: delete] [IMAGE=name] [KEEP_DAYS=30] [MAX_SHARE=0.5]
	@$(FLEET) prune --stack "$${STACK}" $(if $(APPLY),--apply) --image "$${IMAGE:-}" \
		$(if $(KEEP_DAYS),--keep-days "$${KEEP_DAYS}") \
		$(if $(MAX_SHARE),--max-share "$${MAX_SHARE}")

adopt: venv ## Write the file that imports a registry's declared tags into the state ## [APPLY=1: import]
	@$(FLEET) adopt --stack "$${STACK}" $(if $(APPLY),--apply)

split: venv ## Write one stack file per image, for a fleet that has outgrown one stack ## [APPLY=1: move the state]
	@$(FLEET) split --stack "$${STACK}" $(if $(APPLY),--apply)

doctor: ## Check what you must set up once for the workflows; write nothing

bootstrap: doctor ## Run doctor, then the first up, then doctor again
	@$(FLEET) up --stack "$${STACK}"
	@$(FLEET) doctor --stack "$${STACK}"

##@ pages and charts
graph: ## Print which image is built on which, as a Mermaid chart in Markdown

docs: venv ## Write the page of each image, as Markdown ## [IMAGE=name: print one] [OUTPUT=folder]
	@$(FLEET) docs --stack "$${STACK}" --image "$${IMAGE:-}" $(if $(OUTPUT),--output "$${OUTPUT}")

catalog: venv ## Write a static site of what the fleet publishes ## [OUTPUT=folder]
	@$(FLEET) catalog --stack "$${STACK}" $(if $(OUTPUT),--output "$${OUTPUT}")

##@ called by workflows and other commands
check: ## Check declaration, plan, generated files and pins, without state or registry
page: ## Print the report in FLEET_REPORT as Markdown
comment: ## Write the report in FLEET_REPORT into the one comment on a pull request
removals: ## Print how many tags a preview would remove; copy FLEET_REPORT to FLEET_REMOVALS
drift: ## Open, update or close the one issue about drift, by the preview in FLEET_REPORT
repair: ## Start the workflow up if the preview in FLEET_REPORT found drift
collect: ## Copy the declaration, the lock and FLEET_VERSIONS into FLEET_PROPOSAL
proposal: ## Open, update or close the one pull request with the files in FLEET_PROPOSAL

##@ tests
test: lint test-fast test-integration ## Run lint, then the fast tests, then those with the real engine

# Many of these wait for a timer or a process, so there is one more of them at once than processors.
test-fast: venv-dev ## Run the tests without daemons or network ## [FAST_WORKERS=3]
	@$(VENV)/python -m pytest -n "$${FAST_WORKERS:-3}" --dist worksteal -m "not integration and not slow"

# Most of these wait most of the time, so there are more of them at once than processors.
test-integration: venv-dev ## Run the tests with the real engine, registry and builder ## [WORKERS=4]
	@$(VENV)/python -m pytest -n "$${WORKERS:-4}" --dist loadgroup -v -m "integration and not slow"

# The tests one after the other: they are about faults, and take as long as they take.
test-slow: venv-dev ## Run what test leaves out, such as many random faults, for up to two hours ## [SCHEDULES=200] [KILLS=20] [WORKERS=2]
	@$(VENV)/python -m pytest -v -m slow
	@$(VENV)/python -m tests.seeded_faults
	@$(VENV)/python -m tests.faults --schedules "$${SCHEDULES:-200}" --engine "$${KILLS:-20}" --workers "$${WORKERS:-2}"

lint: venv-dev ## Check style and types, Dockerfiles and shell scripts
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
