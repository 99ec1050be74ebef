# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Setting up needs Python 3.11 or newer (choose one with PYTHON=python3.12) and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: help setup demo test check format lock sample pocket picture bench-mail bench-teach bench-train bench-agent bench-voice bench-eval bench-draft bench-checks bench-plugin bench-8b clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(STAMP) ## make the virtual environment and install the pinned dependencies

# Without looking at dependencies, for the lock file names them all: pip's resolver asks for the newest
# `coverage[toml]` where the lock has an older one, and refuses it for want of a hash.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "trimtab needs Python 3.11 or newer; name one with PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m pip check --quiet --disable-pip-version-check
	@touch $(STAMP)

demo: $(STAMP) ## the main job, end to end, on a sample mailbox: no key, no network
	@$(BIN)/trimtab demo

test: $(STAMP) ## every test
	$(BIN)/python -m pytest

check: $(STAMP) ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## resolve the dependencies anew, for every platform (needs uv)
	uv pip compile --universal --python-version 3.11 --extra demo --extra dev --extra eval --no-emit-index-url \
		--generate-hashes --custom-compile-command "make lock" --quiet -o requirements.lock pyproject.toml

sample: $(STAMP) ## write the sample mailbox anew (the same bytes)
	$(BIN)/python -m daemon.sample.generate

pocket: $(STAMP) ## pre-train the pocket base anew
	$(BIN)/python -m mlx_agent.pocket.pretrain --out mlx_agent/pocket/base

picture: $(STAMP) ## draw the README's picture of the demo anew
	FORCE_COLOR=1 COLUMNS=92 $(BIN)/trimtab demo | $(BIN)/python docs/picture.py > docs/demo.svg

bench-mail: $(STAMP) ## sync and parse timed and weighed, against mbsync (needs Debian's dovecot-imapd, isync)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.mail

bench-teach: $(STAMP) ## teaching's rate, memory and cost, and what kills do to it, against a local server
	PYTHONPATH=tests $(BIN)/python -m benchmarks.teach

bench-train: $(STAMP) ## training beside mlx_lm.lora: speed, memory, loss; and killed at random points
	PYTHONPATH=tests $(BIN)/python -m benchmarks.train

bench-8b: $(STAMP) ## what training an 8B-shaped base takes of a 16 GB machine's memory (an hour; needs g++)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.eight

bench-agent: $(STAMP) ## the agent's passes for a list, time to its first rule, waiting during a training
	PYTHONPATH=tests $(BIN)/python -m benchmarks.agent

bench-draft: $(STAMP) ## drafting over the socket: our share of the wait, of the memory, and aborting
	PYTHONPATH=tests $(BIN)/python -m benchmarks.draft

bench-voice: $(STAMP) ## agents of four real people against their rivals, on held-out mail (half an hour)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.voice

bench-eval: $(STAMP) ## the paper's experiments on four real people, tables and pictures (half an hour)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.evaluation --out evaluation

bench-checks: $(STAMP) ## what is found in drafts of real people's mail, and of faults planted in them
	PYTHONPATH=tests $(BIN)/python -m benchmarks.draft_checks

bench-plugin: $(STAMP) ## the extension in the real Thunderbird: what a user waits for
	PYTHONPATH=tests $(BIN)/python -m benchmarks.plugin

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
