/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * BDAT (RFC 3030): a message in chunks.  Whatever is wrong, a chunk's octets are read over before the
 * reply; once a chunk was refused, so is the rest of its sequence, until LAST, RSET, EHLO or QUIT.
 */
#include "smtpd/session.h"

#include <stdio.h>

#include "lib/qfile.h"

struct chunk { uint64_t n; bool last, malformed; };

/* bdat-cmd = "BDAT" SP chunk-size [ SP "LAST" ].  false: nobody knows how many octets follow. */
static bool
chunk_parse(struct span args, struct chunk *c)
{
	struct span size, end;

	*c = (struct chunk){ .n = 0 };
	args = span_trim(args);
	size = span_sub(args, 0, span_find(args, ' '));
	end = span_trim(span_sub(args, size.n, args.n));
	c->last = span_isi(end, "LAST");
	c->malformed = end.n > 0 && !c->last;
	return span_u64(size, UINT64_MAX, &c->n);
}

static void
chunk_why(struct refusal *why, int code, const char *dsn, const char *text)
{
	why->code = code;
	snprintf(why->dsn, sizeof why->dsn, "%s", dsn);
	snprintf(why->text, sizeof why->text, "%s", text);
}

/* Is it refused before its octets are seen?  Then *why says so. */
static bool
chunk_refused(const struct session *s, const struct chunk *c, struct refusal *why)
{
	uint64_t max = s->offer.max_size, have = s->message.open ? s->message.data.size : 0;

	if (c->malformed)
		chunk_why(why, 501, "5.5.4", "BDAT takes a number of octets, and LAST");
	else if (s->state == S_NEW)
		chunk_why(why, 503, "5.5.1", "BDAT: EHLO first");
	else if (!s->offer.esmtp)
		chunk_why(why, 503, "5.5.1", "BDAT: not offered to HELO");
	else if (s->state == S_HELO)
		chunk_why(why, 503, "5.5.1", "BDAT: MAIL first");
	else if (s->state == S_MAIL)
		chunk_why(why, 503, "5.5.1", "BDAT: no valid recipients");
	else if (max != 0 && (c->n > max || have > max - c->n))
		chunk_why(why, 552, "5.3.4", "message larger than SIZE in the reply to EHLO");
	return why->code != 0;
}

/* Its octets, from the socket into the buffer that is written to the file. */
static enum wire_status
chunk_receive(struct session *s, uint64_t left)
{
	struct message *m = &s->message;

	while (left > 0) {
		size_t room = MESSAGE_BUF - m->n, want = left < room ? (size_t)left : room, got;
		enum wire_status st = wire_read(&s->wire, m->buf + m->n, want, &got);

		if (st != WIRE_OK)
			return st;
		data_look(&m->data, span_of(m->buf + m->n, got));
		m->n += got;
		left -= got;
		if (m->n == MESSAGE_BUF)
			message_write(m);
	}
	return WIRE_OK;
}

/* Behind the last chunk: what the message still lacks. */
static void
chunk_last(struct message *m)
{
	if (data_last(&m->data)) {
		m->buf[m->n++] = '\r';		/* a full buffer was written, and is empty */
		if (m->n == MESSAGE_BUF)
			message_write(m);
		m->buf[m->n++] = '\n';
	}
	message_write(m);
}

/* Refused, and told so.  Those behind it in its sequence are told the same, and not counted again. */
static void
chunk_refuse(struct session *s, const struct chunk *c, const struct refusal *why, bool again)
{
	message_drop(s);
	if (again)
		session_line(s, why->code, false, why->dsn, span_str(why->text));
	else
		session_reply(s, why->code, why->dsn, "%s", why->text);
	if (s->state & (S_MAIL | S_RCPT | S_CHUNK) && !c->last) {
		s->state = S_CHUNK;
		s->refused = *why;
	} else {
		session_reset(s);
	}
}

/* A chunk for a message that is sound so far. */
static enum wire_status
chunk_take(struct session *s, const struct chunk *c, struct refusal *why)
{
	struct message *m = &s->message;
	enum wire_status st;

	if (!m->open && message_begin(s, s->mail.size > c->n ? s->mail.size : c->n, why) == -1)
		return wire_skip(&s->wire, c->n);
	if (s->state == S_CHUNK)
		m->spent_ms = 0;	/* the client has had its replies since */
	st = chunk_receive(s, c->n);
	if (st != WIRE_OK)
		return st;
	if (c->last)
		chunk_last(m);
	if (message_bad(s, why))
		return WIRE_OK;
	if (c->last) {
		message_commit(s);
		session_reset(s);
	} else {
		s->state = S_CHUNK;
		session_reply(s, 250, "2.0.0", "%llu octets received", (unsigned long long)c->n);
	}
	return WIRE_OK;
}

void
message_bdat(struct session *s, struct span args)
{
	bool again = s->state == S_CHUNK && s->refused.code != 0;
	struct refusal why = again ? s->refused : (struct refusal){ .code = 0 };
	enum wire_status st;
	struct chunk c;

	if (!chunk_parse(args, &c) || c.n > QFILE_MAX_MSG) {
		session_reply(s, 501, "5.5.4", "BDAT takes a number of octets, and LAST");
		session_bye(s, "4.7.0", session_astray);
		return;
	}
	session_deadline(s);
	s->junk += c.n == 0 && !c.last;
	s->wire.in_data = true;
	if (again || chunk_refused(s, &c, &why))
		st = wire_skip(&s->wire, c.n);
	else
		st = chunk_take(s, &c, &why);
	if (st != WIRE_OK)
		session_lost(s, st);
	else if (why.code != 0)
		chunk_refuse(s, &c, &why, again);
}
