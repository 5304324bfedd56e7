# `make check` is what CI runs. The work is done by scripts/, so that nothing here needs make.
FOLDER ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test check panel long audit bench bench-models bench-server bench-dj bench-video bench-workers lock format clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## make .venv for working on Reprise
	@sh scripts/setup dev

run: ## embed FOLDER="$$HOME/Music", or the demo library
	@sh scripts/run $(if $(FOLDER),"$(FOLDER)")

test: ## run the tests
	@sh scripts/test

check: ## all that CI checks: ruff, mypy, import arrows, bandit, tests
	@sh scripts/check

panel: ## work on the web panel: shows ui/ as it is being written, beside `reprise serve`; needs Node
	cd ui && npm ci --ignore-scripts && npm run dev

long: setup ## the proofs that take minutes
	.venv/bin/python -m pytest -n 2 -m long

audit: ## look the locked packages up among known vulnerabilities
	@sh scripts/audit

bench: ## measure: the numbers of docs/benchmarks.md
	@sh scripts/setup bench
	.venv/bin/python -m benchmarks.run

bench-models: ## the same for neural models, at real size with random weights
	@sh scripts/setup bench
	.venv/bin/python -m benchmarks.run --models

format: setup ## put the source into its form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench-server: ## the same for the server and its panel, in a real browser
	@sh scripts/setup bench
	.venv/bin/python -m benchmarks.run --server

bench-dj: ## the same for analysis and renaming, beside Essentia, librosa and beets
	@sh scripts/setup bench
	.venv/bin/python -m benchmarks.run --dj

bench-video: ## the same for videos, beside PySceneDetect
	@sh scripts/setup bench
	.venv/bin/python -m benchmarks.run --video

bench-workers: ## the same for workers, moving and pgvector, on real servers
	@sh scripts/setup bench
	.venv/bin/python -m benchmarks.run --workers

lock: ## pin the dependencies anew: make lock, or: sh scripts/lock --upgrade
	@sh scripts/lock

clean: ## remove what was made, not the state folder
	rm -rf .venv dist build ui/node_modules src/reprise/server/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
