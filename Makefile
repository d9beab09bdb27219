# playbookd: one Makefile, no recursion.  `make help` lists what there is.
#
# Libraries are the folders of lib/, lowest layer first.  A test program of a library links only
# what that library may include, so a reach upwards fails twice: here and in tests/layers.sh.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
AR      ?= ar
VERSION := 0.1.0

ifeq ($(origin CC),default)
CC := gcc
endif

LIBS    := base pattern event playbook engine store sim aws io

# What each library may use, itself first, then downwards.
USES_base     := base
USES_pattern  := pattern base
USES_event    := event pattern base
USES_playbook := playbook event pattern base
USES_engine   := engine playbook event pattern base
USES_store    := store engine playbook event pattern base
USES_sim      := sim store engine playbook event pattern aws base
USES_aws      := aws base
USES_io       := io base
ALL_LIBS      := sim store engine playbook event pattern aws io base

PKGS := libevent libevent_pthreads libcurl jansson libcrypto sqlite3 yaml-0.1 expat libsystemd
# Asked once, and only when something is compiled: `make help` must work on a bare machine.
PC_CFLAGS = $(eval PC_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PC_CFLAGS)
PC_LIBS   = $(eval PC_LIBS := $$(shell pkg-config --libs $(PKGS)) -lm)$(PC_LIBS)
CK_LIBS   = $(eval CK_LIBS := $$(shell pkg-config --libs check))$(CK_LIBS)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla \
	-Wswitch-enum -Wconversion -Wsign-conversion -Wnull-dereference
