/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/edit.h"
#include "lib/log.h"
#include "lib/plan.h"
#include "lib/qfile.h"
#include "local/maildir.h"

enum {
	CAP_WAIT_MS = 5000,		/* for capd's answer */
	PLAN_WAIT_MS = 120000		/* for convertd's plan */
};

/* A memfd of convertd's, mapped. */
struct blob { void *p; size_t n; };

/* What is written: the message, or the message read through an edit list. */
struct content {
	struct span message;
	struct blob plan_blob, edit_blob;
	struct plan plan;
	struct edit_list list;
	bool edited;
};

static int
blob_map(struct blob *b, int fd, uint64_t len, struct err *e)
{
	b->p = len == 0 || len > SIZE_MAX / 2 ? MAP_FAILED :
	    mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (b->p == MAP_FAILED) {
		b->p = NULL;
		return err_set(e, ERR_TEMP, "4.3.0", "convertd's answer of %llu octets",
		    (unsigned long long)len);
	}
	b->n = (size_t)len;
	return 0;
}

static void
blob_free(struct blob *b)
{
	if (b->p != NULL)
		munmap(b->p, b->n);
	*b = (struct blob){ 0 };
}

/* What the recipient's machine takes.  0: *text (in reply) is set, empty if nothing is known. */
static int
ask_capabilities(const struct delivery *d, struct span addr, unsigned char *reply, struct span *text,
    struct err *e)
{
	struct { struct msg_cap_ask m; char addr[ENV_MAX_PATH]; } ask = { 0 };
	const struct msg_cap *m = (const void *)reply;
	int fds[MSG_FDS];
	size_t len;

	*text = span_of(NULL, 0);
	ask.m.want = CAP_WANT_FEATURES;
	ask.m.addr_len = (uint32_t)addr.n;
	memcpy(ask.addr, addr.p, addr.n);
	if (ipc_call(d->capd_fd, &ask.m.h, MSG_CAP_ASK, sizeof ask.m + addr.n, NULL, 0, reply, MSG_MAX,
	    &len, fds, CAP_WAIT_MS, e) == -1)
		return err_in(e, "capability directory");
	ipc_close_fds(fds, MSG_FDS);
	if (m->h.type != MSG_CAP || len < sizeof *m || m->len != len - sizeof *m)
		return err_set(e, ERR_TEMP, "4.3.0", "capability directory: an answer of %zu octets", len);
	if (m->features == CAP_TEMP)
		return err_set(e, ERR_TEMP, "4.3.3", "capability directory: not there now");
	if (m->features == CAP_KNOWN)
		*text = span_of(m + 1, m->len);
	return 0;
}

/* The answer to PLAN or CONVERT, mapped. */
static int
convertd_call(const struct delivery *d, struct msg_hdr *h, uint32_t type, size_t len, int wait_ms,
    struct blob *out, struct err *e)
{
	struct msg_planned m;
	int fds[MSG_FDS];
	size_t got;

	if (ipc_call(d->convertd_fd, h, type, len, &d->message_fd, 1, &m, sizeof m, &got, fds, wait_ms,
	    e) == -1)
		return err_in(e, "converter");
	m.dsn[sizeof m.dsn - 1] = m.what[sizeof m.what - 1] = '\0';
	if (got != sizeof m || (m.kind == ERR_NONE && fds[0] == -1)) {
		ipc_close_fds(fds, MSG_FDS);
		return err_set(e, ERR_TEMP, "4.3.0", "converter: an answer of %zu octets", got);
	}
	if (m.kind != ERR_NONE) {
		ipc_close_fds(fds, MSG_FDS);
		return err_set(e, m.kind == ERR_TEMP ? ERR_TEMP : ERR_PERM, m.dsn, "%s", m.what);
	}
	return blob_map(out, fds[0], m.len, e);
}

