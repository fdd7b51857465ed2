/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/converter.h"
#include "lib/features.h"
#include "lib/headedit.h"
#include "lib/log.h"
#include "lib/mime.h"
#include "lib/qfile.h"
#include "lib/signature.h"
#include "lib/xtext.h"
#include "local/alternative.h"
#include "local/exchange.h"
#include "local/maildir.h"

enum {
	CAP_WAIT_MS = 5000,	/* for capd's answer */
	ORCPT_SHOWN = 900	/* octets of it in a field */
};

/* What is written: the message, or the message read through an edit list. */
struct content {
	struct span message;	/* with the header edits of its envelope */
	struct edited own;	/* where there are some */
	int fd;			/* the message is its first octets */
	struct converter_plan plan;
	struct converter_edits edits;
	bool edited;
	struct exchange exchange;
	uint8_t flags;		/* of the result */
};

static void
tell_capabilities(struct inquiry *q, enum cap_state state, enum cap_source source, struct span text)
{
	static const char *const states[] = { [CAP_NONE] = "none", [CAP_KNOWN] = "given", [CAP_ANY] = "any" };

	inquiry_tell(q, INQUIRY_CAPABILITIES, span_str(states[state]));
	if (state == CAP_NONE)
		return;
	inquiry_tell(q, INQUIRY_SOURCE, span_str(capsource_name(source)));
	if (state == CAP_KNOWN)
		inquiry_tell(q, INQUIRY_TAKES, text);
}

/* What the recipient's machine takes.  0: *state is CAP_KNOWN, with *text (in reply), CAP_ANY or CAP_NONE. */
static int
ask_capabilities(const struct delivery *d, struct span addr, unsigned char *reply, enum cap_state *state,
    struct span *text, struct err *e)
{
	struct { struct msg_cap_ask m; char addr[ENV_MAX_PATH]; } ask = { 0 };
	const struct msg_cap *m = (const void *)reply;
	int fds[MSG_FDS];
	size_t len;

	*state = CAP_NONE;
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
	if (m->features >= CAP_TEMP)
		return err_set(e, ERR_TEMP, "4.3.3", "capability directory: not there now");
	*state = m->features;
	if (m->features == CAP_KNOWN)
		*text = span_of(m + 1, m->len);
	tell_capabilities(d->inquiry, *state, (enum cap_source)m->source, *text);
	return 0;
}

/* A set of capabilities by which a delivery is judged: by whose wish, and the row of what does not fit. */
struct demand { enum plan_wish wish; const char *row; };

/* Of this recipient, what it takes being known or assumed (row D9).  The first that fails is the one that
 * counts, the last one says what is made of the message.  0: nobody cares. */
static uint32_t
demands(bool conperm, enum drucof drucof, bool known, struct demand out[2])
{
	uint32_t n = 0;

	if (conperm && known)
		out[n++] = (struct demand){ WISH_CONPERM, "B7" };
	if (drucof == DRUCOF_REQUIRE)
		out[n++] = (struct demand){ WISH_DRUCOF, known ? "D8" : "D9" };
	else if (drucof == DRUCOF_PREFER && n == 0)
		out[n++] = (struct demand){ WISH_PREFER, "B2c" };
	return n;
}

static int
add_detail(struct buf *detail, const struct plan_verdict *v, const char *row, struct err *e)
{
	struct err ignored;	/* what does not fit of the detail is left out */

	if (v != NULL && v->detail.n <= RESULT_DETAIL_MAX && buf_add(detail, v->detail, e) == -1)
		return -1;
	(void)buf_addf(detail, &ignored, "row: %s\n", row);
	return 0;
}

/* For bounce, which returns what was delivered; left out where it does not fit. */
static void
add_key(struct buf *detail, struct span key)
{
	struct err ignored;

	if (detail->n + key.n + sizeof "key: \n" - 1 <= RESULT_DETAIL_MAX)
		(void)buf_addf(detail, &ignored, "key: %.*s\n", (int)key.n, (const char *)key.p);
}

/* What the plan says of the message: it is fit, or made so, or fails. */
static int
judge(const struct delivery *d, struct content *c, const struct demand *want, uint32_t n, struct buf *detail,
    struct err *e)
{
	struct converter_message m = { .fd = c->fd, .len = c->message.n, .id = d->id };
	const struct plan_verdict *v = c->plan.plan.verdict;
	uint32_t i = 0;

