# Everything that people and CI call. The two to know: `make demo` and `make test`.

DESTDIR ?=
PREFIX ?= /usr
TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
OUT := target/$(TARGET)/release
STAGE := $(CURDIR)/target/stage
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
MANUALS := target/manuals
DIST := target/dist
ZSH_DIR ?= $(PREFIX)/share/zsh/vendor-completions
AGENTS := galera-rs vip-rs maxscale-rs
# An agent lives where Pacemaker looks for it, whatever the prefix.
OCF_DIR := /usr/lib/ocf/resource.d/galera-rs
SCENARIOS := REQUIRE_REAL=1 GALERA_RS_STAGE=$(STAGE) GALERA_RS_DIST=$(CURDIR)/$(DIST) cargo test --locked --test cluster --
SCRIPTS := packaging/debian/prerm tests/cluster/lab tests/cluster/demo .ci/run

.PHONY: help
help:
	@echo 'make demo     a real three-node cluster on this machine that loses its nodes and comes back'
	@echo 'make test     every check and every test; what CI runs'
	@echo 'make build    static release binaries'
	@echo 'make install  DESTDIR=/ PREFIX=/usr: the agents, links to them, galeractl'
	@echo 'make check    formatting and lints        make unit     tests without a cluster'
	@echo 'make cluster  tests on a real cluster     make figures  the comparison of docs/measured.md'
	@echo 'make bench-monitor  what a monitor costs, beside the peer'
	@echo 'make deb, make rpm  packages, in $(DIST)'
	@echo 'make packages what this machine lacks, through apt'

# Static, so that a node needs nothing but the file. A musl target needs no C compiler either. At a fixed address: a
# monitor runs every second, and to relocate the program is a good part of its time.
.PHONY: build
build:
	RUSTFLAGS='-C target-feature=+crt-static -C relocation-model=static' cargo build --release --locked --target $(TARGET) --bins

# In one step: a monitor that meets no program, as while install(1) copies, answers "not installed", which bans the node.
put = install -m 0755 $(1) $(2)/.$(3).new && mv -f $(2)/.$(3).new $(2)/$(3)

.PHONY: install
install: build
	install -d $(DESTDIR)$(OCF_DIR) $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin
	for agent in $(AGENTS); do \
		$(call put,$(OUT)/$$agent,$(DESTDIR)$(OCF_DIR),$$agent) && \
		ln -sf $(OCF_DIR)/$$agent $(DESTDIR)$(PREFIX)/sbin/$$agent || exit 1; \
	done
	$(call put,$(OUT)/galeractl,$(DESTDIR)$(PREFIX)/bin,galeractl)

# Manual pages and completions, from the programs' own declarations.
.PHONY: manuals
manuals:
	rm -rf $(MANUALS)
	cargo run --quiet --locked --example manuals -- $(MANUALS)

.PHONY: reference
reference:
	cargo run --quiet --locked --example manuals -- reference >docs/reference.md

