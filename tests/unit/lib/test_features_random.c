/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Random expressions against an evaluator that knows nothing of normal forms: it asks each
 * expression of each point whether the point is in it, and how good it is.  The points take, for
 * each tag, every constant that expressions use, values between, below and above them, and a token
 * and a string that none uses; so what holds for all points holds for all values.  Two are equal if
 * they say the same of all points: by chance, or as one was rewritten by laws of logic.  And
 * expressions made to be expensive.
 */
#include "lib/features.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { TAGS = 3, VALUES = 12, FLAGS = 2, POINTS = VALUES * VALUES * VALUES * FLAGS, NODES = 4000 };

/* half: numbers, in halves; or a word. */
static const struct value { int half; const char *word, *text; } values[VALUES] = {
	{ 1, NULL, "1/2" }, { 2, NULL, "1" }, { 3, NULL, "+3/2" }, { 4, NULL, "4/2" },
	{ 5, NULL, "5/2" }, { 6, NULL, "3" }, { 7, NULL, "14/4" },
	{ 0, "x", "X" }, { 0, "yy", "Yy" }, { 0, "none", "none" },
	{ 0, "\"x\"", "\"x\"" }, { 0, "\"none\"", "\"none\"" },
};
static const int constants[] = { 1, 3, 5, 7, 8, 10 };	/* those that expressions use */
static const char *const tags[TAGS] = { "a", "Bb", "c-1" };

struct node { char op; int tag, rel, value, high, q; struct node *child[5]; int n; bool written; };
/* ops: & | ! ; '=' comparison or range by rel: 0 =, 1 >=, 2 <=, 3 range, 4 set of value and high;
 * '?' the Boolean predicate; 'w' a predicate of "where".  q: -1 if none is written */

struct point { int v[TAGS]; bool flag; };

static uint64_t seed;

static unsigned
dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 11) % n);
}

static bool
compare(int rel, const struct value *have, const struct value *want)
{
	if (have->word != NULL || want->word != NULL)
		return have->word != NULL && want->word != NULL &&
		    strcmp(have->word, want->word) == 0;
	return rel == 0 ? have->half == want->half : rel == 1 ? have->half >= want->half :
	    have->half <= want->half;
}

static bool
holds(const struct node *n, const struct point *p)
{
	const struct value *have = &values[p->v[n->tag]], *lo = &values[n->value],
	    *hi = &values[n->high];

	switch (n->op) {
	case '&':
		for (int i = 0; i < n->n; i++)
			if (!holds(n->child[i], p))
				return false;
		return true;
	case '|':
		for (int i = 0; i < n->n; i++)
			if (holds(n->child[i], p))
				return true;
		return false;
	case '!':
		return !holds(n->child[0], p);
	case 'w':
		return holds(n->child[0], p);
	case '?':
		return p->flag;
	default:
		if (n->rel == 3)
			return compare(1, have, lo) && compare(2, have, hi);
		if (n->rel == 4)
			return compare(0, have, lo) || compare(0, have, hi);
		return compare(n->rel, have, lo);
	}
}

/* The quality of a point, -1 if it is not in n; q: what is written around n (RFC 2533, 3.7). */
static int
quality(const struct node *n, const struct point *p, int q)
{
	int best = -1, one;

	if (n->q != -1)
		q = n->q;
	if (n->op != '|' && n->op != 'w')
		return holds(n, p) ? q : -1;
	for (int i = 0; i < n->n; i++) {
		one = quality(n->child[i], p, q);
		best = one > best ? one : best;
	}
	return best;
}

static struct node pool[NODES];
static int used;
static const int qualities[] = { 0, 250, 250, 500, 1000 };

/* in_pred: no predicate is used in a predicate, since they do not see each other. */
static struct node *
grow(unsigned depth, bool in_pred)
{
	struct node *n = &pool[used++];
	unsigned what = depth == 0 || used > 200 ? 9 : dice(12);

	*n = (struct node){ .op = "&&&|||!!w===="[what], .q = dice(4) == 0 ? qualities[dice(5)] : -1 };
	if (n->op == 'w' && in_pred)
		n->op = '!';
	if (n->op == '=') {
		if (dice(12) == 0)
			n->op = '?';
		n->tag = (int)dice(TAGS);
		n->rel = (int)dice(5);
		n->value = constants[dice(6)];
		n->high = constants[dice(6)];
		return n;
	}
	n->n = n->op == '&' || n->op == '|' ? 1 + (int)dice(4) : 1;
	for (int i = 0; i < n->n; i++)
		n->child[i] = grow(depth - 1, in_pred || n->op == 'w');
	return n;
}

