# Everything that people and CI call. The two to know: `make demo` and `make test`.

DESTDIR ?=
PREFIX ?= /usr
TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
OUT := target/$(TARGET)/release
STAGE := $(CURDIR)/target/stage
AGENTS := galera-rs vip-rs maxscale-rs
# An agent lives where Pacemaker looks for it, whatever the prefix.
OCF_DIR := /usr/lib/ocf/resource.d/galera-rs
SCENARIOS := REQUIRE_REAL=1 GALERA_RS_STAGE=$(STAGE) cargo test --locked --test cluster --
SCRIPTS := tests/cluster/lab tests/cluster/demo .ci/run

.PHONY: help
help:
	@echo 'make demo     a real three-node cluster on this machine that loses its nodes and comes back'
	@echo 'make test     every check and every test; what CI runs'
	@echo 'make build    static release binaries'
	@echo 'make install  DESTDIR=/ PREFIX=/usr: the agents, links to them, galeractl'
	@echo 'make check    formatting and lints        make unit     tests without a cluster'
	@echo 'make cluster  tests on a real cluster     make figures  the comparison of docs/measured.md'
	@echo 'make bench-monitor  what a monitor costs, beside the peer'
	@echo 'make packages what this machine lacks, through apt'

# Static, so that a node needs nothing but the file. A musl target needs no C compiler either. At a fixed address: a
# monitor runs every second, and to relocate the program is a good part of its time.
.PHONY: build
build:
	RUSTFLAGS='-C target-feature=+crt-static -C relocation-model=static' cargo build --release --locked --target $(TARGET) --bins

.PHONY: install
install: build
	install -d $(DESTDIR)$(OCF_DIR) $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin
	for agent in $(AGENTS); do \
		install -m 0755 $(OUT)/$$agent $(DESTDIR)$(OCF_DIR)/$$agent && \
		ln -sf $(OCF_DIR)/$$agent $(DESTDIR)$(PREFIX)/sbin/$$agent || exit 1; \
	done
	install -m 0755 $(OUT)/galeractl $(DESTDIR)$(PREFIX)/bin/galeractl

.PHONY: packages
packages:
	@tests/cluster/lab check >/dev/null 2>&1 || tests/cluster/lab install

.PHONY: stage
stage:
	rm -rf $(STAGE)
	$(MAKE) install DESTDIR=$(STAGE)

.PHONY: demo
demo: packages stage
	GALERA_RS_STAGE=$(STAGE) tests/cluster/demo

.PHONY: test
test: packages check stage unit cluster

.PHONY: check
check: packages
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck -x -S warning $(SCRIPTS)

# REQUIRE_REAL: a test that lacks its real part fails instead of being skipped.
.PHONY: unit
unit: packages stage
	REQUIRE_REAL=1 GALERA_RS_STATIC_DIR=$(CURDIR)/$(OUT) cargo test --locked

# The comparison of docs/measured.md: by hand, this agent and the peer in one run.
.PHONY: figures
figures: packages stage
	$(SCENARIOS) --test-threads=1 --nocapture all_servers_killed_five_times

# What a healthy monitor costs, beside the peer's on the same node.
.PHONY: bench-monitor
bench-monitor: packages stage
	$(SCENARIOS) --test-threads=1 --nocapture bench_monitor

# A scenario waits most of its time, so two labs run side by side; where times are compared, one has the machine.
.PHONY: cluster
cluster: packages stage
	$(SCENARIOS) --test-threads=1 --nocapture timed::
	$(SCENARIOS) --test-threads=2 --show-output --skip timed::