# What a package brings: the programs, manuals, completions, documents and examples.
SHARE = $(DESTDIR)$(PREFIX)/share
DOC = $(SHARE)/doc/galera-rs
.PHONY: install-all
install-all: install manuals
	install -d $(SHARE)/man/man7 $(SHARE)/man/man8 $(DOC)/docs
	install -m 0644 $(MANUALS)/man7/* $(SHARE)/man/man7
	install -m 0644 $(MANUALS)/man8/* $(SHARE)/man/man8
	install -d $(SHARE)/bash-completion/completions $(SHARE)/fish/vendor_completions.d $(DESTDIR)$(ZSH_DIR)
	install -m 0644 $(MANUALS)/completions/bash/* $(SHARE)/bash-completion/completions
	install -m 0644 $(MANUALS)/completions/fish/* $(SHARE)/fish/vendor_completions.d
	install -m 0644 $(MANUALS)/completions/zsh/* $(DESTDIR)$(ZSH_DIR)
	install -m 0644 README.md CHANGELOG.md $(DOC)
	install -m 0644 docs/*.md $(DOC)/docs
	for examples in crm-examples pcs-examples corosync booth; do \
		install -d $(DOC)/$$examples && install -m 0644 $$examples/* $(DOC)/$$examples || exit 1; \
	done

# dh gives its programs another HOME, where rustup would look for the compiler.
.PHONY: deb
deb: packages build manuals
	rm -rf target/deb
	mkdir -p target/deb/galera-rs-$(VERSION) $(DIST)
	rm -f $(DIST)/*.deb
	cp -r packaging/debian target/deb/galera-rs-$(VERSION)/debian
	cd target/deb/galera-rs-$(VERSION) && SOURCE=$(CURDIR) \
		RUSTUP_HOME=$${RUSTUP_HOME:-$$HOME/.rustup} CARGO_HOME=$${CARGO_HOME:-$$HOME/.cargo} \
		dpkg-buildpackage -b -us -uc >../build.log 2>&1 || { tail -30 ../build.log; exit 1; }
	mv target/deb/*.deb $(DIST)

# The source package holds everything, crates included; the binary package is made from it and nothing else.
RPMBUILD = rpmbuild --nodeps --quiet --define '_topdir $(CURDIR)/target/rpm'
.PHONY: srpm
srpm: packages manuals
	rm -rf target/rpm
	mkdir -p target/rpm/SOURCES $(DIST)
	rm -f $(DIST)/*.rpm
	git archive --prefix=galera-rs-$(VERSION)/ -o target/rpm/SOURCES/galera-rs-$(VERSION).tar.gz HEAD
	cargo vendor --quiet --locked --versioned-dirs target/rpm/vendor >/dev/null
	tar -C target/rpm -czf target/rpm/SOURCES/galera-rs-$(VERSION)-vendor.tar.gz vendor
	tar -C target -czf target/rpm/SOURCES/galera-rs-$(VERSION)-manuals.tar.gz manuals
	$(RPMBUILD) -bs packaging/rpm/galera-rs.spec
	cp target/rpm/SRPMS/*.src.rpm $(DIST)

.PHONY: rpm
rpm: srpm
	$(RPMBUILD) --rebuild target/rpm/SRPMS/*.src.rpm >target/rpm/build.log 2>&1 || { tail -30 target/rpm/build.log; exit 1; }
	mv target/rpm/RPMS/*/*.rpm $(DIST)

# The rpm of a test is built in a minute instead of five: it is the same, only slower when it runs.
QUICK := CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1
.PHONY: package-tests
package-tests: deb
	$(QUICK) $(MAKE) rpm
	GALERA_RS_DIST=$(CURDIR)/$(DIST) cargo test --locked --test packages

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
test: packages check stage unit package-tests cluster

.PHONY: check
check: packages
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --test cluster --test packages -- -D warnings # not among all the targets: run on request
	shellcheck -x -S warning $(SCRIPTS)
	cargo run --quiet --locked --example manuals -- reference | diff -u docs/reference.md -

# REQUIRE_REAL: a test that lacks its real part fails instead of being skipped.
.PHONY: unit
unit: packages stage
	REQUIRE_REAL=1 GALERA_RS_STATIC_DIR=$(CURDIR)/$(OUT) cargo test --locked

# The comparison of docs/measured.md: by hand, this agent and the peer in one run.
.PHONY: figures
figures: packages stage
	$(SCENARIOS) --test-threads=1 --nocapture timed::all_killed

# What a healthy monitor costs, beside the peer's on the same node.
.PHONY: bench-monitor
bench-monitor: packages stage
	$(SCENARIOS) --test-threads=1 --nocapture bench_monitor

# A scenario waits most of its time, so two labs run side by side; where times are compared, one has the machine.
.PHONY: cluster
cluster: packages stage deb
	$(SCENARIOS) --test-threads=1 --nocapture timed::
	$(SCENARIOS) --test-threads=2 --show-output --skip timed::
