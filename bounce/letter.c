/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/letter.h"

#include <stdlib.h>
#include <unistd.h>

#include "bounce/report.h"
#include "lib/headedit.h"

/*
 * The first n octets.  Read and not mapped: a sector that cannot be read would end the process.  The checksum
 * is of all of them.
 */
static bool
text_read(int fd, const struct qfile *q, unsigned char *to, size_t n)
{
	struct err e;

	if (n == q->msg_len)
		return qfile_message(fd, q, to, &e) == 0;
	return pread(fd, to, n, 0) == (ssize_t)n;
}

/* As its recipients get it, with the header edits that lie in what was read. */
static int
text_edit(struct letter *l, struct err *e)
{
	struct buf out;

	buf_init(&out, l->text.n + HEADEDIT_OCTETS);
	if (headedit_apply(l->env.edits, l->text, true, &out, e) == -1) {
		buf_free(&out);
		return -1;
	}
	free(l->octets);
	l->octets = buf_take(&out, &l->text.n);
	l->text.p = l->octets;
	return 0;
}

int
letter_open(int fd, struct letter *l, struct err *e)
{
	size_t n;

	*l = (struct letter){ .whole = false };
	buf_init(&l->store, ENV_MAX);
	if (qfile_open(fd, &l->q, e) == -1 || qfile_envelope(fd, &l->q, &l->store, &l->env, e) == -1 ||
	    qfile_slots(fd, &l->q, &l->slot, e) == -1)
		return -1;
	l->whole = l->env.ret == RET_FULL && l->q.msg_len <= REPORT_FULL_MAX;
	n = l->whole || l->q.msg_len < REPORT_HEADER_MAX ? (size_t)l->q.msg_len : REPORT_HEADER_MAX;
	if (n == 0)
		return 0;
	l->octets = malloc(n);
	if (l->octets == NULL)
		return err_sys(e, "message");
	l->lost = !text_read(fd, &l->q, l->octets, n);
	l->whole &= !l->lost;
	l->text = span_of(l->octets, l->lost ? 0 : n);
	if (!l->lost && l->env.edits.n > 0 && text_edit(l, e) == -1)
		return -1;
	if (!l->whole)		/* nothing behind the header is looked at */
		l->text.n = report_header_end(l->text);
	return 0;
}

void
letter_close(struct letter *l)
{
	envelope_free(&l->env);
	buf_free(&l->store);
	free(l->slot);
	free(l->octets);
	*l = (struct letter){ .whole = false };
}