	while (i < n - 1 && v[i].fate != PLAN_EMPTY)
		i++;
	inquiry_tell_verdict(d->inquiry, &v[i], want[i].wish);
	inquiry_tell(d->inquiry, INQUIRY_ROW, span_str(want[i].row));
	if (v[i].fate == PLAN_FITS || (v[i].fate == PLAN_EMPTY && want[i].wish == WISH_PREFER))
		return 0;
	if (add_detail(detail, &v[i], want[i].row, e) == -1)
		return -1;
	if (v[i].fate == PLAN_EMPTY)
		return err_set(e, ERR_PERM, v[i].dsn,
		    "the recipient's machine cannot take the content, and no permitted conversion can");
	c->edited = true;
	add_key(detail, v[i].key);
	return converter_ask_edits(d->convertd_fd, &m, &c->plan.plan, v[i].key, (int)d->wait_s * 1000,
	    &c->edits, e);
}

/*
 * Rows B7 and D8, known capabilities: what fits goes as it is, else it is converted, else it fails.  Unknown
 * ones: under CONPERM the original (RFC 4141 3.1, note); under DRUCOF a fax machine is one that takes what
 * all of them do, anybody else gets nothing (row D9).
 */
static int
negotiate(const struct delivery *d, struct content *c, bool conperm, const struct rcpt *rcpt,
    struct buf *detail, struct err *e)
{
	static const char fax[] = "(| " FEAT_PROFILE_S " (type=\"text/plain\") )";
	static _Alignas(8) unsigned char reply[MSG_MAX];
	struct converter_message m = { .fd = c->fd, .len = c->message.n, .id = d->id };
	struct demand want[2];
	struct span caps[2];
	uint8_t wish[2];
	enum cap_state state;
	uint32_t n;

	if (ask_capabilities(d, rcpt->addr, reply, &state, &caps[0], e) == -1)
		return -1;
	n = demands(conperm, rcpt->drucof, state != CAP_NONE, want);
	if (state == CAP_ANY || (state == CAP_NONE && (rcpt->drucof != DRUCOF_REQUIRE || d->drucof_accept))) {
		inquiry_tell(d->inquiry, INQUIRY_ROW, span_str(n > 0 ? want[n - 1].row : "B7"));
		return 0;
	}
	if (state == CAP_NONE && !address_is_fax(rcpt->addr)) {
		inquiry_tell(d->inquiry, INQUIRY_ROW, span_str("D9"));
		(void)add_detail(detail, NULL, "D9", e);
		return err_set(e, ERR_PERM, "5.6.3", "nothing is known of what this recipient can use, and the sender "
		    "wants it to get that or nothing");
	}
	if (state == CAP_NONE)
		caps[0] = span_str(fax);
	caps[1] = caps[0];
	for (uint32_t i = 0; i < n; i++)
		wish[i] = (uint8_t)want[i].wish;
	if (converter_ask_plan(d->convertd_fd, &m, PLAN_FINAL | (d->inquiry != NULL ? PLAN_ALL_PARTS : 0), caps, wish,
	    n, &c->plan, e) == -1)
		return -1;
	return judge(d, c, want, n, detail, e);
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
	struct span from = envelope_sender(env), to = rcpt_spelled(rcpt);