HARDEN ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDHARDEN ?= -pie -Wl,-z,relro,-z,now
# WERROR=-Werror in CI.
WERROR ?=
CPPFLAGS_ALL = -D_GNU_SOURCE -DPB_VERSION='"$(VERSION)"' -Ilib -I. $(PC_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   = -std=gnu17 $(WARN) $(WERROR) $(HARDEN) $(CFLAGS)
LDFLAGS_ALL  = $(LDHARDEN) $(LDFLAGS)

SRC_daemon  := $(filter-out daemon/main_%.c daemon/ctl_%.c daemon/exec_%.c,$(wildcard daemon/*.c))
SRC_exec    := $(wildcard daemon/exec_*.c)
SRC_ctl     := $(wildcard daemon/ctl_*.c)
SRC_sandbox := $(filter-out tests/sandbox/main.c,$(wildcard tests/sandbox/*.c))
SRC_harness := $(wildcard tests/integration/harness*.c)

libobjs = $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/$(1)/*.c))
objs    = $(patsubst %.c,$(BUILD)/%.o,$(1))
archives = $(foreach l,$(1),$(BUILD)/lib/libpb_$(l).a)

UNIT_PROGS := $(foreach l,$(LIBS),$(if $(wildcard tests/unit/$(l)/*.c),$(BUILD)/tests/unit-$(l)))
UNIT_PROGS += $(if $(wildcard tests/unit/daemon/*.c),$(BUILD)/tests/unit-daemon)
UNIT_PROGS += $(if $(wildcard tests/unit/sandbox/*.c),$(BUILD)/tests/unit-sandbox)
UNIT_PROGS += $(if $(wildcard tests/unit/counted/*.c),$(BUILD)/tests/unit-counted)
SIM_PROG   := $(if $(wildcard tests/sim/*.c),$(BUILD)/tests/run-sim)
INT_PROG   := $(if $(wildcard tests/integration/*.c),$(BUILD)/tests/run-integration)
BINS := $(BUILD)/playbookd $(BUILD)/playbookctl $(BUILD)/playbookd-exec
SANDBOX := $(BUILD)/playbookd-sandbox
FUZZ_PROGS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))

.PHONY: bench-pattern bench-pattern-peers
.PHONY: all check prove mutants mutants-fit kill-test demo asan fuzz bench format format-check tidy layers install uninstall deb help clean tests deps
.DEFAULT_GOAL := all

# All cores, unless told otherwise; a make below this one has them from it.
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

all: $(BINS) $(SANDBOX) ## build playbookd, playbookctl, playbookd-exec and playbookd-sandbox

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' Makefile | sort | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
	awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo
	@echo "  make check T=NAME   only test programs, or Check test cases, of that name"
	@echo "  BUILD=dir  CC=clang  PREFIX=/usr  DESTDIR=stage  WERROR=-Werror  V=1"

# Targets that a newcomer types first install what they need; plain `make` does not touch the system.
SETUP_GOALS := check prove mutants kill-test demo asan fuzz bench tests deb
ifneq ($(filter $(SETUP_GOALS),$(MAKECMDGOALS)),)
SETUP := deps
endif
deps:
	@tests/setup.sh

# --- objects, archives, programs

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-4s %s\n' $(1) $@)

$(BUILD)/%.o: %.c | $(SETUP)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

define LIB_RULE
$(BUILD)/lib/libpb_$(1).a: $(call libobjs,$(1)) | $(SETUP)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR)
	$$(Q)$$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(LIBS),$(eval $(call LIB_RULE,$(l))))

define UNIT_RULE
$(BUILD)/tests/unit-$(1): $(call objs,$(wildcard tests/unit/$(1)/*.c)) $(BUILD)/tests/unit/runner.o $(call archives,$(USES_$(1)))
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$(CFLAGS_ALL) -o $$@ $$^ $$(PC_LIBS) $$(CK_LIBS)
endef
$(foreach l,$(LIBS),$(eval $(call UNIT_RULE,$(l))))

link = $(CC) $(LDFLAGS_ALL) $(CFLAGS_ALL) -o $@ $(filter %.o %.a,$^) $(PC_LIBS)

$(BUILD)/playbookd: $(call objs,$(SRC_daemon)) $(BUILD)/daemon/main_playbookd.o $(call archives,$(ALL_LIBS))
	$(call say,LINK)
	$(Q)$(link)

$(BUILD)/playbookctl: $(call objs,$(SRC_ctl) daemon/confdir.c) $(BUILD)/daemon/main_playbookctl.o $(call archives,$(ALL_LIBS))
	$(call say,LINK)
	$(Q)$(link)

$(BUILD)/playbookd-exec: $(call objs,$(SRC_exec)) $(BUILD)/daemon/main_playbookd_exec.o $(call archives,playbook event pattern io base)
	$(call say,LINK)
	$(Q)$(link)

$(SANDBOX): $(call objs,$(SRC_sandbox)) $(BUILD)/tests/sandbox/main.o $(call archives,base)
	$(call say,LINK)
	$(Q)$(link)

$(BUILD)/tests/unit-daemon: $(call objs,$(wildcard tests/unit/daemon/*.c)) $(BUILD)/tests/unit/runner.o $(call objs,$(SRC_sandbox)) $(call objs,$(SRC_daemon)) $(call objs,$(SRC_ctl)) $(call objs,$(SRC_exec)) $(call archives,$(ALL_LIBS))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

$(BUILD)/tests/unit-sandbox: $(call objs,$(wildcard tests/unit/sandbox/*.c)) $(BUILD)/tests/unit/runner.o $(call objs,$(SRC_sandbox)) $(call archives,base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

# lib/pattern once more, so that what it does is counted: tests/unit/counted/counted.h.
$(BUILD)/counted/%.o: %.c | $(SETUP)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fsanitize-coverage=trace-pc -include tests/unit/counted/counted.h -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit-counted: $(call objs,$(wildcard tests/unit/counted/*.c)) $(BUILD)/tests/unit/runner.o $(patsubst %.c,$(BUILD)/counted/%.o,$(wildcard lib/pattern/*.c)) $(call archives,base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

$(BUILD)/tests/run-sim: $(call objs,$(wildcard tests/sim/*.c)) $(BUILD)/tests/unit/store/crashvfs.o $(call archives,$(ALL_LIBS))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

$(BUILD)/tests/run-integration: $(call objs,$(filter-out tests/integration/demo.c,$(wildcard tests/integration/*.c))) $(call archives,aws base) | $(BUILD)/tests/deadly.so
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

# Loaded into the daemon by test_death.c; never linked with it.
DEADLY := $(BUILD)/tests/deadly.so
$(DEADLY): tests/integration/preload/deadly.c
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) -std=gnu17 -O1 -Wall -Wextra -fPIC -shared $(PC_CFLAGS) -o $@ $<

$(BUILD)/tests/demo: $(call objs,$(SRC_harness) tests/integration/demo.c) $(call archives,aws base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

# tests/fuzz: each file is one program, with everything below daemon/ linked in.
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(call archives,$(ALL_LIBS))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) -fsanitize=fuzzer $(CFLAGS_ALL) -o $@ $(filter %.o %.a,$^) $(PC_LIBS)

BENCH_OBJS := $(call objs,$(wildcard tests/bench/*.c) $(SRC_harness) $(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c)))
$(BUILD)/tests/run-bench: $(BENCH_OBJS) $(BUILD)/tests/unit/store/crashvfs.o $(call archives,$(ALL_LIBS))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link) $(CK_LIBS)

# --- tests

tests: $(UNIT_PROGS) $(SIM_PROG) $(INT_PROG) $(DEADLY)

# Where T names programs, only those are built, and the real binaries only if one of them runs those.
TEST_PROGS := $(UNIT_PROGS) $(SIM_PROG) $(INT_PROG)
NAMED := $(if $(T),$(foreach p,$(TEST_PROGS),$(if $(findstring $(T),$(notdir $(p))),$(p))))
CHECK_PROGS := $(or $(NAMED),$(TEST_PROGS))
ALONE := $(foreach l,$(LIBS) sandbox counted,$(BUILD)/tests/unit-$(l)) $(BUILD)/tests/run-sim
CHECK_BINS := $(if $(filter-out $(ALONE),$(CHECK_PROGS)),$(BINS) $(SANDBOX))

check: layers mutants-fit $(CHECK_BINS) $(CHECK_PROGS) ## build and pass every test (installs what it needs)
	@BUILD=$(BUILD) T="$(T)" tests/run.sh $(CHECK_PROGS)

# PB_KILLS=N sets the number, PB_SEED=N takes up the seed of a run that failed.
kill-test: $(BINS) $(SANDBOX) $(INT_PROG) ## kill -9 the daemon at 200 random points, and count what it lost
	@BUILD=$(BUILD) PB_KILLS=$${PB_KILLS:-200} CK_RUN_SUITE=kill $(INT_PROG)

# SEEDS=N, POINTS=N
prove: $(SIM_PROG) ## play 50,000 random worlds and 100,000 points to die at, on all cores
	@$(SIM_PROG) --prove $(if $(SEEDS),--seeds $(SEEDS)) $(if $(POINTS),--points $(POINTS))

# PB_MUTANTS=WORDS: only those whose name contains these words.
mutants: $(BUILD)/tests/unit-engine $(SIM_PROG) ## put defects into the engine, one at a time, and see each caught
	+@BUILD=$(BUILD) tests/sim/mutants.sh $(if $(PB_MUTANTS),"$(PB_MUTANTS)")

mutants-fit: ## check that the list of these defects fits the code
	@tests/sim/mutants.sh --stale

demo: $(BINS) $(SANDBOX) $(BUILD)/tests/demo ## watch a real daemon at work for two minutes (installs what it needs)
	@BUILD=$(BUILD) $(BUILD)/tests/demo

FUZZ_SAN := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
fuzz: ## feed every parser of outside bytes with nonsense, FUZZ_SECONDS each (10)
	@PB_EXTRA_PACKAGES="clang libclang-rt-14-dev" tests/setup.sh
	@$(MAKE) --no-print-directory fuzz-progs CC=clang BUILD=$(BUILD)-fuzz HARDEN="$(FUZZ_SAN)" LDHARDEN=""
	@tests/fuzz/run.sh $(patsubst $(BUILD)/%,$(BUILD)-fuzz/%,$(FUZZ_PROGS))
.PHONY: fuzz-progs
fuzz-progs: $(FUZZ_PROGS)

$(BUILD)/tests/bench-pattern: $(call objs,$(wildcard tests/bench/pattern/*.c)) $(call archives,pattern base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link)

bench-pattern: $(BUILD)/tests/bench-pattern ## print the speed of the pattern matcher
	@BUILD=$(BUILD) tests/bench/pattern/run.sh

$(BUILD)/tests/third-cases: $(call objs,tests/bench/pattern/third/cases.c tests/unit/pattern/random.c) $(call archives,pattern base)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(link)

bench-pattern-peers: $(BUILD)/tests/bench-pattern $(BUILD)/tests/third-cases ## the same beside event-ruler and quamina (needs Java, Maven and Go)
	@BUILD=$(BUILD) tests/bench/pattern/third.sh
	@BUILD=$(BUILD) tests/bench/pattern/run.sh --peers

bench: $(BINS) $(SANDBOX) $(BUILD)/tests/run-bench ## print speed and memory figures; B=NAME picks some
	@BUILD=$(BUILD) $(BUILD)/tests/run-bench $(B)

layers: ## check that lower layers include no higher ones
	@tests/layers.sh

SAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
asan: ## the whole suite under ASan and UBSan
	@$(MAKE) --no-print-directory check BUILD=$(BUILD)-asan HARDEN="$(SAN)" LDHARDEN="" T="$(T)"

format: ## lay out the C files
	clang-format -i $$(git ls-files '*.c' '*.h')

format-check: ## fail where `make format` would change something
	@clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')

tidy: ## static analysis by clang-tidy
	clang-tidy --quiet $$(git ls-files 'lib/*.c' 'daemon/*.c') -- -std=gnu17 $(CPPFLAGS_ALL)

# --- installation

INSTALL ?= install
MANDIR   = $(PREFIX)/share/man
DOCDIR   = $(PREFIX)/share/doc/playbookd
UNITDIR  = $(PREFIX)/lib/systemd/system
MAN_PAGES    := $(wildcard man/*.[1-9])
SYSTEMD_UNITS := $(wildcard systemd/*.service systemd/*.socket)
SYSUSERS      := $(wildcard systemd/*.sysusers)
TMPFILES      := $(wildcard systemd/*.tmpfiles)
tmpfiles_path  = $(PREFIX)/lib/tmpfiles.d/$(patsubst %.tmpfiles,%.conf,$(notdir $(1)))
sysusers_path  = $(PREFIX)/lib/sysusers.d/$(patsubst %.sysusers,%.conf,$(notdir $(1)))
man_path = $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))

# Units name the programs as @PREFIX@/sbin/...; nothing under /etc is touched.
install: $(BINS) ## install under PREFIX (DESTDIR is put in front)
	$(INSTALL) -D -m 755 $(BUILD)/playbookd $(DESTDIR)$(PREFIX)/sbin/playbookd
	$(INSTALL) -D -m 755 $(BUILD)/playbookctl $(DESTDIR)$(PREFIX)/bin/playbookctl
	$(INSTALL) -D -m 755 $(BUILD)/playbookd-exec $(DESTDIR)$(PREFIX)/sbin/playbookd-exec
	$(foreach m,$(MAN_PAGES),$(INSTALL) -D -m 644 $(m) $(DESTDIR)$(call man_path,$(m)) &&) true
	$(foreach u,$(SYSTEMD_UNITS),$(INSTALL) -D -m 644 $(u) $(DESTDIR)$(UNITDIR)/$(notdir $(u)) && \
	    sed -i 's|@PREFIX@|$(PREFIX)|g' $(DESTDIR)$(UNITDIR)/$(notdir $(u)) &&) true
	$(foreach u,$(SYSUSERS),$(INSTALL) -D -m 644 $(u) $(DESTDIR)$(call sysusers_path,$(u)) &&) true
	$(foreach u,$(TMPFILES),$(INSTALL) -D -m 644 $(u) $(DESTDIR)$(call tmpfiles_path,$(u)) &&) true
	(cd conf && find . -type f) | while read -r f; do \
	    $(INSTALL) -D -m 644 "conf/$$f" "$(DESTDIR)$(DOCDIR)/examples/$$f" || exit 1; \
	done
	$(INSTALL) -D -m 644 LICENSE $(DESTDIR)$(DOCDIR)/copyright

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/sbin/playbookd $(DESTDIR)$(PREFIX)/sbin/playbookd-exec $(DESTDIR)$(PREFIX)/bin/playbookctl
	rm -f $(foreach m,$(MAN_PAGES),$(DESTDIR)$(call man_path,$(m)))
	rm -f $(foreach u,$(SYSTEMD_UNITS),$(DESTDIR)$(UNITDIR)/$(notdir $(u)))
	rm -f $(foreach u,$(SYSUSERS),$(DESTDIR)$(call sysusers_path,$(u)))
	rm -f $(foreach u,$(TMPFILES),$(DESTDIR)$(call tmpfiles_path,$(u)))
	rm -rf $(DESTDIR)$(DOCDIR)

# The package is for the machine it is built on.
DEB_STAGE := $(BUILD)/deb
deb: $(BINS) ## build a Debian package in BUILD (installs what it needs)
	@PB_EXTRA_PACKAGES=dpkg-dev tests/setup.sh
	@rm -rf $(DEB_STAGE)
	@MAKEFLAGS= $(MAKE) -s install BUILD=$(BUILD) CC=$(CC) DESTDIR=$(DEB_STAGE) PREFIX=/usr
	@.ci/deb $(DEB_STAGE) $(VERSION) $(BUILD)/playbookd_$(VERSION)_$$(dpkg --print-architecture).deb

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz

-include $(shell find $(addprefix $(BUILD)/,lib daemon tests counted) -name '*.d' -type f 2>/dev/null)
