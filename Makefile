# make install | demo | compare | web-demo | test | soak | lint | docs, each from a bare Python >= 3.10 with pip.
# Choose another interpreter or another place for the environment with `make test PYTHON=python3.12 VENV=/somewhere`.
PYTHON ?= python3
VENV ?= .venv
# Processes of the test suite; a file's tests stay together.
JOBS ?= 2

BIN := $(VENV)/bin
# The environment is renewed when a requirement changes, not when a checkout touches the files' dates.
KEY := $(shell cat requirements/*.txt setup.py | cksum | cut -d " " -f 1)
STAMP := $(VENV)/.installed-$(KEY)

# The model of the page: a directory that tools/export.py --to onnx has written. Without one: lite0_toy.
MODEL ?=

.PHONY: help install demo compare web-demo test soak lint format docs clean

help:
	@echo 'make install   the environment in $(VENV), with the package in editable mode'
	@echo 'make demo      draw a toy data set, train on it, evaluate, and leave images in demo/'
	@echo 'make compare   train five models alike on the toy data set, and leave a table and curves in compare/'
	@echo 'make web-demo  a page that segments images in the browser, in web/dist/; MODEL=DIR of tools/export.py'
	@echo 'make test      the test suite'
	@echo 'make soak      the long tests: crashes, damaged data, two hours of training; figures in soak-results/'
	@echo 'make lint      ruff, mypy and codespell; `make format` fixes what ruff can fix'
	@echo 'make docs      the documentation site in site/; a broken link is an error'

install: $(STAMP)

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo 'Python >= 3.10 is needed, found' `$(PYTHON) --version` '- choose one with PYTHON=...'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || $(PYTHON) -m venv --without-pip --clear $(VENV)
	$(BIN)/python -m pip --version || $(PYTHON) -m pip --python $(BIN)/python install pip
	$(BIN)/python -m pip install -r requirements/dev.txt -c requirements/constraints.txt
	$(BIN)/python -m pip install --no-build-isolation --no-deps -e .
	@rm -f $(VENV)/.installed-*
	@touch $@

demo: $(STAMP)
	$(BIN)/python tools/demo.py

compare: $(STAMP)
	$(BIN)/python tools/compare.py

ifeq ($(MODEL),)
web-demo: $(STAMP)
	$(BIN)/python -m pip install --no-build-isolation -c requirements/constraints.txt -e '.[export]'
	$(BIN)/python tools/export.py lite0_toy --to onnx --out build/lite0_toy
	npm --prefix web ci
	node web/build.js build/lite0_toy --example web/example.jpg
else
web-demo:
	npm --prefix web ci
	node web/build.js "$(MODEL)"
endif

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

soak: $(STAMP)
	$(BIN)/python -m pytest -m soak

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

clean:
	rm -rf $(VENV) build dist site *.egg-info mmmaskformer/.mim web/dist web/node_modules
