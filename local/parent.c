/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/parent.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/figure.h"
#include "lib/log.h"
#include "lib/mailbox.h"
#include "lib/qfile.h"
#include "lib/result.h"
#include "lib/sandbox.h"
#include "local/delivery.h"
#include "local/place.h"

enum {
	NOBODY = 65534,
	LOCAL_SHOWN = 64	/* reports that learn has not taken yet; more are not shown to it */
};

/* A job under way: its recipients are served one after another. */
struct job {
	struct local *local;
	struct worker_job *work;	/* NULL: an inquiry, of one recipient, */
	uint32_t asked;			/* which control gave that number, */
	bool question;			/* and that is only about what its machine takes */
	uint32_t asker;			/* local.asker then */
	char inquiry_id[QID_SIZE];
	const char *id;
	const uint32_t *slots;
	uint32_t nslots;
	int message_fd;
	uint64_t message_len;
	struct envelope env;
	struct buf store, records;
	uint32_t next, nrecord;		/* index into the slots; records written */
	bool bad_file, shown;		/* shown: to learn, once */
	struct chan child;		/* of the recipient being served */
	pid_t pid;
	bool answered;
};

static void job_step(struct job *j);

/* What an inquiry found, fd of len octets: taken over.  A control that was started anew has asked nothing. */
static void
inquiry_answer(struct job *j, int fd, uint64_t len)
{
	struct msg_inquired m = { .len = len };
	struct err e = { 0 };

	if (j->asker != j->local->asker)
		close(fd);
	else if (chan_send(&j->local->control, &m.h, MSG_INQUIRED, j->asked, sizeof m, &fd, 1, &e) == -1)
		log_line(LOG_WARN, j->id, "unanswered", "why=%s", log_q(e.what));
}