static struct node *
node_of(char op, int q, struct node *a, struct node *b)
{
	struct node *n = &pool[used++];

	*n = (struct node){ .op = op, .q = q, .child = { a, b }, .n = b == NULL ? 1 : 2 };
	return n;
}

static struct node *
node_compare(const struct node *like, int rel, int value)
{
	struct node *n = &pool[used++];

	*n = *like;
	n->q = -1;
	n->rel = rel;
	n->value = value;
	return n;
}

static struct node *rewrite(const struct node *n, bool top);

/* n in other words, which are not alternatives, so have no quality of their own within. */
static struct node *
reword(const struct node *n)
{
	struct node *m = rewrite(n, false), *t = grow(0, true), *out;

	t->q = -1;
	switch (dice(5)) {
	case 0:
		return node_of('!', n->q, node_of('!', -1, m, NULL), NULL);
	case 1:
		out = node_of('|', n->q, node_of('&', -1, m, t), node_of('&', -1, node_of('!', -1, t, NULL), m));
		return out;
	case 2:
		if (m->op != '&')
			return m;
		for (int i = 0; i < m->n; i++)		/* De Morgan */
			m->child[i] = node_of('!', -1, m->child[i], NULL);
		m->op = '|';
		m->q = -1;
		return node_of('!', n->q, m, NULL);
	case 3:
		if (n->op != '=' || n->rel < 3)
			return m;
		if (n->rel == 3)
			return node_of('&', n->q, node_compare(n, 2, n->high), node_compare(n, 1, n->value));
		return node_of('|', n->q, node_compare(n, 0, n->high), node_compare(n, 0, n->value));
	default:
		return m;
	}
}

/* An expression that says the same as n. */
static struct node *
rewrite(const struct node *n, bool top)
{
	struct node *m = &pool[used++], *t;
	bool alternatives = top && (n->op == '|' || n->op == 'w');

	*m = *n;
	m->written = false;
	for (int i = 0; i < n->n; i++) {
		struct node *c = n->child[i];

		m->child[i] = used > NODES / 2 || dice(2) ? rewrite(c, alternatives) :
		    alternatives && (c->op == '|' || c->op == 'w') ? rewrite(c, true) : reword(c);
	}
	if (n->op == '|' || n->op == '&') {
		int i = (int)dice((unsigned)n->n);

		t = m->child[i];
		m->child[i] = m->child[0];
		m->child[0] = t;
		if (dice(2) == 0)
			m->child[m->n++] = m->child[dice((unsigned)n->n)];
	}
	if (dice(8) != 0)
		return m;
	t = node_of('&', 0, m, grow(0, true));		/* is in m, and no better */
	return node_of('|', -1, m, t);
}

static void
say(struct buf *b, const char *fmt, ...)
{
	char text[200];
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (const char *s = text; *s != '\0'; s++) {
		ck_assert_int_eq(buf_add_byte(b, *s, &e), 0);
		if (strchr("(&|!)", *s) != NULL && dice(3) == 0)
			ck_assert_int_eq(buf_add_str(b, dice(2) ? " " : "\r\n\t", &e), 0);
	}
}

static void
write_node(struct buf *b, const struct node *n)
{
	static const char *const rels[] = { "=", ">=", "<=" };
	const char *lo = values[n->value].text, *hi = values[n->high].text;

	if (n->op == '?')
		say(b, "(flag)");
	else if (n->op == 'w')
		say(b, "(w%d)", (int)(n - pool));
	else if (n->op == '=' && n->rel < 3)
		say(b, "(%s%s%s)", tags[n->tag], rels[n->rel], lo);
	else if (n->op == '=')
		say(b, "(%s=[%s%s%s])", tags[n->tag], lo, n->rel == 3 ? ".." : ", ", hi);
	else {
		say(b, "(%c", n->op);
		for (int i = 0; i < n->n; i++)
			write_node(b, n->child[i]);
		say(b, ")");
	}
	if (n->q != -1)
		say(b, n->q == 1000 ? ";q=1.0" : ";q=0.%03d", n->q);
}

