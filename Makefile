# A thin wrapper: CMake builds (see CMakeLists.txt), tests/run.py tests (see tests/README.md).
#
#   make            build the release binary and the plugins into build/release
#   make setup      install the Debian 12 packages that building and testing need (root or sudo)
#   make demo       a change in PostgreSQL arrives in the other systems, on private servers
#   make test       set-up, build with AddressSanitizer and UBSan, the default tests
#   make test-all   besides, a ThreadSanitizer build, chaos and fuzz tests, memory of the release build,
#                   every supported major of PostgreSQL
#   make test-compose  the image of compose/ for real, where a Docker engine can run
#   make bench      measurements
#   make install    PREFIX=/usr/local, DESTDIR
#
# Variables: JOBS (parallel compilations and tests), FILTER (regular expression over test paths), SKIP_SETUP=1.

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: setup setup-servers setup-postgres-majors setup-connect setup-demo setup-kafka build asan tsan demo test test-all test-compose bench install clean

PREFIX ?= /usr/local
PYTHON ?= python3
JOBS ?= $(shell nproc)
TEST_JOBS ?= 2
FILTER ?=

# Chosen once, when a tree is first configured; looked up late, because `make test` may have to install them first.
generator = $(if $(wildcard $(1)/CMakeCache.txt),,$(shell command -v ninja > /dev/null && echo -G Ninja))
launcher = $(shell command -v ccache > /dev/null && echo -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
configure = cmake -S . -B $(1) $(call generator,$(1)) $(launcher) -DCMAKE_BUILD_TYPE=RelWithDebInfo $(2)
compile = cmake --build $(1) --parallel $(JOBS)
with_release = PYTHONPATH=tests/kit SLUICE_BIN=$(CURDIR)/build/release/sluice \
	SLUICE_PLUGIN_PATH=$(CURDIR)/build/release/lib/sluice SLUICE_BUILD=$(CURDIR)/build/release
run_tests = $(PYTHON) tests/run.py --jobs $(TEST_JOBS) $(if $(FILTER),--filter '$(FILTER)')

ifdef SKIP_SETUP
setup setup-servers setup-postgres-majors setup-connect setup-demo setup-kafka:
	@echo "$@: left out (SKIP_SETUP)"
else
setup:
	@tests/kit/setup.sh

# Without a server its tests are skipped, and say so; the rest is still worth running.
setup-servers: setup
	@tests/kit/setup-servers.sh || echo "WARNING: not every server could be installed; the tests that need one are skipped" >&2

setup-postgres-majors: setup
	@tests/kit/setup-servers.sh postgres || echo "WARNING: a major of PostgreSQL is missing; its tests are skipped" >&2

setup-connect: setup
	@tests/kit/setup-servers.sh connect || echo "WARNING: Kafka Connect's own worker is missing: nothing is taken over from it or measured against it" >&2

setup-demo:
	@tests/kit/setup.sh --demo

setup-kafka: setup-demo
	@tests/kit/setup-servers.sh kafka
endif

build:
	$(call configure,build/release,-DSLUICE_TESTS=OFF)
	$(call compile,build/release)

# Test builds keep assert().
checked = -DCMAKE_C_FLAGS_RELWITHDEBINFO='-O1 -g' -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g'

asan:
	$(call configure,build/asan,$(checked) -DSLUICE_SANITIZE=address$(comma)undefined)
	$(call compile,build/asan)

tsan:
	$(call configure,build/tsan,$(checked) -DSLUICE_SANITIZE=thread)
	$(call compile,build/tsan)

test: setup setup-servers asan
	@$(run_tests) --build build/asan

test-all: setup setup-servers setup-postgres-majors setup-connect asan tsan build
	@$(run_tests) --build build/asan --build build/tsan --build build/release --tier all

# Only the servers that it shows: `make setup-servers` adds S3 to them.
demo: setup-demo $(if $(filter 1,$(KAFKA)),setup-kafka) build
	@$(with_release) $(PYTHON) tests/kit/demo.py

test-compose: build
	@$(with_release) $(PYTHON) tests/compose/try.py

bench: setup setup-servers setup-connect build
	@$(with_release) $(PYTHON) tests/bench/rest.py
	@cmake --build build/release --target transform_bench
	@$(with_release) $(PYTHON) tests/bench/transforms.py
	@$(with_release) $(PYTHON) tests/bench/run.py

install: build
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build

comma := ,
