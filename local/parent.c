/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "local/parent.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/confline.h"
#include "lib/figure.h"
#include "lib/inquiry.h"
#include "lib/log.h"
#include "lib/qfile.h"
#include "lib/result.h"
#include "local/child.h"
#include "local/runner.h"
#include "local/task.h"

enum {
	NOBODY = 65534,
	LOCAL_ANEW_MS = 200,	/* until it is looked at again whether nothing is under way */
	LOCAL_SHOWN = 64	/* reports that learn has not taken yet; more are not shown to it */
};

/* A job under way: its recipients are served one after another, those of an LMTP server together. */
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
	uint32_t nrecord;		/* records written */
	uint32_t *served, nserved;	/* indices into the slots: of whom a process serves now */
	bool *done;			/* of each slot */
	bool bad_file, shown;		/* shown: to learn, once */
	struct chan child;		/* of that process */
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
	free(j->served);
	free(j->done);
	free(j);
}

/* Ends when nothing is under way and all that was is known; the supervisor starts it anew. */
static void
local_anew(void *arg)
{
	struct local *l = arg;
	struct err e;

	if (worker_idle(&l->worker) && l->inquiries == 0) {
		log_line(LOG_INFO, NULL, "retire", "");
		l->worker.loop->stop = true;
	} else if (l->again.at == 0) {
		(void)loop_timer(l->worker.loop, &l->again, LOCAL_ANEW_MS, &e);
	}
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
	if (j->local->anew)
		local_anew(j->local);
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

/* Shows learn a report that was delivered.  No mail depends on it: what does not get there is not learned. */
static void
job_show(struct job *j)
{
	struct msg_report_came m = { .len = j->message_len };
	int fd = local_learns(j->local) ? fcntl(j->message_fd, F_DUPFD_CLOEXEC, 0) : -1;
	struct err ignored;

	j->shown = true;
	memcpy(m.id, j->work->packet->id, sizeof m.id);
	if (fd != -1 && chan_send(&j->local->learn, &m.h, MSG_REPORT_CAME, 0, sizeof m, &fd, 1, &ignored) == 0)
		j->local->shown++;
}

/* Of which of those that are served now is the result?  NULL: of none that waits for one. */
static bool *
job_waits(struct job *j, uint32_t slot)
{
	for (uint32_t i = 0; i < j->nserved; i++)
		if (j->slots[j->served[i]] == slot && !j->done[j->served[i]])
			return &j->done[j->served[i]];
	return NULL;
}

static int
child_on_result(struct chan *c, const void *msg, size_t len, int *fds, struct err *e)
{
	struct job *j = c->arg;
	const struct msg_result *m = msg;
	struct span rest = span_of(m + 1, len - sizeof *m), detail;
	struct rcpt_result r;
	bool *done;

	(void)fds;
	if (j->work == NULL || j->answered || m->n != j->nserved)
		return err_set(e, ERR_PROTO, NULL, "a result of %zu octets", len);
	j->answered = true;
	for (uint32_t i = 0; i < m->n; i++) {
		if (result_next(&rest, &r, &detail, e) != 1 || (done = job_waits(j, r.slot)) == NULL)
			return err_set(e, ERR_PROTO, NULL, "a result of %zu octets", len);
		*done = true;
		if (m->bad_file)
			j->bad_file = true;
		else
			job_record(j, &r, detail);
	}
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

/* Those that are served now, and have no result. */
static void
served_failed(struct job *j, const struct err *why)
{
	for (uint32_t i = 0; i < j->nserved; i++) {
		if (!j->done[j->served[i]] && !j->bad_file && (j->work != NULL || !j->answered))
			job_failed(j, j->slots[j->served[i]], why);
		j->done[j->served[i]] = true;
	}
}

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
	} else {
		err_set(&e, ERR_TEMP, "4.3.0", "the delivery process gave no result");
	}
	served_failed(j, &e);
	job_step(j);
}

/* Does the recipient stand for others? */
static bool
job_expands(const struct job *j, uint32_t slot, struct span *list)
{
	const struct rcpt *r = &j->env.rcpt[slot];

	return !r->plain && aliases_find(&j->local->aliases, r->addr, list);
}

/* Who is served by the next process: the first that is not done, and where its mail goes to an LMTP server all of
 * the same domain whose mail does too. */
static void
job_choose(struct job *j)
{
	struct mailbox_match to, other;
	struct span domain, arg, list;
	struct err ignored;
	enum mailbox_kind kind;
	uint32_t i = 0;

	j->nserved = 0;
	while (i < j->nslots && j->done[i])
		i++;
	if (i == j->nslots)
		return;
	j->served[j->nserved++] = i;
	if (j->slots[i] >= j->env.nrcpt || job_expands(j, j->slots[i], &list) ||
	    !target_line(j->local, j->env.rcpt[j->slots[i]].addr, &to) ||
	    mailbox_delivery(to.delivery, &kind, &arg, &ignored) == -1 || kind != MAILBOX_LMTP)
		return;
	domain = address_domain(j->env.rcpt[j->slots[i]].addr);
	while (++i < j->nslots) {
		struct span addr = j->slots[i] < j->env.nrcpt ? j->env.rcpt[j->slots[i]].addr : span_of(NULL, 0);

		if (addr.n > 0 && job_expands(j, j->slots[i], &list))
			continue;
		if (!j->done[i] && span_eqi(address_domain(addr), domain) && target_line(j->local, addr, &other) &&
		    span_eq(other.delivery, to.delivery))
			j->served[j->nserved++] = i;
	}
}

