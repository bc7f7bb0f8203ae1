# Fovea's commands. Each sets up what it needs; a machine needs Python 3.11 or newer and make, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 8000
STAGE ?= dev

VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
PIP := python -m pip --disable-pip-version-check
# With hashes, pip looks for coverage[toml] beside coverage, and takes its newest: extras are kept in the pins.
LOCK := uv pip compile --quiet --custom-compile-command 'make lock' --generate-hashes --no-strip-extras --python-version 3.11
CPU_INDEX ?= https://download.pytorch.org/whl/cpu
CPU_BUILDS := --index $(CPU_INDEX) --index-strategy unsafe-best-match
APP := $(VENV)/.app-installed node_modules/.package-lock.json
DEV := $(APP) $(VENV)/.dev-installed

# Tests of servers have deadlines and bounds, so they run one after the other; these run side by side.
CONTAINERS := any_saved_model brain_tumor_networks detector every_model failing_starts fallback pytorch_engine \
  pytorch_script pytorch_script_defaults sign_language
SIDE_BY_SIDE := $(addprefix tests/,contract experiments lambda_handlers models monitoring rehearsal stacks training) \
  $(addprefix tests/,test_new_model.py images/test_training.py local/test_archive.py local/test_bounds.py) \
  $(CONTAINERS:%=tests/containers/test_%.py)

# Enough for a first picture in minutes; each command takes more, and its own, by hand.
MEASURED := $(or $(MODEL),diabetic-retinopathy)
MEASURE := --cold 5 --clients 1,4 --requests 40 --rates 5,20,40 --seconds 5

.PHONY: help local train evaluate test check synth rehearse images new-model bench experiments cost docs lock audit clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

local: $(APP) ## serve the synthesized stacks on http://127.0.0.1:8000 (PORT=…, STAGE=…, AUTH=…, ARCHIVE=model=path, DOCKER=1)
	@python -m local --port $(PORT) --stage $(STAGE) $(if $(filter 1,$(DOCKER)),--docker) $(if $(AUTH),-c auth=$(AUTH)) \
	  $(if $(ARCHIVE),--archive "$(ARCHIVE)")

train: $(DEV) ## train a model as SageMaker would (MODEL=face-mask, DATA=folder, SET="epochs=3", DOCKER=1)
	@PYTHONPATH=.:containers python -m local.train $(or $(MODEL),$(error name a model: make train MODEL=face-mask)) \
	  $(if $(DATA),--data "$(DATA)") $(if $(filter 1,$(DOCKER)),--docker) $(if $(SET),--set $(SET))

evaluate: $(DEV) ## compare a model with the one that is served (MODEL=face-mask, CANDIDATE=path, DATA=folder, OUT=folder)
	@PYTHONPATH=.:containers python -m training.evaluation --data "$(or $(DATA),$(error name held-out data: DATA=folder))" \
	  --candidate "$(or $(CANDIDATE),.cache/training/$(MODEL)/model)" --current "models/$(subst -,_,$(MODEL))" \
	  --out "$(or $(OUT),.cache/training/$(MODEL)/evaluation)"

test: check ## lint, types and import rules, then every test with branch coverage
	python -m pytest $(SIDE_BY_SIDE) --numprocesses 2 --dist loadfile --cov --cov-branch --cov-report=
	python -m pytest $(addprefix --ignore=,$(SIDE_BY_SIDE)) --cov --cov-branch --cov-append --cov-report=term:skip-covered

check: $(DEV) ## lint, format, types, import rules
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=.:containers lint-imports --no-cache

synth: $(APP) ## write the CloudFormation templates of a stage to cdk.out (STAGE=dev|beta|prod)
	@cdk synth --quiet -c stage=$(STAGE)
	@ls cdk.out/*-$(STAGE)-*.template.json

new-model: $(APP) ## copy template/ to models/, as a model of your own (NAME=my-model)
	@python -m models.new $(or $(NAME),$(error give the model a name: make new-model NAME=my-model))

bench: $(DEV) ## measure synth, latency, cold start, serving beside other servers, a GPU (an hour); writes docs/performance.md
	PYTHONPATH=.:containers python -m experiments.performance
	PYTHONPATH=.:containers python -m experiments.serving
	PYTHONPATH=.:containers python -m experiments.gpu

experiments: $(DEV) ## which endpoint for a model: measured here, cold, warm, under load; a page (MODEL=diabetic-retinopathy, minutes)
	@python -m experiments.latency $(MEASURED) --emulate $(MEASURE)
	@python -m experiments.sweep $(MEASURED) --memory 1024,2048 --functions 2048 --instances ml.m5.large $(MEASURE)
	@python -m experiments.report .cache/experiments/$(MEASURED)

cost: $(APP) ## what each endpoint of a stage costs a month (STAGE=…, REQUESTS=100,1000 a day)
	@python -m experiments.cost --stage $(STAGE) $(if $(REQUESTS),--requests-per-day $(REQUESTS))

docs: $(DEV) ## write docs/errors.md, model-toml.md, stages.md and retraining.svg from the code
	python -m docs.generate

rehearse: $(DEV) ## bootstrap, deploy, change and destroy everything against moto's server, by the real CDK command
	@python -m rehearsal

images: $(APP) ## build every container's image for CPUs (ONLY=savedmodel for one)
	@python -m images $(if $(ONLY),--only $(ONLY))

lock: $(DEV) ## resolve every requirements*.in into exact pins with hashes
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt
	for file in containers/requirements/*.in containers/*/requirements-*.in; do \
	  $(LOCK) --no-deps --no-annotate $$(grep -q '+cpu' $$file && echo '$(CPU_BUILDS)') $$file -o $${file%.in}.txt || exit 1; \
	done

audit: $(APP) ## ask osv.dev what is known against any pin (needs the internet)
	@test -x $(VENV)/audit/bin/pip-audit || python -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip --disable-pip-version-check install --quiet pip-audit==2.10.1
	@for file in requirements.txt requirements-dev.txt containers/requirements/*.txt containers/*/requirements-*.txt; do \
	  echo "$$file"; $(VENV)/audit/bin/pip-audit -s osv --progress-spinner off --disable-pip --require-hashes -r $$file || exit 1; \
	done

clean: ## remove everything that the commands above made
	rm -rf $(VENV) node_modules cdk.out .cache .local .coverage .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.app-installed: requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'Fovea needs Python 3.11 or newer: install it, or name it with make PYTHON=…'; exit 1; }
	@echo 'Installing the Python packages (a minute or two, once) …'
	@test -x $(VENV)/bin/python || "$(PYTHON)" -m venv $(VENV)
	@$(PIP) install --no-input -r requirements.txt
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt requirements-torch.txt $(VENV)/.app-installed
	@echo 'Installing the packages for tests and training (TensorFlow and PyTorch are large; a few minutes, once) …'
	@$(PIP) install --no-input -r requirements-dev.txt
	@$(PIP) install --no-input -r requirements-torch.txt
	@touch $@

node_modules/.package-lock.json: package-lock.json $(VENV)/.app-installed
	@echo 'Installing the CDK command …'
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
