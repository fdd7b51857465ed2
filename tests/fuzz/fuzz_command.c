/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_command.c - a session fed with anything, over a real socket, with queue and capd
 * away: every reply line is well formed and no longer than 512 octets, its enhanced code is of its
 * class, and each line of commands gets one reply, no more and no fewer, up to QUIT or a limit.
 */
#include <assert.h>
#include <stdlib.h>

#include "tests/fuzz/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct conf conf;
static struct session s;

static void
set_up(void)
{
	static bool done;
	struct err e;

	if (done)
		return;
	done = true;
	if (conf_init(&conf, &e) == -1 || conf_set(&conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&conf, CONF_RCPTHOSTS, span_str("example.com\n"), &e) == -1 ||
	    conf_set(&conf, CONF_LOCALS, span_str("# none\n"), &e) == -1)
		abort();
}

/* Octets may follow a line that has this word; the session may end before its input does. */
static bool
says_bdat(struct span in)
{
	for (size_t i = 0; i + 4 <= in.n; i++)
		if (span_isi(span_sub(in, i, i + 4), "BDAT"))
			return true;
	return false;
}

static bool
ends_early(struct span last)
{
	return memcmp(last.p, "221", 3) == 0 || memmem(last.p, last.n, "too many", 8) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct link l;
	size_t lines = 0, replies = 0;
	struct span got, last = span_of(NULL, 0);

	set_up();
	if (n > CLIENT_MAX)
		return 0;
	link_init(&l, -1, -1, -1);
	l.timeout_s = 1;
	s.conf = &conf;
	s.link = &l;
	got = client_talk(&s, span_of(p, n));
	while (client_reply(&got, &last) != 0)
		replies++;
	for (size_t i = 1; i < n; i++)
		lines += p[i] == '\n' && p[i - 1] == '\r';
	assert(replies >= 1 && replies <= 1 + lines + 1);	/* greeting; a 421 at the end */
	if (!says_bdat(span_of(p, n)) && !ends_early(last))
		assert(replies == 1 + lines + (memcmp(last.p, "421", 3) == 0));
	return 0;
}
