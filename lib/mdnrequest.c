/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/mdnrequest.h"

#include "lib/addrlist.h"
#include "lib/mime.h"
#include "lib/xtext.h"

enum { ORCPT_SHOWN = 900 };	/* octets of it that are looked at */

bool
mdnrequest_id_ok(struct span id)
{
	size_t at = 0;

	if (id.n < 5 || id.n > MDNREQUEST_ID || id.p[0] != '<' || id.p[id.n - 1] != '>')
		return false;
	for (size_t i = 1; i < id.n - 1; i++) {
		if (id.p[i] <= 0x20 || id.p[i] >= 0x7f || id.p[i] == '<' || id.p[i] == '>')
			return false;
		if (id.p[i] == '@')
			at = i;
	}
	return at > 1 && at < id.n - 2;
}

/* A field of one message ID. */
static bool
id_read(struct span header, const char *name, char out[MDNREQUEST_ID + 1])
{
	struct mime_field f;
	uint32_t n = mime_field_find(header, name, &f);
	struct span id = n == 1 ? span_trim(f.value) : span_of(NULL, 0);

	if (n == 1 && mdnrequest_id_ok(id)) {
		memcpy(out, id.p, id.n);
		out[id.n] = '\0';
	}
	return n > 0;
}

/* --- Disposition-Notification-To --- */

struct only { char *to; uint32_t n; };

static int
take_only(void *arg, const struct addrlist_box *b, struct err *e)
{
	struct only *o = arg;

	if (o->n++ > 0 || !b->qualified)
		return err_set(e, ERR_PERM, "5.1.3", "not one address");
	memcpy(o->to, b->addr, b->n + 1);
	return 0;
}

static bool
to_read(struct span header, char out[ADDRESS_MAX + 1])
{
	struct only o = { out, 0 };
	struct mime_field f;
	struct err e;

	if (mime_field_find(header, "Disposition-Notification-To", &f) == 1 &&
	    addrlist_parse(f.value, take_only, &o, &e) == 0 && o.n == 1)
		return true;
	out[0] = '\0';
	return false;
}

/* --- Disposition-Notification-Options (RFC 8098, 2.2) --- */

static void
skip_fws(struct span *s)
{
	while (s->n > 0 && (ascii_wsp(s->p[0]) || s->p[0] == '\r' || s->p[0] == '\n'))
		*s = span_sub(*s, 1, s->n);
}

/* An atom's octets (RFC 5322, 3.2.3), and "-" in any place. */
static struct span
take_atom(struct span *s)
{
	struct span word = *s;
	size_t n = 0;

	while (n < s->n && s->p[n] > 0x20 && s->p[n] < 0x7f && strchr("()<>@,;:\\\".[]=", s->p[n]) == NULL)
		n++;
	word.n = n;
	*s = span_sub(*s, n, s->n);
	return word;
}

static bool
take_octet(struct span *s, int c)
{
	skip_fws(s);
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = span_sub(*s, 1, s->n);
	return true;
}

/* A value: a word, a quoted string, or what RFC 3297, 6.3, writes as "(TRUE)"; without its quotes or
 * brackets. */
static bool
take_value(struct span *s, struct span *out)
{
	int end;
	size_t n = 1;

	skip_fws(s);
	if (s->n == 0)
		return false;
	if (s->p[0] != '"' && s->p[0] != '(') {
		*out = take_atom(s);
		return out->n > 0;
	}
	end = s->p[0] == '"' ? '"' : ')';
	while (n < s->n && s->p[n] != end)
		n += s->p[n] == '\\' ? 2 : 1;
	if (n >= s->n)
		return false;
	*out = span_sub(*s, 1, n);
	*s = span_sub(*s, n + 1, s->n);
	return true;
}

/* What one parameter means.  false: it is required, and nobody here knows it. */
static bool
parameter_read(struct span name, bool required, struct span first, enum mdnrequest_offer *offer)
{
	if (span_isi(name, "Alternative-available")) {
		if (span_isi(first, "permanent") || span_isi(first, "transient"))
			*offer = span_isi(first, "permanent") ? OFFER_PERMANENT : OFFER_TRANSIENT;
		return true;
	}
	if (span_isi(name, "Alternative-not-available")) {
		*offer = OFFER_GONE;
		return true;
	}
	return !required;
}

