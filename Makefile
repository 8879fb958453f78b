PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINUTES ?= 30

.PHONY: help app test docs wheel faults fuzz a11y soak clean

help:  ## what can be made
	@sed -n 's/^\([a-z0-9]*\):.*## /  make \1\t/p' Makefile

app: $(VENV)/installed  ## install what is needed and open the studio
	$(BIN)/upsr studio

test: $(VENV)/installed-tests  ## all checks and tests, as in continuous integration
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest

docs: $(VENV)/installed-tests  ## the documentation with the Python reference, as a site in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: $(VENV)/installed-tests  ## the wheel in a new environment with everything from the registry: 3 minutes, 2 GB
	UPSR_WHEEL_FROM_REGISTRY=1 $(BIN)/pytest -n 0 tests/test_wheel.py

faults: $(VENV)/installed-tests  ## kills, full disks, damaged and missing files
	$(BIN)/python -m workshop.faults

fuzz: $(VENV)/installed-tests  ## broken input on every way in
	$(BIN)/python tests/fuzz/campaign.py

a11y: $(VENV)/installed-tests  ## accessibility of every page
	$(BIN)/python tests/browser/a11y.py

soak: $(VENV)/installed-tests  ## ten sessions at once for MINUTES (30)
	$(BIN)/python tests/browser/soak.py --minutes $(MINUTES)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet -r requirements.txt -e '.[studio]'
	touch $@

$(VENV)/installed-tests: $(VENV)/installed
	$(BIN)/pip install --quiet -r requirements.txt -e '.[test]'
	tests/browser/install-chromium.sh
	touch $@

clean:  ## remove the environment and what was built
	rm -rf $(VENV) build
