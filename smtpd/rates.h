/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * smtpd/rates.h - how much each user has sent lately (the setting `userrate`), for all session processes.  N in a
 * time T: N may come at once, and then one each T/N.  Pure.
 */
#ifndef SMTPD_RATES_H
#define SMTPD_RATES_H

#include "lib/confuser.h"

enum {
	RATES_USERS = 4096,		/* that are known at once; beyond, who sent least lately is forgotten */
	RATES_BUCKETS = 1024, RATES_NAME = 256
};

struct rates {
	struct rate_user {
		struct rate_user *next;
		/* Until then what was sent counts: a time of the future grows with each message, as time passes
		 * it comes nearer.  In microseconds, since a message may be worth less than a millisecond. */
		int64_t messages_us, recipients_us;
		char name[RATES_NAME];
	} *bucket[RATES_BUCKETS];
	uint32_t n;
};

/*
 * May user (NUL-terminated, shorter than RATES_NAME) send so many more?  If so they are counted, all or none.
 * false too without memory for who is new.
 */
bool rates_take(struct rates *t, const struct userrate *max, const char *user, uint32_t messages,
    uint32_t recipients, int64_t now_ms);

void rates_free(struct rates *t);

#endif
