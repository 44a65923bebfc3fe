# Two commands do everything for a newcomer: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test test-slow check bench bench-accuracy bench-speed bench-stream bench-kills \
	bench-fleet bench-kills-fleet bench-memory-fleet bench-scale-fleet docs clean

demo: $(VENV)/.library
	@mkdir -p out
	@$(BIN)/offbeat detect examples/machine/machine.csv --report out/machine.html

test: $(VENV)/.test
	@$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.test
	@$(BIN)/python -m pytest -m slow

check: $(VENV)/.test $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python benchmarks/cost.py
	$(BIN)/python benchmarks/recording.py
	$(BIN)/python benchmarks/teaching.py

bench-accuracy: $(VENV)/.test
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/families.py
	$(BIN)/python benchmarks/beside.py
	$(BIN)/python benchmarks/contamination.py
	$(BIN)/python benchmarks/ablation.py

bench-speed: $(VENV)/.test
	$(BIN)/python benchmarks/speed.py

bench-stream: $(VENV)/.test
	$(BIN)/python benchmarks/stream.py
	$(BIN)/python benchmarks/stream_ends.py

bench-kills: $(VENV)/.test
	$(BIN)/python benchmarks/kills.py

bench-fleet: $(VENV)/.test
	$(BIN)/python benchmarks/fleet.py

bench-kills-fleet: $(VENV)/.test
	$(BIN)/python benchmarks/fleet_kills.py

bench-memory-fleet: $(VENV)/.test
	$(BIN)/python benchmarks/fleet_memory.py

bench-scale-fleet: $(VENV)/.test
	$(BIN)/python benchmarks/fleet_scheduler.py

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "docs: site/index.html"

# A marker file says that a set of packages is installed and newer than what asked for it.
# torch comes first and alone: resolved together with others, a resolver may fetch a larger build.
$(VENV)/.library: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing offbeat into $(VENV) ..."
	@$(PIP) $$(grep '^torch==' constraints.txt)
	@$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.library
	@echo "installing what the tests need ..."
	@$(PIP) --editable '.[test,record,server,live,fleet,ray]'
	@touch $@

$(VENV)/.check: $(VENV)/.library
	@$(PIP) --editable '.[check,server,live]'
	@touch $@

$(VENV)/.docs: $(VENV)/.library
	@$(PIP) --editable '.[docs]'
	@touch $@

clean:
	rm -rf $(VENV) out site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
