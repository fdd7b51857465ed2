/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The text as a tree: RFC 2533, 4.1, 6.1 and 6.2, with the corrected setentry of RFC 2738.
 * Names and tokens come out in lower case.  Read besides, unless FEAT_STRICT: > and < as >= and
 * <=, ")" too many at the end, and ")" missing at the end after a complete item.
 */
#include "lib/feat_impl.h"
#include "lib/cur.h"

struct parse {
	struct work *w;
	struct cur c;
	struct span text;
	const unsigned char *lower;	/* the text in lower case */
	unsigned flags;
	size_t npred;
};

static size_t
column(const struct parse *p)
{
	return (size_t)(p->c.p - p->text.p) + 1;
}

static int
fail(struct parse *p, const char *what)
{
	p->w->column = column(p);
	return work_fail(p->w, what);
}

static int
peek(struct parse *p)
{
	return cur_peek(&p->c);
}

/* Skips white space; the octet after it, or -1. */
static int
next(struct parse *p)
{
	int c;

	while ((c = peek(p)) == ' ' || c == '\t' || c == '\r' || c == '\n')
		cur_skip(&p->c, 1);
	return c;
}

static bool
accept(struct parse *p, int c)
{
	if (peek(p) != c)
		return false;
	cur_skip(&p->c, 1);
	return true;
}

/* The same place in the copy that is in lower case. */
static struct span
lower(const struct parse *p, struct span s)
{
	return span_of(p->lower + (s.p - p->text.p), s.n);
}

/* ALPHA followed by ALPHA, DIGIT and what more has; empty if there is no ALPHA. */
static struct span
take_name(struct parse *p, const char *more)
{
	const unsigned char *from = p->c.p;
	int c = peek(p);

	if (c == -1 || !ascii_alpha(c))
		return span_of(from, 0);
	while ((c = peek(p)) > 0 && (ascii_alpha(c) || ascii_digit(c) || strchr(more, c) != NULL))
		cur_skip(&p->c, 1);
	return lower(p, span_of(from, (size_t)(p->c.p - from)));
}

static struct span
take_tag(struct parse *p)
{
	return take_name(p, ":/.-%");
}

static struct span
take_token(struct parse *p)
{
	return take_name(p, "-");
}

static int
take_digits(struct parse *p, unsigned __int128 *out)
{
	const unsigned __int128 most = ~(unsigned __int128)0;
	int c = peek(p);

	if (c == -1 || !ascii_digit(c))
		return fail(p, "a digit expected");
	for (*out = 0; (c = peek(p)) != -1 && ascii_digit(c); cur_skip(&p->c, 1)) {
		if (*out > (most - 9) / 10)
			return fail(p, "number too large");
		*out = *out * 10 + (unsigned)(c - '0');
	}
	return 0;
}

static unsigned __int128
gcd(unsigned __int128 a, unsigned __int128 b)
{
	while (b != 0) {
		unsigned __int128 t = a % b;

		a = b;
		b = t;
	}
	return a;
}

static int
take_num(struct parse *p, struct num *out)
{
	unsigned __int128 n, d = 1, g;
	bool negative = accept(p, '-');
	struct cur back;

	if (!negative)
		accept(p, '+');
	next(p);
	if (take_digits(p, &n) == -1)
		return -1;
	back = p->c;
	if (next(p) == '/') {
		cur_skip(&p->c, 1);
		next(p);
		if (take_digits(p, &d) == -1)
			return -1;
		if (d == 0)
			return fail(p, "division by zero");
	} else {
		p->c = back;
	}
	g = gcd(n, d);
	n /= g;
	d /= g;
	if (n > INT64_MAX || d > INT64_MAX)
		return fail(p, "number too large");
	*out = (struct num){ negative ? -(int64_t)n : (int64_t)n, (int64_t)d };
	return 0;
}

