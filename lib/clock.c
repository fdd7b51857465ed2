/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/clock.h"

#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

static const volatile int64_t *shift_ms;

int
clock_shift(int fd)
{
	void *p = mmap(NULL, sizeof *shift_ms, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	shift_ms = p;
	return 0;
}

int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + (shift_ms != NULL ? *shift_ms : 0);
}

int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 +
	    (shift_ms != NULL ? *shift_ms * 1000 : 0);
}

int
clock_wait_ms(int64_t wait_ms)
{
	if (shift_ms != NULL && (wait_ms < 0 || wait_ms > 50))
		return 50;
	return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}

void
clock_rfc5322(int64_t us, char *out, size_t cap)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)(us / 1000000);
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(out, cap, "%.3s, %d %.3s %d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday,
	    tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
clock_iso(int64_t us, char *out, size_t cap)
{
	time_t t = (time_t)(us / 1000000);
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(out, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us / 1000 % 1000));
}

/* A number of so many digits that ends with the octet after. */
static bool
take_part(struct span *text, size_t digits, char after, int *out)
{
	uint64_t v;

	if (text->n <= digits || text->p[digits] != after || !span_u64(span_sub(*text, 0, digits), UINT32_MAX, &v))
		return false;
	*out = (int)v;
	*text = span_sub(*text, digits + 1, text->n);
	return true;
}

bool
clock_iso_read(struct span text, int64_t *us)
{
	size_t dot = span_find(text, '.');
	struct tm tm = { 0 }, back;
	char after = dot < text.n ? '.' : 'Z';
	int64_t fraction = 0;
	time_t t;

	if (!take_part(&text, 4, '-', &tm.tm_year) || !take_part(&text, 2, '-', &tm.tm_mon) ||
	    !take_part(&text, 2, 'T', &tm.tm_mday) || !take_part(&text, 2, ':', &tm.tm_hour) ||
	    !take_part(&text, 2, ':', &tm.tm_min) || !take_part(&text, 2, after, &tm.tm_sec))
		return false;
	for (int i = 0, scale = 100000; after == '.'; i++, scale /= 10) {
		if (text.n < 2 && (i == 0 || text.n == 0 || text.p[0] != 'Z'))
			return false;
		if (i > 0 && text.n == 1)
			break;
		if (!ascii_digit(text.p[0]))
			return false;
		fraction += (text.p[0] - '0') * (int64_t)scale;
		text = span_sub(text, 1, text.n);
	}
	if (after == 'Z' && text.n > 0)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	back = tm;
	t = timegm(&tm);
	if (tm.tm_mday != back.tm_mday || tm.tm_mon != back.tm_mon || tm.tm_hour != back.tm_hour ||
	    tm.tm_min != back.tm_min || tm.tm_sec != back.tm_sec)
		return false;		/* a day or minute that there is not */
	*us = (int64_t)t * 1000000 + fraction;
	return true;
}
