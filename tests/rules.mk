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
.PHONY: unit