/* Defines the predicates that n uses. */
static void
write_preds(struct buf *b, const struct node *n, bool *any)
{
	if (n->op == 'w' && !n->written) {
		say(b, *any ? " (w%d):-" : "where (w%d):-", (int)(n - pool));
		write_node(b, n->child[0]);
		((struct node *)n)->written = *any = true;
	}
	for (int i = 0; i < n->n; i++)
		write_preds(b, n->child[i], any);
}

static struct feat *
feat_of(const struct node *tree, struct buf *b)
{
	struct err e = { 0 };
	bool any = false;
	struct feat *f;

	buf_clear(b);
	write_node(b, tree);
	write_preds(b, tree, &any);
	if (any)
		say(b, " end");
	ck_assert_msg(feat_parse(buf_view(b), FEAT_STRICT, &f, &e) == 0, "%.*s: %s", (int)b->n,
	    b->p,
	    e.what);
	return f;
}

static struct point points[POINTS];
static struct feat *point_feats[POINTS];

static void
make_points(void)
{
	char text[200];
	struct err e = { 0 };

	for (int i = 0; i < POINTS; i++) {
		points[i] = (struct point){ { i % VALUES, i / VALUES % VALUES,
		    i / VALUES / VALUES % VALUES },
		    i >= POINTS / FLAGS };
		snprintf(text, sizeof text, "(& (a=%s) (bb=%s) (c-1=%s) %s)",
		    values[points[i].v[0]].text,
		    values[points[i].v[1]].text, values[points[i].v[2]].text,
		    points[i].flag ? "(flag)" : "(! (flag))");
		ck_assert_int_eq(feat_parse(span_str(text), FEAT_STRICT, &point_feats[i], &e), 0);
	}
}

static void
free_points(void)
{
	for (int i = 0; i < POINTS; i++)
		feat_free(point_feats[i]);
}

static struct feat *
random_feat(struct node **tree, struct buf *b)
{
	*tree = grow(1 + dice(4), false);
	return feat_of(*tree, b);
}

/* Prints, parses, intersects with itself: the same each time. */
static void
check_normal(const struct feat *f, const struct buf *from)
{
	struct err e = { 0 };
	struct feat *g;
	struct buf b;

	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(feat_print(f, &b, &e), 0);
	ck_assert_msg(feat_parse(buf_view(&b), FEAT_STRICT, &g, &e) == 0, "%s", e.what);
	ck_assert_msg(feat_same(f, g), "%.*s\n%.*s", (int)from->n, from->p, (int)b.n, b.p);
	feat_free(g);
	ck_assert_int_eq(feat_and(f, f, &g, &e), 0);
	ck_assert_msg(feat_same(f, g), "%.*s", (int)from->n, from->p);
	feat_free(g);
	ck_assert_int_eq(feat_or(f, f, &g, &e), 0);
	ck_assert(feat_same(f, g));
	feat_free(g);
	buf_free(&b);
}

/* Is what they say of all points the same? */
static bool
agree(const struct node *x, const struct node *y)
{
	for (int i = 0; i < POINTS; i++)
		if (quality(x, &points[i], FEAT_BEST) != quality(y, &points[i], FEAT_BEST))
			return false;
	return true;
}

/* The canonical forms are the same, and print the same, if the sets are equal, and else not. */
static void
check_canonical(const struct feat *f, const struct feat *g, bool equal)
{
	struct feat *x, *y;
	struct buf a, b;
	struct err e = { 0 };

	buf_init(&a, FEAT_MAX_TEXT);
	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_msg(feat_canonical(f, &x, &e) == 0, "%s", e.what);
	ck_assert_int_eq(feat_canonical(g, &y, &e), 0);
	ck_assert_int_eq(feat_print(x, &a, &e), 0);
	ck_assert_int_eq(feat_print(y, &b, &e), 0);
	ck_assert_msg(span_eq(buf_view(&a), buf_view(&b)) == equal, "%.*s\n%.*s", (int)a.n, a.p, (int)b.n, b.p);
	ck_assert_int_eq(feat_same(x, y), equal);
	ck_assert_int_eq(feat_equal(f, g, &e), equal);
	ck_assert_int_eq(feat_equal(f, x, &e), 1);
	check_normal(x, &a);
	feat_free(y);
	ck_assert_int_eq(feat_canonical(x, &y, &e), 0);
	ck_assert(feat_same(x, y));
	feat_free(x);
	feat_free(y);
	buf_free(&a);
	buf_free(&b);
}

