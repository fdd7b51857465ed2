# SPDX-License-Identifier: ISC
# What lib.a itself needs; every program links it (--as-needed drops what it does not use).
LIB_LIBS = -lseccomp -lssl -lcrypto -lcdb -lidn2 -lcrypt

# libconneg: the same sources once more, as position-independent code.  The archive is one object, of what
# the functions of conneg.h need and with no other names, as the shared object by conneg.map.
CONNEG_SOURCES = lib/conneg.c $(sort $(wildcard lib/feat*.c)) lib/buf.c lib/err.c lib/span.c
CONNEG_OBJECTS = $(patsubst lib/%.c,$(O)/libconneg/%.o,$(CONNEG_SOURCES))
CONNEG_NAMES = $(shell sed -n 's/^[a-z].*[ *]\(conneg_[a-z_]*\)([^)]*.*/\1/p' lib/conneg.h)
CONNEG_SONAME = libconneg.so.$(firstword $(subst ., ,$(VERSION)))
CONNEG_FILE = libconneg.so.$(VERSION)
$(O)/libconneg/%.o: lib/%.c conf-cc Makefile | $(O)/.libraries
	@mkdir -p $(@D)
	$(COMPILE) $(filter-out -fPIE,$(CFLAGS_ALL)) -fPIC -MMD -MP -c -o $@ $<
$(O)/libconneg/all.o: $(CONNEG_OBJECTS) lib/conneg.h lib/rules.mk
	$(LD) -r --gc-sections $(CONNEG_NAMES:%=-u %) -o $@ $(CONNEG_OBJECTS)
	objcopy $(CONNEG_NAMES:%=--keep-global-symbol=%) $@
$(O)/libconneg.a: $(O)/libconneg/all.o
$(O)/$(CONNEG_FILE): $(CONNEG_OBJECTS) lib/conneg.map conf-ld
	$(COMPILE) -shared $(LINK_SAN) $(LD_FLAGS) $(if $(LINK_SAN),,-Wl$(comma)-z$(comma)defs) \
	    -Wl,-soname,$(CONNEG_SONAME) -Wl,--version-script=lib/conneg.map -o $@ $(CONNEG_OBJECTS)
all: $(O)/libconneg.a $(O)/$(CONNEG_FILE)
