/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/task.h"

#include <unistd.h>

#include "lib/address.h"

static int
add_string(struct buf *out, const char *name, struct span value, uint32_t *n, struct err *e)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < 0x20 || value.p[i] == 0x7f)
			return err_set(e, ERR_PERM, "5.1.3", "an address with control characters goes to no program");
	++*n;
	return buf_add_str(out, name, e) == -1 || buf_add(out, value, e) == -1 ? -1 : buf_add_byte(out, '\0', e);
}

int
task_strings(const struct target *t, const struct envelope *env, const struct rcpt *rcpt, const char *id,
    struct buf *out, uint32_t *n, struct err *e)
{
	struct span to = rcpt_spelled(rcpt), host = address_domain(to), user, command;
	struct span local = span_sub(to, 0, to.n - host.n - (host.n < to.n));

	*n = 0;
	if (mailbox_pipe(span_str(t->arg), &user, &command, e) == -1)
		return -1;
	return add_string(out, "", user, n, e) == -1 || add_string(out, "", command, n, e) == -1 ||
	    add_string(out, "SENDER=", envelope_sender(env), n, e) == -1 ||
	    add_string(out, "RECIPIENT=", to, n, e) == -1 || add_string(out, "LOCAL=", local, n, e) == -1 ||
	    add_string(out, "HOST=", host, n, e) == -1 ||
	    add_string(out, "EXTENSION=", span_str(t->match.ext), n, e) == -1 ||
	    add_string(out, "MESSAGE_ID=", span_str(id), n, e) == -1 ? -1 : 0;
}

int
task_channel(int runner, const struct target *t, const struct envelope *env, const struct rcpt *rcpt, const char *id,
    struct err *e)
{
	struct msg_program *m;
	struct buf packet;
	uint32_t n = 0;
	int pair[2], r = -1;

	if (runner == -1 || ipc_pair(pair, e) == -1)
		return -1;
	buf_init(&packet, MSG_MAX);
	if (buf_room(&packet, sizeof *m, e) != NULL) {
		packet.n += sizeof *m;
		r = task_strings(t, env, rcpt, id, &packet, &n, e);
	}
	if (r == 0) {
		m = (void *)packet.p;
		*m = (struct msg_program){ .n = n };
		r = ipc_send_now(runner, &m->h, MSG_PROGRAM, 0, packet.n, &pair[1], 1, e);
	}
	buf_free(&packet);
	close(pair[1]);
	if (r == 0)
		return pair[0];
	close(pair[0]);
	return -1;
}
