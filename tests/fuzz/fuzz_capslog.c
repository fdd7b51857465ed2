/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * A file of any octets behind its header.  What capslog_open finds is what a plain reading of the format finds, the
 * last record of each key; what it cuts off was no record; a second opening finds the same.  A new entry is
 * there after the next one, with all others, and after so many that the file is written anew.  The first octet's
 * lowest bit: the records' checksums are put right first, or few would pass.
 */
#include "lib/capslog.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/qfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { HEADER = 16, RECORD = 32, MOST = 64 };

static char top[] = "/dev/shm/accord-fuzz-XXXXXX";
static int dir;
static struct capslog c;

static void
clear(void)
{
	(void)unlinkat(dir, "entries", 0);
	(void)rmdir(top);
}

static void
set_up(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	if (mkdtemp(top) == NULL || (dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || atexit(clear) != 0)
		abort();
}

static uint32_t
number(const unsigned char *p, int octets)
{
	uint32_t v = 0;

	for (int i = octets; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

/* The length of what looks like a record, but for its checksum; 0. */
static size_t
looks_like_one(const unsigned char *p, size_t left)
{
	size_t key, text, len;

	if (left < RECORD || number(p, 4) != 0x43634143)
		return 0;
	len = number(p + 8, 4);
	text = number(p + 24, 4);
	key = number(p + 28, 2);
	return key > 0 && key <= CAPSLOG_KEY && text <= CAPSLOG_TEXT && len <= left && p[31] <= CAP_ANY &&
	    len == (RECORD + key + text + 7) / 8 * 8 ? len : 0;
}

static uint32_t
sum_of(const unsigned char *p, size_t len)
{
	return crc32c(0, p + 8, len - 8);
}

static void
put_right(unsigned char *p, size_t n)
{
	for (size_t at = HEADER; at < n; at += 8) {
		size_t len = looks_like_one(p + at, n - at);

		if (len > 0)
			for (int i = 0; i < 4; i++)
				p[at + 4 + (size_t)i] = (unsigned char)(sum_of(p + at, len) >> 8 * i);
	}
}

static struct { const unsigned char *p; size_t len; } record[MOST];
static size_t nrecord, whole;		/* whole: where the last one ends */

static void
read_plainly(const unsigned char *p, size_t n)
{
	nrecord = 0;
	whole = HEADER;
	for (size_t at = HEADER; at < n;) {
		size_t len = looks_like_one(p + at, n - at);

		if (len == 0 || sum_of(p + at, len) != number(p + at + 4, 4)) {
			at += 8;
			continue;
		}
		if (nrecord == MOST)
			return;
		record[nrecord].p = p + at;
		record[nrecord++].len = len;
		at += len;
		whole = at;
	}
}

static struct span
key_of(size_t i)
{
	return span_of(record[i].p + RECORD, number(record[i].p + 28, 2));
}

/* The last word of each key is what is known of it. */
static void
compare(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < nrecord; i++) {
		struct cap_entry v;
		size_t last = i;
		int r;

		for (size_t k = i + 1; k < nrecord; k++)
			if (record[k].p[30] == record[i].p[30] && span_eq(key_of(k), key_of(i)))
				last = k;
		r = capslog_get(&c, record[i].p[30], key_of(i), 0, &v);
		assert(r == (record[last].p[31] != CAP_NONE));
		if (r == 1)
			assert(v.state == record[last].p[31] && v.ttl_s == number(record[last].p + 12, 4) &&
			    span_eq(v.text, span_of(record[last].p + RECORD + key_of(last).n,
			    number(record[last].p + 24, 4))));
		n += r == 1 && last == i;
	}
	assert(c.n == n);
}

static void
open_again(void)
{
	struct err e;
	uint32_t n = c.n;
	uint64_t live = c.live, end = c.end;

	capslog_close(&c);
	assert(capslog_open(&c, dir, "entries", &e) == 0);
	assert(c.n == n && c.live == live && c.end == end && c.cut == 0);
}

static void
put_more(void)
{
	static unsigned char text[30000];
	struct cap_entry v = { SOURCE_OWN, CAP_KNOWN, { text, sizeof text }, 0, 0 }, got;
	struct span key = span_str("one@more.example");
	struct err e;
	uint32_t n = c.n;

	for (int i = 0; i < 4; i++) {
		text[0] = (unsigned char)i;
		v.since_s = (uint64_t)i;
		assert(capslog_put(&c, key, &v, UINT32_MAX, &e) == 0);
		assert(capslog_get(&c, SOURCE_OWN, key, 0, &got) == 1 && span_eq(got.text, v.text));
	}
	assert(c.n == n || c.n == n + 1 || n > c.n);	/* those whose time is over go when it is written anew */
	open_again();
	assert(capslog_get(&c, SOURCE_OWN, key, 0, &got) == 1 && span_eq(got.text, v.text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char header[HEADER] = "accord caps 1\n";
	unsigned char *all = malloc(HEADER + n);
	size_t len = HEADER + (n == 0 ? 0 : n - 1);
	struct err e;
	int fd;

	set_up();
	if (all == NULL)
		abort();
	memcpy(all, header, HEADER);
	if (n > 1)
		memcpy(all + HEADER, p + 1, n - 1);
	if (n > 0 && p[0] & 1)
		put_right(all, len);
	fd = openat(dir, "entries", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, all, len) != (ssize_t)len || capslog_open(&c, dir, "entries", &e) == -1)
		abort();
	read_plainly(all, len);
	if (nrecord < MOST) {
		compare();
		assert(c.end == whole && c.cut == len - whole && lseek(fd, 0, SEEK_END) == (off_t)whole);
	}
	open_again();
	put_more();
	capslog_close(&c);
	close(fd);
	free(all);
	return 0;
}
