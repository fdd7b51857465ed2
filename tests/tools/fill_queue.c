/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/tools/fill_queue.c - fill_queue QUEUE N [RECIPIENTS]: N messages in a queue's folder, as
 * accord-queue would have written them, without the flushes.  Every fourth was tried once; the
 * recipients lie in a hundred domains.  Prints nothing; exit 1 when a file could not be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/qfile.h"

enum { FILL_RCPT = 100, FILL_DOMAINS = 100, FILL_NEXT_S = 3600 };

static int
fill_block(uint64_t number, uint32_t nrcpt, uint64_t arrival_us, struct buf *block, struct err *e)
{
	static char addr[FILL_RCPT][64];
	struct rcpt rcpt[FILL_RCPT] = { 0 };
	char sender[64];
	struct envelope env = { .client = span_str("client.example [192.0.2.1]"), .rcpt = rcpt,
	    .nrcpt = nrcpt, .arrival_us = arrival_us };

	snprintf(sender, sizeof sender, "sender%u@s%u.example", (unsigned)(number % 1000),
	    (unsigned)(number % 10));
	env.sender = span_str(sender);
	for (uint32_t i = 0; i < nrcpt; i++) {
		snprintf(addr[i], sizeof addr[i], "user%u@d%u.example", (unsigned)(number % 100000) + i,
		    (unsigned)((number + i) % FILL_DOMAINS));
		rcpt[i].addr = span_str(addr[i]);
	}
	buf_clear(block);
	return envelope_encode(&env, block, e);
}

static int
fill_file(int dir, const char *id, uint64_t number, uint32_t nrcpt, struct buf *block, struct err *e)
{
	char path[QID_SIZE + 4] = "", text[1200];
	struct slot tried = { .state = SLOT_QUEUED, .attempts = 1, .code = 451, .dsn = "4.2.1",
	    .text = "451 4.2.1 not now, please come again later" };
	uint64_t now = (uint64_t)clock_us();
	struct qfile q;
	int fd, n, r;

	qid_dir(id, path);
	if (mkdirat(dir, path, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", path);
	snprintf(path + 2, sizeof path - 2, "/%s", id);
	n = snprintf(text, sizeof text, "Received: from client.example\r\n\tid %s\r\nSubject: %llu\r\n\r\n"
	    "%900s\r\n", id, (unsigned long long)number, "x");
	if (fill_block(number, nrcpt, now, block, e) == -1)
		return -1;
	if ((fd = openat(dir, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return err_sys(e, "%s", path);
	r = write(fd, text, (size_t)n) != n ? err_sys(e, "%s", path) : 0;
	if (r == 0)
		r = qfile_finish(fd, (uint64_t)n, crc32c(0, text, (size_t)n), buf_view(block), nrcpt, &q, e);
	tried.last_us = now;
	tried.next_us = now + FILL_NEXT_S * UINT64_C(1000000);
	if (r == 0 && number % 4 == 0)
		r = qfile_mark(fd, &q, 0, &tried, e);
	close(fd);
	return r;
}

int
main(int argc, char **argv)
{
	uint64_t n = 0, nrcpt = 1;
	struct qid_maker maker = { 0 };
	struct err e = { 0 };
	struct buf block;
	int dir;

	if (argc < 3 || !span_u64(span_str(argv[2]), 100000000, &n) ||
	    (argc > 3 && !span_u64(span_str(argv[3]), FILL_RCPT, &nrcpt)) || nrcpt == 0) {
		fprintf(stderr, "usage: fill_queue QUEUE N [RECIPIENTS]\n");
		return 64;
	}
	if ((dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return perror(argv[1]), 1;
	buf_init(&block, ENV_MAX);
	for (uint64_t i = 0; i < n; i++) {
		char id[QID_SIZE];

		qid_make(&maker, (uint64_t)clock_us(), id);
		if (fill_file(dir, id, i, (uint32_t)nrcpt, &block, &e) == -1) {
			fprintf(stderr, "fill_queue: %s\n", e.what);
			return 1;
		}
	}
	buf_free(&block);
	return 0;
}
