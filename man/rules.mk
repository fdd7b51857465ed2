# SPDX-License-Identifier: ISC
# The manual: man/NAME.N as they are, and what man/generate.c makes from the tables of settings and
# log lines.  All of it stands in build/manual after `make man`.
MAN_OUT = $(O)/manual
# the folders too: a text that is gone is a change
MAN_TEXTS = man/. man/setting $(wildcard man/*.[1-9] man/*.in man/setting/* man/log-*)
$(O)/generate: $(O)/man/generate.o $(O)/lib.a
	$(LINK) -o $@ $^ $(LIB_LIBS)
$(MAN_OUT)/.made: $(O)/generate $(MAN_TEXTS)
	@mkdir -p $(MAN_OUT)
	@rm -f $(MAN_OUT)/*.[1-9]
	$(O)/generate settings man $(MAN_OUT)
	$(O)/generate log man $(MAN_OUT)
	$(O)/generate figures man $(MAN_OUT)
	cp man/*.[1-9] $(MAN_OUT)
	@touch $@
man: $(MAN_OUT)/.made
.PHONY: man
