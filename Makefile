# SPDX-License-Identifier: ISC
# The only Makefile; each folder adds a rules.mk.  Choices live in conf-*.
#
#   make              everything, in build/
#   make SAN=1        the same under AddressSanitizer and UBSan, in build-san/
#   make check        unit and system tests
#   make crash        the programs over the layer of the crash and fault tests, in build-crash/
#   make install      see INSTALL
COMPILE ?= $(shell head -n 1 conf-cc)
LD_FLAGS ?= $(shell head -n 1 conf-ld)
PREFIX ?= /usr/local
DESTDIR ?=
VERSION = 0.1

WARN = -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wno-format-zero-length -Werror
HARDEN = -fPIE -fstack-protector-strong -fstack-clash-protection -ffunction-sections -fdata-sections
DEFINES = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DACCORD_VERSION='"$(VERSION)"' \
	-DACCORD_PREFIX='"$(PREFIX)"'
ifdef SAN
O = build-san
HARDEN += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DACCORD_SAN
LINK_SAN = -fsanitize=address,undefined
else
O = build
HARDEN += -D_FORTIFY_SOURCE=2
endif
CFLAGS_ALL = $(WARN) $(HARDEN) $(DEFINES) -I. -I$(O)
LINK = $(COMPILE) -pie $(LINK_SAN) $(LD_FLAGS)

comma = ,

all:

# objects FOLDER: the objects of a folder's sources, but not of its main.c
objects = $(patsubst %.c,$(O)/%.o,$(filter-out $(1)/main.c,$(sort $(wildcard $(1)/*.c))))

# program FOLDER,NAME,LIBRARIES: build/NAME from FOLDER/main.c, FOLDER's archive and lib's
define program
$(O)/$(1).a: $(call objects,$(1))
$(O)/$(2): $(O)/$(1)/main.o $(O)/$(1).a $(O)/lib.a
	$$(LINK) -o $$@ $$^ $(3)
all: $(O)/$(2)
PROGRAMS += $(2)
FOLDER_$(2) = $(1)
LIBS_$(2) = $(3)
endef

include lib/rules.mk $(filter-out lib/rules.mk,$(sort $(wildcard */rules.mk)))

$(O)/lib.a: $(call objects,lib)
$(O)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^
$(O)/%.o: %.c conf-cc Makefile | $(O)/.libraries
	@mkdir -p $(@D)
	$(COMPILE) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# One clear line for each library that is missing, once per build folder.
$(O)/.libraries: dist/libraries
	@mkdir -p $(O)
	@sh dist/check-libraries "$(COMPILE)"
	@touch $@

clean:
	rm -rf build build-san build-crash

-include $(shell find $(O) -name peers -prune -o -name '*.d' -type f -print 2>/dev/null)
.PHONY: all clean check check-unit check-system check-long install install-conneg
.DELETE_ON_ERROR:
.SECONDARY:
