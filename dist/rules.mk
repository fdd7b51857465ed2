# SPDX-License-Identifier: ISC
# make install [PREFIX=/usr/local] [DESTDIR=/somewhere]: programs, folders and, without DESTDIR, the
# accounts.  It changes no setting that is there.  See INSTALL.
CONTROL_DIR = $(DESTDIR)/etc/accord
STATE_DIR = $(DESTDIR)/var/lib/accord
SBIN_DIR = $(DESTDIR)$(PREFIX)/sbin
BIN_DIR = $(DESTDIR)$(PREFIX)/bin
LIBEXEC_DIR = $(DESTDIR)$(PREFIX)/libexec/accord
MAN_DIR = $(DESTDIR)$(PREFIX)/share/man

install: all man install-conneg
	install -d -m 0755 $(BIN_DIR) $(SBIN_DIR) $(LIBEXEC_DIR) $(CONTROL_DIR) $(STATE_DIR)
	install -m 0755 $(O)/accord $(BIN_DIR)/accord
	ln -sf ../bin/accord $(SBIN_DIR)/sendmail
	ln -sf accord $(BIN_DIR)/mailq
	ln -sf accord $(BIN_DIR)/newaliases
	for p in $(filter-out accord,$(PROGRAMS)); do \
	  install -m 0755 $(O)/$$p $(LIBEXEC_DIR)/$$p || exit 1; done
	for m in $(MAN_OUT)/*.[1-9]; do \
	  install -D -m 0644 $$m $(MAN_DIR)/man$${m##*.}/$${m##*/} || exit 1; done
	$(if $(DESTDIR),,sh dist/accounts)

# libconneg alone, for those who want no mail server.
INCLUDE_DIR = $(DESTDIR)$(PREFIX)/include
LIB_DIR = $(DESTDIR)$(PREFIX)/lib
install-conneg: $(O)/libconneg.a $(O)/$(CONNEG_FILE)
	install -d -m 0755 $(INCLUDE_DIR) $(LIB_DIR)/pkgconfig $(MAN_DIR)/man3
	install -m 0644 lib/conneg.h $(INCLUDE_DIR)/conneg.h
	install -m 0644 $(O)/libconneg.a $(LIB_DIR)/libconneg.a
	install -m 0755 $(O)/$(CONNEG_FILE) $(LIB_DIR)/$(CONNEG_FILE)
	ln -sf $(CONNEG_FILE) $(LIB_DIR)/$(CONNEG_SONAME)
	ln -sf $(CONNEG_FILE) $(LIB_DIR)/libconneg.so
	sed 's,@PREFIX@,$(PREFIX),; s,@VERSION@,$(VERSION),' lib/libconneg.pc.in >$(LIB_DIR)/pkgconfig/libconneg.pc
	install -m 0644 man/libconneg.3 $(MAN_DIR)/man3/libconneg.3
