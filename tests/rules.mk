# SPDX-License-Identifier: ISC
# Unit tests: tests/unit/FOLDER/test_NAME.c defines `Suite *suite_NAME(void)`; one runner per
# folder, linked with that folder's archive and lib's.
CHECK_LIBS = -lcheck -lsubunit -lm -lrt -lpthread
unit_folders = $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard tests/unit/*/test_*.c)))))

define unit
$(O)/tests/unit/$(1)_suites.c: $$(wildcard tests/unit/$(1)/test_*.c) tests/rules.mk
	@mkdir -p $$(@D)
	@{ echo '#include "tests/unit/suites.h"'; \
	  for s in $$(patsubst test_%.c,%,$$(notdir $$(filter %.c,$$^))); do \
	    echo "Suite *suite_$$$$s(void);"; done; \
	  echo 'const struct suite_entry suites[] = {'; \
	  for s in $$(patsubst test_%.c,%,$$(notdir $$(filter %.c,$$^))); do \
	    echo "	{ \"$$$$s\", suite_$$$$s },"; done; \
	  echo '	{ 0, 0 } };'; } > $$@
$(O)/tests/unit/$(1)_suites.o: $(O)/tests/unit/$(1)_suites.c
	$$(COMPILE) $$(CFLAGS_ALL) -c -o $$@ $$<
$(O)/tests/unit-$(1): $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/$(1)/*.c)) \
    $(O)/tests/unit/$(1)_suites.o $(O)/tests/unit/main.o \
    $(if $(filter-out lib,$(1)),$(O)/$(or $(UNIT_FOLDER_$(1)),$(1)).a) $(O)/lib.a
	$$(LINK) -o $$@ $$^ $(UNIT_LIBS_$(1)) $(LIB_LIBS) $(CHECK_LIBS)
UNIT_RUNNERS += $(O)/tests/unit-$(1)
endef
# cmd's tests have the control server too.
UNIT_LIBS_cmd = $(O)/cmd/server.a $(O)/lib.a
$(O)/tests/unit-cmd: $(O)/cmd/server.a
# Suites whose tests need no process each: under sanitizers they share one, where a fork and the search for
# leaks at its end take a hundred times as long as the test.
UNIT_TOGETHER_unit-lib = address addrlist authline base caplines conf confcheck confdest confhop confline confuser conneg \
    contfield edit edit_recode ensure envelope features features_canon features_dis features_fax features_quality figure fileio \
    headedit \
    inquiry inquiry_caps lines mdnrequest mime notification passwd plan qfile qid reply resolve result routeauth sasl sha256 signature \
    span tlspolicy \
    transfer xtext
UNIT_TOGETHER_unit-auth = dovecot
UNIT_TOGETHER_unit-bounce = mdn report
UNIT_TOGETHER_unit-cmd = describe
UNIT_TOGETHER_unit-capd = probe
UNIT_TOGETHER_unit-convertd = apply codec colour downgrade drucof ensure form image picture plan_make scale text tiff
UNIT_TOGETHER_unit-local = alternative
UNIT_TOGETHER_unit-qmgr = act chance dest gather qmgr reload report sched
UNIT_TOGETHER_unit-queue = parts
UNIT_TOGETHER_unit-remote = auth caplist command deadline decide negotiate reuse
UNIT_TOGETHER_unit-resolver = answer
UNIT_TOGETHER_unit-sim = disk
UNIT_TOGETHER_unit-smtpd = clients data failures param rates
UNIT_LIBS_convertd = -ltiff $(CONVERTD_LIBS)
UNIT_LIBS_resolver = -lunbound
UNIT_LIBS_ldap = -lldap -llber
UNIT_FOLDER_resolver = remote/resolver
UNIT_FOLDER_sim = tests/crash/sim
$(foreach f,$(unit_folders),$(eval $(call unit,$(f))))

unit: $(UNIT_RUNNERS)
# Most of them wait more than they work, so they run side by side under -j; -O keeps their words apart.
check-unit: $(UNIT_RUNNERS:%=run-%)
$(UNIT_RUNNERS:%=run-%): run-%: %
	@echo "== $<"; CK_DEFAULT_TIMEOUT=60 $(if $(SAN),UNIT_TOGETHER="$(UNIT_TOGETHER_$(notdir $<))") $<
.PHONY: check-unit $(UNIT_RUNNERS:%=run-%)
check: check-unit check-system
.PHONY: unit

# Fuzz targets: tests/fuzz/fuzz_NAME.c.  check-seeds replays the kept corpora under any compiler;
# fuzz-NAME is libFuzzer's own program (clang).
FUZZ = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ARCHIVES = $(O)/smtpd.a $(O)/bounce.a $(O)/learn.a $(O)/local.a $(O)/offer.a $(O)/ldap.a $(O)/remote/resolver.a $(O)/remote.a $(O)/convertd.a $(O)/lib.a
# Those that stand for a daemon's peers have its archive alone, and replace what leads out of it.
FUZZ_PACKETS = $(filter packets_%,$(FUZZ))
FUZZ_WRAP = log_line
FUZZ_WRAP_auth = link_login link_failed
FUZZ_WRAP_packets_auth = fork waitpid kill ipc_pair
FUZZ_WRAP_packets_bounce = sendmsg
FUZZ_WRAP_packets_expand = sendmsg
FUZZ_WRAP_packets_control = getsockopt
FUZZ_WRAP_packets_daemon = _exit ipc_send chan_open chan_send
FUZZ_FOLDER_packets_daemon = lib
FUZZ_WRAP_packets_convertd = fork wait4 kill pipe2 memfd_create
FUZZ_WRAP_packets_queue = sendmsg
FUZZ_WRAP_packets_local = fork waitpid kill ipc_pair sendmsg
FUZZ_WRAP_packets_remote = fork waitpid kill ipc_pair sendmsg
FUZZ_WRAP_packets_key = sign_text
FUZZ_WRAP_packets_learn = fork waitpid kill ipc_pair
FUZZ_WRAP_packets_ldap = fork waitpid kill ipc_pair worker_run
FUZZ_WRAP_packets_offer = fork waitpid kill ipc_pair fsync
FUZZ_FOLDER_packets_control = cmd/server
FUZZ_FOLDER_packets_resolver = remote/resolver
fuzz_folder = $(or $(FUZZ_FOLDER_$(1)),$(1:packets_%=%))
fuzz_needs = $(if $(filter packets_%,$(1)),$(O)/tests/fuzz/hostile.o $(O)/$(call fuzz_folder,$(1)).a \
    $(O)/lib.a,$(if $(filter command session,$(1)),$(O)/tests/fuzz/client.o) $(if $(filter describe,$(1)),$(O)/cmd.a) $(if $(filter dovecot,$(1)),$(O)/auth.a) \
    $(FUZZ_ARCHIVES))
fuzz_flags = $(patsubst %,-Wl$(comma)--wrap=%,$(if $(filter packets_%,$(1)),$(FUZZ_WRAP)) $(FUZZ_WRAP_$(1)))
FUZZ_LIBS = $(LIB_LIBS) $(CONVERTD_LIBS) $(RESOLVER_LIBS)
define fuzz_target
$(O)/tests/seeds-$(1): $(O)/tests/fuzz/fuzz_$(1).o $(O)/tests/fuzz/replay.o $(call fuzz_needs,$(1))
	$$(LINK) -o $$@ $$^ $(call fuzz_flags,$(1)) $$(FUZZ_LIBS)
$(O)/tests/fuzz-$(1): $(O)/tests/fuzz/fuzz_$(1).o $(call fuzz_needs,$(1))
	$$(COMPILE) -pie -fsanitize=fuzzer,address,undefined -o $$@ $$^ $(call fuzz_flags,$(1)) $$(FUZZ_LIBS)
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_target,$(f))))
check-seeds: $(patsubst %,$(O)/tests/seeds-%,$(FUZZ))
	@set -e; for f in $(FUZZ); do $(O)/tests/seeds-$$f tests/fuzz/corpus/$$f; done

FUZZ_COMPILE = clang -std=c11 -O1 -g
fuzz:
	$(MAKE) O=build-fuzz COMPILE="$(FUZZ_COMPILE)" HARDEN="-fPIE -fsanitize=fuzzer-no-link,address,undefined -DACCORD_SAN" \
	    LINK_SAN="-fsanitize=address,undefined" $(patsubst %,build-fuzz/tests/fuzz-%,$(or $(TARGET),$(FUZZ)))

# One-line faults that the targets must find (tests/fuzz/planted/table); part of check-long.
fuzz-planted:
	python3 tests/fuzz/planted/run.py -j $(or $(FUZZ_JOBS),2)
.PHONY: fuzz-planted

check-system: all
	python3 tests/system/run.py
check-long: all
	sh tests/long.sh
.PHONY: check-seeds fuzz check-system check-long

# Power cuts on paper (tests/crash/power.py): runs of the programs in build-crash/, judged by power-sim.
$(O)/tests/crash/sim.a: $(call objects,tests/crash/sim)
$(O)/power-sim: $(O)/tests/crash/sim/main.o $(O)/tests/crash/sim.a $(O)/queue.a $(O)/qmgr.a $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
check-sim: all crash $(O)/power-sim
	python3 tests/crash/power.py $(SIM)
.PHONY: check-sim

# What a running process may do, for the system tests.
$(O)/tests/sandbox_probe: $(O)/tests/system/sandbox_probe.o
	@mkdir -p $(@D)
	$(LINK) -o $@ $^

# Writes a backlog into a queue's folder.
$(O)/tests/queue_fill: $(O)/tests/system/queue_fill.o $(O)/lib.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIB_LIBS)

# The programs once more, from the very same objects, with a layer below them that fails and records
# calls on request (tests/crash/sys.h): build-crash/.  The list of calls is in sys.c.
CRASH = $(O)-crash
CRASH_CALLS = $(shell sed -n 's/^WRAP.[^,]*, \([a-z0-9_]*\), .*/\1/p' tests/crash/sys.c)
define crash_program
$(CRASH)/$(1): $(O)/$(FOLDER_$(1))/main.o $(O)/$(FOLDER_$(1)).a $(O)/lib.a $(O)/tests/crash/sys.o
	@mkdir -p $$(@D)
	$$(LINK) -o $$@ $$^ $(CRASH_CALLS:%=-Wl,--wrap=%) $(LIBS_$(1))
endef
$(foreach p,$(PROGRAMS),$(eval $(call crash_program,$(p))))
crash: $(PROGRAMS:%=$(CRASH)/%)
.PHONY: crash

# What a power cut leaves: the queue and its clients, a disk that writes down what it is told (libfuse),
# and what cuts that short.  They need root and loop devices, so no part of `make check`.
$(O)/queue_power: $(O)/tests/crash/queue_power.o $(O)/queue.a $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
$(O)/tests/crash/blkrec.o: CFLAGS_ALL += $(shell pkg-config --cflags fuse3)
$(O)/blkrec: $(O)/tests/crash/blkrec.o
	$(LINK) -o $@ $^ $(shell pkg-config --libs fuse3)
$(O)/blkcut: $(O)/tests/crash/blkcut.o
	$(LINK) -o $@ $^
check-power: $(O)/queue_power
	python3 tests/crash/blocks.py --quick
blocks: $(O)/queue_power $(O)/blkrec $(O)/blkcut
check-blocks: blocks
	python3 tests/crash/blocks.py
.PHONY: check-power blocks check-blocks
