# Two commands do all their own set-up: `make demo` and `make test`. `make check` is the only meaning of green.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# A start without compiled modules costs seconds.
unexport PYTHONDONTWRITEBYTECODE
py := .venv/bin/python
typed := allocation/engine allocation/services allocation/snapshots accounts/importing

.PHONY: help install install-dev lock demo test test-quick lint check prove bench shots clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

install: ## runtime packages into .venv (done by the other targets)
	@deploy/install.sh requirements.txt

install-dev: install ## and those for development
	@deploy/install.sh requirements-dev.txt

lock: install-dev ## write constraints.txt again from the two requirements files
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --no-annotate --custom-compile-command "make lock" requirements-dev.txt -o constraints.txt

demo: install ## a company, tiered and planned, with the site up (no server needed; PORT=8000)
	@$(py) manage.py demo

test: install-dev ## all tests: SQLite, then real PostgreSQL, Redis, Celery worker and browser
	@$(py) -m tests.rig full

test-quick: install-dev ## SQLite only, no servers and no browser
	@$(py) -m tests.rig quick

lint: install-dev ## everything that reads the code without running it
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/mypy $(typed)
	$(py) manage.py makemigrations --check --dry-run
	SECRET_KEY=only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz DEBUG=0 HTTPS_ONLY=1 ALLOWED_HOSTS=example.org \
	    DATABASE_URL=postgres://nobody@127.0.0.1:1/none \
	    $(py) manage.py check --deploy --fail-level WARNING

check: lint test ## every gate; what CI runs

prove: check ## the gates and the slow proofs (kills, races), where there are any
	@if [ -d tests/faults ]; then $(py) -m tests.rig prove; else echo "No slow proofs yet (tests/faults)."; fi

shots: install-dev ## pictures of every page, both widths and themes, in var/screenshots (SHOTS=part of a page's name)
	@$(py) -m tests.rig shots $(SHOTS)

bench: install-dev ## the benchmarks, well over an hour (BENCH=name: one of them; BENCH=--quick: small ones; SIZE=10k|100k|1m; docs/benchmarks.md)
	@$(py) -m benchmarks $(BENCH) $(if $(SIZE),--customers $(SIZE))

clean: ## remove what was built; the database under var/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache var/static var/screenshots
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
