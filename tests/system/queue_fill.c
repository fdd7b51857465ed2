/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * queue_fill QUEUE N ADDRESS SENDER [DEAD-SECONDS DEST [OCTETS]] - writes N messages for ADDRESS into a
 * queue's folder while no accord runs on it, as if they had been accepted: a backlog for tests and
 * measurements.  A %u in either address is the message's number.  With DEAD-SECONDS over 0 the first one was
 * tried, and nobody was reached at the destination DEST, and it is due in that time.  OCTETS is a message's
 * size, filled up with lines of text.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/qfile.h"

enum { TEXT_MAX = 1 << 20 };

static const char head[] = "Received: from client.example (client.example [192.0.2.1])\r\n"
    "From: <a@client.example>\r\nSubject: one of many\r\n\r\nhello\r\n";
static char text[TEXT_MAX];
static size_t text_len;

static void
text_make(size_t octets)
{
	static const char line[] = "There is more where this came from, and it says the same again.\r\n";

	memcpy(text, head, sizeof head - 1);
	for (text_len = sizeof head - 1; text_len + sizeof line - 1 <= octets; text_len += sizeof line - 1)
		memcpy(text + text_len, line, sizeof line - 1);
}

static int
fail(const char *what, const struct err *e)
{
	fprintf(stderr, "queue_fill: %s: %s\n", what, e->what);
	return 1;
}

/* An address with its %u replaced. */
static void
number_put(const char *pattern, unsigned n, char out[ENV_MAX_PATH])
{
	const char *at = strstr(pattern, "%u");

	if (at == NULL)
		snprintf(out, ENV_MAX_PATH, "%s", pattern);
	else
		snprintf(out, ENV_MAX_PATH, "%.*s%u%s", (int)(at - pattern), pattern, n, at + 2);
}

static int
message_block(const char *address, const char *sender, struct buf *block, struct err *e)
{
	struct rcpt rcpt = { .addr = span_str(address) };
	struct envelope env = { .sender = span_str(sender),
	    .client = span_str("client.example [192.0.2.1]"), .arrival_us = (uint64_t)clock_us(),
	    .rcpt = &rcpt, .nrcpt = 1 };

	buf_init(block, ENV_MAX);
	return envelope_encode(&env, block, e);
}

static int
message_write(int dirfd, const char *id, struct span block, int dead_s, const char *dest,
    struct err *e)
{
	struct slot s = { .state = SLOT_QUEUED, .attempts = 1, .dead = qfile_dest(dest),
	    .dsn = "4.4.1", .text = "connect: Connection refused", .last_us = (uint64_t)clock_us(),
	    .next_us = (uint64_t)(clock_us() + (int64_t)dead_s * 1000000) };
	char path[4 + QID_SIZE], dir[3];
	struct qfile q;
	int fd, r;

	qid_dir(id, dir);
	(void)mkdirat(dirfd, dir, 0750);
	snprintf(path, sizeof path, "%s/%s", dir, id);
	fd = openat(dirfd, path, O_RDWR | O_CREAT | O_EXCL, 0640);
	if (fd == -1)
		return err_sys(e, "%s", path);
	r = pwrite(fd, text, text_len, 0) != (ssize_t)text_len ? err_sys(e, "write") :
	    qfile_finish(fd, text_len, crc32c(0, text, text_len), block, 1, &q, e);
	if (r == 0 && dead_s > 0)
		r = qfile_mark(fd, &q, 0, &s, e);
	close(fd);
	return r;
}

int
main(int argc, char **argv)
{
	static struct qid_maker ids;
	char id[QID_SIZE], address[ENV_MAX_PATH], sender[ENV_MAX_PATH];
	struct err e = { 0 };
	int dirfd;

	if (argc < 5 || argc == 6) {
		fprintf(stderr, "usage: queue_fill QUEUE N ADDRESS SENDER [DEAD-SECONDS DEST [OCTETS]]\n");
		return 2;
	}
	if (argc > 7 && (atoi(argv[7]) < 0 || atoi(argv[7]) > TEXT_MAX))
		return fail("OCTETS", (err_set(&e, ERR_PERM, NULL, "too many"), &e));
	text_make(argc > 7 ? (size_t)atoi(argv[7]) : 0);
	(void)mkdir(argv[1], 0750);
	dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1)
		return fail(argv[1], (err_sys(&e, "open"), &e));
	for (unsigned i = 0; i < (unsigned)atoi(argv[2]); i++) {
		struct buf block;

		number_put(argv[3], i, address);
		number_put(argv[4], i, sender);
		qid_make(&ids, (uint64_t)clock_us(), id);
		if (message_block(address, sender, &block, &e) == -1 ||
		    message_write(dirfd, id, buf_view(&block), i == 0 && argc > 6 ? atoi(argv[5]) : 0,
		    argc > 6 ? argv[6] : "", &e) == -1)
			return fail(id, &e);
		if (i == 0)
			printf("%s\n", id);
		buf_free(&block);
	}
	return 0;
}
