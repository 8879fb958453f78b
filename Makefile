PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test wheel faults fuzz a11y soak clean

MINUTES ?= 30

app: $(VENV)/installed
	$(BIN)/upsr studio

test: $(VENV)/installed-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest

# The wheel with its dependencies from the registry in a new environment: three minutes and 2 GB on two cores.
wheel: $(VENV)/installed-tests
	UPSR_WHEEL_FROM_REGISTRY=1 $(BIN)/pytest -n 0 tests/test_wheel.py

faults: $(VENV)/installed-tests
	$(BIN)/python -m workshop.faults

fuzz: $(VENV)/installed-tests
	$(BIN)/python tests/fuzz/campaign.py

a11y: $(VENV)/installed-tests
	$(BIN)/python tests/browser/a11y.py

soak: $(VENV)/installed-tests
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

clean:
	rm -rf $(VENV)
