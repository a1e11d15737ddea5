# `make` lists the targets. Each installs what it needs (Debian packages, npm packages) and is quick if nothing has changed.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

CLANG ?= clang
BPF_CFLAGS := -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror -fno-strict-aliasing -target bpf -mcpu=v3 \
              -I/usr/include/$(shell uname -m)-linux-gnu
C_FILES := $(wildcard bpf/*.h bpf/*.c native/*.h native/*.cc test/fixtures/*.c) $(wildcard test/vm/*.c)
SOURCES := $(shell find src -type f 2>/dev/null)

# Debian packages for building, and additional ones for the tests and `make demo`.
BUILD_PACKAGES := clang llvm make g++ pkg-config libbpf-dev libelf-dev libuv1-dev zlib1g-dev
TEST_PACKAGES := $(BUILD_PACKAGES) iproute2 iputils-ping nftables iperf3 prometheus prometheus-alertmanager \
                 bpftool clang-format netcat-openbsd procps openssl curl chromium fonts-dejavu-core unzip
KERNEL_PACKAGES := qemu-system-x86 cpio kmod busybox-static xz-utils zstd

.PHONY: help build run test test-unit test-watch check check-headers bench fuzz soak kernels demo golden dashboards pictures docs install prebuilt package image manifests clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: dist/weir.bpf.o dist/weir-before-6.2.bpf.o native/build/Release/weir.node dist/cli/main.js dist/revision.json ## Compile the datapath, the addon and the exporter

run: build ## Run Weir on this machine; without root or BPF, replay the bundled recording (ARGS="--inventory FILE ...")
	@if node dist/cli/main.js probe; then \
	  exec node dist/cli/main.js run $(ARGS); \
	else \
	  echo "weir: running on the bundled recording instead" >&2; \
	  exec node dist/cli/main.js run --source replay:examples/records.pcap --inventory examples/inventory.json $(ARGS); \
	fi

test: build .stamps/packages-kernels .stamps/bin/helm ## Run all tests, or FILE="test/hubble ..." and GREP="title"; without root or BPF, some are reported as skipped
	@node test/run.mjs $(if $(GREP),--grep "$(GREP)") $(FILE)

test-unit: build ## Run the tests that need neither root nor whole processes, in under a minute (FILE=, GREP=)
	@node test/run.mjs --unit $(if $(GREP),--grep "$(GREP)") $(FILE)

test-watch: build ## Run the unit tests again after each change below src/ and test/ (FILE=, GREP=)
	@node test/run.mjs --watch $(if $(FILE),$(FILE),--unit) $(if $(GREP),--grep "$(GREP)")

check: build check-headers .stamps/packages-kernels .stamps/bin/helm ## What CI runs: types, lint, formats, headers, tests
	npm run -s types
	npm run -s lint
	clang-format --dry-run --Werror $(C_FILES)
	@node test/run.mjs

bench: build .stamps/packages-test ## Run the benchmarks and compare them with recorded figures (CASE="packet reduce", ARGS=--json)
	npm run -s bench -- $(CASE) $(ARGS)

fuzz: build ## Fuzz what reads bytes from outside for a minute (TARGET="records ...", FUZZ_SECONDS=60, FUZZ_SEED=)
	@node --max-old-space-size=1024 test/compile.mjs test/fuzz/main.ts $(TARGET)

soak: build .stamps/packages-test ## Run Weir under load, reloads and failures; ends exact or with exit code 1 (SOAK_MINUTES=30, root)
	@node test/compile.mjs test/soak/main.ts

kernels: build .stamps/packages-kernels ## Try the datapath on Debian's kernels in emulated machines; prints a table (SUITES="bookworm-security forky", SHORT=1, or KERNEL=PATH)
	@test/vm/matrix.sh $(ARGS)

demo: build .stamps/packages-test ## Build a lab of pods with real traffic, and run Weir on it until Ctrl-C (root)
	node dist/cli/main.js demo $(ARGS)

golden: build ## Regenerate test/fixtures/metrics.prom after an intended change of the exposition
	node test/compile.mjs test/support/write-golden.ts

docs: build ## Regenerate docs/metrics.md, docs/configuration.md and the chart's schema from catalog and settings
	node test/compile.mjs test/support/docs.ts
	node test/compile.mjs deploy/build.ts

dashboards: build ## Regenerate dashboards/out/: dashboards and rules
	node test/compile.mjs dashboards/build.ts

pictures: build .stamps/packages-test ## Redraw docs/pictures/: a picture of each dashboard, from three minutes of the lab (root)
	node test/compile.mjs dashboards/pictures/main.ts $(ARGS)

install: build ## Install Weir on this machine, with its systemd unit and an empty /etc/weir/weir.yaml (root; DESTDIR=)
	deploy/install.sh "$(DESTDIR)/"
	install -D -m 644 deploy/weir.service "$(DESTDIR)/etc/systemd/system/weir.service"
	@[ -e "$(DESTDIR)/etc/weir/weir.yaml" ] || install -D -m 644 deploy/weir.yaml "$(DESTDIR)/etc/weir/weir.yaml"

prebuilt: build ## Build the addon for machines without a compiler, amd64 and arm64 (root, for the cross compiler)
	@deploy/prebuilt.sh x64
	@deploy/prebuilt.sh arm64

package: ## Write weir-exporter-VERSION.tgz, the npm package, which needs no compiler
	npm pack

image: ## Build the image weir:VERSION with podman or docker (ENGINE=, BASE= and RUNTIME= images with Node 24, ARGS="--platform linux/arm64")
	@deploy/image.sh $(ARGS)

manifests: .stamps/bin/helm node_modules/.package-lock.json ## Regenerate the plain manifests from the chart
	deploy/manifests.sh deploy/manifests/weir.yaml

clean: ## Remove what was built
	rm -rf dist native/build native/prebuilt .stamps .tap

# Each header compiles alone, so that an editor can check it.
check-headers: .stamps/packages-build
	@for header in bpf/*.h; do \
	  $(CLANG) $(BPF_CFLAGS) -Wno-unused-function -fsyntax-only -x c -include $$header /dev/null || exit 1; \
	done

dist/weir.bpf.o: $(wildcard bpf/*.c bpf/*.h) | .stamps/packages-build
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c bpf/weir.bpf.c -o $@

dist/weir-before-6.2.bpf.o: $(wildcard bpf/*.c bpf/*.h) | .stamps/packages-build
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -DBEFORE_6_2 -c bpf/weir.bpf.c -o $@

native/build/Release/weir.node: $(patsubst native/%.cc,native/build/%.o,$(wildcard native/*.cc))
	@mkdir -p $(@D)
	$(CXX) $^ -o $@ $$(native/flags.sh link)

native/build/%.o: native/%.cc $(wildcard native/*.h) native/flags.sh node_modules/.package-lock.json | .stamps/packages-build
	@mkdir -p $(@D)
	$(CXX) $$(native/flags.sh compile) $(CXXFLAGS) -c $< -o $@

dist/cli/main.js: $(SOURCES) tsconfig.json tsconfig.build.json node_modules/.package-lock.json
	@# make deletes $@ when this fails: tsc must write it again
	npm run -s build || { rm -f dist/.tsbuildinfo; exit 1; }
	@chmod +x $@ && touch $@

# Checked by each build; written only if the revision has changed.
.PHONY: FORCE
dist/revision.json: FORCE
	@deploy/revision.sh $@

# No install scripts run: nothing but the packages is downloaded.
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-fund --no-audit
	@touch $@

.stamps/bin/helm: deploy/helm.sh | .stamps/packages-test
	@deploy/helm.sh $@

.stamps/packages-build: Makefile
	@deploy/packages.sh $(BUILD_PACKAGES)
	@mkdir -p $(@D) && touch $@

.stamps/packages-kernels: .stamps/packages-test
	@deploy/packages.sh $(KERNEL_PACKAGES) || echo "weir: no qemu: tests on other kernels will be skipped" >&2
	@mkdir -p $(@D) && touch $@

.stamps/packages-test: Makefile
	@deploy/packages.sh $(TEST_PACKAGES)
	@mkdir -p $(@D) && touch $@