static int
take_string(struct parse *p, struct span *out)
{
	const unsigned char *from;
	int c;

	cur_skip(&p->c, 1);
	from = p->c.p;
	while ((c = peek(p)) != '"') {
		if (c < 0x20 || c > 0x7e)
			return fail(p, c == -1 ? "no end of the string" :
			    "octet not allowed in a string");
		cur_skip(&p->c, 1);
	}
	*out = span_of(from, (size_t)(p->c.p - from));
	cur_skip(&p->c, 1);
	return 0;
}

/* unit: set if the number has one, else empty. */
static int
take_value(struct parse *p, struct value *v, struct span *unit)
{
	struct cur back;
	int c = next(p);

	*unit = span_of(p->lower, 0);
	if (c == '"') {
		v->kind = VALUE_STRING;
		if (take_string(p, &v->text) == -1)
			return -1;
		v->lower = lower(p, v->text);
		return 0;
	}
	if (c != -1 && ascii_alpha(c)) {
		v->kind = VALUE_TOKEN;
		v->text = take_token(p);
		return 0;
	}
	if (c == -1 || !(c == '+' || c == '-' || ascii_digit(c)))
		return fail(p, "a value expected");
	v->kind = VALUE_NUM;
	if (take_num(p, &v->num) == -1)
		return -1;
	back = p->c;
	next(p);
	*unit = take_token(p);
	if (unit->n == 0)
		p->c = back;
	return 0;
}

static struct entry *
entry_new(struct parse *p, struct node *n)
{
	struct entry *en = work_alloc(p->w, sizeof *en);

	if (en != NULL) {
		*en = (struct entry){ .next = n->entries };
		n->entries = en;
	}
	return en;
}

/* After "[": entries up to "]". */
static int
parse_set(struct parse *p, struct node *n)
{
	struct entry *en;
	struct span unit;

	do {
		if ((en = entry_new(p, n)) == NULL || take_value(p, &en->value, &en->unit) == -1)
			return -1;
		if (next(p) == '.') {
			cur_skip(&p->c, 1);
			if (!accept(p, '.'))
				return fail(p, "\"..\" expected");
			en->rel = REL_IN;
			if (take_value(p, &en->high, &unit) == -1)
				return -1;
			if (!span_eq(unit, en->unit))
				return fail(p, "a range from one unit to another");
		}
		next(p);
	} while (accept(p, ','));
	return accept(p, ']') ? 0 : fail(p, "\",\" or \"]\" expected");
}

static int
add_param(struct parse *p, struct param **list, size_t *n, struct span name)
{
	struct param *a = work_alloc(p->w, sizeof *a), **at = list;

	if (a == NULL)
		return -1;
	if (++*n > FEAT_MAX_PARAMETERS)
		return fail(p, "too many parameters");
	*a = (struct param){ NULL, name };
	while (*at != NULL)
		at = &(*at)->next;
	*at = a;
	return 0;
}

/* A tag with what it is compared to, or a predicate with its parameters. */
static int
parse_item(struct parse *p, struct node *n)
{
	struct entry *en;
	int c;

	n->name = take_tag(p);
	if (n->name.n == 0)
		return fail(p, "\"&\", \"|\", \"!\" or a feature tag expected");
	c = next(p);
	if (c != '=' && c != '<' && c != '>') {
		n->kind = NODE_CALL;
		for (; c != -1 && ascii_alpha(c); c = next(p))
			if (add_param(p, &n->params, &n->nparam, take_tag(p)) == -1)
				return -1;
		return 0;
	}
	n->kind = NODE_ITEM;
	cur_skip(&p->c, 1);
	if (c != '=' && !accept(p, '=') && (p->flags & FEAT_STRICT) != 0)
		return fail(p, "\"=\" expected");
	if (c == '=' && next(p) == '[') {
		cur_skip(&p->c, 1);
		return parse_set(p, n);
	}
	if ((en = entry_new(p, n)) == NULL)
		return -1;
	en->rel = c == '=' ? REL_EQ : c == '<' ? REL_LE : REL_GE;
	return take_value(p, &en->value, &en->unit);
}

