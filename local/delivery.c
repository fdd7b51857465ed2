/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/features.h"
#include "lib/headedit.h"
#include "lib/log.h"
#include "lib/mime.h"
#include "lib/qfile.h"
#include "local/alternative.h"
#include "local/exchange.h"
#include "local/fields.h"
#include "local/lmtp.h"
#include "local/store.h"

/* A delivery of its own to one recipient, with its result's flags. */
struct single { struct content c; struct exchange exchange; uint8_t flags; };

static int
only_ask(const struct delivery *d, const struct envelope *env, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	enum cap_state state;
	struct span text;

	return form_capabilities(d, env->rcpt[d->slot].addr, reply, &state, &text, e);
}

/* Of an inquiry: what would be delivered, and nothing is. */
static int
inquire(const struct delivery *d, struct content *c, const struct envelope *env, struct buf *detail, struct err *e)
{
	if (d->question)
		return only_ask(d, env, e);
	if (form_find(d, c, env, &env->rcpt[d->slot], detail, e) == -1)
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
	struct converter_message m = { .fd = d->content_fd, .len = c->message.n, .id = d->id };
	struct converter_plan plan = { 0 };
	enum cap_state state;
	struct span takes;
	bool yes = false;
	int r = form_capabilities(d, addr, reply, &state, &takes, e);

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
ask_for_better(const struct delivery *d, struct single *o, struct span addr, struct buf *detail)
{
	struct err e = { 0 };
	int yes = better_form(d, &o->c, addr, detail, &e);

	if (yes == 1 && exchange_ask(&o->exchange, d, &e) == -1)
		yes = -1;
	if (yes == 1) {
		o->flags |= RESULT_PREFERRED;
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
deliver_or_wait(const struct delivery *d, struct single *o, const struct envelope *env, const struct qfile *q,
    struct buf *detail, struct err *e)
{
	const struct rcpt *rcpt = &env->rcpt[d->slot];
	struct exchange *x = &o->exchange;
	bool asked;
	int r;

	if (is_asked(d, q, &asked, e) == -1)
		return -1;
	exchange_begin(x, d, env, o->c.message, asked);
	if (x->step == EXCHANGE_MAY)
		ask_for_better(d, o, rcpt->addr, detail);
	if (x->step == EXCHANGE_ASK || x->step == EXCHANGE_WAIT)
		r = err_set(e, ERR_TEMP, "4.6.0", "waits for the form that its sender was asked for");
	else if (x->step == EXCHANGE_CAME)
		r = 0;
	else if ((r = form_find(d, &o->c, env, rcpt, detail, e)) == 0 &&
	    (r = store_message(d, &o->c, env, e)) == 0)
		o->flags = exchange_delivered(x, env);
	exchange_end(x);
	return r;
}

/* What came of it, in the recipient's result. */
static void
single_result(const struct delivery *d, const struct single *o, const struct err *why, struct rcpt_result *r)
{
	r->flags = o->flags;
	if (why->kind != ERR_NONE) {
		delivery_failed(r, why);
		return;
	}
	r->outcome = OUTCOME_DELIVERED;
	snprintf(r->dsn, sizeof r->dsn, "%s", o->c.edited ? "2.6.4" : "2.0.0");
	snprintf(r->text, sizeof r->text, "%s%s", d->inquiry != NULL ? "would be " : "",
	    o->exchange.step == EXCHANGE_CAME ? "delivered in the form that was asked for" :
	    o->c.edited ? "converted and delivered" : "delivered");
}

static void
deliver_single(const struct delivery *d, const struct qfile *q, const struct envelope *env, struct span message,
    struct rcpt_result *r, struct buf *detail)
{
	struct single o = { .c.message = message };
	struct err e = { 0 };

	if (fields_loop(message, &env->rcpt[d->slot]))
		(void)err_set(&e, ERR_PERM, "5.4.6", "the message was delivered to this address before: it goes in "
		    "circles");
	else if ((d->inquiry != NULL ? inquire(d, &o.c, env, detail, &e) :
	    deliver_or_wait(d, &o, env, q, detail, &e)) == 0)
		e.kind = ERR_NONE;
	single_result(d, &o, &e, r);
	form_free(&o.c);
}

/* --- the message --- */

static bool
slots_exist(const struct delivery *d, const struct envelope *env, struct err *e)
{
	for (uint32_t i = 0; i < d->nslot; i++)
		if (d->slots[i] >= env->nrcpt) {
			(void)err_set(e, ERR_BUG, NULL, "no recipient %u", d->slots[i]);
			return false;
		}
	return true;
}

/* The message's octets are what was accepted. */
static int
map_message(const struct delivery *d, const struct qfile *q, void **map, struct delivery_found *found, struct err *e)
{
	int r;

	*map = mmap(NULL, (size_t)q->file_len, PROT_READ, MAP_SHARED, d->message_fd, 0);
	if (*map == MAP_FAILED)
		return err_sys(e, "message");
	r = qfile_check(d->message_fd, q, e);
	if (r == 0) {
		found->bad_file = true;
		return err_set(e, ERR_PERM, "5.3.5", "the message's checksum is wrong");
	}
	return r == 1 ? 0 : -1;
}

/* To each recipient: the message as it is to be read. */
static void
deliver_content(const struct delivery *d, const struct qfile *q, const struct envelope *env, struct span message,
    struct rcpt_result *r, struct buf *detail, struct delivery_found *found)
{
	if (d->kind == MAILBOX_LMTP && d->inquiry == NULL)
		lmtp_deliver(d, env, message, r, detail);
	else
		deliver_single(d, q, env, message, r, detail);
	for (uint32_t i = 0; i < d->nslot; i++)
		found->report |= r[i].outcome == OUTCOME_DELIVERED && d->learns && env->sender.n == 0 &&
		    mime_message_is_report(message);
}

/* The same through the header edits of the envelope.  -1: no memory, or they do not fit the message. */
static int
deliver_edited(const struct delivery *d, const struct qfile *q, const struct envelope *env, struct span map,
    struct rcpt_result *r, struct buf *detail, struct delivery_found *found, struct err *e)
{
	struct delivery own = *d;
	struct edited x = { .fd = -1 };

	own.content_fd = d->message_fd;
	if (env->edits.n == 0) {
		deliver_content(&own, q, env, map, r, detail, found);
		return 0;
	}
	if (edited_open(env->edits, map, &x, e) == -1)
		return -1;
	own.content_fd = x.fd;
	deliver_content(&own, q, env, edited_view(&x), r, detail, found);
	edited_close(&x);
	return 0;
}

/* -1: nothing was tried, for that reason. */
static int
deliver(const struct delivery *d, struct rcpt_result *r, struct buf *detail, struct delivery_found *found,
    struct err *e)
{
	struct envelope env = { 0 };
	void *map = MAP_FAILED;
	struct buf store;
	struct qfile q;
	int done = -1;

	buf_init(&store, ENV_MAX);
	if (qfile_open(d->message_fd, &q, e) == -1 || qfile_envelope(d->message_fd, &q, &store, &env, e) == -1)
		found->bad_file = e->kind == ERR_PERM;
	else if (slots_exist(d, &env, e) && map_message(d, &q, &map, found, e) == 0)
		done = deliver_edited(d, &q, &env, span_of(map, (size_t)q.msg_len), r, detail, found, e);
	if (map != MAP_FAILED)
		munmap(map, (size_t)q.file_len);
	envelope_free(&env);
	buf_free(&store);
	return done;
}

void
delivery_failed(struct rcpt_result *r, const struct err *why)
{
	r->outcome = why->kind == ERR_PERM ? OUTCOME_FAILED : OUTCOME_DEFERRED;
	snprintf(r->dsn, sizeof r->dsn, "%s", why->dsn[0] != '\0' ? why->dsn : "4.3.0");
	if (r->outcome == OUTCOME_DEFERRED)
		r->dsn[0] = '4';
	snprintf(r->text, sizeof r->text, "%.250s", why->what);
}

void
delivery_run(const struct delivery *d, struct rcpt_result *r, struct buf *detail, struct delivery_found *found)
{
	struct err e = { 0 };

	*found = (struct delivery_found){ .bad_file = false };
	for (uint32_t i = 0; i < d->nslot; i++)
		r[i] = (struct rcpt_result){ .slot = d->slots[i] };
	if (deliver(d, r, detail, found, &e) == 0)
		return;
	for (uint32_t i = 0; i < d->nslot; i++)
		delivery_failed(&r[i], &e);
}
