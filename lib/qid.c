/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/qid.h"

#include <string.h>

/*
 * 80 bits: 55 of microseconds (until the year 3111), 25 of a counter that starts at 0 in every
 * microsecond.  When the clock steps back the last microsecond is kept and the counter goes on.
 */
enum { QID_COUNT_BITS = 25 };
static const char qid_alphabet[] = "0123456789abcdefghijklmnopqrstuv";

void
qid_make(struct qid_maker *m, uint64_t wall_us, char out[QID_SIZE])
{
	unsigned __int128 v;

	if (wall_us > m->last_us) {
		m->last_us = wall_us;
		m->count = 0;
	} else if (++m->count >> QID_COUNT_BITS != 0) {
		m->last_us++;
		m->count = 0;
	}
	v = (unsigned __int128)m->last_us << QID_COUNT_BITS | m->count;
	memset(out, 0, QID_SIZE);
	for (int i = QID_LEN; i-- > 0; v >>= 5)
		out[i] = qid_alphabet[(unsigned)v & 31];
}

void
qid_after(struct qid_maker *m, const char *id)
{
	uint64_t us = qid_us(id);

	if (us < m->last_us)
		return;
	m->last_us = us;
	m->count = (1u << QID_COUNT_BITS) - 1;	/* the next one takes the microsecond after */
}

static int
qid_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

bool
qid_ok(const char *id)
{
	for (int i = 0; i < QID_LEN; i++)
		if (qid_digit(id[i]) == -1)
			return false;
	return id[QID_LEN] == '\0';
}

void
qid_dir(const char *id, char out[3])
{
	static const char hex[] = "0123456789abcdef";
	uint32_t h = 2166136261u;

	for (int i = 0; i < QID_LEN; i++)
		h = (h ^ (unsigned char)id[i]) * 16777619u;
	h ^= h >> 16;
	out[0] = hex[h >> 4 & 15];
	out[1] = hex[h & 15];
	out[2] = '\0';
}

uint64_t
qid_us(const char *id)
{
	unsigned __int128 v = 0;

	for (int i = 0; i < QID_LEN; i++)
		v = v << 5 | (unsigned)qid_digit(id[i]);
	return (uint64_t)(v >> QID_COUNT_BITS);
}
