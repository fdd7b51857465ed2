/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/userfile.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/confcheck.h"
#include "lib/fileio.h"

/* Hashes can be guessed at by who can read them; who can write them is everybody he likes. */
static int
closed(int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "passwd");
	if (!S_ISREG(st.st_mode) || st.st_mode & (S_IRWXO | S_IWGRP))
		return err_set(e, ERR_PERM, NULL, "passwd: expected a file that others can neither read nor write: mode 0600");
	return 0;
}

int
userfile_read(int control, struct buf *all, struct err *e)
{
	int fd = conf_open(control, "passwd", e), r;

	if (fd == -1)
		return e->kind == ERR_NONE ? 0 : -1;
	r = closed(fd, e);
	if (r == 0 && (fileio_read(fd, all, e) == -1 || passwd_check(buf_view(all), e) == -1))
		r = err_in(e, "passwd");
	close(fd);
	return r;
}
