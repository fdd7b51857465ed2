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
