# Stylestream. `make help` lists what there is. Needs Python >= 3.10 and Java >= 17, nothing else.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.bench
# bash sets a SECONDS of its own, so only one that was given counts.
GIVEN = $(filter command environment,$(firstword $(origin $(1))))
# $(call option,VARIABLE,--option): the option when the variable was given and is not empty
option = $(if $(call GIVEN,$(1)),$(if $($(1)),$(2) '$($(1))'))

.PHONY: help setup lint test drill fuzz mutants demo bench notebooks clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'
	@echo
	@echo "  make demo takes DATASET= DATA= PORT= SECONDS= RATE= STATE= SPEED=   (docs/tutorial.md)"

$(STAMP): setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
	  || { echo "make: $(PYTHON) is missing or older than Python 3.10: install it, or name another by PYTHON=" >&2; exit 3; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make an environment (Debian: apt-get install python3-venv)" >&2; exit 3; }
	@echo "installing Python packages into $(VENV) (once; some minutes)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

setup: $(STAMP) ## Python environment, Spark's connectors and the Kafka broker
	@$(BIN)/stylestream setup

lint: $(STAMP) ## ruff (lint and format) and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

test: setup ## every test, on real Kafka, Redis, Spark and Delta; fast ones first
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests/unit tests/spark tests/integration tests/e2e

mutants: setup ## edits of the code that a test must notice: which tests do (SUBJECTS= names some)
	@$(BIN)/python -m tests.mutants $(SUBJECTS)

drill: setup ## what takes long: every part of a demo killed, writers paused and killed at random, 10,000 steps
	@$(BIN)/pytest -s tests/drills

fuzz: setup ## 100,000 messages that are nearly events, read by the collector and by Spark (MESSAGES=)
	@$(BIN)/python -m tests.fuzz $(MESSAGES)

demo: $(STAMP) ## the whole platform in the foreground, on http://127.0.0.1:8000
	@exec $(BIN)/stylestream demo $(call option,DATASET,--dataset) $(call option,DATA,--data) \
	  $(call option,PORT,--port) $(call option,SECONDS,--seconds) $(call option,RATE,--rate) \
	  $(call option,STATE,--state) $(call option,SPEED,--speed)

$(BENCH_STAMP): $(STAMP)
	@echo "installing what 'bench als' compares with (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

bench: setup $(BENCH_STAMP) ## measure speed and quality
	@$(BIN)/stylestream bench

# JupyterLab is large and not needed otherwise, so it is installed when it is first asked for.
notebooks: setup ## open JupyterLab on notebooks/ (CONF= names a configuration; default conf/local.yaml)
	@test -x $(BIN)/jupyter-lab \
	  || { echo "installing JupyterLab into $(VENV) (once)"; \
	       $(BIN)/pip install --quiet --disable-pip-version-check -e '.[notebooks]'; }
	@$(if $(CONF),STYLESTREAM_CONF='$(CONF)') exec $(BIN)/jupyter-lab notebooks

clean: ## remove the environment, the demo's state and everything generated (downloads stay cached)
	@test ! -x $(BIN)/stylestream || $(BIN)/stylestream down
	@rm -rf $(VENV) .stylestream build dist *.egg-info .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db derby.log
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