/* -1: not at all. */
static int
rank(const struct feat *a, const struct feat *b)
{
	struct err e = { 0 };
	int q;

	return feat_rank(a, b, &q, &e) == -1 ? -2 : q;
}

struct tally { int in_f, in_g, both, only_f; };

static struct tally
check_points(const struct node *x, const struct node *y, const struct feat *f, const struct feat *g,
    const struct buf *from)
{
	struct tally t = { 0 };
	struct feat *both, *either;
	struct err e = { 0 };

	ck_assert_int_eq(feat_and(f, g, &both, &e), 0);
	ck_assert_int_eq(feat_or(f, g, &either, &e), 0);
	for (int i = 0; i < POINTS; i++) {
		int qf = quality(x, &points[i], FEAT_BEST), qg = quality(y, &points[i], FEAT_BEST);
		bool in_f = holds(x, &points[i]), in_g = holds(y, &points[i]);
		const struct feat *at = point_feats[i];

		/* an assertion that holds costs a system call, and there are millions */
		if (feat_match(f, at, &e) != in_f || rank(at, f) != qf || rank(at, g) != qg ||
		    feat_match(both, at, &e) != (in_f && in_g) || rank(at, both) != (qf < qg ? qf : qg) ||
		    feat_match(at, either, &e) != (in_f || in_g) || rank(at, either) != (qf > qg ? qf : qg) ||
		    (i % 61 == 0 && feat_within(at, g, &e) != in_g))
			ck_abort_msg("point %d of %.*s", i, (int)from->n, from->p);
		t.in_f += in_f;
		t.in_g += in_g;
		t.both += in_f && in_g;
		t.only_f += in_f && !in_g;
	}
	ck_assert_int_eq(feat_empty(both), t.both == 0);
	feat_free(both);
	feat_free(either);
	return t;
}

START_TEST(random_expressions_mean_what_they_say)
{
#ifdef ACCORD_SAN
	const int rounds = 20;
#else
	const int rounds = 60;
#endif
	struct err e = { 0 };
	struct buf b, other;

	make_points();
	buf_init(&b, FEAT_MAX_TEXT);
	buf_init(&other, FEAT_MAX_TEXT);
	seed = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)_i * 1000003;
	for (int round = 0; round < rounds; round++) {
		struct node *x, *y;
		struct feat *f, *g;
		struct tally t;

		used = 0;
		f = random_feat(&x, &b);
		g = random_feat(&y, &other);
		check_normal(f, &b);
		check_normal(g, &other);
		check_canonical(f, g, agree(x, y));
		t = check_points(x, y, f, g, &b);
		ck_assert_int_eq(feat_match(f, g, &e), t.both > 0);
		ck_assert_msg(feat_within(f, g, &e) == (t.only_f == 0), "%.*s in %.*s", (int)b.n,
		    b.p,
		    (int)other.n, other.p);
		ck_assert_int_eq(feat_empty(f), t.in_f == 0);
		ck_assert_msg(feat_is_any(f) == (t.in_f == POINTS), "%.*s", (int)b.n, b.p);
		feat_free(f);
		feat_free(g);
	}
	buf_free(&b);
	buf_free(&other);
	free_points();
}
END_TEST

START_TEST(rewritten_expressions_are_equal)
{
#ifdef ACCORD_SAN
	const int rounds = 20;
#else
	const int rounds = 150;
#endif
	struct buf b, other;

	make_points();
	buf_init(&b, FEAT_MAX_TEXT);
	buf_init(&other, FEAT_MAX_TEXT);
	seed = UINT64_C(0xc2b2ae3d27d4eb4f) + (uint64_t)_i * 1000003;
	for (int round = 0; round < rounds; round++) {
		struct node *x, *y;
		struct feat *f, *g;

		used = 0;
		f = random_feat(&x, &b);
		y = rewrite(x, true);
		g = feat_of(y, &other);
		ck_assert_msg(agree(x, y), "%.*s\n%.*s", (int)b.n, b.p, (int)other.n, other.p);
		check_canonical(f, g, true);
		feat_free(f);
		feat_free(g);
	}
	buf_free(&b);
	buf_free(&other);
	free_points();
}
END_TEST

