/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/ldapfile.h - the passwords and authorities of all directories that settings name, as one memory file: the
 * supervisor reads them as root, accord-ldap gets them.  In the order of ldaplines_of().
 */
#ifndef LIB_LDAPFILE_H
#define LIB_LDAPFILE_H

#include "lib/ldapline.h"

enum { LDAPFILE_PASSWORD = 1024, LDAPFILE_CA = 8 << 20, LDAPFILE_ALL = 16 << 20 };

/*
 * Reads the files; paths lie below dir_fd.  A password is its file's first line.  -1: ERR_PERM "capsources:LINE: ..." or
 * "recipients:LINE: ...": one that others may read too, or that is not there.
 */
int ldapfile_read(const struct conf *c, int dir_fd, struct buf *out, struct err *e);

/* What the i'th directory needs; spans of file, empty: nothing.  -1: no such file. */
struct ldap_secrets { struct span password, ca; };
int ldapfile_get(struct span file, uint32_t i, struct ldap_secrets *out, struct err *e);

#endif
