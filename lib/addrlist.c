/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/addrlist.h"

#include "lib/cur.h"

/* A run of words that may turn out to be an address, or the name before "<" or ":". */
struct spec {
	struct addrlist_box box;
	bool bad;		/* no address: two words without a dot between them, or too long */
	bool word;		/* the last token was a word */
	bool any;		/* there was a token */
};

struct parser {
	struct cur c;
	const unsigned char *start;
	int (*take)(void *arg, const struct addrlist_box *b, struct err *e);
	void *arg;
	bool group, utf8;
};

static int
list_bad(struct err *e, const char *what)
{
	return err_set(e, ERR_PERM, "5.1.3", "address list: %s", what);
}

/* White space, folds and comments.  false: a comment without its end, or too deep. */
static bool
skip_cfws(struct cur *c)
{
	int depth = 0, o;

	while ((o = cur_peek(c)) != -1) {
		if (o == '(' && ++depth > ADDRLIST_COMMENTS)
			return false;
		if (depth == 0 && !ascii_wsp(o) && o != '\r' && o != '\n')
			return true;
		cur_skip(c, 1);
		if (depth > 0 && o == ')')
			depth--;
		if (depth > 0 && o == '\\')
			cur_skip(c, 1);
	}
	return depth == 0 && !c->bad;
}

static bool
is_special(int o)
{
	return o <= ' ' || o == 0x7f || strchr("()<>[]:;@\\,\"", o) != NULL;
}

/* Octets of a word or a literal: atom with dots, quoted-string, [literal].  Empty: none is here. */
static struct span
take_word(struct cur *c)
{
	const unsigned char *from = c->p;
	int o = cur_peek(c), end = o == '"' ? '"' : o == '[' ? ']' : -1;

	if (end == -1) {
		while ((o = cur_peek(c)) != -1 && !is_special(o))
			cur_skip(c, 1);
		return span_of(from, (size_t)(c->p - from));
	}
	cur_skip(c, 1);
	while ((o = cur_byte(c)) != end && o != -1)
		if (o == '\\')
			cur_skip(c, 1);
	return c->bad ? span_of(from, 0) : span_of(from, (size_t)(c->p - from));
}

/* Folds within a quoted string are not part of it. */
static void
spec_add(struct spec *s, struct span w)
{
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] == '\r' || w.p[i] == '\n')
			continue;
		if (w.p[i] == '\0' || s->box.n == ADDRESS_MAX) {
			s->bad = true;
			return;
		}
		s->box.addr[s->box.n++] = (char)w.p[i];
	}
}

static void
spec_word(struct spec *s, struct span w)
{
	bool dot = w.p[0] == '.' || (s->box.n > 0 && s->box.addr[s->box.n - 1] == '.');

	s->any = true;
	s->bad |= s->word && !dot;
	s->word = true;
	spec_add(s, w);
}

static void
spec_at(struct spec *s)
{
	s->bad |= !s->word || s->box.qualified;
	s->any = s->box.qualified = true;
	s->word = false;
	spec_add(s, span_str("@"));
}

/* Hands the address over. */
static int
spec_take(const struct parser *p, struct spec *s, struct err *e)
{
	char whole[ADDRESS_MAX + 3];
	size_t n = s->box.n;

	if (s->bad || n == 0)
		return list_bad(e, "a name without an address");
	memcpy(whole, s->box.addr, n);
	if (!s->box.qualified) {
		memcpy(whole + n, "@x", 2);
		n += 2;
	}
	if ((p->utf8 ? address_check_utf8 : address_check)(span_of(whole, n), e) == -1)
		return -1;
	s->box.addr[s->box.n] = '\0';
	return p->take(p->arg, &s->box, e);
}

/* A word and what may follow it.  false: neither a word nor "@" is here. */
static bool
spec_token(struct parser *p, struct spec *s)
{
	struct span w;

	if (cur_peek(&p->c) == '@') {
		cur_skip(&p->c, 1);
		spec_at(s);
		return true;
	}
	if ((w = take_word(&p->c)).n == 0)
		return false;
	spec_word(s, w);
	if (!s->box.qualified)
		s->box.end = (size_t)(p->c.p - p->start);
	return true;
}

/* "<" has been read: [ @a,@b: ] addr-spec ">". */
static int
take_angle(struct parser *p, struct err *e)
{
	struct spec s = { .bad = false };
	int o;

	if (!skip_cfws(&p->c))
		return list_bad(e, "a comment without its end");
	if (cur_peek(&p->c) == '@') {
		while ((o = cur_byte(&p->c)) != ':')
			if (o == -1 || o == '>')
				return list_bad(e, "a source route without its end");
	}
	for (;;) {
		if (!skip_cfws(&p->c))
			return list_bad(e, "a comment without its end");
		if (cur_peek(&p->c) == '>')
			break;
		if (!spec_token(p, &s))
			return list_bad(e, "expected an address between < and >");
	}
	cur_skip(&p->c, 1);
	return spec_take(p, &s, e);
}

/* What stands behind an address: a comma, a group's end, or the list's. */
static int
take_end(struct parser *p, struct err *e)
{
	int o = cur_peek(&p->c);

	if (o == ';' && p->group) {
		p->group = false;
		cur_skip(&p->c, 1);
		return 0;
	}
	if (o != ',' && o != -1)
		return list_bad(e, "expected a comma between two addresses");
	if (o == ',')
		cur_skip(&p->c, 1);
	return 0;
}

/* One address, or a group's name with its colon. */
static int
take_item(struct parser *p, struct err *e)
{
	struct spec s = { .bad = false };

	for (;;) {
		int o;

		if (!skip_cfws(&p->c))
			return list_bad(e, "a comment without its end");
		if ((o = cur_peek(&p->c)) == ':' && !p->group && s.any && !s.box.qualified) {
			p->group = true;
			cur_skip(&p->c, 1);
			return 0;
		}
		if (o == '<') {
			cur_skip(&p->c, 1);
			if (take_angle(p, e) == -1)
				return -1;
			return skip_cfws(&p->c) ? take_end(p, e) : list_bad(e, "a comment without its end");
		}
		if (o == -1 || o == ',' || o == ';')
			break;
		if (!spec_token(p, &s))
			return list_bad(e, "an octet that no address has");
	}
	if (s.any && spec_take(p, &s, e) == -1)
		return -1;
	return take_end(p, e);
}

static int
parse(struct parser *p, struct span value, struct err *e)
{
	p->c = cur_of(value);
	p->start = value.p;
	while (cur_left(&p->c) > 0)
		if (take_item(p, e) == -1)
			return -1;
	/* a group that nobody closed is taken, as all do */
	return p->c.bad ? list_bad(e, "cut short") : 0;
}

int
addrlist_parse(struct span value,
    int (*take)(void *arg, const struct addrlist_box *b, struct err *e), void *arg, struct err *e)
{
	return parse(&(struct parser){ .take = take, .arg = arg }, value, e);
}

int
addrlist_parse_utf8(struct span value,
    int (*take)(void *arg, const struct addrlist_box *b, struct err *e), void *arg, struct err *e)
{
	return parse(&(struct parser){ .take = take, .arg = arg, .utf8 = true }, value, e);
}
