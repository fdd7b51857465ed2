/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A file that qfile_open takes has everything within its length, message, envelope, slots and footer
 * one behind the other; its slots can be read and marked, and a mark changes no octet outside of its
 * slot.  The footer's checksum is put right first, or nothing would pass.
 */
#include "lib/qfile.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned char *
read_all(int fd, size_t n)
{
	unsigned char *all = malloc(n);

	if (all == NULL)
		abort();
	assert(pread(fd, all, n, 0) == (ssize_t)n);
	return all;
}

static void
check_slots(int fd, const struct qfile *q)
{
	size_t n = (size_t)q->file_len, at = (size_t)(q->slots_off + (q->nslot - 1) * (uint64_t)QFILE_SLOT);
	unsigned char *before = read_all(fd, n), *after;
	const struct slot mark = { .state = SLOT_DELIVERED, .attempts = 9 };
	struct slot *s;
	struct err e;

	assert(qfile_slots(fd, q, &s, &e) == 0);
	for (uint32_t i = 0; i < q->nslot; i++)
		assert(s[i].state < SLOT_STATES && memchr(s[i].text, '\0', sizeof s[i].text) != NULL &&
		    memchr(s[i].dsn, '\0', sizeof s[i].dsn) != NULL);
	free(s);
	assert(qfile_mark(fd, q, q->nslot - 1, &mark, &e) == 0);
	assert(qfile_slots(fd, q, &s, &e) == 0);
	assert(s[q->nslot - 1].state == SLOT_DELIVERED && s[q->nslot - 1].attempts == 9);
	free(s);
	after = read_all(fd, n);
	assert(memcmp(before, after, at) == 0);
	at += QFILE_SLOT;
	assert(at <= n && memcmp(before + at, after + at, n - at) == 0);
	free(before);
	free(after);
}

/* All at once is what one after the other is. */
static void
check_load(int fd, const struct qfile *q, bool right)
{
	struct qfile all;
	struct envelope env;
	struct buf store;
	struct slot *s = NULL, *one;
	struct err e;
	int r;

	buf_init(&store, ENV_MAX);
	r = qfile_load(fd, &all, &store, &env, &s, &e);
	assert((r == 0) == right && memcmp(&all, q, sizeof all) == 0);
	if (r == 0) {
		assert(qfile_slots(fd, q, &one, &e) == 0);
		for (uint32_t i = 0; i < q->nslot; i++)
			assert(s[i].state == one[i].state && s[i].next_us == one[i].next_us &&
			    strcmp(s[i].text, one[i].text) == 0);
		free(one);
		free(s);
		envelope_free(&env);
	}
	buf_free(&store);
}

static void
check_file(int fd, size_t n)
{
	struct qfile q, again;
	struct envelope env;
	struct buf store;
	struct err e = { 0 };
	bool whole;
	int right;

	if (qfile_open(fd, &q, &e) == -1) {
		assert(e.kind == ERR_PERM);
		return;
	}
	assert(q.file_len == n && q.msg_len <= n && q.env_len <= n && q.slots_off <= n);
	assert(q.env_off == q.msg_len && q.env_len <= q.slots_off - q.env_off && q.nslot > 0);
	assert(q.slots_off + q.nslot * (uint64_t)QFILE_SLOT + QFILE_FOOTER == n);
	right = qfile_check(fd, &q, &e);
	assert(right != -1);
	buf_init(&store, ENV_MAX);
	whole = qfile_envelope(fd, &q, &store, &env, &e) == 0;
	if (whole) {
		assert(env.nrcpt == q.nslot);
		envelope_free(&env);
	}
	buf_free(&store);
	check_load(fd, &q, whole);
	check_slots(fd, &q);
	assert(qfile_open(fd, &again, &e) == 0 && memcmp(&q, &again, sizeof q) == 0);
	assert(qfile_check(fd, &q, &e) == right);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	unsigned char crc[4];
	uint32_t c;

	assert(fd != -1 && write(fd, p, n) == (ssize_t)n);
	if (n >= QFILE_FOOTER) {
		c = crc32c(0, p + n - QFILE_FOOTER, QFILE_FOOTER - 4);
		for (int i = 0; i < 4; i++)
			crc[i] = (unsigned char)(c >> 8 * i);
		assert(pwrite(fd, crc, 4, (off_t)n - 4) == 4);
	}
	check_file(fd, n);
	close(fd);
	return 0;
}
