/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/notification.h"

#include <stdlib.h>

#include "lib/address.h"
#include "lib/mime.h"

struct word { const char *name; int value; };

static const struct word actions[] = { { "failed", ACTION_FAILED }, { "delayed", ACTION_DELAYED },
	{ "delivered", ACTION_DELIVERED }, { "relayed", ACTION_RELAYED }, { "expanded", ACTION_EXPANDED },
	{ NULL, ACTION_OTHER } };
static const struct word dispositions[] = { { "displayed", DISPOSITION_DISPLAYED },
	{ "deleted", DISPOSITION_DELETED }, { "dispatched", DISPOSITION_DISPATCHED },
	{ "processed", DISPOSITION_PROCESSED }, { "denied", DISPOSITION_DENIED }, { "failed", DISPOSITION_FAILED },
	{ NULL, DISPOSITION_OTHER } };
static const struct word modifiers[] = { { "error", MODIFIER_ERROR }, { "warning", MODIFIER_WARNING },
	{ "alternative-preferred", MODIFIER_ALTERNATIVE_PREFERRED }, { "original-lost", MODIFIER_ORIGINAL_LOST },
	{ NULL, MODIFIER_OTHER } };

static int
word_value(const struct word *w, struct span s)
{
	while (w->name != NULL && !span_isi(s, w->name))
		w++;
	return w->value;
}

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, "5.6.0", "notification: %s", what);
}

/* --- groups of fields --- */

/* Takes the next group off *body: lines up to an empty one.  false: none is left. */
static bool
group_next(struct span *body, struct span *group)
{
	struct span rest = *body, line;
	const unsigned char *start;

	do {
		start = rest.p;
		if (!span_line(&rest, &line))
			return false;
	} while (line.n == 0);
	do
		*group = span_of(start, (size_t)(rest.p - start));
	while (span_line(&rest, &line) && line.n > 0);
	*body = rest;
	return true;
}

static int
group_check(struct span group, struct err *e)
{
	struct mime_field f;
	uint32_t n = 0;

	while (mime_field_next(&group, &f)) {
		if (f.name.n == 0)
			return bad(e, "a line that is no field");
		if (++n > NOTIFICATION_FIELDS)
			return bad(e, "too many fields");
	}
	return 0;
}

/* The value of a field, unfolded, in the store, which has room for all of them.  1; 0: there is none. */
static int
field(struct notification *n, struct span group, const char *name, struct span *out, struct err *e)
{
	struct mime_field f;
	size_t at = n->store.n;
	uint32_t count = mime_field_find(group, name, &f);

	*out = span_of(NULL, 0);
	if (count == 0)
		return 0;
	if (count > 1)
		return bad(e, "a field twice");
	if (mime_unfold(f.value, &n->store, e) == -1)
		return -1;
	*out = span_of(n->store.p + at, n->store.n - at);
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] != '\t' && (out->p[i] < ' ' || out->p[i] == 0x7f))
			return bad(e, "a control octet");
	return 1;
}

/* "TYPE; text", its comments before the text left out: *text is "" where the type is another one. */
static int
typed(struct span value, const char *type, struct span *text, struct err *e)
{
	struct span word, rest;

	*text = span_of(NULL, 0);
	if (mime_value(value, &word, &rest, e) == -1 || rest.n == 0 || rest.p[0] != ';')
		return bad(e, "a value without its type");
	if (span_isi(word, type))
		*text = span_trim(span_sub(rest, 1, rest.n));
	return 0;
}

/* 1: the field is there. */
static int
mailbox(struct notification *n, struct span group, const char *name, struct span *out, struct err *e)
{
	struct span value;
	struct err why;
	int r = field(n, group, name, &value, e);

	*out = span_of(NULL, 0);
	if (r != 1)
		return r;
	if (typed(value, "rfc822", out, e) == -1)
		return -1;
	if (out->n > 0 && address_check(*out, &why) == -1)
		*out = span_of(NULL, 0);
	return 1;
}

