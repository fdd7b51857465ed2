/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/letter.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "bounce/report.h"

int
letter_open(int fd, struct letter *l, struct err *e)
{
	size_t n;
	void *map;

	*l = (struct letter){ .whole = false };
	buf_init(&l->store, ENV_MAX);
	if (qfile_open(fd, &l->q, e) == -1 || qfile_envelope(fd, &l->q, &l->store, &l->env, e) == -1 ||
	    qfile_slots(fd, &l->q, &l->slot, e) == -1)
		return -1;
	l->whole = l->env.ret == RET_FULL && l->q.msg_len <= REPORT_FULL_MAX;
	n = l->whole || l->q.msg_len < REPORT_HEADER_MAX ? (size_t)l->q.msg_len : REPORT_HEADER_MAX;
	if (n == 0)
		return 0;
	map = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "message");
	l->map = map;
	l->map_len = n;
	l->text = span_of(map, n);
	if (!l->whole)		/* nothing behind the header is looked at */
		l->text.n = report_header_end(l->text);
	return 0;
}

void
letter_close(struct letter *l)
{
	if (l->map != NULL)
		munmap(l->map, l->map_len);
	envelope_free(&l->env);
	buf_free(&l->store);
	free(l->slot);
	*l = (struct letter){ .whole = false };
}
