/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * Any message as a report: what is found of a recipient is a mailbox, and a feature set to the letter that something
 * meets; there are no more than a message of ours has recipients.  A tag is believed only if it is the one that was
 * issued, and only for whom it was issued for.
 */
#include "learn/report.h"
#include "learn/tag.h"
#include "lib/address.h"
#include "lib/features.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { NOW = 1800000000 };

static const unsigned char key[TAG_KEY] = "0123456789abcdef0123456789abcde", chance[TAG_CHANCE] = "chances";
static char issued[TAG_TEXT];

static void
check_tag(const struct finding *f)
{
	static const char *const bound[] = { "a@x.example", "b@x.example" };
	struct buf name;
	struct err e;

	if (tag_check(key, f->tag, f->addr, NOW, &e) == -1)
		return;
	assert(span_is(f->tag, issued));
	buf_init(&name, 1000);
	assert(address_key(f->addr, &name, &e) == 0);
	assert(span_is(buf_view(&name), bound[0]) || span_is(buf_view(&name), bound[1]));
	buf_free(&name);
}

static int
found(void *arg, const struct finding *f, struct err *e)
{
	struct feat *set;

	++*(int *)arg;
	assert(f->tag.n > 0 && address_check(f->addr, e) == 0);
	assert(f->features.n > 0 || f->alternative);
	if (f->features.n == 0)
		return 0;
	assert(feat_parse(f->features, FEAT_STRICT | FEAT_CLAIM, &set, e) == 0 && !feat_empty(set));
	feat_free(set);
	check_tag(f);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct span addr[] = { span_str("a@x.example"), span_str("b@x.example") };
	struct err e = { 0 };
	int count = 0, r;

	assert(tag_make(key, addr, 2, NOW, chance, issued, &e) == 0);
	r = report_read(span_of(n == 0 ? (const uint8_t *)"" : p, n), "me.example", found, &count, &e);
	assert(r == -1 ? e.kind == ERR_PERM && count == 0 : r == count && count <= TAG_RCPTS);
	return 0;
}
