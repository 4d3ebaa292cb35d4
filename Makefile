# The commands of the project; `make help` lists them. CMake does the work (CMakePresets.json).
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SECONDS ?= 60
PREFIX ?= /usr/local
ARGS ?=
RELEASE := build/release

# Objects do not depend on the folder that they are compiled in.
export CCACHE_NOHASHDIR := 1

configure = cmake --preset $(1) --log-level=WARNING $(2) > /dev/null
build = cmake --build --preset $(1) --parallel $(JOBS)

.PHONY: help demo build test asan check format docs bench bench-peers bench-tls bench-http bench-goodput fuzz install clean \
  check-format check-norms check-docs check-clang-tidy

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

demo: ## build the command and watch a TCP handshake that no kernel took part in
	@scripts/bootstrap build
	@$(call configure,release)
	@$(call build,release) --target handfast-cli
	@$(RELEASE)/bin/handfast demo $(ARGS)

build: ## build everything, optimised
	@scripts/bootstrap build test bench
	@$(call configure,release,-DHANDFAST_TESTS=ON -DHANDFAST_BENCH=ON)
	@$(call build,release)

test: ## build everything and run all tests, those against real peers too
	@scripts/bootstrap build test interop bench
	@$(call configure,release,-DHANDFAST_TESTS=ON -DHANDFAST_BENCH=ON)
	@$(call build,release)
	@ctest --preset release --parallel $(JOBS) $(ARGS)

asan: ## the same under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/bootstrap build test interop
	@$(call configure,asan,-DHANDFAST_TESTS=ON)
	@$(call build,asan)
	@ctest --preset asan --parallel $(JOBS) $(ARGS)

check: ## formatting, rooms, norms, static analysis, generated parts of the docs
	@scripts/bootstrap build check
	@$(MAKE) --keep-going check-format check-norms check-docs check-clang-tidy

check-format:
	@tools/format --check

check-norms:
	@tools/tidy

check-docs:
	@$(call configure,release)
	@$(call build,release) --target handfast-cli
	@tools/docs --check $(RELEASE)/bin/handfast

check-clang-tidy:
	@$(call configure,release)
	@tools/clang_tidy --jobs $(JOBS) $(RELEASE)

format: ## format the sources in place
	@scripts/bootstrap check
	@tools/format

docs: ## write the generated parts of the docs anew
	@scripts/bootstrap build check
	@$(call configure,release)
	@$(call build,release) --target handfast-cli
	@tools/docs $(RELEASE)/bin/handfast

bench: ## run the benchmarks (ARGS=--benchmark_filter=...)
	@scripts/bootstrap build bench
	@$(call configure,release,-DHANDFAST_BENCH=ON)
	@$(call build,release) --target handfast_bench
	@$(RELEASE)/bin/handfast_bench $(ARGS)

bench-peers: ## run beside lwIP in one program, and print the ratios
	@scripts/bootstrap build peers
	@$(call configure,release,-DHANDFAST_BENCH=ON)
	@$(call build,release) --target handfast_bench_peers
	@$(RELEASE)/bin/handfast_bench_peers $(ARGS)

bench-tls: ## run our TLS beside libssl in one program, and print the ratios
	@scripts/bootstrap build
	@$(call configure,release,-DHANDFAST_BENCH=ON)
	@$(call build,release) --target handfast_bench_libssl
	@$(RELEASE)/bin/handfast_bench_libssl $(ARGS)

bench-http: ## `serve` beside nginx under wrk, on the kernel's TCP and our own
	@scripts/bootstrap build interop
	@$(call configure,release)
	@$(call build,release) --target handfast-cli
	@HANDFAST=$(RELEASE)/bin/handfast python3 bench/http_server.py

bench-goodput: ## goodput over bad links beside the kernel's, SECONDS (60) for each
	@scripts/bootstrap build interop
	@$(call configure,release)
	@$(call build,release) --target handfast-cli
	@HANDFAST=$(RELEASE)/bin/handfast SECONDS=$(SECONDS) python3 tests/interop/goodput_test.py bench

fuzz: ## fuzz every target for FUZZ_SECONDS (60) each
	@scripts/bootstrap build fuzz
	@$(call configure,fuzz)
	@$(call build,fuzz)
	@tools/fuzz --seconds $(FUZZ_SECONDS) --jobs $(JOBS) build/fuzz/bin

install: ## install the library and the command to PREFIX (/usr/local)
	@scripts/bootstrap build
	@$(call configure,release)
	@$(call build,release) --target handfast --target handfast-cli
	@cmake --install $(RELEASE) --prefix $(PREFIX)

clean: ## remove build/
	@rm -rf build
