# make corpus   builds the sample corpus into data/corpus/sample          make test     runs the tests
# make check    format, lint, types, import contract, tests, README       make test-all the slow tests too
# make fuzz     looks for inputs that break the readers, for SECONDS_EACH=300 per job
# make bench    compares the speed of every step with the usual libraries, on the sample
.PHONY: corpus test test-all check static kernels format docs bench tables model reading-model fuzz clean
SHELL := /bin/sh

# The newest installed Python that the lock file allows; override with `make PYTHON=/path/to/python corpus`.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && command -v $$p && break; done)
BIN := .venv/bin

corpus: .venv/ready
	$(BIN)/corpus-builder build pipelines/sample.toml --out data/corpus/sample

test: .venv/ready
	$(BIN)/pytest -n auto

test-all: .venv/ready
	$(BIN)/pytest -n auto -m 'slow or not slow'

check: .venv/ready
	$(MAKE) --jobs 2 static kernels
	$(BIN)/pytest -n auto

static: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# Without this, each test process would compile the kernels of a new checkout, all at the same time.
kernels: .venv/ready
	@PYTHONPATH=.:tests $(BIN)/python tests/support/kernels.py

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/ready
	$(BIN)/python docs/make_docs.py

# Speed on the sample, compared with the usual libraries; takes some minutes.  `python -m benchmarks --help` lists all comparisons.
bench: .venv/ready
	$(BIN)/python -m benchmarks steps
	$(BIN)/python -m benchmarks measures
	$(BIN)/python -m benchmarks dedup --documents 20000 --workers 0

# Measures the comparisons with other tools in docs/ again, on this machine.  Those of detection, charsets and the gate need
# PACKAGES and EXTRA, the directories described in benchmarks/material.py; without EXTRA its texts are left out.
tables: .venv/ready
	$(BIN)/python -m benchmarks extraction --write
ifdef PACKAGES
	$(BIN)/python -m benchmarks detection $(PACKAGES) $(if $(EXTRA),--extra $(EXTRA)) --write
	$(BIN)/python -m benchmarks charset $(PACKAGES) $(if $(EXTRA),--extra $(EXTRA)) --write
endif

# Retrains the extractor's model on the gold set and composed pages; takes some minutes.
model: .venv/ready
	$(BIN)/python data/training/pages.py 3000 > data/training/pages.jsonl
	OPENBLAS_NUM_THREADS=1 $(BIN)/corpus-builder train-extractor data/training/pages.jsonl --out corpus_builder/extractor/model.npz

# Retrains the classifier that the sample recipe selects with, and prints how good it is: the same bytes every time.
reading-model: .venv/ready
	$(BIN)/corpus-builder train-classifier data/labels/train.jsonl --property good --bits 14 --policy data/labels/policy.md --out data/models/reading.model

# The first job looks for inputs on which the work grows faster than linearly; another SEED tries others.  The rest needs the extra `fuzz`;
# findings are printed, and kept as data/fuzz/crash-* or timeout-*.
SECONDS_EACH ?= 300
SEED ?= 0
fuzz: .venv/ready
	mkdir -p data/fuzz
	$(BIN)/python tests/fuzz/fuzz_time.py $(SECONDS_EACH) $(SEED)
	for job in warc html; do \
		RUST_BACKTRACE=0 $(BIN)/python tests/fuzz/fuzz_$$job.py data/fuzz/$$job -artifact_prefix=data/fuzz/ -max_total_time=$(SECONDS_EACH) \
			-timeout=20 -rss_limit_mb=2000 -max_len=20000 || exit 1; done

.venv/ready: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "corpus_builder needs Python 3.11, 3.12 or 3.13, and found none; install one, or run make PYTHON=/path/to/python." >&2; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13, which corpus_builder needs; run make PYTHON=/path/to/python." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module; install it (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf .venv data/corpus
