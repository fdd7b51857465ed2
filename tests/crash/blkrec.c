/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/blkrec.c - a disk that remembers: a FUSE file system of two files.
 *	blkrec MOUNTPOINT IMAGE LOG FLUSHES
 *	    disk    IMAGE's octets, for a loop device (with direct I/O, or the page cache would stand
 *	            between); every write and fsync of it is appended to LOG (blk.h)
 *	    ledger  what is written to it goes to LOG as a note; it reads as empty
 * After so many flushes behind the first note the power fails: every call gets EIO and nothing more is
 * recorded.  It ends when it is unmounted.
 *
 * Writes are done at once, but told to be done only after HOLD_NS, one in eight after SLOW_NS.  A flush
 * that comes meanwhile does not cover them, as on a disk with a queue: who does not wait for what he
 * wrote before he has it flushed is found out.
 */
#define FUSE_USE_VERSION 34
#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/blk.h"

enum { INO_DISK = 2, INO_LEDGER = 3, HOLD_NS = 200000, SLOW_NS = 20000000,
	HELD_MAX = 512, READ_MAX = 1 << 20 };

struct held { fuse_req_t req; uint64_t off; size_t len; char *data; int64_t due_ns; };

static struct disk {
	int image_fd;
	FILE *log;
	uint64_t size;
	unsigned long flushes, flushes_max, writes;	/* flushes: since the first note */
	struct held held[HELD_MAX];	/* done, but not told yet */
	unsigned nheld, random;
	bool noted, off;		/* off: the power failed */
} d;

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "blkrec: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
record(enum blk_kind kind, uint64_t off, const char *data, size_t len)
{
	static const char zero[8];
	struct blk_rec r = { off, (uint32_t)len, kind };
	size_t pad = blk_room(r.len) - sizeof r - len;

	must(fwrite(&r, sizeof r, 1, d.log) == 1 && fwrite(data, 1, len, d.log) == len &&
	    fwrite(zero, 1, pad, d.log) == pad, "log");
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
tell(struct held *h)
{
	if (!d.off) {
		record(BLK_WRITE, h->off, h->data, h->len);
		d.writes++;
		fuse_reply_write(h->req, h->len);
	} else {
		fuse_reply_err(h->req, EIO);
	}
	free(h->data);
}

/* Those that are due by then; the next one's time, or -1: none is left. */
static int64_t
tell_due(int64_t ns)
{
	int64_t next_ns = -1;
	unsigned kept = 0;

	for (unsigned i = 0; i < d.nheld; i++) {
		struct held *h = &d.held[i];

		if (h->due_ns <= ns) {
			tell(h);
			continue;
		}
		if (next_ns == -1 || h->due_ns < next_ns)
			next_ns = h->due_ns;
		d.held[kept++] = *h;
	}
	d.nheld = kept;
	return next_ns;
}

static bool
entry_stat(fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino, .st_nlink = 1, .st_mode = S_IFREG | 0600 };
	if (ino == FUSE_ROOT_ID)
		st->st_mode = S_IFDIR | 0700;
	else if (ino == INO_DISK)
		st->st_size = (off_t)d.size;
	return ino <= INO_LEDGER;
}

static void
on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { .attr_timeout = 60, .entry_timeout = 60 };

	(void)parent;
	e.ino = strcmp(name, "disk") == 0 ? INO_DISK : INO_LEDGER;
	if (e.ino == INO_LEDGER && strcmp(name, "ledger") != 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	entry_stat(e.ino, &e.attr);
	fuse_reply_entry(req, &e);
}

static void
on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	if (entry_stat(ino, &st))
		fuse_reply_attr(req, &st, 60);
	else
		fuse_reply_err(req, ENOENT);
}

static void
on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void
on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	static char to[READ_MAX];
	ssize_t n;

	(void)fi;
	n = ino == INO_LEDGER ? 0 : pread(d.image_fd, to, size < READ_MAX ? size : READ_MAX, off);
	if (n == -1 || d.off)
		fuse_reply_err(req, EIO);
	else
		fuse_reply_buf(req, to, (size_t)n);
}

static void
on_write(fuse_req_t req, fuse_ino_t ino, const char *p, size_t n, off_t off, struct fuse_file_info *fi)
{
	struct held *h = &d.held[d.nheld];

	(void)fi;
	if (d.off || (ino == INO_DISK && ((uint64_t)off + n > d.size || n % BLK_SECTOR != 0))) {
		fuse_reply_err(req, EIO);
		return;
	}
	if (ino == INO_LEDGER) {
		record(BLK_NOTE, 0, p, n);
		d.noted = true;
		fuse_reply_write(req, n);
		return;
	}
	d.random = d.random * 1103515245 + 12345;
	*h = (struct held){ req, (uint64_t)off, n, malloc(n), now_ns() +
	    (d.random >> 16 & 7 ? HOLD_NS : SLOW_NS) };
	must(h->data != NULL && pwrite(d.image_fd, p, n, off) == (ssize_t)n, "image");
	memcpy(h->data, p, n);
	if (++d.nheld == HELD_MAX)
		tell_due(INT64_MAX);
}

static void
on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync, (void)fi;
	if (ino == INO_DISK && !d.off) {
		record(BLK_FLUSH, 0, NULL, 0);
		d.flushes += d.noted;
		d.off = d.flushes == d.flushes_max;
	}
	fuse_reply_err(req, d.off ? EIO : 0);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = on_lookup, .getattr = on_getattr, .open = on_open, .read = on_read,
	.write = on_write, .fsync = on_fsync,
};

static void
serve(struct fuse_session *se)
{
	struct pollfd p = { .fd = fuse_session_fd(se), .events = POLLIN };
	struct fuse_buf buf = { 0 };

	while (!fuse_session_exited(se)) {
		int64_t now = now_ns(), next = tell_due(now);
		struct timespec wait = { 0, next - now };
		int r = ppoll(&p, 1, next == -1 ? NULL : &wait, NULL);

		if (r == 0)
			continue;
		if (r == -1 || fuse_session_receive_buf(se, &buf) <= 0)
			break;
		fuse_session_process_buf(se, &buf);
	}
	tell_due(INT64_MAX);
	free(buf.mem);
}

int
main(int argc, char **argv)
{
	char name[] = "blkrec";
	char *words[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, words);
	struct fuse_session *se;
	struct stat st;

	if (argc != 5) {
		fprintf(stderr, "blkrec MOUNTPOINT IMAGE LOG FLUSHES\n");
		return 2;
	}
	d.image_fd = open(argv[2], O_RDWR | O_CLOEXEC);
	d.log = fopen(argv[3], "we");
	d.flushes_max = strtoul(argv[4], NULL, 10);
	must(d.image_fd != -1 && fstat(d.image_fd, &st) == 0 && d.log != NULL, argv[2]);
	d.size = (uint64_t)st.st_size;
	se = fuse_session_new(&args, &ops, sizeof ops, NULL);
	must(se != NULL && fuse_set_signal_handlers(se) == 0 && fuse_session_mount(se, argv[1]) == 0,
	    argv[1]);
	serve(se);
	fuse_session_unmount(se);
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	must(fclose(d.log) == 0, argv[3]);
	printf("%lu writes, %lu flushes\n", d.writes, d.flushes);
	return 0;
}
