# One command each; "make" lists them. What they do stands in bin/.
PY ?= $(if $(shell command -v python3),python3,$(if $(shell command -v uv),uv run --no-project --python 3.12 python,\
  $(error 需要 Python 3.11 或更高版本，或者 uv。请先安装其中一个)))
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup run test check bench drill screenshots format

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'

setup: ## virtual environment, pinned packages, front-end parts
	@$(PY) bin/setup.py --dev

run: ## set up, migrate, load the demo company into an empty database, serve on http://127.0.0.1:8000 (PORT changes it)
	@$(PY) bin/run.py

test: setup ## every test this machine can run, on SQLite, PostgreSQL and in a browser (ARGS="-k name")
	@$(BIN)/python bin/test.py $(ARGS)

check: setup ## format, lint, types, templates, layers, migrations, deployment settings
	@$(BIN)/python bin/check.py

bench: setup ## response times as multiples of a plain list page, on PostgreSQL (ARGS="--quick"; against another version: ARGS="--against PATH")
	@$(BIN)/python tests/benchmarks/bench.py $(ARGS)

drill: setup ## kill a sync, a scan, a restore at random moments, run them again, compare (ARGS=backup: restores only)
	@$(BIN)/python tests/drills/drill.py $(ARGS)

screenshots: setup ## the pictures of README.md and the manuals, of a fresh demo company (ARGS="home customer")
	@$(BIN)/python bin/screenshots.py $(ARGS)

format: setup ## put the code into its standard form
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
