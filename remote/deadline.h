/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* remote/deadline.h - mail that is to be delivered by some time (RFC 2852), on its way to the next hop. */
#ifndef REMOTE_DEADLINE_H
#define REMOTE_DEADLINE_H

#include "remote/session.h"

/*
 * May it be given to the hop (RFC 2852, 4.1.4.1)?  false: e is ERR_PERM: 5.4.7 its time is over, 5.3.3 the hop does not take
 * the demand on.
 */
bool deadline_ok(const struct envelope *env, const struct hop *hop, int64_t now_us, struct err *e);

/* Is the sender told "relayed" of a recipient with that NOTIFY, whatever the hop offers: it is traced, or nobody behind
 * this hop knows of the time (4.1.4, 4.1.4.2)? */
bool deadline_tells(const struct envelope *env, const struct hop *hop, uint8_t notify, int64_t now_us);

/* The NOTIFY that the hop is given: where it does not know of the time, delays are to be told (4.1.4.2). */
uint8_t deadline_notify(const struct envelope *env, const struct hop *hop, uint8_t notify, int64_t now_us);

#endif
