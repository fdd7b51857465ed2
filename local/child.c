/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/child.h"

#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/result.h"
#include "lib/sandbox.h"
#include "local/delivery.h"

enum { NOBODY = 65534 };

bool
local_learns(const struct local *l)
{
	const struct span *lines;
	uint32_t n = conf_lines(&l->daemon->conf, CONF_CAPSOURCES, &lines);

	return l->learn.open && (capsources_have(lines, n, SOURCE_LEARNED) ||
	    conf_number(&l->daemon->conf, CONF_OFFERS) > 0);
}

/*
 * Becomes the owner of the mailbox.  The folder's group comes with it, but never root's: files of the
 * mailbox then belong to nobody's group.
 */
static int
child_identity(const struct target *t, struct err *e)
{
	gid_t gid = t->gid == 0 ? NOBODY : t->gid;

	if (geteuid() == 0 && (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(t->uid, t->uid, t->uid) == -1))
		return err_sys(e, "uid %u", (unsigned)t->uid);
	return 0;
}

/* No descriptor but its own, no right but the target's. */
static int
child_confine(const struct child *c, struct err *e)
{
	const int keep[] = { c->message_fd, c->target->place.folder, c->up, c->capd, c->convertd,
	    c->program };
	struct sandbox_dir dir = { c->target->place.folder, true };

	if (ipc_close_others(keep, sizeof keep / sizeof *keep, e) == -1 || child_identity(c->target, e) == -1)
		return -1;
	return sandbox_enter(c->target->kind == MAILBOX_LMTP ? SB_LOCAL_LMTP : SB_LOCAL_JOB, &dir, dir.fd != -1,
	    conf_number(&c->local->daemon->conf, CONF_NOLANDLOCK) != 0, e);
}

static void
child_delivery(const struct child *c, struct delivery *d)
{
	const struct negotiation *o = c->options;
	bool alternative = c->work != NULL && o->alternative == 1 && c->target->kind == MAILBOX_MAILDIR;

	*d = (struct delivery){ .message_fd = c->message_fd, .me = conf_string(&c->local->daemon->conf, CONF_ME),
	    .id = c->id, .slot = c->slots[0], .slots = c->slots, .nslot = c->nslot, .kind = c->target->kind,
	    .folder_fd = c->target->place.folder, .rest = c->target->place.rest, .lmtp = c->target->arg,
	    .program_fd = c->program, .parent_fd = c->up, .capd_fd = c->capd, .convertd_fd = c->convertd,
	    /* as before a next hop, whose session would have ended */
	    .wait_s = o->wait_s + CONFNEG_LATE_S, .drucof_accept = o->drucof_unknown == 1,
	    .alternative = alternative, .alternative_wait_s = o->alternative_wait_s,
	    .last_try = c->work != NULL && c->work->packet->last_try != 0,
	    .njob = c->work != NULL ? c->work->packet->n : 1, .learns = c->work != NULL && local_learns(c->local) };
}

/* What was found out. */
static int
child_tell(const struct child *c, struct inquiry *q, const struct rcpt_result *r, struct err *e)
{
	struct msg_inquired m = { 0 };
	struct mailbox_match to;
	int fd;

	if (target_line(c->local, c->env->rcpt[r->slot].addr, &to))
		inquiry_tell(q, INQUIRY_MAILBOX, to.delivery);
	inquiry_tell_result(q, r);
	m.len = q->items.n;
	return (fd = inquiry_seal(q, e)) == -1 ? -1 :
	    ipc_send(c->up, &m.h, MSG_INQUIRED, 0, sizeof m, &fd, 1, e);
}

/* What became of the recipients. */
static int
child_results(const struct child *c, const struct rcpt_result *r, const struct buf *detail,
    const struct delivery_found *found, struct err *e)
{
	struct msg_result *m;
	struct msg_hdr came;
	struct buf packet;

	buf_init(&packet, MSG_MAX);
	if ((m = buf_room(&packet, sizeof *m, e)) == NULL)
		return -1;
	*m = (struct msg_result){ .n = c->nslot, .bad_file = found->bad_file };
	packet.n += sizeof *m;
	if (found->report && ipc_send(c->up, &came, MSG_REPORT_CAME, 0, sizeof came, NULL, 0, e) == -1)
		return -1;
	for (uint32_t i = 0; i < c->nslot; i++)
		if (result_add(&packet, &r[i], result_share(buf_view(&detail[i]), c->work->packet->n), e) == -1)
			return -1;
	return ipc_send(c->up, (struct msg_hdr *)(void *)packet.p, MSG_RESULT, 0, packet.n, NULL, 0, e);
}

_Noreturn void
child_run(const struct child *c)
{
	struct rcpt_result *r = calloc(c->nslot, sizeof *r);
	struct buf *detail = calloc(c->nslot, sizeof *detail);
	struct delivery_found found;
	struct inquiry q;
	struct delivery d;
	struct err e = { 0 };

	child_delivery(c, &d);
	if (c->work == NULL) {
		inquiry_init(&q);
		d.inquiry = &q;
		d.question = c->question;
	}
	if (r == NULL || detail == NULL || child_confine(c, &e) == -1) {
		log_line(LOG_ERR, d.id, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	for (uint32_t i = 0; i < c->nslot; i++)
		buf_init(&detail[i], RESULT_DETAIL_MAX);
	delivery_run(&d, r, detail, &found);
	_exit((d.inquiry != NULL ? child_tell(c, &q, &r[0], &e) : child_results(c, r, detail, &found, &e)) == -1);
}
