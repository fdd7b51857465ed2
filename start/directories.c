/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* start/directories.c - what accord-ldap needs of files that root alone may read: a sealed copy. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fileio.h"
#include "lib/ipc.h"
#include "lib/ldapfile.h"
#include "start/place.h"

static int
sealed(struct span s, struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd = memfd_create("ldap", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd != -1 && fileio_write(fd, s, e) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0)
		return fd;
	err_sys(e, "directories: memory file");
	ipc_close_fds(&fd, 1);
	return -1;
}

int
place_directories(struct place *p, struct err *e)
{
	struct err inner = { 0 };
	struct buf all;
	int r;

	buf_init(&all, LDAPFILE_ALL);
	r = ldapfile_read(&p->conf, p->state_fd, &all, &inner);
	if (r == 0 && all.n > 0)
		r = p->directories_fd = sealed(buf_view(&all), &inner);
	if (all.p != NULL)
		explicit_bzero(all.p, all.cap);
	buf_free(&all);
	return r == -1 ? err_set(e, inner.kind, inner.dsn, "%s/%s", p->control, inner.what) : 0;
}
