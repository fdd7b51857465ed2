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
	  echo 'suite_maker *const suites[] = {'; \
	  for s in $$(patsubst test_%.c,%,$$(notdir $$(filter %.c,$$^))); do \
	    echo "	suite_$$$$s,"; done; \
	  echo '	0 };'; } > $$@
$(O)/tests/unit/$(1)_suites.o: $(O)/tests/unit/$(1)_suites.c
	$$(COMPILE) $$(CFLAGS_ALL) -c -o $$@ $$<
$(O)/tests/unit-$(1): $(patsubst %.c,$(O)/%.o,$(wildcard tests/unit/$(1)/*.c)) \
    $(O)/tests/unit/$(1)_suites.o $(O)/tests/unit/main.o \
    $(if $(filter-out lib,$(1)),$(O)/$(1).a) $(O)/lib.a
	$$(LINK) -o $$@ $$^ $(UNIT_LIBS_$(1)) $(LIB_LIBS) $(CHECK_LIBS)
UNIT_RUNNERS += $(O)/tests/unit-$(1)
endef
UNIT_LIBS_convertd = -ltiff -ljbig -lm
$(foreach f,$(unit_folders),$(eval $(call unit,$(f))))

unit: $(UNIT_RUNNERS)
check-unit: $(UNIT_RUNNERS)
	@set -e; for r in $^; do echo "== $$r"; CK_DEFAULT_TIMEOUT=60 $$r; done
check: check-unit check-system
.PHONY: unit

# Fuzz targets: tests/fuzz/fuzz_NAME.c.  check-seeds replays the kept corpora under any compiler;
# fuzz-NAME is libFuzzer's own program (clang).
FUZZ = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ARCHIVES = $(O)/smtpd.a $(O)/bounce.a $(O)/remote.a $(O)/convertd.a $(O)/lib.a
FUZZ_LIBS = $(LIB_LIBS) $(CONVERTD_LIBS)
$(O)/tests/seeds-%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/replay.o $(FUZZ_ARCHIVES)
	$(LINK) -o $@ $^ $(FUZZ_LIBS)
check-seeds: $(patsubst %,$(O)/tests/seeds-%,$(FUZZ))
	@set -e; for f in $(FUZZ); do $(O)/tests/seeds-$$f tests/fuzz/corpus/$$f; done

FUZZ_COMPILE = clang -std=c11 -O1 -g
fuzz:
	$(MAKE) O=build-fuzz COMPILE="$(FUZZ_COMPILE)" HARDEN="-fPIE -fsanitize=fuzzer-no-link,address,undefined -DACCORD_SAN" \
	    LINK_SAN="-fsanitize=address,undefined" $(patsubst %,build-fuzz/tests/fuzz-%,$(FUZZ))
$(O)/tests/fuzz-%: $(O)/tests/fuzz/fuzz_%.o $(FUZZ_ARCHIVES)
	$(COMPILE) -pie -fsanitize=fuzzer,address,undefined -o $@ $^ $(FUZZ_LIBS)

check-system: all
	python3 tests/system/run.py
check-long: all
	sh tests/long.sh
.PHONY: check-seeds fuzz check-system check-long

# What a running process may do, for the system tests.
$(O)/tests/sandbox_probe: $(O)/tests/system/sandbox_probe.o
	@mkdir -p $(@D)
	$(LINK) -o $@ $^

# Writes a backlog into a queue's folder.
$(O)/tests/queue_fill: $(O)/tests/system/queue_fill.o $(O)/lib.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIB_LIBS)