	if (buf_addf(out, e, "Return-Path: <%.*s>\r\nDelivered-To: %.*s\r\n", (int)from.n,
	    (const char *)from.p, (int)to.n, (const char *)to.p) == -1)
		return -1;
	if (rcpt->orcpt.n == 0)
		return 0;
	if (buf_add_str(out, "Original-Recipient: ", e) == -1 ||
	    xtext_orcpt(out, rcpt->orcpt, env->smtputf8, ORCPT_SHOWN, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

/* Converted, it is no longer what its sender signed: said in the log, and on top of it. */
static int
put_broken(const struct delivery *d, const struct content *c, struct span to, struct buf *out, struct err *e)
{
	struct span header = mime_message_header(c->message);
	struct signature s;

	if (!c->edited || !signature_any(c->message))
		return 0;
	for (uint32_t n = 0; n < SIGNATURE_MAX && signature_next(&header, &s); n++)
		log_line(LOG_INFO, d->id, "signature-broken", "domain=%s selector=%s to=%s", log_qs(s.domain),
		    log_qs(s.selector), log_qs(to));
	return signature_broken(d->me, c->message, out, e);
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
	buf_init(&top, 3 * ENV_MAX_PATH + ORCPT_SHOWN + SIGNATURE_FIELD);
	r = put_fields(env, &env->rcpt[d->slot], &top, e);
	if (r == 0)
		r = put_broken(d, c, env->rcpt[d->slot].addr, &top, e);
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

/* The form in which the recipient gets it.  A report is none of it (row B11); with DRUCOF=PREFER alone
 * nothing stands in the way of the original. */
static int
find_form(const struct delivery *d, struct content *c, const struct envelope *env, struct buf *detail,
    struct err *e)
{
	const struct rcpt *rcpt = &env->rcpt[d->slot];

	if ((!env->conperm && rcpt->drucof == DRUCOF_NO) || env->sender.n == 0 ||
	    mime_message_is_report(c->message)) {
		inquiry_tell(d->inquiry, INQUIRY_ROW, span_str(!env->conperm && rcpt->drucof == DRUCOF_NO ? "B1" :
		    "B11"));
		return 0;
	}
	if (negotiate(d, c, env->conperm, rcpt, detail, e) == 0)
		return 0;
	if (env->conperm || rcpt->drucof == DRUCOF_REQUIRE)
		return -1;
	log_line(LOG_WARN, d->id, "no-conversion", "to=%s why=%s", log_qs(rcpt->addr), log_q(e->what));
	*e = (struct err){ 0 };
	c->edited = false;
	buf_clear(detail);
	return 0;
}

static int
only_ask(const struct delivery *d, const struct envelope *env, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	enum cap_state state;
	struct span text;

	return ask_capabilities(d, env->rcpt[d->slot].addr, reply, &state, &text, e);
}

/* Of an inquiry: what would be delivered, and nothing is. */
static int
inquire(const struct delivery *d, struct content *c, const struct envelope *env, struct buf *detail, struct err *e)
{
	if (d->question)
		return only_ask(d, env, e);
	if (find_form(d, c, env, detail, e) == -1)
		return -1;
	inquiry_tellf(d->inquiry, INQUIRY_FORM, "%s, %llu octets", c->edited ? "edited" : "as it is",
	    (unsigned long long)(c->edited ? c->edits.list.size : c->message.n));
	return 0;
}

/* --- another form (RFC 3297) --- */

/* What the machine takes, for the notification: to the letter, on one line, whole in a result of this job. */
static int
tell_takes(const struct delivery *d, struct span takes, struct buf *detail, struct err *e)
{
	struct feat *f;

	for (size_t i = 0; i < takes.n; i++)
		if (takes.p[i] < 0x20)
			return err_set(e, ERR_PERM, "5.6.0", "its capabilities have control characters");
	if (feat_parse(takes, FEAT_STRICT, &f, e) == -1)
		return -1;
	feat_free(f);
	if (buf_addf(detail, e, "takes: %.*s\n", (int)takes.n, (const char *)takes.p) == -1)
		return -1;
	return result_share(buf_view(detail), d->njob).n == detail->n ? 0 :
	    err_set(e, ERR_PERM, "5.6.0", "its capabilities are too long to be told of");
}

/* Is there a form that is better for the recipient's machine?  1, 0, -1 nobody can say. */
static int
better_form(const struct delivery *d, const struct content *c, struct span addr, struct buf *detail, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	static const uint8_t wish = WISH_CONPERM;
	struct converter_message m = { .fd = c->fd, .len = c->message.n, .id = d->id };
	struct converter_plan plan = { 0 };
	enum cap_state state;
	struct span takes;
	bool yes = false;
	int r = ask_capabilities(d, addr, reply, &state, &takes, e);

	if (r == -1 || state != CAP_KNOWN)
		return r;
	r = converter_ask_plan(d->convertd_fd, &m, PLAN_FINAL, &takes, &wish, 1, &plan, e);
	if (r == 0)
		r = alternative_better(c->message, takes, plan.plan.verdict[0].fate == PLAN_FITS, &yes, e);
	if (r == 0 && yes)
		r = tell_takes(d, takes, detail, e);
	converter_plan_free(&plan);
	return r == 0 ? yes : -1;
}

/* Asks for it, if so: EXCHANGE_ASK.  What fails here costs nothing but the better form. */
static void
ask_for_better(const struct delivery *d, struct content *c, struct span addr, struct buf *detail)
{
	struct err e = { 0 };
	int yes = better_form(d, c, addr, detail, &e);

	if (yes == 1 && exchange_ask(&c->exchange, d, &e) == -1)
		yes = -1;
	if (yes == 1) {
		c->flags |= RESULT_PREFERRED;
		return;
	}
	buf_clear(detail);
	if (yes == -1)
		log_line(LOG_INFO, d->id, "alternative-not-asked", "to=%s why=%s", log_qs(addr), log_q(e.what));
}

/* Has this recipient asked already? */
static int
is_asked(const struct delivery *d, const struct qfile *q, bool *asked, struct err *e)
{
	struct slot *slot;

	*asked = false;
	if (!d->alternative)
		return 0;
	if (qfile_slots(d->message_fd, q, &slot, e) == -1)
		return -1;
	*asked = slot[d->slot].flags & SLOT_ASKED;
	free(slot);
	return 0;
}

/* The message into the mailbox, or what else becomes of it. */
static int
deliver_or_wait(const struct delivery *d, struct content *c, const struct envelope *env, const struct qfile *q,
    struct buf *detail, struct err *e)
{
	struct exchange *x = &c->exchange;
	bool asked;
	int r;

	if (is_asked(d, q, &asked, e) == -1)
		return -1;
	exchange_begin(x, d, env, c->message, asked);
	if (x->step == EXCHANGE_MAY)
		ask_for_better(d, c, env->rcpt[d->slot].addr, detail);
	if (x->step == EXCHANGE_ASK || x->step == EXCHANGE_WAIT)
		r = err_set(e, ERR_TEMP, "4.6.0", "waits for the form that its sender was asked for");
	else if (x->step == EXCHANGE_CAME)
		r = 0;
	else if ((r = find_form(d, c, env, detail, e)) == 0 && (r = write_mailbox(d, c, env, e)) == 0)
		c->flags = exchange_delivered(x, env);
	exchange_end(x);
	return r;
}

/* The message as it is to be read: map, or that with its header edits.  -1: no memory, or they do not fit it. */
static int
open_content(const struct delivery *d, struct content *c, const struct envelope *env, struct span map,
    struct err *e)
{
	c->message = map;
	c->fd = d->message_fd;
	if (env->edits.n == 0)
		return 0;
	if (edited_open(env->edits, map, &c->own, e) == -1)
		return -1;
	c->message = edited_view(&c->own);
	c->fd = c->own.fd;
	return 0;
}

/* Everything that can fail, in order. */
static int
deliver(const struct delivery *d, struct content *c, struct buf *detail, struct delivery_found *found,
    struct err *e)
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
		found->bad_file = e->kind == ERR_PERM;
		return e->kind == ERR_NONE ? err_set(e, ERR_BUG, NULL, "no recipient %u", d->slot) : -1;
	}
	map = mmap(NULL, (size_t)q.file_len, PROT_READ, MAP_SHARED, d->message_fd, 0);
	r = map == MAP_FAILED ? err_sys(e, "message") : qfile_check(d->message_fd, &q, e);
	if (r == 0) {
		found->bad_file = true;
		r = err_set(e, ERR_PERM, "5.3.5", "the message's checksum is wrong");
	} else if (r == 1) {
		r = open_content(d, c, &env, span_of(map, (size_t)q.msg_len), e);
		if (r == 0)
			r = d->inquiry != NULL ? inquire(d, c, &env, detail, e) :
			    deliver_or_wait(d, c, &env, &q, detail, e);
		found->report = r == 0 && d->learns && env.sender.n == 0 && mime_message_is_report(c->message);
	}
	if (map != MAP_FAILED)
		munmap(map, (size_t)q.file_len);
	envelope_free(&env);
	buf_free(&store);
	return r;
}

void
delivery_run(const struct delivery *d, struct rcpt_result *r, struct buf *detail,
    struct delivery_found *found)
{
	struct content c = { 0 };
	struct err e = { 0 };
	int done;

	*r = (struct rcpt_result){ .slot = d->slot };
	*found = (struct delivery_found){ .bad_file = false };
	done = deliver(d, &c, detail, found, &e);
	r->flags = c.flags;
	if (done == 0) {
		r->outcome = OUTCOME_DELIVERED;
		snprintf(r->dsn, sizeof r->dsn, "%s", c.edited ? "2.6.4" : "2.0.0");
		snprintf(r->text, sizeof r->text, "%s%s", d->inquiry != NULL ? "would be " : "",
		    c.exchange.step == EXCHANGE_CAME ? "delivered in the form that was asked for" :
		    c.edited ? "converted and delivered" : "delivered");
	} else {
		r->outcome = e.kind == ERR_PERM ? OUTCOME_FAILED : OUTCOME_DEFERRED;
		snprintf(r->dsn, sizeof r->dsn, "%s", e.dsn[0] != '\0' ? e.dsn : "4.3.0");
		if (r->outcome == OUTCOME_DEFERRED)
			r->dsn[0] = '4';
		snprintf(r->text, sizeof r->text, "%.250s", e.what);
	}
	converter_plan_free(&c.plan);
	converter_edits_free(&c.edits);
	edited_close(&c.own);
}
