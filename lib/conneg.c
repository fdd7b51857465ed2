/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * libconneg's functions are those of features.h, with types that stand alone: who uses the library
 * needs none of accord's headers, and these may change.
 */
#include "lib/conneg.h"
#include "lib/features.h"

#include <stdlib.h>

_Static_assert((int)CONNEG_STRICT == FEAT_STRICT && (int)CONNEG_CLAIM == FEAT_CLAIM &&
    (int)CONNEG_DOCUMENT == FEAT_DOCUMENT && (int)CONNEG_OWN_DPI == FEAT_OWN_DPI, "flags");
_Static_assert((int)CONNEG_MAX_TEXT == FEAT_MAX_TEXT && (int)CONNEG_BEST == FEAT_BEST &&
    (int)CONNEG_DIS_OCTETS == FEAT_DIS_OCTETS, "sizes");

/* A set is a struct feat under the name that the outside knows. */
static const struct feat *
feat_of(const struct conneg_set *s)
{
	return (const struct feat *)s;
}

/* What it is to the outside: got, with the error when that is -1. */
static int
result(int got, const struct err *have, struct conneg_error *e)
{
	if (got != -1 || e == NULL)
		return got;
	e->kind = have->kind == ERR_TEMP ? CONNEG_MEMORY : CONNEG_REFUSED;
	span_text(span_str(have->what), e->text, sizeof e->text);
	return got;
}

static int
result_set(int got, struct feat *f, struct conneg_set **out, const struct err *have,
    struct conneg_error *e)
{
	*out = (struct conneg_set *)f;
	return result(got, have, e);
}

int
conneg_parse(const char *text, size_t n, unsigned flags, struct conneg_set **out,
    struct conneg_error *e)
{
	struct feat *f = NULL;
	struct err why;
	int got = feat_parse(span_of(text, n), flags, &f, &why);

	return result_set(got, f, out, &why, e);
}

void
conneg_free(struct conneg_set *s)
{
	feat_free((struct feat *)s);
}

struct conneg_set *
conneg_any(void)
{
	return (struct conneg_set *)feat_any();
}

char *
conneg_print(const struct conneg_set *s, struct conneg_error *e)
{
	struct err why;
	struct buf b;
	size_t n;

	buf_init(&b, FEAT_MAX_TEXT + 1);
	if (feat_print(feat_of(s), &b, &why) == 0 && buf_add_byte(&b, '\0', &why) == 0)
		return buf_take(&b, &n);
	buf_free(&b);
	(void)result(-1, &why, e);
	return NULL;
}

int
conneg_canonical(const struct conneg_set *s, struct conneg_set **out, struct conneg_error *e)
{
	struct feat *f;
	struct err why;
	int got = feat_canonical(feat_of(s), &f, &why);

	return result_set(got, f, out, &why, e);
}

int
conneg_and(const struct conneg_set *a, const struct conneg_set *b, struct conneg_set **out,
    struct conneg_error *e)
{
	struct feat *f;
	struct err why;
	int got = feat_and(feat_of(a), feat_of(b), &f, &why);

	return result_set(got, f, out, &why, e);
}

int
conneg_or(const struct conneg_set *a, const struct conneg_set *b, struct conneg_set **out,
    struct conneg_error *e)
{
	struct feat *f;
	struct err why;
	int got = feat_or(feat_of(a), feat_of(b), &f, &why);

	return result_set(got, f, out, &why, e);
}

int
conneg_match(const struct conneg_set *a, const struct conneg_set *b, struct conneg_error *e)
{
	struct err why;

	return result(feat_match(feat_of(a), feat_of(b), &why), &why, e);
}

int
conneg_within(const struct conneg_set *a, const struct conneg_set *b, struct conneg_error *e)
{
	struct err why;

	return result(feat_within(feat_of(a), feat_of(b), &why), &why, e);
}

int
conneg_equal(const struct conneg_set *a, const struct conneg_set *b, struct conneg_error *e)
{
	struct err why;

	return result(feat_equal(feat_of(a), feat_of(b), &why), &why, e);
}

int
conneg_rank(const struct conneg_set *a, const struct conneg_set *b, int *q, struct conneg_error *e)
{
	struct err why;

	return result(feat_rank(feat_of(a), feat_of(b), q, &why), &why, e);
}

int
conneg_is_empty(const struct conneg_set *s)
{
	return feat_empty(feat_of(s));
}

int
conneg_is_any(const struct conneg_set *s)
{
	return feat_is_any(feat_of(s));
}

void
conneg_hash(const char *text, size_t n, char name[CONNEG_HASH_SIZE])
{
	feat_hash(span_of(text, n), name);
}

int
conneg_from_dis(const unsigned char *dis, size_t n, struct conneg_set **out, struct conneg_error *e)
{
	struct feat *f;
	struct err why;
	int got = feat_from_dis(span_of(dis, n), &f, &why);

	return result_set(got, f, out, &why, e);
}

int
conneg_to_dis(const struct conneg_set *s, unsigned char dis[CONNEG_DIS_OCTETS], struct conneg_error *e)
{
	struct err why;

	return result(feat_to_dis(feat_of(s), dis, &why), &why, e);
}
