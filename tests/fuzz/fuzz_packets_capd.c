/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_capd.c - sessions, their parents and control that say anything to capd
 * (tests/fuzz/hostile.h): an answer has the length that it says and follows a question, few of them wait
 * for who does not read, and an honest session is answered as ever.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capd/serve.h"
#include "lib/envelope.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ASKER, SMTPD, LOCAL, CONTROL, SIDES };

static const struct hostile_row question[] = { { MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 13 } };
static const struct hostile_row session[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };
static char features[200];		/* as the first answer says it */

static struct daemon d;
static struct capd capd;
static struct hostile h;

static void
open_side(struct hostile *x, size_t side)
{
	int fd = hostile_pair(x, side);
	struct err e;

	if (side != ASKER)
		d.peer(d.arg, side == SMTPD ? ROLE_SMTPD : side == LOCAL ? ROLE_LOCAL : ROLE_CONTROL, 1, fd);
	else if (capd_add_asker(&capd, fd, 1, &e) == -1)
		abort();
}

static void
check(const struct msg_cap *m, size_t len)
{
	assert(m->h.type == MSG_CAP && len == sizeof *m + m->len && m->features <= CAP_TEMP && m->known <= 2);
	assert((m->features == CAP_KNOWN) == (m->len > 0));
	if (features[0] == '\0' && m->len < sizeof features)
		memcpy(features, m + 1, m->len);
	assert(m->len == 0 || span_is(span_of(m + 1, m->len), features));
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	assert(side == ASKER || side == CONTROL);
	check((const void *)m, len);
}

/* The database of two addresses, compiled as `accord caps` does. */
static int
build(void)
{
	static const char text[] = "fax@example.com (&(color=Binary)(dpi=200))\nany@example.com any\n";
	char dir[] = "/dev/shm/accord-fuzz-XXXXXX";
	int in = memfd_create("caps", MFD_CLOEXEC), at, out;
	struct err e = { 0 };

	if (write(in, text, sizeof text - 1) != sizeof text - 1 || lseek(in, 0, SEEK_SET) != 0 ||
	    mkdtemp(dir) == NULL || (at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
	    capsdb_build(in, "caps", at, "caps.cdb", &e) == -1) {
		fprintf(stderr, "caps: %s\n", e.what);
		abort();
	}
	close(in);
	out = openat(at, "caps.cdb", O_RDONLY | O_CLOEXEC);
	(void)unlinkat(at, "caps.cdb", 0);
	close(at);
	(void)rmdir(dir);
	return out;
}

static void
set_up(void)
{
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	d.file[0] = (struct daemon_file){ "caps.cdb", build() };
	d.nfile = 1;
	d.settings = 1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_MAILBOXES, span_str("box@here.example maildir:m\n"), &e) == -1 ||
	    capd_open(&capd, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .file = -1, .open = open_side,
	    .heard = heard, .side = { { question, 1, -1, { 0 }, 0 }, { session, 1, -1, { 0 }, 0 },
	    { session, 1, -1, { 0 }, 0 }, { question, 1, -1, { 0 }, 0 } } };
}

static void
honest(const char *addr, uint32_t want_features, uint32_t want_known)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	struct { struct msg_cap_ask m; char addr[64]; } out = { { .want = CAP_WANT_FEATURES |
	    CAP_WANT_KNOWN, .addr_len = (uint32_t)strlen(addr) }, "" };
	const struct msg_cap *m = (const struct msg_cap *)(const void *)packet;
	struct err e;
	int pair[2], fds[MSG_FDS];
	size_t len;

	memcpy(out.addr, addr, strlen(addr));
	if (ipc_pair(pair, &e) == -1 || capd_add_asker(&capd, pair[1], 1, &e) == -1 ||
	    ipc_send(pair[0], &out.m.h, MSG_CAP_ASK, 5, sizeof out.m + strlen(addr), NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(recv(pair[0], packet, 1, MSG_PEEK | MSG_DONTWAIT) == 1);
	assert(ipc_recv(pair[0], packet, sizeof packet, &len, fds, &e) == 1 && m->h.id == 5);
	check(m, len);
	assert(m->features == want_features && m->known == want_known);
	close(pair[0]);
	hostile_turn(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	hostile_begin(&h);
	honest("fax@example.com", CAP_KNOWN, 0);
	hostile_run(&h, span_of(p, n));
	assert(capd.nasker <= 1 + HOSTILE_STEPS + SIDES);
	honest("fax@example.com", CAP_KNOWN, 0);
	honest("any@EXAMPLE.com", CAP_ANY, 0);
	honest("box@here.example", CAP_NONE, 1);
	for (int r = 0; r < ROLE_COUNT; r++)
		chan_close(&capd.parent[r]);
	hostile_end(&h);
	assert(capd.nasker == 0);
	return 0;
}
