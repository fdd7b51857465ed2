/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* lib/confkeys.c - no two lines of a setting say the same thing: one of them would be without effect. */
#include <stdlib.h>

#include "lib/conf.h"

enum { CONF_KEYS_MAX = 1 << 30 };	/* octets of all keys of a setting */

/* Its text ends with a NUL. */
struct key { const char *text; uint32_t line; };

static int
key_order(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int r = strcmp(x->text, y->text);

	return r != 0 ? r : (x->line > y->line) - (x->line < y->line);
}

/* All lines' keys into text; begin: where each line's are, and the end. */
static int
keys_collect(const struct conf_decl *d, const struct conf_value *v, struct buf *text, size_t *begin,
    struct err *e)
{
	for (uint32_t i = 0; i < v->n; i++) {
		begin[i] = text->n;
		if (d->keys(v->line[i], text, e) == -1)
			return err_in(e, "%s", d->name);
	}
	begin[v->n] = text->n;
	return 0;
}

/* How many keys; k: NULL, or room for them. */
static size_t
keys_list(const struct buf *text, const size_t *begin, uint32_t lines, struct key *k)
{
	size_t n = 0;

	for (uint32_t i = 0; i < lines; i++)
		for (size_t at = begin[i]; at < begin[i + 1]; n++) {
			const char *key = (const char *)text->p + at;

			if (k != NULL)
				k[n] = (struct key){ key, i };
			at += strlen(key) + 1;
		}
	return n;
}

/* Sorts them: the first line in the file that repeats an earlier one is told. */
static int
keys_compare(const struct conf_decl *d, const struct conf_value *v, struct key *k, size_t n, struct err *e)
{
	uint32_t again = UINT32_MAX, first = 0;

	qsort(k, n, sizeof *k, key_order);
	for (size_t i = 1; i < n; i++)
		if (strcmp(k[i - 1].text, k[i].text) == 0 && k[i].line < again) {
			again = k[i].line;
			first = k[i - 1].line;
		}
	return again == UINT32_MAX ? 0 : err_set(e, ERR_PERM, NULL, "%s:%u: expected each %s once (the first "
	    "is line %u)", d->name, v->lineno[again], d->each, v->lineno[first]);
}

int
conf_keys_once(const struct conf_decl *d, const struct conf_value *v, struct err *e)
{
	size_t *begin = malloc(((size_t)v->n + 1) * sizeof *begin), n;
	struct key *k = NULL;
	struct buf text;
	int r = -1;

	buf_init(&text, CONF_KEYS_MAX);
	if (begin == NULL) {
		err_sys(e, "%s", d->name);
	} else if (keys_collect(d, v, &text, begin, e) == 0) {
		n = keys_list(&text, begin, v->n, NULL);
		if (n > 0 && (k = malloc(n * sizeof *k)) == NULL)
			err_sys(e, "%s", d->name);
		else
			r = keys_compare(d, v, k, keys_list(&text, begin, v->n, k), e);
	}
	free(k);
	free(begin);
	buf_free(&text);
	return r;
}