/* attribute "=" importance "," value *("," value), off *s.  false: it is none, or is foreign. */
static bool
parameter_take(struct span *s, enum mdnrequest_offer *offer)
{
	struct span name, importance, first, more;

	skip_fws(s);
	name = take_atom(s);
	if (name.n == 0 || !take_octet(s, '='))
		return false;
	skip_fws(s);
	importance = take_atom(s);
	if ((!span_isi(importance, "required") && !span_isi(importance, "optional")) || !take_octet(s, ',') ||
	    !take_value(s, &first))
		return false;
	while (take_octet(s, ','))
		if (!take_value(s, &more))
			return false;
	return parameter_read(name, span_isi(importance, "required"), first, offer);
}

/* false: some of it is foreign. */
static bool
options_read(struct span header, enum mdnrequest_offer *offer)
{
	struct mime_field f;
	uint32_t n = mime_field_find(header, "Disposition-Notification-Options", &f), count = 0;
	enum mdnrequest_offer said = OFFER_NONE;

	*offer = OFFER_NONE;
	if (n == 0)
		return true;
	if (n > 1)
		return false;
	do {
		enum mdnrequest_offer one = OFFER_NONE;

		if (++count > MDNREQUEST_PARAMETERS || !parameter_take(&f.value, &one))
			return false;
		if (one != OFFER_NONE && said != OFFER_NONE)	/* two, which may not mean the same */
			return false;
		said = one != OFFER_NONE ? one : said;
	} while (take_octet(&f.value, ';'));
	skip_fws(&f.value);
	if (f.value.n > 0)
		return false;
	*offer = said;
	return true;
}

void
mdnrequest_read(struct span header, struct mdnrequest *out)
{
	*out = (struct mdnrequest){ .asked = false };
	out->asked = to_read(header, out->to);
	out->foreign = !options_read(header, &out->offer);
	(void)id_read(header, "Message-ID", out->id);
	out->answers = id_read(header, "Original-Message-ID", out->original);
}

static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

bool
mdnrequest_may_answer(const struct mdnrequest *r, struct span sender, struct span rcpt)
{
	struct span to = span_str(r->to);

	return is_ascii(to) && is_ascii(rcpt) && r->asked && !r->foreign && r->id[0] != '\0' && sender.n > 0 &&
	    span_eq(address_local(to), address_local(sender)) &&
	    span_eqi(address_domain(to), address_domain(sender));
}

/* --- To, Cc, Bcc --- */

struct named { struct span key[2]; bool found; };

/* ORCPT's mailbox, as a header may have it; nothing if it is none. */
static void
original_box(struct span orcpt, struct buf *out)
{
	static const char type[] = "rfc822;";
	struct err e;

	if (orcpt.n > 0 && xtext_orcpt(out, orcpt, false, ORCPT_SHOWN, &e) == 0 &&
	    span_isi(span_sub(buf_view(out), 0, sizeof type - 1), type))
		buf_eat(out, sizeof type - 1);
	else
		buf_clear(out);
}

static int
take_named(void *arg, const struct addrlist_box *b, struct err *e)
{
	struct named *n = arg;
	struct buf key;

	buf_init(&key, 2 * ADDRESS_MAX);
	if (b->qualified && address_key(span_of(b->addr, b->n), &key, e) == 0)
		for (int i = 0; i < 2; i++)
			n->found |= n->key[i].n > 0 && span_eq(buf_view(&key), n->key[i]);
	buf_free(&key);
	return 0;
}

bool
mdnrequest_names(struct span header, struct span rcpt, struct span orcpt)
{
	static const char *const names[] = { "To", "Cc", "Bcc" };
	struct named n = { .found = false };
	struct buf key[2], original;
	struct mime_field f;
	struct err e;

	buf_init(&original, 2 * ORCPT_SHOWN);
	original_box(orcpt, &original);
	for (int i = 0; i < 2; i++) {
		buf_init(&key[i], 2 * ORCPT_SHOWN);
		if (address_key(i == 0 ? rcpt : buf_view(&original), &key[i], &e) == 0)
			n.key[i] = buf_view(&key[i]);
	}
	while (!n.found && mime_field_next(&header, &f))
		for (int i = 0; i < 3; i++)
			if (span_isi(f.name, names[i]))
				(void)addrlist_parse(f.value, take_named, &n, &e);
	buf_free(&key[0]);
	buf_free(&key[1]);
	buf_free(&original);
	return n.found;
}
