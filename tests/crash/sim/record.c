/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/crash/sim/record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int
by_end(const void *a, const void *b)
{
	const struct op *x = a, *y = b;

	return x->end < y->end ? -1 : x->end > y->end;
}

static bool
is_record(const struct sys_rec *r, size_t left, uint64_t count)
{
	return r->len >= sizeof *r && r->len % 8 == 0 && r->len <= left && r->call < SYS_CALLS &&
	    r->begin < r->end && r->end < count &&
	    (uint64_t)sizeof *r + r->from_len + r->to_len + r->n <= r->len;
}

static void
record_take(struct record *r, const struct sys_rec *raw)
{
	const unsigned char *p = (const unsigned char *)(raw + 1);

	if (raw->error != 0)
		return;
	r->op[r->nop++] = (struct op){ .begin = raw->begin, .end = raw->end, .ino = raw->ino,
	    .dir = raw->dir, .to_dir = raw->to_dir, .off = raw->off, .flags = raw->flags,
	    .call = raw->call, .from = span_of(p, raw->from_len),
	    .to = span_of(p + raw->from_len, raw->to_len),
	    .data = span_of(p + raw->from_len + raw->to_len, raw->n) };
}

int
record_read(struct record *r, const void *octets, size_t size, struct err *e)
{
	const struct sys_record *head = octets;
	size_t at = sizeof *head, end;

	*r = (struct record){ .map = NULL };
	if (size < sizeof *head || memcmp(head->magic, "accordR", 8) != 0)
		return err_set(e, ERR_PERM, NULL, "no record of calls");
	if (head->next > size)
		return err_set(e, ERR_PERM, NULL, "the record was too small: %zu octets of %" PRIu64, size,
		    head->next);
	end = head->next < sizeof *head ? sizeof *head : (size_t)head->next;
	r->op = malloc(((end - at) / sizeof(struct sys_rec) + 1) * sizeof *r->op);
	if (r->op == NULL)
		return err_sys(e, "record");
	/* Who was killed while it wrote has left a hole. */
	while (at + sizeof(struct sys_rec) <= end) {
		const struct sys_rec *raw = (const void *)((const unsigned char *)octets + at);
		bool good = is_record(raw, end - at, head->count);

		if (good)
			record_take(r, raw);
		at += good ? raw->len : 8;
	}
	qsort(r->op, r->nop, sizeof *r->op, by_end);
	return 0;
}

int
record_open(struct record *r, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd == -1 || fstat(fd, &st) == -1)
		return err_sys(e, "%s", path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return err_sys(e, "%s", path);
	if (record_read(r, map, (size_t)st.st_size, e) == -1) {
		munmap(map, (size_t)st.st_size);
		return err_in(e, "%s", path);
	}
	r->map = map;
	r->size = (size_t)st.st_size;
	return 0;
}

void
record_close(struct record *r)
{
	if (r->map != NULL)
		munmap(r->map, r->size);
	free(r->op);
	*r = (struct record){ .map = NULL };
}
