# Two commands do everything on a fresh machine with Python 3.11 and make: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
TRAINED := models/trained/manifest.json
RUNTIME := .venv/runtime.stamp
DEV := .venv/dev.stamp
TRAINING_CODE := $(shell find models training -name '*.py' -o -path 'models/lexicons/*' -type f | grep -v -e '^models/trained/' -e '^training/encoder/' -e '/__pycache__/' | sort)
CORPUS := $(shell find corpora -name '*.jsonl' -not -path '*/stories/*' | sort)
SAMPLE ?= ../shared/eval/sample.jsonl
OUT ?= var/candidate
SCORE ?= ../shared/eval/score.py
# Where it is set, our modules are compiled at each of the tests' many starts of a process anew.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action=ignore

.PHONY: run demo test check train encoder evaluate bench load faults corpus lock clean agreement errors baselines probes card latency

run: $(RUNTIME) $(TRAINED)
	$(BIN)/python -m service serve

# a fresh database with a team's three months of notes, then the server on it
demo: $(RUNTIME) $(TRAINED)
	$(BIN)/python -m service demo

# make train CORRECTIONS="a.jsonl b.jsonl" [OUT=var/candidate]: beside the corpus on notes that trainers corrected, into a folder of its own
train: $(RUNTIME)
	$(BIN)/python -m training.train $(if $(CORRECTIONS),$(addprefix --corrections ,$(CORRECTIONS)) --out $(OUT))

# One worker more than two cores: tests wait for servers and browsers. Slow files first (tests/conftest.py), where xdist would begin with the many.
test: $(DEV) $(TRAINED) .venv/chromium.stamp
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

corpus: $(RUNTIME)
	$(BIN)/python -m training.validate

agreement: $(RUNTIME)
	$(BIN)/python -m training.agreement

evaluate: $(RUNTIME) $(TRAINED)
	$(BIN)/python -m training.evaluate --sample $(SAMPLE)

# make errors FIELD=price [SPLIT=dev]: the wrong ones of one field, with text, expected, found and why
errors: $(RUNTIME) $(TRAINED)
	$(BIN)/python -m training.errors $(FIELD) --split $(or $(SPLIT),dev)

# three hours on two cores: the encoders of models/weights, which are kept with the code, anew (docs/adr/0012-encoder.md)
encoder: $(RUNTIME) $(TRAINED)
	$(PYTHON) -m venv .venv-encoder
	.venv-encoder/bin/python -m pip install --quiet --require-hashes -r requirements-encoder.lock
	.venv-encoder/bin/python -m training.encoder.fit

baselines: $(DEV) $(TRAINED)
	$(BIN)/python -m training.baselines

probes: $(RUNTIME) $(TRAINED)
	$(BIN)/python -m training.probes

card: $(RUNTIME) $(TRAINED)
	$(BIN)/python -m training.model_card

bench: $(DEV) $(TRAINED)
	$(BIN)/python -m tests.bench

# requests a second and latency beside an empty FastAPI endpoint; LOAD_REQUESTS=1000 a target
load: $(DEV) $(TRAINED)
	$(BIN)/python -m tests.load

# milliseconds from the last key to the new score, in Chromium
latency: $(DEV) $(TRAINED) .venv/chromium.stamp
	$(BIN)/python -m tests.latency

# kill -9, databases and receivers that fail, full disks, wrong clocks, floods: one table, exit code 1 where a number is wrong.
# make faults FAULTS=--quick (SQLite, a minute or two); FAULTS='--only burst --database postgres'
faults: $(DEV) $(TRAINED)
	$(BIN)/python -m tests.faults $(FAULTS)

$(TRAINED): $(CORPUS) $(TRAINING_CODE) models/weights/manifest.json requirements.lock | $(RUNTIME)
	$(BIN)/python -m training.train

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.lock | .venv/bin/python
	$(PIP) --require-hashes -r requirements.lock
	touch $@

$(DEV): requirements-dev.lock | $(RUNTIME)
	$(PIP) --require-hashes -r requirements-dev.lock
	touch $@

# The browser tests drive Debian's Chromium; where it is missing and we may install it, we do.
.venv/chromium.stamp: | $(DEV)
	command -v chromium >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; }
	touch $@

# Pin every dependency with hashes; the files name no index host.
lock:
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra encoder -c requirements.lock pyproject.toml -o requirements-encoder.lock

clean:
	rm -rf .venv models/trained var
