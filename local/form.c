/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/form.h"

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/features.h"
#include "lib/log.h"
#include "lib/mime.h"

enum { CAP_WAIT_MS = 5000 };	/* for capd's answer */

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

int
form_capabilities(const struct delivery *d, struct span addr, unsigned char *reply, enum cap_state *state,
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
	struct converter_message m = { .fd = d->content_fd, .len = c->message.n, .id = d->id,
	    .transfer = c->transfer, .content = c->message };
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
	c->key = v[i].key;
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
	struct converter_message m = { .fd = d->content_fd, .len = c->message.n, .id = d->id };
	struct demand want[2];
	struct span caps[2];
	uint8_t wish[2];
	enum cap_state state;
	uint32_t n;

	if (form_capabilities(d, rcpt->addr, reply, &state, &caps[0], e) == -1)
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

/* A report is none of it (row B11); with DRUCOF=PREFER alone nothing stands in the way of the original. */
static int
form_choose(const struct delivery *d, struct content *c, const struct envelope *env, const struct rcpt *rcpt,
    struct buf *detail, struct err *e)
{

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

/* Content that stays as it is may still need another transfer encoding. */
static int
form_recode(const struct delivery *d, struct content *c, struct err *e)
{
	struct converter_message m = { .fd = d->content_fd, .len = c->message.n, .id = d->id,
	    .transfer = c->transfer, .content = c->message };

	if (c->edited || c->transfer == EDIT_AS_IS || d->inquiry != NULL)
		return 0;
	c->edited = true;
	return converter_ask_edits(d->convertd_fd, &m, NULL, span_of(NULL, 0), (int)d->wait_s * 1000, &c->edits, e);
}

int
form_find(const struct delivery *d, struct content *c, const struct envelope *env, const struct rcpt *rcpt,
    struct buf *detail, struct err *e)
{
	return form_choose(d, c, env, rcpt, detail, e) == -1 ? -1 : form_recode(d, c, e);
}

void
form_free(struct content *c)
{
	converter_plan_free(&c->plan);
	converter_edits_free(&c->edits);
}
