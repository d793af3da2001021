# make demo: install what is needed into .venv, then find the bleed in the sample.   make test: the same, then every check.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,\
	$(shell $(p) -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $(p))))
WORKERS ?= 2
DEMO_OUT ?= out/demo
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help setup demo test lint types unit clean

help:
	@echo "make demo   run the sample (a simulated head with a bleed) and draw a picture of the result"
	@echo "make test   ruff, black, isort, flake8, mypy and every test"
	@echo "make setup  only what both begin with: .venv with the tested versions"
	@echo "make clean  remove .venv and out"

setup: $(STAMP)

# torch comes first and alone: a build that is there already, for a GPU say, is kept if its version fits.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 was not found. Name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/head-ct-anomaly demo sample -o $(DEMO_OUT) --overwrite

test: lint types unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/black --quiet --check .
	$(BIN)/isort --quiet --check .
	$(BIN)/flake8 --max-line-length 120 --extend-ignore E203,E704 bundle/scripts

types: $(STAMP)
	$(BIN)/mypy

# One thread a process, so that the workers don't fight over the cores.  Tests of one group share what they run.
unit: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadgroup -q

clean:
	rm -rf .venv out
