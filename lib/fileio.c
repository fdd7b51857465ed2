/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/fileio.h"

#include <errno.h>
#include <unistd.h>

enum { CHUNK = 65536 };		/* octets read at once */

int
fileio_write(int fd, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return err_sys(e, "write");
		s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

int
fileio_read(int fd, struct buf *out, struct err *e)
{
	size_t from = out->n;
	ssize_t n = 1;

	while (n != 0) {
		void *p = buf_room(out, CHUNK, e);

		if (p == NULL)
			return -1;
		n = pread(fd, p, CHUNK, (off_t)(out->n - from));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "read");
		out->n += (size_t)n;
	}
	return 0;
}
