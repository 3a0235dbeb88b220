# `make` lists the targets. Everything runs in .venv, which `make install` makes.
SHELL := /bin/bash
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py

.PHONY: help install demo serve test check format types imports bench load clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

install: .venv/.installed  ## make .venv and install what serves, checks and tests

.venv/.installed: requirements.txt requirements-media.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: install  ## fill a believable world, train on it, and serve it at PORT (8000)
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) seed_demo
	$(MANAGE) seed_moderation
	$(MANAGE) roll_up
	$(MANAGE) train --if-missing --viewers 800 --views 100000
	$(MANAGE) demo_access --url http://127.0.0.1:$(PORT)
	@$(MAKE) --no-print-directory serve

serve: install  ## serve what is in the database at PORT
	$(BIN)/granian --interface wsgi --workers 1 --blocking-threads 4 --no-ws --log-level warning \
		--host 127.0.0.1 --port $(PORT) recsys.wsgi:application

test: install  ## run the tests: embedded, and with PostgreSQL and Redis where they answer
	.ci/test

check: install  ## everything static: style, types, layers, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-cache
	$(MANAGE) makemigrations --check --dry-run
	.ci/check-deploy

format:  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install  ## measure: one table of every benchmark
	$(BIN)/python benchmarks/run.py

load: install  ## virtual viewers for a minute against the demo at PORT (LOAD_ARRIVALS a second)
	LOAD_KEY=$$($(MANAGE) create_key load --scopes feed:read events:write) $(BIN)/locust \
		-f benchmarks/locustfile.py --headless --only-summary --loglevel ERROR --host http://127.0.0.1:$(PORT)

clean:  ## forget the demo: database, artifacts, caches
	rm -rf var .mypy_cache .ruff_cache .pytest_cache .hypothesis
