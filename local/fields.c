/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/fields.h"

#include "lib/log.h"
#include "lib/mime.h"
#include "lib/signature.h"
#include "lib/xtext.h"

_Static_assert(FIELDS_MAX >= 3 * ENV_MAX_PATH + FIELDS_ORCPT + SIGNATURE_FIELD, "room for all of them");

int
fields_final(const struct envelope *env, const struct rcpt *rcpt, struct buf *out, struct err *e)
{
	struct span from = envelope_sender(env), to = rcpt_spelled(rcpt);

	if (buf_addf(out, e, "Return-Path: <%.*s>\r\nDelivered-To: %.*s\r\n", (int)from.n,
	    (const char *)from.p, (int)to.n, (const char *)to.p) == -1)
		return -1;
	if (rcpt->orcpt.n == 0)
		return 0;
	if (buf_add_str(out, "Original-Recipient: ", e) == -1 ||
	    xtext_orcpt(out, rcpt->orcpt, env->smtputf8, FIELDS_ORCPT, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

int
fields_broken(const struct delivery *d, const struct content *c, struct span to, struct buf *out, struct err *e)
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

bool
fields_loop(struct span message, const struct rcpt *rcpt)
{
	static const char name[] = "Delivered-To:";
	struct span header = mime_message_header(message), line;

	if (rcpt->plain)	/* an alias of that name has just passed it on */
		return false;
	while (span_line(&header, &line)) {
		struct span to = span_trim(span_sub(line, sizeof name - 1, line.n));

		if (span_isi(span_sub(line, 0, sizeof name - 1), name) &&
		    (span_eqi(to, rcpt->addr) || span_eqi(to, rcpt_spelled(rcpt))))
			return true;
	}
	return false;
}
