# SPDX-License-Identifier: ISC
# make install [PREFIX=/usr/local] [DESTDIR=/somewhere]: programs, folders and, without DESTDIR, the
# accounts.  It changes no setting that is there.  See INSTALL.
CONTROL_DIR = $(DESTDIR)/etc/accord
STATE_DIR = $(DESTDIR)/var/lib/accord
BIN_DIR = $(DESTDIR)$(PREFIX)/bin
LIBEXEC_DIR = $(DESTDIR)$(PREFIX)/libexec/accord
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man

install: all man
	install -d -m 0755 $(BIN_DIR) $(LIBEXEC_DIR) $(CONTROL_DIR) $(STATE_DIR)
	install -m 0755 $(O)/accord $(BIN_DIR)/accord
	for p in $(filter-out accord,$(PROGRAMS)); do \
	  install -m 0755 $(O)/$$p $(LIBEXEC_DIR)/$$p || exit 1; done
	for m in $(MAN_OUT)/*.[1-9]; do \
	  install -D -m 0644 $$m $(MAN_DIR)/man$${m##*.}/$${m##*/} || exit 1; done
	$(if $(DESTDIR),,sh dist/accounts)