/* What DSN and MDN have both. */
static int
recipient(struct notification *n, struct span group, struct notification_rcpt *r, struct err *e)
{
	int has = mailbox(n, group, "Original-Recipient", &r->original, e);

	if (has == -1)
		return -1;
	r->has_original = has == 1;
	has = mailbox(n, group, "Final-Recipient", &r->final, e);
	if (has == 0)
		return bad(e, "no Final-Recipient");
	return has == -1 || field(n, group, "Media-Accept-Features", &r->features, e) == -1 ? -1 : 0;
}

/* --- RFC 3464 --- */

static int
dsn_message(struct notification *n, struct span group, struct err *e)
{
	struct span mta;
	int r;

	if (field(n, group, "Original-Envelope-Id", &n->envelope_id, e) == -1)
		return -1;
	if ((r = field(n, group, "Reporting-MTA", &mta, e)) != 1)
		return r == -1 ? -1 : bad(e, "no Reporting-MTA");
	if (n->envelope_id.n > NOTIFICATION_ID)
		return bad(e, "an envelope ID that is too long");
	return typed(mta, "dns", &n->reporting_mta, e);
}

static int
dsn_recipient(struct notification *n, struct span group, struct err *e)
{
	struct notification_rcpt *r;
	struct span action;

	if (n->nrcpt == NOTIFICATION_RCPTS)
		return bad(e, "too many recipients");
	r = &n->rcpt[n->nrcpt++];
	*r = (struct notification_rcpt){ 0 };
	if (recipient(n, group, r, e) == -1 || field(n, group, "Action", &action, e) == -1 ||
	    field(n, group, "Status", &r->status, e) == -1)
		return -1;
	r->action = (enum notification_action)word_value(actions, span_sub(action, 0, span_find(action, ' ')));
	r->status = span_sub(r->status, 0, span_find(r->status, ' '));	/* comments follow it */
	return 0;
}

static int
dsn_parse(struct notification *n, struct span body, struct err *e)
{
	struct span group;

	if (!group_next(&body, &group))
		return bad(e, "no fields");
	if (group_check(group, e) == -1 || dsn_message(n, group, e) == -1)
		return -1;
	while (group_next(&body, &group))
		if (group_check(group, e) == -1 || dsn_recipient(n, group, e) == -1)
			return -1;
	return n->nrcpt == 0 ? bad(e, "no recipient") : 0;
}

/* --- RFC 8098 --- */

/* Takes a word with the separator before it off *rest: one of those in set.  1; 0: none of them is next. */
static int
disposition_word(struct span *rest, const char *set, struct span *word, struct err *e)
{
	size_t n = 0;

	if (mime_cfws(rest, e) == -1)
		return -1;
	if (*set != '\0') {
		if (rest->n == 0 || strchr(set, rest->p[0]) == NULL || rest->p[0] == '\0')
			return 0;
		*rest = span_sub(*rest, 1, rest->n);
		if (mime_cfws(rest, e) == -1)
			return -1;
	}
	while (n < rest->n && (ascii_alpha(rest->p[n]) || ascii_digit(rest->p[n]) || rest->p[n] == '-' ||
	    rest->p[n] == '_'))
		n++;
	*word = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n, rest->n);
	return n == 0 ? bad(e, "no Disposition by its grammar") : 1;
}

/*
 * disposition-mode ";" disposition-type ["/" modifier *("," modifier)].  RFC 3297, 6.2, has a comma in place
 * of the semicolon.
 */
static int
disposition(struct notification *n, struct span value, struct err *e)
{
	struct span word, rest = value;
	int r;

	if (disposition_word(&rest, "", &word, e) != 1 || disposition_word(&rest, "/", &word, e) != 1 ||
	    disposition_word(&rest, ";,", &word, e) != 1)
		return bad(e, "no Disposition by its grammar");
	n->disposition = (enum notification_disposition)word_value(dispositions, word);
	for (const char *set = "/"; (r = disposition_word(&rest, set, &word, e)) == 1; set = ",")
		n->modifiers |= (unsigned)word_value(modifiers, word);
	if (r == -1)
		return -1;
	return rest.n > 0 ? bad(e, "no Disposition by its grammar") : 0;
}

