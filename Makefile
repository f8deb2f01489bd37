# Two commands do everything: `make dashboards` and `make test`.
# On a fresh machine they assume Python 3.11+ and make, nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3 || command -v python)
BIN := .venv/bin
PORT ?= 8866

.DEFAULT_GOAL := env
.PHONY: audit env demo dashboards lab docs test lint browser real-input bench lock clean

env: ## Environment in .venv, from the lock file
	@$(PYTHON) tools/bootstrap.py

demo: env ## Demonstration territory, written once in the cache
	@$(BIN)/eo-helpers demo build >/dev/null

dashboards: demo ## Page « Ma commune » in the browser
	@$(BIN)/eo-helpers serve --prepare --port $(PORT) $(SERVE)

lab: demo ## Notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

docs: env ## Documentation site in docs/_build/html (open index.html); any warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -j auto -b html -c docs -d docs/_build/doctrees . docs/_build/html
	@echo "docs/_build/html/index.html"

browser: env ## A Chromium for the tests: the system's, Playwright's own, or a package
	@$(BIN)/python tools/browser.py

lint: env
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

test: env ## All tests, browser ones included
	@$(MAKE) --no-print-directory -j3 lint browser demo
	@# Three processes whose linear algebra each took every core would wait for one another.
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

real-input: env ## The figures on real data, printed (needs EO_SHARED_DATA)
	@$(BIN)/python -m benchmarks.real_input

audit: env ## Known faults of the locked libraries, as far as the registries allow
	@$(BIN)/python tools/audit.py

bench: demo browser ## Page and memory timings
	@$(BIN)/python -m benchmarks.dashboard

lock: env ## Resolve requirements.lock again
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url -q -o requirements.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache docs/_build docs/api