static int
ask_plan(const struct delivery *d, struct content *c, struct span caps, struct err *e)
{
	struct { struct msg_plan m; unsigned char caps[MSG_MAX - sizeof(struct msg_plan)]; } ask;
	uint32_t n = (uint32_t)caps.n;

	memset(&ask.m, 0, sizeof ask.m);
	if (caps.n > sizeof ask.caps - sizeof n)
		return err_set(e, ERR_PERM, "5.6.5", "capabilities of %zu octets", caps.n);
	memcpy(ask.m.id, d->id, QID_LEN);
	ask.m.msg_len = c->message.n;
	ask.m.flags = PLAN_UNDER_CONPERM | PLAN_FINAL;
	ask.m.ncaps = 1;
	ask.m.caps_len = (uint32_t)(sizeof n + caps.n);
	memcpy(ask.caps, &n, sizeof n);
	memcpy(ask.caps + sizeof n, caps.p, caps.n);
	if (convertd_call(d, &ask.m.h, MSG_PLAN, sizeof ask.m + ask.m.caps_len, PLAN_WAIT_MS,
	    &c->plan_blob, e) == -1)
		return -1;
	if (plan_decode(span_of(c->plan_blob.p, c->plan_blob.n), &c->plan, e) == -1 ||
	    c->plan.nverdict != 1)
		return err_set(e, ERR_TEMP, "4.3.0", "converter: a plan that cannot be read");
	return 0;
}

static int
ask_conversion(const struct delivery *d, struct content *c, struct err *e)
{
	struct { struct msg_convert m; unsigned char key[MSG_MAX - sizeof(struct msg_convert)]; } ask;
	struct span key = c->plan.verdict[0].key;

	memset(&ask.m, 0, sizeof ask.m);
	if (key.n > sizeof ask.key)
		return err_set(e, ERR_PERM, "5.6.5", "a conversion's key of %zu octets", key.n);
	memcpy(ask.m.id, d->id, QID_LEN);
	ask.m.msg_len = c->message.n;
	ask.m.key_len = (uint32_t)key.n;
	ask.m.wait_s = d->wait_s;
	memcpy(ask.key, key.p, key.n);
	if (convertd_call(d, &ask.m.h, MSG_CONVERT, sizeof ask.m + key.n, (int)d->wait_s * 1000,
	    &c->edit_blob, e) == -1)
		return -1;
	if (edit_decode(span_of(c->edit_blob.p, c->edit_blob.n), c->message.n, &c->list, e) == -1 ||
	    edit_check(&c->list, c->message.n, c->plan.range, c->plan.nrange, e) == -1)
		return err_set(e, ERR_PERM, "5.6.5", "the conversion's edits were refused");
	c->edited = true;
	return 0;
}

/*
 * Row B7: known capabilities: what fits goes as it is, else it is converted, else it fails; unknown
 * ones: the original (RFC 4141 3.1, note).
 */
static int
negotiate(const struct delivery *d, struct content *c, struct span addr, struct buf *detail,
    struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	const struct plan_verdict *v;
	struct span caps;

	if (ask_capabilities(d, addr, reply, &caps, e) == -1)
		return -1;
	if (caps.n == 0)
		return 0;
	if (ask_plan(d, c, caps, e) == -1)
		return -1;
	v = &c->plan.verdict[0];
	if (c->plan.is_report || v->fate == PLAN_FITS)
		return 0;
	if (v->detail.n <= RESULT_DETAIL_MAX && buf_add(detail, v->detail, e) == -1)
		return -1;
	if (v->fate == PLAN_CONVERTS)
		return ask_conversion(d, c, e);
	return err_set(e, ERR_PERM, "5.6.5",
	    "the recipient's machine cannot take the content, and no permitted conversion can");
}

static int
put_piece(void *arg, struct span piece, struct err *e)
{
	return maildir_put(arg, piece, e);
}

static int
write_mailbox(const struct delivery *d, const struct content *c, const struct envelope *env,
    struct err *e)
{
	struct maildir m = { .dir = -1, .file = -1 };
	struct buf top;
	char name[128];
	int r;

