/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/result.h"

#include "lib/cur.h"
#include "lib/msg.h"

enum {
	RECORD_ALIGN = 8,
	RESULT_PACKET = MSG_MAX - 512	/* what heads it is shorter */
};
_Static_assert(sizeof(struct msg_job) <= 512 && sizeof(struct msg_result) <= 512, "heads");
_Static_assert(sizeof(struct rcpt_result) == 380, "padding would carry stray octets");

/* Where to cut a detail that is too long: behind the last whole line, or hard. */
static struct span
detail_cut(struct span d, size_t max)
{
	size_t end;

	if (d.n <= max)
		return d;
	d.n = max;
	end = span_rfind(d, '\n');
	if (end < d.n)
		d.n = end + 1;
	return d;
}

static size_t
record_pad(size_t detail)
{
	size_t n = sizeof(struct rcpt_result) + detail;

	return (RECORD_ALIGN - n % RECORD_ALIGN) % RECORD_ALIGN;
}

int
result_add(struct buf *records, const struct rcpt_result *r, struct span detail, struct err *e)
{
	static const unsigned char zeros[RECORD_ALIGN];
	size_t before = records->n;
	struct rcpt_result copy = *r;

	detail = detail_cut(detail, RESULT_DETAIL_MAX);
	copy.detail_len = (uint32_t)detail.n;
	copy.dsn[sizeof copy.dsn - 1] = '\0';
	copy.mta[sizeof copy.mta - 1] = '\0';
	copy.text[sizeof copy.text - 1] = '\0';
	if (buf_add(records, span_of(&copy, sizeof copy), e) == -1 ||
	    buf_add(records, detail, e) == -1 ||
	    buf_add(records, span_of(zeros, record_pad(detail.n)), e) == -1) {
		records->n = before;
		return -1;
	}
	return 0;
}

struct span
result_share(struct span detail, uint32_t n)
{
	size_t bare = sizeof(struct rcpt_result) + RECORD_ALIGN, each = RESULT_PACKET / n;

	detail = detail_cut(detail, RESULT_DETAIL_MAX);
	return detail_cut(detail, each > bare ? each - bare : 0);
}

/* Control octets become '?'.  false: not terminated. */
static bool
field_clean(char *s, size_t cap)
{
	if (memchr(s, '\0', cap) == NULL)
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	return true;
}

int
result_next(struct span *rest, struct rcpt_result *r, struct span *detail, struct err *e)
{
	struct cur c = cur_of(*rest);
	struct span head;

	if (rest->n == 0)
		return 0;
	head = cur_take(&c, sizeof *r);
	if (c.bad)
		return err_set(e, ERR_PROTO, NULL, "a result record of %zu octets", rest->n);
	memcpy(r, head.p, sizeof *r);
	*detail = cur_take(&c, r->detail_len);
	cur_skip(&c, record_pad(r->detail_len));
	if (c.bad || r->detail_len > RESULT_DETAIL_MAX)
		return err_set(e, ERR_PROTO, NULL, "a result record with %u octets of detail",
		    r->detail_len);
	if (r->outcome > OUTCOME_FAILED)
		return err_set(e, ERR_PROTO, NULL, "a result record with outcome %u", r->outcome);
	if (!field_clean(r->dsn, sizeof r->dsn) || !field_clean(r->mta, sizeof r->mta) ||
	    !field_clean(r->text, sizeof r->text))
		return err_set(e, ERR_PROTO, NULL, "a result record with a text that does not end");
	*rest = cur_rest(&c);
	return 1;
}