/* qvalue, RFC 2533, 4.1, in thousandths. */
static int
parse_qvalue(struct parse *p, int *q)
{
	int first = peek(p), c;

	if (!accept(p, '0') && !accept(p, '1'))
		return fail(p, "a quality of 0 to 1 expected");
	*q = first == '1' ? FEAT_BEST : 0;
	if (!accept(p, '.'))
		return 0;
	for (int i = 100; i > 0 && (c = peek(p)) != -1 && ascii_digit(c); i /= 10) {
		if (first == '1' && c != '0')
			return fail(p, "a quality of 0 to 1 expected");
		*q += (c - '0') * i;
		cur_skip(&p->c, 1);
	}
	c = peek(p);
	return c != -1 && ascii_digit(c) ? fail(p, "more than 3 digits of quality") : 0;
}

/* *( ";" parameter ); *any: there was one.  *q: the quality, if one is written; of several the last. */
static int
parse_parameters(struct parse *p, bool *any, int *q)
{
	struct span name, value;
	int c;

	for (*any = false; next(p) == ';'; *any = true) {
		cur_skip(&p->c, 1);
		next(p);
		if ((name = take_token(p)).n == 0)
			return fail(p, "a parameter expected");
		if (next(p) != '=')
			return fail(p, "\"=\" expected");
		cur_skip(&p->c, 1);
		c = next(p);
		if (span_is(name, "q")) {
			if (parse_qvalue(p, q) == -1)
				return -1;
		} else if (c == '"') {
			if (take_string(p, &value) == -1)
				return -1;
		} else {
			while ((c = peek(p)) > ' ' && c < 0x7f && strchr("();\"", c) == NULL)
				cur_skip(&p->c, 1);
		}
	}
	return 0;
}

/* At the end of the text, is what was read last a ")"? */
static bool
at_end_after_close(const struct parse *p)
{
	struct span s = span_trim(p->text);

	return cur_left(&p->c) == 0 && s.n > 0 && s.p[s.n - 1] == ')';
}

static int
parse_close(struct parse *p)
{
	next(p);
	if (accept(p, ')') || ((p->flags & FEAT_STRICT) == 0 && at_end_after_close(p)))
		return 0;
	return fail(p, peek(p) == -1 ? "\")\" missing" : "\")\" expected");
}

static int parse_filter(struct parse *p, unsigned depth, struct node **out);

/* 1*filter, or one for "!". */
static int
parse_filters(struct parse *p, unsigned depth, struct node *n)
{
	struct node **at = &n->child;

	while (next(p) == '(') {
		if (n->kind == NODE_NOT && n->child != NULL)
			return fail(p, "\"!\" takes one filter");
		if (parse_filter(p, depth + 1, at) == -1)
			return -1;
		at = &(*at)->next;
	}
	return n->child != NULL ? 0 : fail(p, "\"(\" expected");
}

/* RFC 2938: "h." and base-32 digits. */
static bool
is_hashed(struct span name)
{
	if (name.n < 3 || name.p[0] != 'h' || name.p[1] != '.')
		return false;
	for (size_t i = 2; i < name.n; i++)
		if (!ascii_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'v'))
			return false;
	return true;
}

static int
check_pred(struct parse *p, const struct node *where, const struct pred *q, struct span body)
{
	char hash[29];

	for (const struct pred *o = where->preds; o != NULL; o = o->next)
		if (span_eq(o->name, q->name))
			return fail(p, "a predicate is defined twice");
	if (++p->npred > FEAT_MAX_PREDICATES)
		return fail(p, "too many predicates");
	if (!is_hashed(q->name))
		return 0;
	feat_hash(body, hash);
	if (!span_eqi(q->name, span_str(hash)))
		return fail(p, "the definition does not have the hash that is its name");
	return 0;
}

