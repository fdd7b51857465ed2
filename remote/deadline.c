/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/deadline.h"

/* By-mode N, in time yet, and the hop knows nothing of it. */
static bool
is_lost(const struct envelope *env, const struct hop *hop, int64_t now_us)
{
	return env->by_us != 0 && !(env->by & BY_RETURN) && !(hop->ext & HOP_DELIVERBY) && (int64_t)env->by_us > now_us;
}

bool
deadline_ok(const struct envelope *env, const struct hop *hop, int64_t now_us, struct err *e)
{
	if (env->by_us == 0 || !(env->by & BY_RETURN))
		return true;
	if ((int64_t)env->by_us <= now_us)
		err_set(e, ERR_PERM, "5.4.7", "the time by which it was to be delivered is over");
	else if (!(hop->ext & HOP_DELIVERBY))
		err_set(e, ERR_PERM, "5.3.3", "it is to be delivered by a time, and the next hop does not offer DELIVERBY");
	else if (hop->by_min_s > envelope_by_s(env, now_us))
		err_set(e, ERR_PERM, "5.3.3", "it is to be delivered in %lld seconds, and the next hop wants %u at least",
		    (long long)envelope_by_s(env, now_us), hop->by_min_s);
	else
		return true;
	return false;
}

bool
deadline_tells(const struct envelope *env, const struct hop *hop, uint8_t notify, int64_t now_us)
{
	return !(notify & NOTIFY_NEVER) && (env->by & BY_TRACE || is_lost(env, hop, now_us));
}

uint8_t
deadline_notify(const struct envelope *env, const struct hop *hop, uint8_t notify, int64_t now_us)
{
	if (notify & NOTIFY_NEVER || !is_lost(env, hop, now_us))
		return notify;
	return notify == 0 ? NOTIFY_FAILURE | NOTIFY_DELAY : notify | NOTIFY_DELAY;
}
