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
APP := $(VENV)/.app-installed node_modules/.package-lock.json
DEV := $(APP) $(VENV)/.dev-installed

.PHONY: help local test check synth new-model bench docs lock clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

local: $(APP) ## serve the synthesized stacks on http://127.0.0.1:8000 (PORT=…, STAGE=…)
	@python -m local --port $(PORT) --stage $(STAGE)

test: check ## lint, types and import rules, then every test with branch coverage
	python -m pytest --cov --cov-branch --cov-report=term:skip-covered

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

bench: $(DEV) ## measure synth, latency, cold start, and serving beside other servers (an hour); writes docs/performance.md
	PYTHONPATH=.:containers python -m experiments.performance
	PYTHONPATH=.:containers python -m experiments.serving

docs: $(DEV) ## write docs/errors.md and docs/model-toml.md from the code
	python -m docs.generate

lock: $(DEV) ## resolve requirements*.in into exact pins
	$(PIP) install --quiet uv==0.13.8
	uv pip compile --quiet --no-header --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile --quiet --no-header --python-version 3.11 requirements-dev.in -o requirements-dev.txt

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
	@$(PIP) install --no-input -r requirements-dev.txt -r requirements-torch.txt
	@touch $@

node_modules/.package-lock.json: package-lock.json $(VENV)/.app-installed
	@echo 'Installing the CDK command …'
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