/* Each row is head, then n times part with its number, then tail. */
static const struct { const char *name, *head, *part, *tail; int n; bool fails; } costly[] = {
	{ "5,000 deep", "", "(&", "(a=1)", 5000, true },
	{ "5,000 deep, closed in part", "(! ", "(!", "(a=1))))", 5000, true },
	{ "only brackets", "", "(", "", 60000, true },
	{ "2 MB", "(&", "(a%d=1)", ")", 200000, true },
	{ "2^200", "(&", "(|(a%1$d=1)(b%1$d=1))", ")", 200, true },
	{ "2^11 different ones", "(&", "(|(a%1$d=1)(b%1$d=1))", ")", 11, false },
	{ "3^1000 with contradictions", "(&",
	    "(|(&(a=%1$d)(c=1))(&(b=%1$d)(d=%1$d))(&(c=%1$d)(a>=2)))",
	    ")", 1000, false },
	{ "2^300 by negation", "(!(|", "(&(a%1$d=1)(b%1$d=1))", "))", 300, true },
	{ "different tags in an or", "(|", "(t%d=1)", ")", 6000, true },
	{ "different tags in an and", "(&", "(t%d=1)", ")", 6000, false },
	{ "a large set", "(a=[0", ",%d", "])", 9000, false },
	{ "a large set, negated", "(!(a=[0", ",%d", "]))", 9000, false },
	{ "a large or of one tag", "(|", "(a=%d)", ")", 6000, false },
	{ "a large and of exclusions", "(&", "(!(a=%d))", ")", 5000, false },
	{ "boxes that overlap", "(|", "(&(a>=%1$d)(b<=%1$d))", ")", 2500, true },
	{ "boxes that overlap in part", "(|", "(&(a=[%1$d..9999])(b=[0..%1$d]))", ")", 1800, true },
	{ "a tautology", "(|", "(!(&(a%1$d=1)(b%1$d=2)(c=%1$d)))", ")", 200, false },
	{ "predicates of predicates", "(p)", "where(p):-(&(a%1$d=1)(|(b%1$d=1)(c%1$d=1)))end", "",
	    1, false },
	{ "many predicates", "(p) where ", "(p%d):-(a=1)", "end", 2000, true },
	{ "digits", "(a=", "9999%d", ")", 7000, true },
	{ "closing only", "(a=1)", ")", "", 60000, false },
};

START_TEST(hostile_text_costs_little)
{
	struct timespec from, to;
	struct err e = { 0 };
	struct rusage use;
	struct feat *f, *canon;
	struct buf b;
	double ms, most = 1000;	/* a tenth of it is usual; without a bound it is hours */
	char part[200];
	int got;

	buf_init(&b, 8 << 20);
	ck_assert_int_eq(buf_add_str(&b, costly[_i].head, &e), 0);
	for (int i = 0; i < costly[_i].n; i++) {
		snprintf(part, sizeof part, costly[_i].part, i);
		ck_assert_int_eq(buf_add_str(&b, part, &e), 0);
	}
	ck_assert_int_eq(buf_add_str(&b, costly[_i].tail, &e), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	got = feat_parse(buf_view(&b), 0, &f, &e);
	if (got == 0 && feat_canonical(f, &canon, &e) == 0)
		feat_free(canon);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
#ifdef ACCORD_SAN
	most *= 10;
#else
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &use), 0);
	ck_assert_int_lt(use.ru_maxrss, 32 << 10);	/* KiB */
#endif
	(void)use;
	ck_assert_msg(ms < most, "%s: %.1f ms", costly[_i].name, ms);
	if (costly[_i].fails) {
		ck_assert_msg(got == -1, "%s", costly[_i].name);
		ck_assert_int_eq(e.kind, ERR_PERM);
		ck_assert_str_eq(e.dsn, "5.6.0");
		ck_assert_msg(strncmp(e.what, "column ", 7) == 0, "%s: %s", costly[_i].name,
		    e.what);
	} else {
		ck_assert_msg(got == 0, "%s: %s", costly[_i].name, e.what);
		feat_free(f);
	}
	buf_free(&b);
}
END_TEST

Suite *suite_features_random(void);
Suite *
suite_features_random(void)
{
	Suite *s = suite_create("features_random");
	TCase *tc = tcase_create("features_random");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, random_expressions_mean_what_they_say, 0, 8);
	tcase_add_loop_test(tc, rewritten_expressions_are_equal, 0, 8);
	tcase_add_loop_test(tc, hostile_text_costs_little, 0, sizeof costly / sizeof *costly);
	suite_add_tcase(s, tc);
	return s;
}