static int
mdn_parse(struct notification *n, struct span body, struct err *e)
{
	struct span group, more, value;
	int r;

	if (!group_next(&body, &group))
		return bad(e, "no fields");
	if (group_next(&body, &more))
		return bad(e, "fields behind an empty line");
	n->rcpt[n->nrcpt++] = (struct notification_rcpt){ 0 };
	if (group_check(group, e) == -1 || recipient(n, group, &n->rcpt[0], e) == -1 ||
	    field(n, group, "Original-Message-ID", &n->message_id, e) == -1)
		return -1;
	if (n->message_id.n > NOTIFICATION_ID)
		return bad(e, "a message ID that is too long");
	if ((r = field(n, group, "Disposition", &value, e)) != 1)
		return r == -1 ? -1 : bad(e, "no Disposition");
	return disposition(n, value, e);
}

/* --- RFC 6522 --- */

/* Does the multipart/report say of itself that it is of that type? */
static bool
report_type(const struct mime_part *p, const char *type)
{
	struct mime_field f;
	struct mime_param param;
	struct span word, rest;
	struct err e;
	uint32_t n = 0;
	bool is = false;

	if (mime_field_find(p->header, "Content-Type", &f) != 1 || mime_value(f.value, &word, &rest, &e) == -1)
		return false;
	while (mime_param_next(&rest, &param, &e) == 1)
		if (span_isi(param.name, "report-type")) {
			n++;
			is = span_isi(param.value, type);
		}
	return n == 1 && is;
}

/* The part that has the fields: the second one.  NULL: it is no report. */
static const struct mime_part *
report_fields(const struct mime *m)
{
	const struct mime_part *top = &m->part[0];

	if (!mime_is(top, "multipart/report") || top->broken || !top->multipart)
		return NULL;
	for (uint32_t i = 1; i < m->n; i++)
		if (m->part[i].parent == 0 && m->part[i].number == 2)
			return m->part[i].broken || m->part[i].transfer > TRANSFER_BINARY ? NULL : &m->part[i];
	return NULL;
}

int
notification_parse(struct span message, struct notification *out, struct err *e)
{
	const struct mime_part *p;
	struct mime m;
	int r = -1;

	*out = (struct notification){ 0 };
	buf_init(&out->store, NOTIFICATION_BODY + 1);
	if (message.n > NOTIFICATION_MESSAGE)
		return bad(e, "the message is too large");
	if (mime_parse(message, &m, e) == -1)
		return -1;
	if ((p = report_fields(&m)) == NULL || p->body.n > NOTIFICATION_BODY) {
		bad(e, "it is no report, or one that is too large");
	} else if ((out->rcpt = calloc(NOTIFICATION_RCPTS, sizeof *out->rcpt)) == NULL ||
	    buf_room(&out->store, p->body.n + 1, e) == NULL) {	/* so that what is there stays where it is */
		err_set(e, ERR_TEMP, "4.3.0", "notification: no memory");
	} else if (mime_is(p, "message/delivery-status") && report_type(&m.part[0], "delivery-status")) {
		out->kind = NOTIFICATION_DSN;
		r = dsn_parse(out, p->body, e);
	} else if (mime_is(p, "message/disposition-notification") &&
	    report_type(&m.part[0], "disposition-notification")) {
		out->kind = NOTIFICATION_MDN;
		r = mdn_parse(out, p->body, e);
	} else {
		bad(e, "a report of another type");
	}
	mime_free(&m);
	if (r == -1)
		notification_free(out);
	return r;
}

void
notification_free(struct notification *n)
{
	free(n->rcpt);
	buf_free(&n->store);
	*n = (struct notification){ 0 };
}

bool
notification_alternative(const struct notification *n)
{
	return n->modifiers & MODIFIER_ALTERNATIVE_PREFERRED;
}

struct span
notification_about(const struct notification_rcpt *r)
{
	return r->has_original ? r->original : r->final;
}
