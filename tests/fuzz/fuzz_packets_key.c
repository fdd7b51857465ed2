/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_key.c - smtpd's parent and two of its sessions that say anything to key
 * (tests/fuzz/hostile.h): each request has one answer, a signature is of what a TLS server signs and no longer
 * than it may be, what is recalled is what was kept, in bounds; an honest session behind all that has a signature.
 */
#include <assert.h>
#include <stdlib.h>

#include "key/serve.h"
#include "lib/clock.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int __wrap_sign_text(EVP_PKEY *key, uint32_t hash, bool pss, struct span text, unsigned char *sig, size_t *n,
    struct err *e);
int __real_sign_text(EVP_PKEY *key, uint32_t hash, bool pss, struct span text, unsigned char *sig, size_t *n,
    struct err *e);

enum { PARENT, ONE, OTHER, SIDES };

static const struct hostile_row from_parent[] = { { MSG_SESSION, sizeof(struct msg_hdr) } };
static const struct hostile_row from_session[] = { { MSG_SIGN, sizeof(struct msg_sign) },
    { MSG_KEEP, sizeof(struct msg_kept) }, { MSG_RECALL, sizeof(struct msg_kept) } };

static struct daemon d;
static struct keyd keyd;
static struct hostile h;
static bool signed_once;

/* Said once more, by this target: it is long enough, and of the one form or the other. */
int
__wrap_sign_text(EVP_PKEY *key, uint32_t hash, bool pss, struct span text, unsigned char *sig, size_t *n,
    struct err *e)
{
	assert(text.n > 68 && (text.p[64] == 3 || memcmp(text.p + 64, "TLS 1.3, server", 15) == 0));
	return __real_sign_text(key, hash, pss, text, sig, n, e);
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	(void)x;
	assert(side == ONE || side == OTHER);
	if (m->type == MSG_SIGNED) {
		assert(len > sizeof *m && len <= sizeof *m + MSG_SIGNATURE);
		signed_once = true;
	} else if (m->type == MSG_RECALLED) {
		assert(len <= sizeof *m + MSG_SESSION_TEXT);
	} else {
		assert(m->type == MSG_REFUSED && len == sizeof(struct msg_refused));
	}
}

static void
open_side(struct hostile *x, size_t side)
{
	int fd = hostile_pair(x, side);
	struct err e;

	if (side == PARENT)
		d.peer(d.arg, ROLE_SMTPD, 1, fd);
	else
		(void)keyd_add_session(&keyd, fd, &e);
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
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 || keyd_open(&keyd, &d, &e) == -1)
		abort();
	keyd.now.at[0].key = EVP_EC_gen("P-256");
	memset(keyd.now.at[0].id, 0, MSG_KEY_ID);
	keyd.now.n = 1;
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .open = open_side, .heard = heard,
	    .side = { { from_parent, 1, -1, { 0 }, 0 }, { from_session, 3, -1, { 0 }, 0 },
	    { from_session, 3, -1, { 0 }, 0 } }, .file = -1 };
}

/* A session that asks as ever is answered as ever. */
static void
honest(void)
{
	struct { struct msg_sign m; unsigned char text[64 + 4 + 32]; } ask = { .m = { .hash = SIGN_SHA256 } };
	struct err e;

	ask.text[64] = 3, ask.text[67] = 32;
	h.open(&h, ONE);
	signed_once = false;
	if (ipc_send(h.side[ONE].fd, &ask.m.h, MSG_SIGN, 0, sizeof ask, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	hostile_read(&h, ONE);
	assert(signed_once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	hostile_begin(&h);
	hostile_run(&h, span_of(p, n));
	assert(keyd.kept.n <= KEPT_SETS * KEPT_WAYS);
	honest();
	for (int i = 0; i < SIDES; i++)
		ipc_close_fds(&h.side[i].fd, 1);
	hostile_turn(&h);
	chan_close(&keyd.smtpd);
	assert(keyd.nsession == 0);
	kept_free(&keyd.kept);
	hostile_end(&h);
	return 0;
}
