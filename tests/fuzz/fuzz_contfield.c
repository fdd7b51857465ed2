/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The negotiation fields of any message.  Content-Convert permits something exactly if it is ANY or a list, and
 * nothing beside a second one; what is read as a filter is one; a record that is read says the same when it is
 * written again, and so it does in the other field's form with its filter on both sides; Content-DRUCOF beside
 * a second one is the strictest there is.
 */
#include "lib/contfield.h"

#include <assert.h>

#include "lib/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ROOM = 1 << 21 };

static void
filter(struct span s, unsigned flags)
{
	struct feat *set;
	struct err e = { 0 };

	assert(feat_parse(s, flags, &set, &e) == 0);
	feat_free(set);
}

static void
convert(struct span header)
{
	struct contfield_convert c, twice;
	struct buf two;
	struct err e = { 0 };

	assert(contfield_convert(header, &c, &e) == 0);
	assert((c.set != NULL) == (c.kind == CONVERT_ANY || c.kind == CONVERT_LIST));
	assert(c.kind != CONVERT_ABSENT || c.text.n == 0);
	if (c.kind == CONVERT_LIST)
		filter(buf_view(&c.text), FEAT_CLAIM);
	if (c.kind != CONVERT_ABSENT && c.kind != CONVERT_BAD) {
		buf_init(&two, ROOM);
		assert(buf_add_str(&two, "Content-Convert: ANY\r\n", &e) == 0 && buf_add(&two, header, &e) == 0);
		assert(contfield_convert(buf_view(&two), &twice, &e) == 0 && twice.kind == CONVERT_BAD);
		contfield_convert_free(&twice);
		buf_free(&two);
	}
	contfield_convert_free(&c);
}

static void
same(const struct contfield_record *a, const struct contfield_record *b, struct span was, struct span is)
{
	assert(b->when_us == a->when_us && span_eq(b->by, a->by) && span_eq(b->was, was) && span_eq(b->is, is));
}

/* Writes what was read, in both forms, and reads it again. */
static void
again(const struct contfield_record *r)
{
	static const struct span none = { NULL, 0 };
	struct contfield_record back;
	struct buf text, store;
	struct err e = { 0 };
	size_t head;
	char date[40];

	clock_rfc5322(r->when_us, date, sizeof date);
	filter(r->was, FEAT_DOCUMENT);
	buf_init(&text, ROOM);
	buf_init(&store, ROOM);
	assert(buf_addf(&text, &e, "Date %s; By %.*s;", date, (int)r->by.n, (const char *)r->by.p) == 0);
	head = text.n;
	assert(buf_add(&text, r->was, &e) == 0);
	assert(contfield_previous(buf_view(&text), &back, &store, &e) == 0);
	same(r, &back, r->was, none);
	buf_clear(&store);
	text.n = head;
	assert(buf_add_str(&text, "Old ", &e) == 0 && buf_add(&text, r->was, &e) == 0 &&
	    buf_add_str(&text, ";New ", &e) == 0 && buf_add(&text, r->is.n > 0 ? r->is : r->was, &e) == 0);
	assert(contfield_converted(buf_view(&text), &back, &store, &e) == 0);
	same(r, &back, r->was, r->is.n > 0 ? r->is : r->was);
	buf_free(&text);
	buf_free(&store);
}

static void
records(struct span value)
{
	struct contfield_record r;
	struct buf store;
	struct err e = { 0 };

	buf_init(&store, ROOM);
	if (contfield_previous(value, &r, &store, &e) == 0) {
		assert(r.is.n == 0);
		again(&r);
	} else {
		assert(e.kind == ERR_PERM);
	}
	buf_clear(&store);
	if (contfield_converted(value, &r, &store, &e) == 0) {
		filter(r.is, FEAT_DOCUMENT);
		again(&r);
	} else {
		assert(e.kind == ERR_PERM);
	}
	buf_free(&store);
}

static void
header(struct span h)
{
	struct mime_field f;
	struct buf out;
	struct err e = { 0 };
	struct span at = h;

	convert(h);
	buf_init(&out, ROOM);
	if (contfield_features(h, &out, &e) == 1) {
		assert(mime_field_find(h, "Content-Features", &f) == 1);
		filter(buf_view(&out), FEAT_DOCUMENT);
	}
	buf_clear(&out);
	while (contfield_alternative_next(&at, &out, &e) == 1) {
		filter(buf_view(&out), 0);
		buf_clear(&out);
	}
	assert(at.n == 0 && out.n == 0);
	while (mime_field_next(&h, &f))
		if (span_isi(f.name, "Content-Previous") || span_isi(f.name, "Content-Converted"))
			records(f.value);
	buf_free(&out);
}

/* As the part's own header has it; with a second field it is the strictest. */
static void
drucof(const struct mime *m, uint32_t part)
{
	struct mime_part alone = m->part[part];
	struct mime one = { &alone, 1, 1 };
	struct contfield_drucof d, twice;
	struct mime_field f;
	struct buf two;
	struct err e = { 0 };

	contfield_drucof(m, part, &d);
	assert(d.integrity <= DRUCOF_OMISSION && (d.stated || d.integrity == DRUCOF_PERMITTED));
	if (mime_field_find(alone.header, "Content-DRUCOF", &f) == 0)
		return;
	buf_init(&two, ROOM);
	assert(buf_add_str(&two, "Content-DRUCOF: omission-permitted\r\n", &e) == 0 &&
	    buf_add(&two, alone.header, &e) == 0);
	alone.parent = MIME_NONE;
	alone.header = buf_view(&two);
	contfield_drucof(&one, 0, &twice);
	assert(twice.stated && twice.integrity == DRUCOF_PROHIBITED && twice.critical);
	buf_free(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const unsigned char none[1];
	struct span message = span_of(n == 0 ? none : p, n);
	struct mime m;
	struct err e = { 0 };

	records(message);
	if (mime_parse(message, &m, &e) == -1)
		return 0;
	for (uint32_t i = 0; i < m.n; i++) {
		header(m.part[i].header);
		drucof(&m, i);
	}
	mime_free(&m);
	return 0;
}
