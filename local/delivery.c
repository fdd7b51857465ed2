/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/converter.h"
#include "lib/mime.h"
#include "lib/qfile.h"
#include "lib/xtext.h"
#include "local/maildir.h"

enum {
	CAP_WAIT_MS = 5000,	/* for capd's answer */
	ORCPT_SHOWN = 900	/* octets of it in a field */
};

/* What is written: the message, or the message read through an edit list. */
struct content {
	struct span message;
	struct converter_plan plan;
	struct converter_edits edits;
	bool edited;
};

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
	if (d->capd_fd == -1)	/* what is not known now may be known soon: the original is no way out */
		return err_set(e, ERR_TEMP, "4.3.3", "capability directory: not there now");
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

/*
 * Row B7: known capabilities: what fits goes as it is, else it is converted, else it fails; unknown
 * ones: the original (RFC 4141 3.1, note).
 */
static int
negotiate(const struct delivery *d, struct content *c, struct span addr, struct buf *detail,
    struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	struct converter_message m = { .fd = d->message_fd, .len = c->message.n,
	    .id = d->id };
	const struct plan_verdict *v;
	struct err ignored;	/* what does not fit of the detail is left out */
	static const uint8_t wish = WISH_CONPERM;
	struct span caps;

	if (d->capd_fd == -1)	/* not there now: not the same as "nothing is known" */
		return err_set(e, ERR_TEMP, "4.3.3", "capability directory: not there now");
	if (ask_capabilities(d, addr, reply, &caps, e) == -1)
		return -1;
	if (caps.n == 0)
		return 0;
	if (converter_ask_plan(d->convertd_fd, &m, PLAN_FINAL, &caps, &wish, 1, &c->plan, e) == -1)
		return -1;
	v = &c->plan.plan.verdict[0];
	if (v->fate == PLAN_FITS)
		return 0;
	if (v->detail.n <= RESULT_DETAIL_MAX && buf_add(detail, v->detail, e) == -1)
		return -1;
	(void)buf_add_str(detail, "row: B7\n", &ignored);
	if (v->fate == PLAN_CONVERTS) {
		c->edited = true;
		return converter_ask_edits(d->convertd_fd, &m, &c->plan.plan, v->key,
		    (int)d->wait_s * 1000, &c->edits, e);
	}
	return err_set(e, ERR_PERM, v->dsn,
	    "the recipient's machine cannot take the content, and no permitted conversion can");
}

static int
put_piece(void *arg, struct span piece, struct err *e)
{
	return maildir_put(arg, piece, e);
}

/*
 * The fields of final delivery: Return-Path (RFC 5321, 4.4), where the message was delivered, and the
 * sender's own spelling of that for who answers with an MDN (RFC 8098, 2.3).
 */
static int
put_fields(const struct envelope *env, const struct rcpt *rcpt, struct buf *out, struct err *e)
{
	if (buf_addf(out, e, "Return-Path: <%.*s>\r\nDelivered-To: %.*s\r\n", (int)env->sender.n,
	    (const char *)env->sender.p, (int)rcpt->addr.n, (const char *)rcpt->addr.p) == -1)
		return -1;
	if (rcpt->orcpt.n == 0)
		return 0;
	if (buf_add_str(out, "Original-Recipient: ", e) == -1 ||
	    xtext_orcpt(out, rcpt->orcpt, ORCPT_SHOWN, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
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
	buf_init(&top, 3 * ENV_MAX_PATH + ORCPT_SHOWN);
	r = put_fields(env, &env->rcpt[d->slot], &top, e);
	if (r == 0 && (r = maildir_begin(&m, d->folder_fd, d->rest, name, e)) == 0) {
		m.binary = env->body == BODY_BINARYMIME;
		r = maildir_put_own(&m, buf_view(&top), e);
	}
	if (r == 0)
		r = c->edited ? edit_walk(&c->edits.list, c->message, put_piece, &m, e) :
		    maildir_put(&m, c->message, e);
	if (r == 0)
		r = maildir_commit(&m, e);
	maildir_end(&m);
	buf_free(&top);
	return r;
}

/* Under CONPERM, and no report (row B11)? */
static bool
negotiated(const struct envelope *env, struct span message)
{
	return env->conperm && env->sender.n > 0 && !mime_message_is_report(message);
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
		r = negotiated(&env, c->message) ?
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
	converter_plan_free(&c.plan);
	converter_edits_free(&c.edits);
}
