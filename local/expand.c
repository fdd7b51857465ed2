/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/expand.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/daemon.h"
#include "lib/log.h"

struct expansion {
	struct expansion *next;
	uint32_t number;
	void (*done)(void *arg, struct rcpt_result *r);
	void *arg;
};

static void
expansion_end(struct expansions *x, struct expansion *one, struct rcpt_result *r)
{
	struct expansion **at = &x->first, was = *one;

	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	free(one);
	was.done(was.arg, r);		/* may ask for the next */
}

/* Those that nobody answers any more, not those asked for meanwhile. */
static void
expansions_lost(struct expansions *x)
{
	uint32_t last = x->number;
	struct expansion *one = x->first, *next;

	for (; one != NULL; one = next) {
		struct rcpt_result r = { .outcome = OUTCOME_DEFERRED, .flags = RESULT_SOON, .dsn = "4.3.0",
		    .text = "expand has gone" };

		next = one->next;
		if (one->number <= last)
			expansion_end(x, one, &r);
	}
}

static void
result_of(const struct msg_expanded *m, struct rcpt_result *r)
{
	*r = (struct rcpt_result){ .outcome = m->kind == ERR_NONE ? OUTCOME_DELIVERED :
	    m->kind == ERR_PERM ? OUTCOME_FAILED : OUTCOME_DEFERRED };
	if (m->kind == ERR_NONE)
		r->flags = (uint8_t)m->flags;
	span_text(span_of(m->dsn, strnlen(m->dsn, sizeof m->dsn - 1)), r->dsn, sizeof r->dsn);
	span_text(span_of(m->what, strnlen(m->what, sizeof m->what - 1)), r->text, sizeof r->text);
	if (r->outcome == OUTCOME_DEFERRED && r->dsn[0] != '4')
		snprintf(r->dsn, sizeof r->dsn, "4.3.0");
}

static int
on_expanded(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct expansions *x = c->arg;
	const struct msg_expanded *m = msg;
	struct expansion *one = x->first;
	struct rcpt_result r;

	(void)len, (void)fds;
	while (one != NULL && one->number != m->h.id)
		one = one->next;
	if (one == NULL || m->flags & ~(uint32_t)(RESULT_EXPANDED | RESULT_FORWARDED))
		return err_set(e, ERR_PROTO, NULL, "an answer to nothing");
	result_of(m, &r);
	expansion_end(x, one, &r);
	return 0;
}

static const struct msg_rule from_expand[] = {
	{ MSG_EXPANDED, sizeof(struct msg_expanded), sizeof(struct msg_expanded), 0, 0, on_expanded },
};

static void
expand_gone(struct chan *c, const struct err *why)
{
	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=expand");
	daemon_lost(ROLE_EXPAND);
	expansions_lost(c->arg);
}

int
expansions_connect(struct expansions *x, struct loop *l, int fd, struct err *e)
{
	chan_close(&x->chan);
	expansions_lost(x);
	return chan_open(&x->chan, l, fd, role_name(ROLE_EXPAND), from_expand, sizeof from_expand / sizeof *from_expand,
	    expand_gone, x, e);
}

int
expansions_ask(struct expansions *x, const char *id, uint32_t slot, int message_fd,
    void (*done)(void *arg, struct rcpt_result *r), void *arg, struct err *e)
{
	struct msg_expand m = { .slot = slot };
	struct expansion *one;
	int fd;

	if (!x->chan.open)
		return err_set(e, ERR_TEMP, "4.3.0", "expand is not there now");
	if ((fd = fcntl(message_fd, F_DUPFD_CLOEXEC, 0)) == -1 || (one = calloc(1, sizeof *one)) == NULL) {
		err_sys(e, "alias");
		ipc_close_fds(&fd, 1);
		return -1;
	}
	*one = (struct expansion){ .next = x->first, .number = ++x->number, .done = done, .arg = arg };
	x->first = one;
	memcpy(m.id, id, sizeof m.id);
	if (chan_send(&x->chan, &m.h, MSG_EXPAND, one->number, sizeof m, &fd, 1, e) == 0)
		return 0;
	x->first = one->next;
	free(one);
	return -1;
}