static void
inquiry_refuse(struct local *l, uint32_t asked, const struct err *why)
{
	struct msg_inquired m = { .kind = (uint32_t)why->kind };
	struct err e = { 0 };

	snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
	text_cut(why->what, m.what, sizeof m.what);
	if (chan_send(&l->control, &m.h, MSG_INQUIRED, asked, sizeof m, NULL, 0, &e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
}

static void
job_free(struct job *j)
{
	close(j->message_fd);
	envelope_free(&j->env);
	buf_free(&j->store);
	buf_free(&j->records);
	free(j);
}

static void
job_end(struct job *j)
{
	struct err e = { 0 };

	if (j->work == NULL)
		j->local->inquiries--;
	else if (worker_done(&j->local->worker, j->work, buf_view(&j->records), j->nrecord, j->bad_file,
	    &e) == -1)
		log_line(LOG_ERR, j->work->packet->id, "result-lost", "why=%s", log_q(e.what));
	job_free(j);
}

static void
job_record(struct job *j, const struct rcpt_result *r, struct span detail)
{
	struct err e = { 0 };

	if (result_add(&j->records, r, result_share(detail, j->nslots), &e) == 0)
		j->nrecord++;
	else
		log_line(LOG_ERR, j->work->packet->id, "result-lost", "why=%s", log_q(e.what));
}

/* What a delivery would come to is an answer too. */
static void
inquiry_failed(struct job *j, const struct rcpt_result *r)
{
	struct err e = { 0 };
	struct inquiry q;
	int fd;

	inquiry_init(&q);
	inquiry_tell_result(&q, r);
	if ((fd = inquiry_seal(&q, &e)) != -1)
		inquiry_answer(j, fd, q.items.n);
	else if (j->asker == j->local->asker)
		inquiry_refuse(j->local, j->asked, &e);
	inquiry_free(&q);
}

/* The recipient could not be served: by our own fault or the settings'. */
static void
job_failed(struct job *j, uint32_t slot, const struct err *why)
{
	struct rcpt_result r = { .slot = slot, .code = 0,
	    .outcome = why->kind == ERR_PERM ? OUTCOME_FAILED : OUTCOME_DEFERRED };

	snprintf(r.dsn, sizeof r.dsn, "%s", why->dsn);
	snprintf(r.text, sizeof r.text, "%.250s", why->what);
	if (j->work == NULL)
		inquiry_failed(j, &r);
	else
		job_record(j, &r, span_of(NULL, 0));
}

/* The recipient's line in `mailboxes`. */
static bool
mailbox_line(const struct local *l, struct span addr, struct span *to)
{
	const struct span *lines;
	uint32_t n = conf_lines(&l->daemon->conf, CONF_MAILBOXES, &lines);
	const char *delimiters = delimiters_of(conf_string(&l->daemon->conf, CONF_RECIPIENTDELIMITER));
	struct mailbox_match m;

	if (!mailbox_find(lines, n, delimiters, addr, &m))
		return false;
	*to = m.delivery;
	return true;
}

static int
mailbox_place(const struct local *l, struct span addr, struct place *p, struct err *e)
{
	enum mailbox_kind kind;
	struct span to;
	char path[512];

	if (!mailbox_line(l, addr, &to))
		return err_set(e, ERR_PERM, "5.1.1", "no such mailbox here");
	if (mailbox_delivery(to, &kind, &to, e) == -1 || kind != MAILBOX_MAILDIR || to.n >= sizeof path)
		return err_set(e, ERR_TEMP, "4.3.5", "mailboxes: expected maildir:PATH");
	memcpy(path, to.p, to.n);
	path[to.n] = '\0';
	return place_find(l->home, path, geteuid() == 0, p, e);
}

/*
 * In the child: becomes the owner of the mailbox.  The folder's group comes with it, but never
 * root's: files of the mailbox then belong to nobody's group.
 */
static int
child_identity(const struct place *p, struct err *e)
{
	gid_t gid = p->gid == 0 ? NOBODY : p->gid;

	if (geteuid() == 0 && (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(p->uid, p->uid, p->uid) == -1))
		return err_sys(e, "uid %u", (unsigned)p->uid);
	return 0;
}

/* What the settings say of negotiation for addr. */
static struct negotiation
options_for(const struct local *l, struct span addr)
{
	const struct span *lines;
	uint32_t n = conf_lines(&l->daemon->conf, CONF_NEGOTIATION, &lines);
	struct negotiation o;

	negotiation_find(lines, n, address_domain(addr), NULL, &o);
	return o;
}

/* Does it matter whether a message is a report? */
static bool
learns(const struct local *l)
{
	const struct span *lines;
	uint32_t n = conf_lines(&l->daemon->conf, CONF_CAPSOURCES, &lines);

	return l->learn.open && (capsources_have(lines, n, SOURCE_LEARNED) ||
	    conf_number(&l->daemon->conf, CONF_OFFERS) > 0);
}

/* Shows learn a report that was delivered.  No mail depends on it: what does not get there is not learned. */
static void
job_show(struct job *j)
{
	struct msg_report_came m = { .len = j->message_len };
	int fd = learns(j->local) ? fcntl(j->message_fd, F_DUPFD_CLOEXEC, 0) : -1;
	struct err ignored;

	j->shown = true;
	memcpy(m.id, j->work->packet->id, sizeof m.id);
	if (fd != -1 && chan_send(&j->local->learn, &m.h, MSG_REPORT_CAME, 0, sizeof m, &fd, 1, &ignored) == 0)
		j->local->shown++;
}

/* In the child: what was found out. */
static int
child_tell(const struct job *j, struct inquiry *q, const struct rcpt_result *r, int up, struct err *e)
{
	struct msg_inquired m = { 0 };
	struct span to;
	int fd;

	if (mailbox_line(j->local, j->env.rcpt[r->slot].addr, &to))
		inquiry_tell(q, INQUIRY_MAILBOX, to);
	inquiry_tell_result(q, r);
	m.len = q->items.n;
	return (fd = inquiry_seal(q, e)) == -1 ? -1 :
	    ipc_send(up, &m.h, MSG_INQUIRED, 0, sizeof m, &fd, 1, e);
}

/* In the child: the owner's rights and no more, then the delivery, then the result. */
static _Noreturn void
child_run(struct job *j, uint32_t slot, const struct place *p, const struct negotiation *o, int up, int capd,
    int convertd)
{
	const int keep[] = { j->message_fd, p->folder, up, capd, convertd };
	struct delivery d = { .message_fd = -1, .me = conf_string(&j->local->daemon->conf, CONF_ME),
	    .id = j->id, .slot = slot, .folder_fd = -1, .rest = p->rest, .capd_fd = -1,
	    .convertd_fd = -1, .drucof_accept = o->drucof_unknown == 1,
	    .alternative = j->work != NULL && o->alternative == 1, .alternative_wait_s = o->alternative_wait_s,
	    .last_try = j->work != NULL && j->work->packet->last_try != 0,
	    .njob = j->work != NULL ? j->work->packet->n : 1, .learns = j->work != NULL && learns(j->local) };
	struct sandbox_dir dir = { -1, true };
	struct rcpt_result r;
	struct buf packet, detail;
	struct msg_result *m;
	struct msg_hdr came;
	struct inquiry q;
	struct err e = { 0 };
	struct delivery_found found;

	if (j->work == NULL) {
		inquiry_init(&q);
		d.inquiry = &q;
		d.question = j->question;
	}
	buf_init(&packet, MSG_MAX);
	buf_init(&detail, RESULT_DETAIL_MAX);
	if (ipc_close_others(keep, sizeof keep / sizeof *keep, &e) == 0 && child_identity(p, &e) == 0) {
		d.message_fd = j->message_fd;
		d.folder_fd = dir.fd = p->folder;
		d.capd_fd = capd;
		d.convertd_fd = convertd;
		d.wait_s = o->wait_s + CONFNEG_LATE_S;	/* as before a next hop, whose session would have ended */
	}
	if (dir.fd == -1 || sandbox_enter(SB_LOCAL_JOB, &dir, 1,
	    conf_number(&j->local->daemon->conf, CONF_NOLANDLOCK) != 0, &e) == -1) {
		log_line(LOG_ERR, d.id, "cannot-start", "why=%s", log_q(e.what));
		_exit(1);
	}
	delivery_run(&d, &r, &detail, &found);
	if (d.inquiry != NULL)
		_exit(child_tell(j, &q, &r, up, &e) == -1);
	if ((m = buf_room(&packet, sizeof *m, &e)) == NULL)
		_exit(1);
	*m = (struct msg_result){ .n = 1, .bad_file = found.bad_file };
	packet.n += sizeof *m;
	if (found.report && ipc_send(up, &came, MSG_REPORT_CAME, 0, sizeof came, NULL, 0, &e) == -1)
		_exit(1);
	if (result_add(&packet, &r, buf_view(&detail), &e) == -1 ||
	    ipc_send(up, (struct msg_hdr *)(void *)packet.p, MSG_RESULT, 0, packet.n, NULL, 0, &e) == -1)
		_exit(1);
	_exit(0);
}

static int
child_on_result(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct job *j = c->arg;
	const struct msg_result *m = msg;
	struct span rest = span_of(m + 1, len - sizeof *m), detail;
	struct rcpt_result r;

	(void)fds;
	if (j->work == NULL || j->answered || result_next(&rest, &r, &detail, e) != 1 ||
	    r.slot != j->slots[j->next])
		return err_set(e, ERR_PROTO, NULL, "a result of %zu octets", len);
	j->answered = true;
	if (m->bad_file)
		j->bad_file = true;
	else
		job_record(j, &r, detail);
	return 0;
}

static int
child_on_report(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct job *j = c->arg;

	(void)msg, (void)fds;
	if (j->work == NULL)
		return err_set(e, ERR_PROTO, NULL, "a report in an inquiry, in %zu octets", len);
	if (!j->shown)
		job_show(j);
	return 0;
}

static int
child_on_inquired(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_inquired *m = msg;
	struct job *j = c->arg;
	int fd = fds[0];

	if (j->work != NULL || j->answered)
		return err_set(e, ERR_PROTO, NULL, "what nobody inquires, in %zu octets", len);
	j->answered = true;
	fds[0] = -1;
	inquiry_answer(j, fd, m->len);
	return 0;
}

static const struct msg_rule from_child[] = {
	{ MSG_REPORT_CAME, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, child_on_report },
	{ MSG_RESULT, sizeof(struct msg_result), MSG_MAX, 0, 0, child_on_result },
	{ MSG_INQUIRED, sizeof(struct msg_inquired), sizeof(struct msg_inquired), 1, 1, child_on_inquired },
};

static void
child_gone(struct chan *c, const struct err *why)
{
	struct job *j = c->arg;
	struct err e = { 0 };
	int status = 0;

	(void)why;
	kill(j->pid, SIGKILL);		/* it ends, unless it was cut off: nobody is to wait for it */
	waitpid(j->pid, &status, 0);
	if (!j->answered) {
		log_line(LOG_ERR, j->id, "died", "pid=%d signal=%d", (int)j->pid,
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		err_set(&e, ERR_TEMP, "4.3.0", "the delivery process died");
		job_failed(j, j->slots[j->next], &e);
	}
	j->next++;
	job_step(j);
}

static int
child_start(struct job *j, uint32_t slot, struct err *e)
{
	const struct negotiation o = options_for(j->local, j->env.rcpt[slot].addr);
	int up[2], capd = -1, convertd = -1;
	struct place p;

	if (mailbox_place(j->local, j->env.rcpt[slot].addr, &p, e) == -1)
		return -1;
	if (ipc_pair(up, e) == -1) {
		close(p.folder);
		return -1;
	}
	/* before there is a process that would have to be undone */
	if (chan_open(&j->child, j->local->worker.loop, up[0], "delivery", from_child,
	    sizeof from_child / sizeof *from_child, child_gone, j, e) == -1) {
		ipc_close_fds(up, 2);
		close(p.folder);
		return -1;
	}
	if (j->env.conperm || j->env.rcpt[slot].drucof != DRUCOF_NO || j->question || o.alternative) {
		capd = chan_session(&j->local->capd, j->local->daemon->settings, e);
		convertd = chan_session(&j->local->convertd, 0, e);
	}
	j->answered = false;
	j->local->deliveries++;
	if ((j->pid = fork()) == 0)
		child_run(j, slot, &p, &o, up[1], capd, convertd);
	close(up[1]);
	close(p.folder);
	ipc_close_fds((int[]){ capd, convertd }, 2);
	if (j->pid == -1) {
		err_sys(e, "fork");
		chan_close(&j->child);
		return -1;
	}
	return 0;
}

/* --- recipients who stand for others --- */

static bool
job_expands(const struct job *j, uint32_t slot, struct span *list)
{
	const struct rcpt *r = &j->env.rcpt[slot];

	return !r->plain && aliases_find(&j->local->aliases, r->addr, list);
}

static void
job_expanded(void *arg, struct rcpt_result *r)
{
	struct job *j = arg;

	r->slot = j->slots[j->next];
	job_record(j, r, span_of(NULL, 0));
	j->next++;
	job_step(j);
}

/* An inquiry hears for whom. */
static void
inquiry_expands(struct job *j, uint32_t slot, struct span list)
{
	struct rcpt_result r = { .slot = slot, .outcome = OUTCOME_DELIVERED, .dsn = "2.0.0",
	    .text = "would be passed on to the addresses that it stands for" };
	struct buf to;
	struct err e = { 0 };
	struct inquiry q;
	int fd;

	inquiry_init(&q);
	buf_init(&to, 8192);
	if (buf_add_str(&to, "alias:", &e) == 0 && buf_add(&to, list, &e) == 0)
		inquiry_tell(&q, INQUIRY_MAILBOX, buf_view(&to));
	inquiry_tell_result(&q, &r);
	if ((fd = inquiry_seal(&q, &e)) != -1)
		inquiry_answer(j, fd, q.items.n);
	else if (j->asker == j->local->asker)
		inquiry_refuse(j->local, j->asked, &e);
	buf_free(&to);
	inquiry_free(&q);
}

/* It was not asked: no fault of the recipient's. */
static void
job_not_expanded(struct job *j, uint32_t slot, const struct err *why)
{
	struct rcpt_result r = { .slot = slot, .outcome = OUTCOME_DEFERRED, .flags = RESULT_SOON, .dsn = "4.3.0" };

	snprintf(r.text, sizeof r.text, "%.250s", why->what);
	job_record(j, &r, span_of(NULL, 0));
}

/* true: it is under way, and job_expanded goes on.  false: it is over. */
static bool
job_expand(struct job *j, uint32_t slot, struct span list)
{
	struct err e = { 0 };

	if (j->work == NULL)
		inquiry_expands(j, slot, list);
	else if (expansions_ask(&j->local->expansions, j->id, slot, j->message_fd, job_expanded, j, &e) == 0)
		return true;
	else
		job_not_expanded(j, slot, &e);
	return false;
}

static void
job_step(struct job *j)
{
	while (j->next < j->nslots && !j->bad_file) {
		uint32_t slot = j->slots[j->next];
		struct err e = { 0 };
		struct span list;

		if (slot < j->env.nrcpt && job_expands(j, slot, &list)) {
			if (job_expand(j, slot, list))
				return;
			j->next++;
			continue;
		}
		if (slot >= j->env.nrcpt)
			err_set(&e, ERR_TEMP, "4.3.0", "no recipient %u", slot);
		else if (child_start(j, slot, &e) == 0)
			return;		/* child_gone goes on */
		job_failed(j, slot, &e);
		j->next++;
	}
	job_end(j);
}

static void
job_start(void *arg, struct worker_job *work, int message_fd)
{
	struct job *j = calloc(1, sizeof *j);
	struct err e = { 0 };
	struct qfile q;

	if (j == NULL) {		/* no result for any recipient: qmgr tries again soon */
		log_line(LOG_ERR, work->packet->id, "no-memory", "");
		close(message_fd);
		(void)worker_done(&((struct local *)arg)->worker, work, span_of(NULL, 0), 0, false, &e);
		return;
	}
	*j = (struct job){ .local = arg, .work = work, .id = work->packet->id, .slots = worker_slots(work),
	    .nslots = work->packet->n, .message_fd = message_fd };
	buf_init(&j->store, ENV_MAX);
	buf_init(&j->records, MSG_MAX - sizeof(struct msg_result));
	/* room for all results, before there is one: a delivery whose record is lost is made again */
	if (buf_room(&j->records, j->records.max, &e) == NULL || qfile_open(message_fd, &q, &e) == -1 ||
	    qfile_envelope(message_fd, &q, &j->store, &j->env, &e) == -1) {
		j->bad_file = e.kind == ERR_PERM;
		for (uint32_t i = 0; !j->bad_file && i < work->packet->n; i++)
			job_failed(j, worker_slots(work)[i], &e);
		job_end(j);
		return;
	}
	j->message_len = q.msg_len;
	job_step(j);
}

/* --- inquiries --- */

/* A job of no queue, of its one recipient.  -1: nothing came of it. */
static int
inquiry_start(struct local *l, const struct msg_inquire *m, int *fd, struct err *e)
{
	static const uint32_t first = 0;
	struct qfile q;
	struct job *j;

	if (l->inquiries == LOCAL_INQUIRIES)
		return err_set(e, ERR_TEMP, "4.3.2", "too many inquiries are under way; try again later");
	if ((j = calloc(1, sizeof *j)) == NULL)
		return err_sys(e, "inquiry");
	*j = (struct job){ .local = l, .asked = m->h.id, .question = m->kind == INQUIRY_CAPS, .asker = l->asker,
	    .slots = &first, .nslots = 1, .message_fd = *fd };
	memcpy(j->inquiry_id, m->id, sizeof j->inquiry_id);
	j->id = j->inquiry_id;
	*fd = -1;
	buf_init(&j->store, ENV_MAX);
	if (qfile_open(j->message_fd, &q, e) == -1 ||
	    qfile_envelope(j->message_fd, &q, &j->store, &j->env, e) == -1) {
		job_free(j);
		return -1;
	}
	l->inquiries++;
	job_step(j);
	return 0;
}

static int
control_on_inquire(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_inquire *m = msg;
	struct err why = { 0 };

	(void)len;
	if (m->kind >= INQUIRY_KINDS || !qid_ok(m->id))
		return err_set(e, ERR_PROTO, NULL, "an inquiry of kind %u", m->kind);
	if (inquiry_start(c->arg, m, &fds[0], &why) == -1)
		inquiry_refuse(c->arg, m->h.id, &why);
	return 0;
}

/* The user whose mailbox has the address, by settings and folders as a delivery finds it.  -1: none, or not
 * now. */
static int
mailbox_owner(const struct local *l, struct span addr, uid_t *uid, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(&l->daemon->conf, CONF_LOCALS, &lines);
	struct buf domain;
	struct place p;
	bool ours;

	buf_init(&domain, ADDRESS_MAX_DOMAIN + 1);
	ours = line_key_add(&domain, address_domain(addr), '\0', e) == 0 &&
	    domains_have(lines, n, span_of(domain.p, domain.n - 1));
	buf_free(&domain);
	if (!ours)		/* postmaster of any domain is a mailbox here */
		return err_set(e, ERR_PERM, "5.1.2", "no domain of ours");
	if (mailbox_place(l, addr, &p, e) == -1)
		return -1;
	close(p.folder);
	*uid = p.uid;
	return 0;
}

static int
control_on_owner(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	const struct msg_hdr *h = msg;
	struct msg_owned m = { .found = 0 };
	struct err why;
	uid_t uid = 0;

	(void)fds;
	if (mailbox_owner(c->arg, span_of(h + 1, len - sizeof *h), &uid, &why) == 0) {
		m.found = 1;
		m.uid = uid;
	}
	return chan_send(c, &m.h, MSG_OWNED, h->id, sizeof m, NULL, 0, e);
}

static const struct msg_rule from_control[] = {
	{ MSG_OWNER, sizeof(struct msg_hdr) + 1, sizeof(struct msg_hdr) + ENV_MAX_PATH, 0, 0,
	    control_on_owner },
	{ MSG_INQUIRE, sizeof(struct msg_inquire), sizeof(struct msg_inquire), 1, 1, control_on_inquire },
};

/* capd and convertd say nothing on these channels. */
static void
server_gone(struct chan *c, const struct err *why)
{
	struct local *l = c->arg;

	(void)why;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", c->name);
	daemon_lost(c == &l->capd ? ROLE_CAPD : c == &l->control ? ROLE_CONTROL : c == &l->learn ? ROLE_LEARN :
	    ROLE_CONVERTD);
}

/* The channel to that server; NULL: there is none to it. */
static struct chan *
server_chan(struct local *l, enum role role)
{
	switch (role) {
	case ROLE_CAPD:
		return &l->capd;
	case ROLE_CONVERTD:
		return &l->convertd;
	case ROLE_CONTROL:
		return &l->control;
	case ROLE_LEARN:
		return &l->learn;
	default:
		return NULL;
	}
}

static int
local_connect(struct local *l, enum role role, int fd, struct err *e)
{
	struct chan *c = server_chan(l, role);

	if (role == ROLE_QMGR)
		return worker_connect(&l->worker, fd, e);
	if (role == ROLE_EXPAND) {
		if (expansions_connect(&l->expansions, l->worker.loop, fd, e) == 0)
			return 0;
		close(fd);
		return -1;
	}
	if (c == NULL)
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	chan_close(c);
	l->asker += role == ROLE_CONTROL;
	if (chan_open(c, l->worker.loop, fd, role_name(role), role == ROLE_CONTROL ? from_control : NULL,
	    role == ROLE_CONTROL ? sizeof from_control / sizeof *from_control : 0, server_gone, l, e) == 0) {
		c->most = role == ROLE_LEARN ? LOCAL_SHOWN : 0;
		c->lossy = role == ROLE_LEARN;
		return 0;
	}
	close(fd);
	return -1;
}

static void
local_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (local_connect(arg, role, fd, &e) == -1)
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
}

static void
local_stats(void *arg, struct buf *out)
{
	const struct local *l = arg;
	uint64_t n = 0;

	for (const struct worker_job *j = l->worker.jobs; j != NULL; j = j->next)
		n++;
	figure_add(out, "accord_local_jobs", n);
	figure_add(out, "accord_local_deliveries_total", l->deliveries);
	figure_add(out, "accord_local_reports_total", l->shown);
}

static int
local_check(void *arg, struct daemon_next *next, struct err *e)
{
	return aliases_check(&((struct local *)arg)->aliases, daemon_next_take(next, "known"), e);
}

static void
local_switched(void *arg, struct conf *old)
{
	(void)old;
	aliases_switch(&((struct local *)arg)->aliases);
}

static void
local_kept(void *arg)
{
	aliases_keep(&((struct local *)arg)->aliases);
}

int
local_open(struct local *l, struct daemon *d, struct err *e)
{
	static const enum role peers[] = { ROLE_CAPD, ROLE_CONVERTD, ROLE_CONTROL, ROLE_LEARN, ROLE_EXPAND, ROLE_QMGR };

	*l = (struct local){ .daemon = d, .home = daemon_file(d, "home") };
	worker_init(&l->worker, &d->loop, job_start, l);
	if (aliases_open(&l->aliases, &d->conf, daemon_file(d, "known"), e) == -1)
		return -1;
	if (l->home == -1)
		return err_set(e, ERR_PERM, NULL, "no home folder was given");
	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
		if (d->peer_fd[peers[i]] != -1 &&
		    local_connect(l, peers[i], d->peer_fd[peers[i]], e) == -1)
			return -1;
	d->peer = local_on_peer;
	d->stats = local_stats;
	d->check = local_check;
	d->switched = local_switched;
	d->kept = local_kept;
	d->arg = l;
	return 0;
}
