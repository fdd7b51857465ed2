/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include <errno.h>
#include <stdlib.h>

#include "lib/log.h"
#include "lib/mime.h"
#include "lib/signature.h"
#include "remote/flow.h"

/* Read once for the job. */
static void
flow_header(struct flow *f)
{
	if (f->header_read)
		return;
	f->header_read = true;
	f->report = mime_message_is_report(f->job->message);
	f->signed_whole = signature_any(f->job->message);
}

bool
flow_report(struct flow *f)
{
	flow_header(f);
	return f->report;
}

bool
flow_signed(struct flow *f)
{
	flow_header(f);
	return f->signed_whole;
}

/* Nothing was looked at in a message that is attached and not gone into. */
static bool
part_fields(const struct mime_part *p)
{
	bool inside = p->type.n >= 8 && span_isi(span_sub(p->type, 0, 8), "message/") && !p->message;

	return span_eight(p->header) || p->broken || (inside && span_eight(p->body));
}

bool
flow_fields(struct flow *f)
{
	struct mime m;
	struct err e;

	if (f->fields_known)
		return f->fields;
	f->fields_known = true;
	f->fields = f->eight;
	if (!f->eight || mime_parse(f->job->message, &m, &e) == -1)
		return f->fields;
	f->fields = false;
	for (uint32_t i = 0; i < m.n && !f->fields; i++)
		f->fields = part_fields(&m.part[i]);
	mime_free(&m);
	return f->fields;
}

enum edit_transfer
flow_transfer(const struct flow *f)
{
	unsigned ext = f->s->hop.ext, both = HOP_BINARYMIME | HOP_CHUNKING;

	if (f->job->env.body == BODY_BINARYMIME)
		return (ext & both) == both ? EDIT_AS_IS :
		    ext & HOP_8BITMIME ? EDIT_TO_8BIT : EDIT_TO_7BIT;
	return f->eight && !(ext & HOP_8BITMIME) ? EDIT_TO_7BIT : EDIT_AS_IS;
}

enum body_type
flow_body(const struct flow *f)
{
	switch (flow_transfer(f)) {
	case EDIT_TO_7BIT:
		return BODY_7BIT;
	case EDIT_TO_8BIT:
		return BODY_8BITMIME;
	case EDIT_AS_IS:
		break;
	}
	return f->job->env.body == BODY_BINARYMIME ? BODY_BINARYMIME :
	    f->eight ? BODY_8BITMIME : BODY_7BIT;
}

static bool
form_same(const struct made *m, const struct edits_want *w)
{
	return m->record == w->record && m->transfer == w->transfer && span_eq(m->key, w->key);
}

int
flow_form(struct flow *f, const struct capset *c, bool record, int64_t wait_ms, struct made **out,
    struct err *e)
{
	/* Told QUIT, the hop is asked again what it takes; till then what it said last counts. */
	struct edits_want want = { .record = record, .transfer = flow_transfer(f) };
	struct made *m;

	*out = NULL;
	if (c != NULL) {
		want.plan = c->plan;
		want.key = c->verdict->key;
	}
	if (want.key.n == 0 && want.transfer == EDIT_AS_IS)
		return 0;
	for (m = f->made; m != NULL && !form_same(m, &want);)
		m = m->next;
	if (m == NULL) {
		if ((m = calloc(1, sizeof *m)) == NULL)
			return err_sys(e, "conversion");
		if (ask_edits(f->s, &want, wait_ms, &m->edits, e) == -1) {
			free(m);
			return -1;
		}
		m->key = want.key;
		m->record = record;
		m->transfer = want.transfer;
		m->next = f->made;
		f->made = m;
	}
	*out = m;
	return 0;
}

bool
flow_late(struct flow *f, const struct err *e)
{
	return e->sys == ETIMEDOUT && f->s->convertd != -1;
}

int
flow_dress(struct flow *f, struct xact *x, const struct made *made, struct err *e)
{
	x->top = span_of(NULL, 0);
	x->size = f->job->message.n;
	if (made == NULL)
		return 0;
	if (flow_signed(f)) {
		if (f->broken.n == 0 && signature_broken(conf_string(f->s->conf, CONF_ME), f->job->message,
		    &f->broken, e) == -1) {
			buf_clear(&f->broken);
			return -1;
		}
		x->top = buf_view(&f->broken);
	}
	x->size = x->top.n + made->edits.list.size;
	return 0;
}

void
flow_send(struct flow *f, struct xact *x, const struct made *made)
{
	struct span header = mime_message_header(f->job->message);
	struct signature s;

	for (uint32_t n = 0; x->top.n > 0 && f->s->inquiry == NULL && n < SIGNATURE_MAX &&
	    signature_next(&header, &s); n++)
		log_line(LOG_INFO, f->job->id, "signature-broken", "domain=%s selector=%s relay=%s",
		    log_qs(s.domain), log_qs(s.selector), log_q(f->s->mta));
	smtp_send(f->s, x, made != NULL ? &made->edits.list : NULL);
}
