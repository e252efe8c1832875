# make demo      a whole contact center on this machine, once; options of `ocs demo` in ARGS
# make test      the suite, on all cores; options of pytest in ARGS
# make test-long the tests that take minutes
# make services  Debian, root: what the tests with real parts need
# make docs      the tables in docs/desktop-protocol.md, made of the message definitions
# make lint      flake8, isort, mypy
# make clean     everything that was made here
#
# Only Python 3.11 or newer and make are needed; the rest goes into .venv.

SHELL := /bin/sh
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# compat: the checkout itself on the path, so that twistd finds the plugin and new files are seen
EDITABLE := --config-settings editable_mode=compat --editable
METADATA := setup.cfg pyproject.toml

.PHONY: demo test test-long services docs lint clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	@$(VENV)/bin/ocs demo $(ARGS)

test: $(VENV)/installed-test
	@$(VENV)/bin/python -m pytest -n auto --dist loadfile $(ARGS)

test-long: $(VENV)/installed-test
	@$(VENV)/bin/python -m pytest -m long $(ARGS)

docs: $(VENV)/installed
	@$(VENV)/bin/python -m protocols.desktop.document docs/desktop-protocol.md

lint: $(VENV)/installed-dev
	@$(VENV)/bin/python -m flake8 ocs protocols twisted tests
	@$(VENV)/bin/python -m isort --check-only --quiet ocs protocols tests
	@$(VENV)/bin/python -m mypy ocs protocols

services:
	@if [ "$$(id -u)" != 0 ]; then echo "make services installs Debian packages: run it as root" >&2; exit 1; fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-client openssl util-linux chromium postgresql-common
	@# the tests start servers of their own: no cluster for the whole machine
	sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .hypothesis .coverage
	find ocs protocols tests twisted -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache

$(VENV)/bin/python:
	@found=; for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Python 3.11, 3.12 or 3.13 is needed; name it with PYTHON=/path/to/python" >&2; exit 1; fi; \
	echo "making $(VENV) with $$($$found --version)"; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "this Python lacks its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(VENV)/installed: $(VENV)/bin/python $(METADATA)
	@echo "installing into $(VENV)"
	@$(PIP) install $(EDITABLE) '.[postgresql]'
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "installing what the tests need"
	@$(PIP) install $(EDITABLE) '.[test]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@echo "installing what the checks need"
	@$(PIP) install $(EDITABLE) '.[dev]'
	@touch $@
