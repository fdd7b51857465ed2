/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * lib/clock.h - two clocks: monotonic for waiting, wall for disk and people.
 * Both run ahead by an offset that the supervisor's -C FILE gives (for tests of retry and expiry):
 * eight octets, host order, milliseconds; it only ever grows.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

int64_t clock_ms(void);		/* monotonic, milliseconds; a step of the wall clock moves it not */
int64_t clock_us(void);		/* wall, microseconds since 1970 */

/* Takes the offset from a descriptor of the file, for good.  -1: errno. */
int clock_shift(int fd);

/* With an offset file no wait may be longer than this, or a test's step would go unseen. */
int clock_wait_ms(int64_t wait_ms);

/* "Sun, 22 Nov 2026 01:02:03 +0000" (RFC 5322 3.3), UTC.  out: at least 40. */
void clock_rfc5322(int64_t us, char *out, size_t cap);
/* "2026-11-22T01:02:03.456Z". */
void clock_iso(int64_t us, char *out, size_t cap);
/* "2026-11-22T01:02:03Z", with a fraction or not (RFC 3339, 5.6, in UTC).  false: text is none. */
bool clock_iso_read(struct span text, int64_t *us);

#endif