/* Channels of its own, where the delivery may have to ask. */
static void
child_channels(struct job *j, const struct target *t, const struct negotiation *o, int *capd, int *convertd)
{
	bool asks = j->env.conperm || j->question || o->alternative || t->kind == MAILBOX_LMTP;
	struct err ignored;

	*capd = *convertd = -1;
	for (uint32_t i = 0; i < j->nserved; i++)
		asks |= j->env.rcpt[j->slots[j->served[i]]].drucof != DRUCOF_NO;
	if (!asks)
		return;
	*capd = chan_session(&j->local->capd, j->local->daemon->settings, &ignored);
	*convertd = chan_session(&j->local->convertd, 0, &ignored);
}

/* The program's channel, for a delivery to one.  -1: none now; then the delivery is put off.  The first program of
 * the settings may have come with a reload: who runs it can only be had by a start of this process anew. */
static int
child_program(struct job *j, const struct target *t, uint32_t slot)
{
	struct local *l = j->local;
	struct err e = { 0 };
	int fd;

	if (t->kind != MAILBOX_PIPE || j->work == NULL)
		return -1;
	fd = task_channel(l->runner, t, &j->env, &j->env.rcpt[slot], j->id, &e);
	if (fd == -1)
		log_line(LOG_WARN, j->id, "no-runner", "why=%s", log_q(l->runner == -1 ?
		    "no program was in the settings at the start" : e.what));
	l->anew |= fd == -1;
	return fd;
}

static int
child_start(struct job *j, struct err *e)
{
	uint32_t slot[j->nserved];
	struct target t;
	struct negotiation o;
	struct child c = { .local = j->local, .work = j->work, .question = j->question, .id = j->id,
	    .message_fd = j->message_fd, .env = &j->env, .slots = slot, .nslot = j->nserved, .target = &t,
	    .options = &o, .program = -1 };
	int up[2];

	for (uint32_t i = 0; i < j->nserved; i++)
		slot[i] = j->slots[j->served[i]];
	if (slot[0] >= j->env.nrcpt)
		return err_set(e, ERR_TEMP, "4.3.0", "no recipient %u", slot[0]);
	o = options_for(j->local, j->env.rcpt[slot[0]].addr);
	if (target_find(j->local, j->env.rcpt[slot[0]].addr, &t, e) == -1)
		return -1;
	if (ipc_pair(up, e) == -1) {
		target_close(&t);
		return -1;
	}
	/* before there is a process that would have to be undone */
	if (chan_open(&j->child, j->local->worker.loop, up[0], "delivery", from_child,
	    sizeof from_child / sizeof *from_child, child_gone, j, e) == -1) {
		ipc_close_fds(up, 2);
		target_close(&t);
		return -1;
	}
	c.up = up[1];
	child_channels(j, &t, &o, &c.capd, &c.convertd);
	c.program = child_program(j, &t, slot[0]);
	j->answered = false;
	j->local->deliveries++;
	if ((j->pid = fork()) == 0)
		child_run(&c);
	close(up[1]);
	target_close(&t);
	ipc_close_fds((int[]){ c.capd, c.convertd, c.program }, 3);
	if (j->pid == -1) {
		err_sys(e, "fork");
		chan_close(&j->child);
		return -1;
	}
	return 0;
}

/* --- recipients who stand for others --- */

static void
job_expanded(void *arg, struct rcpt_result *r)
{
	struct job *j = arg;

	r->slot = j->slots[j->served[0]];
	job_record(j, r, span_of(NULL, 0));
	j->done[j->served[0]] = true;
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
	for (job_choose(j); j->nserved > 0 && !j->bad_file; job_choose(j)) {
		struct err e = { 0 };
		uint32_t slot = j->slots[j->served[0]];
		struct span list;

		if (slot < j->env.nrcpt && job_expands(j, slot, &list)) {
			if (job_expand(j, slot, list))
				return;
			j->done[j->served[0]] = true;
			continue;
		}
		if (child_start(j, &e) == 0)
			return;		/* child_gone goes on */
		served_failed(j, &e);
	}
	job_end(j);
}

/* Room for who is served. */
static int
job_room(struct job *j, struct err *e)
{
	j->served = calloc(j->nslots + 1, sizeof *j->served);
	j->done = calloc(j->nslots + 1, sizeof *j->done);
	return j->served == NULL || j->done == NULL ? err_sys(e, "job") : 0;
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
	if (job_room(j, &e) == -1 || buf_room(&j->records, j->records.max, &e) == NULL ||
	    qfile_open(message_fd, &q, &e) == -1 ||
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
	if (job_room(j, e) == -1 || qfile_open(j->message_fd, &q, e) == -1 ||
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
	struct target t;
	bool ours;

	buf_init(&domain, ADDRESS_MAX_DOMAIN + 1);
	ours = line_key_add(&domain, address_domain(addr), '\0', e) == 0 &&
	    domains_have(lines, n, span_of(domain.p, domain.n - 1));
	buf_free(&domain);
	if (!ours)		/* postmaster of any domain is a mailbox here */
		return err_set(e, ERR_PERM, "5.1.2", "no domain of ours");
	if (target_find(l, addr, &t, e) == -1)
		return -1;
	*uid = t.uid;
	ours = t.place.folder != -1;
	target_close(&t);
	return ours ? 0 : err_set(e, ERR_PERM, "5.1.1", "a mailbox that is no user's of this host");
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

/* Whose rights a delivery has that goes to nobody's files. */
static void
local_account(struct local *l)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam("accord-local") : NULL;

	l->uid = pw != NULL ? pw->pw_uid : geteuid() == 0 ? NOBODY : geteuid();
	l->gid = pw != NULL ? pw->pw_gid : geteuid() == 0 ? NOBODY : getegid();
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
	local_account(l);
	l->again = (struct timer){ .fire = local_anew, .arg = l };
	l->runner = -1;
	if (runner_wanted(&d->conf) && (l->runner = runner_start(e)) == -1)
		return -1;
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
