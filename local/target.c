/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/target.h"

#include <unistd.h>

bool
target_line(const struct local *l, struct span addr, struct mailbox_match *m)
{
	const struct span *lines;
	uint32_t n = conf_lines(&l->daemon->conf, CONF_MAILBOXES, &lines);

	return mailbox_find(lines, n, delimiters_of(conf_string(&l->daemon->conf, CONF_RECIPIENTDELIMITER)), addr, m);
}

int
target_find(const struct local *l, struct span addr, struct target *t, struct err *e)
{
	struct span arg;

	*t = (struct target){ .place.folder = -1, .uid = l->uid, .gid = l->gid };
	if (!target_line(l, addr, &t->match))
		return err_set(e, ERR_PERM, "5.1.1", "no such mailbox here");
	if (mailbox_delivery(t->match.delivery, &t->kind, &arg, e) == -1 || arg.n >= sizeof t->arg)
		return err_set(e, ERR_TEMP, "4.3.5", "mailboxes: no delivery that is known here");
	memcpy(t->arg, arg.p, arg.n);
	t->arg[arg.n] = '\0';
	if (t->kind != MAILBOX_MAILDIR && t->kind != MAILBOX_MBOX)
		return 0;
	if ((t->kind == MAILBOX_MBOX ? place_find_file : place_find)(l->home, t->arg, geteuid() == 0,
	    &t->place, e) == -1) {
		t->place.folder = -1;
		return -1;
	}
	t->uid = t->place.uid;
	t->gid = t->place.gid;
	return 0;
}

void
target_close(struct target *t)
{
	if (t->place.folder != -1)
		close(t->place.folder);
	t->place.folder = -1;
}
