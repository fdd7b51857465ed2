/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "learn/report.h"

#include "lib/features.h"
#include "lib/msg.h"
#include "lib/notification.h"

/* What the sender's host put into the message: ENVID as it is, or Message-ID's part before the "@".  "":
 * none. */
static struct span
tag_of(const struct notification *n)
{
	struct span id = n->message_id;
	size_t at = span_find(id, '@');

	if (n->kind == NOTIFICATION_DSN)
		return n->envelope_id;
	if (id.n < 3 || id.p[0] != '<' || id.p[id.n - 1] != '>' || at == id.n)
		return span_of(NULL, 0);
	return span_sub(id, 1, at);
}

/* 1; 0: it says nothing that can be kept; -1: ERR_TEMP. */
static int
is_claim(struct span text, struct err *e)
{
	struct feat *f;
	int r;

	if (feat_parse(text, FEAT_STRICT | FEAT_CLAIM, &f, e) == -1)
		return e->kind == ERR_TEMP ? -1 : 0;
	r = !feat_empty(f);
	feat_free(f);
	return r;
}

static int
findings(const struct notification *n, int (*found)(void *arg, const struct finding *f, struct err *e),
    void *arg, struct err *e)
{
	struct finding f = { .tag = tag_of(n), .alternative = notification_alternative(n) };
	int count = 0;

	for (uint32_t i = 0; i < n->nrcpt && count < TAG_RCPTS; i++) {
		int r;

		f.addr = notification_about(&n->rcpt[i]);
		f.features = n->rcpt[i].features;
		if (f.tag.n == 0 || f.addr.n == 0 || (f.features.n == 0 && !f.alternative))
			continue;
		r = f.features.n == 0 ? 1 : is_claim(f.features, e);
		if (r == -1 || (r == 1 && found(arg, &f, e) == -1))
			return -1;
		count += r;
	}
	return count;
}

int
report_read(struct span message, const char *me,
    int (*found)(void *arg, const struct finding *f, struct err *e), void *arg, struct err *e)
{
	struct notification n;
	int r = 0;

	if (notification_parse(message, &n, e) == -1)
		return -1;
	if (!(n.kind == NOTIFICATION_DSN && span_isi(n.reporting_mta, me)))
		r = findings(&n, found, arg, e);
	notification_free(&n);
	return r;
}
