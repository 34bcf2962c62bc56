# Two commands matter: `make run` and `make test`. Both work on a fresh Debian with Swift 6.3 and nothing else.
.PHONY: help run test check bench fuzz build debug deps test-deps format lint clean

SHELL := /bin/bash
PYTHON := .build-python/bin/python
RELEASE = $(shell swift build -c release --show-bin-path 2>/dev/null)
DEBUG = $(shell swift build --show-bin-path 2>/dev/null)

help:
	@echo "make run     install what is missing, build release, run the hub on hub.yaml"
	@echo "make test    all tests: units, then the running hub from outside"
	@echo "make check   the slower checks on the release build: faults, load, a day of real trades"
	@echo "make fuzz    mutated messages to every decoder, for a minute (FUZZ_SECONDS, FUZZ_SEED)"
	@echo "make bench   the figures of the README, as medians"
	@echo "make build   release build only        make debug   debug build only"
	@echo "make format  swift format in place     make lint    swift format, complaining"

deps:
	@scripts/install-dependencies python3 python3-venv

test-deps:
	@scripts/install-dependencies python3 python3-venv chromium nodejs
	@scripts/install-python
	@scripts/install-vendor-sdks

build: deps
	@echo "building release (the first time takes about five minutes on two cores)"
	@swift build -c release || { echo "error: the build failed; the first 'error:' line above is the cause" >&2; exit 1; }
	@scripts/fetch-web-assets $(RELEASE)

debug: deps
	@echo "building debug (the first time takes about three minutes on two cores)"
	@swift build || { echo "error: the build failed; the first 'error:' line above is the cause" >&2; exit 1; }
	@scripts/fetch-web-assets $(DEBUG)

run: build
	@echo "running: $(RELEASE)/hub run hub.yaml   (stop with control-C; look at http://127.0.0.1:8080)"
	@exec $(RELEASE)/hub run hub.yaml

# Tests that wait for sockets and threads run by themselves: beside much arithmetic they would wait for a core.
WAITING = HubNetTests|HubRuntimeTests|HubServerTests

test: debug test-deps
	@echo "unit tests"
	@swift test --skip '$(WAITING)'
	@swift test --skip-build --filter '$(WAITING)'
	@echo "tests of the running hub"
	@HUB_BINARY=$(DEBUG)/hub $(PYTHON) -m pytest -q Tests/System -m "not slow" $(PYTEST_OPTIONS)

check: build test-deps
	@HUB_BINARY=$(RELEASE)/hub $(PYTHON) -m pytest -q Tests/System $(PYTEST_OPTIONS)

FUZZ_SECONDS = 60
fuzz: build
	@$(RELEASE)/hub-fuzz --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED))

bench: build
	@scripts/install-dependencies wrk python3 python3-venv
	@scripts/install-python
	@scripts/install-vendor-sdks
	@HUB_BINARY=$(RELEASE)/hub $(PYTHON) Benchmarks/run.py

format:
	@swift format -i -r Package.swift Sources Plugins Tests Benchmarks

lint:
	@swift format lint --strict -r Package.swift Sources Plugins Tests Benchmarks

clean:
	rm -rf .build .build-*