	snprintf(name, sizeof name, "%llu.%s_%u.accord",
	    (unsigned long long)(env->arrival_us / 1000000), d->id, d->slot);
	buf_init(&top, 3 * ENV_MAX_PATH);
	r = buf_addf(&top, e, "Return-Path: <%.*s>\r\nDelivered-To: %.*s\r\n", (int)env->sender.n,
	    (const char *)env->sender.p, (int)env->rcpt[d->slot].addr.n,
	    (const char *)env->rcpt[d->slot].addr.p);
	if (r == 0 && (r = maildir_begin(&m, d->folder_fd, d->rest, name, e)) == 0)
		r = maildir_put_own(&m, buf_view(&top), e);
	if (r == 0)
		r = c->edited ? edit_walk(&c->list, c->message, put_piece, &m, e) :
		    maildir_put(&m, c->message, e);
	if (r == 0)
		r = maildir_commit(&m, e);
	maildir_end(&m);
	buf_free(&top);
	return r;
}

/* Everything that can fail, in order. */
static int
deliver(const struct delivery *d, struct content *c, struct buf *detail, bool *bad_file, struct err *e)
{
	struct envelope env = { 0 };
	struct buf store;
	struct qfile q;
	void *map;
	int r;

	buf_init(&store, ENV_MAX);
	if (qfile_open(d->message_fd, &q, e) == -1 || qfile_envelope(d->message_fd, &q, &store, &env,
	    e) == -1 || d->slot >= env.nrcpt) {
		buf_free(&store);
		*bad_file = e->kind == ERR_PERM;
		return e->kind == ERR_NONE ? err_set(e, ERR_BUG, NULL, "no recipient %u", d->slot) : -1;
	}
	map = mmap(NULL, (size_t)q.file_len, PROT_READ, MAP_SHARED, d->message_fd, 0);
	r = map == MAP_FAILED ? err_sys(e, "message") : qfile_check(d->message_fd, &q, e);
	if (r == 0) {
		*bad_file = true;
		r = err_set(e, ERR_PERM, "5.3.5", "the message's checksum is wrong");
	} else if (r == 1) {
		c->message = span_of(map, (size_t)q.msg_len);
		r = env.conperm && env.sender.n > 0 && d->capd_fd != -1 ?
		    negotiate(d, c, env.rcpt[d->slot].addr, detail, e) : 0;
		if (r == 0)
			r = write_mailbox(d, c, &env, e);
	}
	if (map != MAP_FAILED)
		munmap(map, (size_t)q.file_len);
	envelope_free(&env);
	buf_free(&store);
	return r;
}

void
delivery_run(const struct delivery *d, struct rcpt_result *r, struct buf *detail, bool *bad_file)
{
	struct content c = { 0 };
	struct err e = { 0 };
	int done;

	*r = (struct rcpt_result){ .slot = d->slot };
	*bad_file = false;
	done = deliver(d, &c, detail, bad_file, &e);
	if (done == 0) {
		r->outcome = OUTCOME_DELIVERED;
		snprintf(r->dsn, sizeof r->dsn, "%s", c.edited ? "2.6.4" : "2.0.0");
		snprintf(r->text, sizeof r->text, "%s", c.edited ? "converted and delivered" :
		    "delivered");
	} else {
		r->outcome = e.kind == ERR_PERM ? OUTCOME_FAILED : OUTCOME_DEFERRED;
		snprintf(r->dsn, sizeof r->dsn, "%s", e.dsn[0] != '\0' ? e.dsn : "4.3.0");
		if (r->outcome == OUTCOME_DEFERRED)
			r->dsn[0] = '4';
		snprintf(r->text, sizeof r->text, "%.250s", e.what);
	}
	plan_free(&c.plan);
	edit_free(&c.list);
	blob_free(&c.plan_blob);
	blob_free(&c.edit_blob);
}