/* named-pred = "(" fname *pname ")" ":-" filter */
static int
parse_pred(struct parse *p, unsigned depth, struct node *where)
{
	struct pred *q = work_alloc(p->w, sizeof *q);
	const unsigned char *from;
	int c;

	if (q == NULL)
		return -1;
	*q = (struct pred){ 0 };
	cur_skip(&p->c, 1);
	next(p);
	if ((q->name = take_tag(p)).n == 0)
		return fail(p, "the name of a predicate expected");
	while ((c = next(p)) != -1 && ascii_alpha(c))
		if (add_param(p, &q->formals, &q->nformal, take_token(p)) == -1)
			return -1;
	if (!accept(p, ')'))
		return fail(p, "\")\" expected");
	next(p);
	if (!accept(p, ':') || !accept(p, '-'))
		return fail(p, "\":-\" expected");
	next(p);
	from = p->c.p;
	if (parse_filter(p, depth + 1, &q->body) == -1 ||
	    check_pred(p, where, q, span_of(from, (size_t)(p->c.p - from))) == -1)
		return -1;
	q->next = where->preds;
	where->preds = q;
	return 0;
}

/* "where" 1*( named-pred ) "end", if it is there: *n becomes a node around what it was. */
static int
parse_where(struct parse *p, unsigned depth, struct node **n, bool *any)
{
	struct cur back = p->c;
	struct node *where;

	next(p);
	*any = span_is(take_token(p), "where");
	if (!*any) {
		p->c = back;
		return 0;
	}
	if ((where = work_alloc(p->w, sizeof *where)) == NULL)
		return -1;
	*where = (struct node){ .kind = NODE_WHERE, .child = *n, .column = (*n)->column, .q = -1 };
	do {
		if (next(p) != '(')
			return fail(p, "\"(\" expected");
		if (parse_pred(p, depth, where) == -1)
			return -1;
	} while (next(p) == '(');
	if (!span_is(take_token(p), "end"))
		return fail(p, "\"end\" expected");
	*n = where;
	return 0;
}

static int
parse_filter(struct parse *p, unsigned depth, struct node **out)
{
	bool inner, outer, where;
	struct node *n = work_alloc(p->w, sizeof *n);

	if (n == NULL)
		return -1;
	if (next(p) != '(')
		return fail(p, "\"(\" expected");
	if (depth > FEAT_MAX_DEPTH)
		return fail(p, "nested too deeply");
	*n = (struct node){ .column = column(p), .q = -1 };
	cur_skip(&p->c, 1);
	next(p);
	n->kind = accept(p, '&') ? NODE_AND : accept(p, '|') ? NODE_OR : accept(p, '!') ? NODE_NOT :
	    NODE_ITEM;
	if ((n->kind == NODE_ITEM ? parse_item(p, n) : parse_filters(p, depth, n)) == -1 ||
	    parse_parameters(p, &inner, &n->q) == -1 || parse_close(p) == -1 ||
	    parse_parameters(p, &outer, &n->q) == -1 || parse_where(p, depth, &n, &where) == -1)
		return -1;
	if (inner && !where && (p->flags & FEAT_STRICT) != 0)
		return fail(p, "a parameter in the parentheses needs \"where\"");
	*out = n;
	return 0;
}

int
feat_read(struct work *w, struct span text, unsigned flags, struct node **out)
{
	struct parse p = { .w = w, .c = cur_of(text), .text = text, .flags = flags };
	unsigned char *low;

	w->column = 1;
	if (text.n == 0)
		return work_fail(w, "empty");
	w->column = FEAT_MAX_TEXT + 1;
	if (text.n > FEAT_MAX_TEXT)
		return work_fail(w, "too long");
	w->column = 0;
	if ((low = work_alloc(w, text.n)) == NULL)
		return -1;
	for (size_t i = 0; i < text.n; i++)
		low[i] = (unsigned char)ascii_lower(text.p[i]);
	p.lower = low;
	if (parse_filter(&p, 1, out) == -1)
		return -1;
	while (next(&p) == ')' && (flags & FEAT_STRICT) == 0)
		cur_skip(&p.c, 1);
	return cur_left(&p.c) == 0 ? 0 : fail(&p, "the end expected");
}
