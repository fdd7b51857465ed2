/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "expand/source.h"

#include <errno.h>
#include <unistd.h>

#include "lib/fileio.h"
#include "lib/mime.h"

enum { CHUNK = 65536 };

/* Octets [at, at+n) of the message.  -1: ERR_TEMP, or ERR_PERM 5.3.5 where it ends before. */
static int
read_at(int fd, void *to, size_t n, uint64_t at, struct err *e)
{
	unsigned char *p = to;

	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return err_sys(e, "message");
		if (got == 0)
			return err_set(e, ERR_PERM, "5.3.5", "the message ends too soon");
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int
read_header(struct source *s, struct err *e)
{
	size_t n = s->q.msg_len < SOURCE_HEADER ? (size_t)s->q.msg_len : SOURCE_HEADER;
	void *to = buf_room(&s->head, n, e);

	if (to == NULL || read_at(s->fd, to, n, 0, e) == -1)
		return -1;
	s->head.n = n;
	s->header = mime_message_header(buf_view(&s->head));
	return 0;
}

int
source_open(struct source *s, int fd, struct err *e)
{
	*s = (struct source){ .fd = fd };
	buf_init(&s->store, ENV_MAX);
	buf_init(&s->head, SOURCE_HEADER);
	if (qfile_open(fd, &s->q, e) == -1 || qfile_envelope(fd, &s->q, &s->store, &s->env, e) == -1)
		return -1;
	return read_header(s, e);
}

void
source_close(struct source *s)
{
	envelope_free(&s->env);
	buf_free(&s->store);
	buf_free(&s->head);
	s->header = span_of(NULL, 0);
}

int
source_copy(const struct source *s, int to, uint32_t *crc, struct err *e)
{
	static unsigned char chunk[CHUNK];
	uint32_t own = 0;

	for (uint64_t at = 0; at < s->q.msg_len;) {
		size_t n = s->q.msg_len - at < CHUNK ? (size_t)(s->q.msg_len - at) : CHUNK;

		if (read_at(s->fd, chunk, n, at, e) == -1 || fileio_write(to, span_of(chunk, n), e) == -1)
			return -1;
		own = crc32c(own, chunk, n);
		*crc = crc32c(*crc, chunk, n);
		at += n;
	}
	return own == s->q.msg_crc ? 0 : err_set(e, ERR_PERM, "5.3.5", "the message's checksum is wrong");
}
