/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "cmd/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/envelope.h"
#include "lib/figure.h"
#include "lib/log.h"

struct client *
control_client(struct control *c, uint32_t serial)
{
	struct client *k = c->clients;

	while (k != NULL && k->serial != serial)
		k = k->next;
	return k;
}

bool
client_is_admin(const struct client *k)
{
	return k->uid == 0 || k->uid == geteuid();
}

int
client_answer(struct client *k, struct msg_hdr *h, uint32_t type, size_t len, struct err *e)
{
	if (chan_send(&k->chan, h, type, k->request, len, NULL, 0, e) == 0)
		return 0;
	e->kind = ERR_TEMP;
	return -1;
}

int
client_refuse(struct client *k, const struct err *why, struct err *e)
{
	struct msg_refused m = { .kind = (uint32_t)why->kind };

	snprintf(m.dsn, sizeof m.dsn, "%s", why->dsn);
	snprintf(m.what, sizeof m.what, "%s", why->what);
	return client_answer(k, &m.h, MSG_REFUSED, sizeof m, e);
}

int
client_not_allowed(struct client *k, struct err *e)
{
	struct err why;

	err_set(&why, ERR_PERM, "5.7.1", "only the administrator may ask this");
	return client_refuse(k, &why, e);
}

static int
client_on_submit(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	const struct msg_hdr *h = msg;
	int fd = fds[0];

	fds[0] = -1;
	k->request = h->id;
	return submit_begin(k, span_of(h + 1, len - sizeof *h), fd, e);
}

/* MSG_CAPS_CHANGED and MSG_PASSWD_CHANGED: the supervisor reads a file anew. */
static int
client_on_changed(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	const struct msg_hdr *m = msg;
	struct msg_hdr h;

	(void)len, (void)fds;
	k->request = m->id;
	if (!client_is_admin(k))
		return client_not_allowed(k, e);
	if (chan_send(&k->control->daemon->sup, &h, m->type, 0, sizeof h, NULL, 0, e) == -1)
		return -1;
	return chan_send(&k->chan, &h, m->type, k->request, sizeof h, NULL, 0, e);
}

static int
client_on_status(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	struct control *c = k->control;
	struct msg_text m = { 0 };

	(void)len, (void)fds;
	snprintf(m.text, sizeof m.text, "accord %s: queue %s, qmgr %s, capd %s, %u clients",
	    ACCORD_VERSION, c->queue.open ? "up" : "down", c->qmgr.open ? "up" : "down",
	    c->capd.open ? "up" : "down", c->nclient);
	return chan_send(ch, &m.h, MSG_TEXT, ((const struct msg_hdr *)msg)->id, sizeof m, NULL, 0, e);
}

/* MSG_RELOAD and MSG_STATS are the supervisor's to answer. */
static int
client_on_supervisor(struct chan *ch, const void *msg, size_t len, int *fds, struct err *e)
{
	struct client *k = ch->arg;
	const struct msg_hdr *m = msg;
	struct msg_hdr h;

	(void)len, (void)fds;
	k->request = m->id;
	if (!client_is_admin(k))	/* figures tell of others' mail */
		return client_not_allowed(k, e);
	return chan_send(&k->control->daemon->sup, &h, m->type, k->serial, sizeof h, NULL, 0, e);
}

/* lib/daemon.h told: the answers. */
static void
control_told(void *arg, const struct msg_hdr *msg, size_t len)
{
	static _Alignas(8) unsigned char out[MSG_MAX];
	struct client *k = control_client(arg, msg->id);
	struct err e = { 0 };

	memcpy(out, msg, len);
	if (k != NULL && client_answer(k, (struct msg_hdr *)(void *)out, msg->type, len, &e) == -1)
		log_line(LOG_WARN, NULL, "unanswered", "why=%s", log_q(e.what));
}

static void
control_stats(void *arg, struct buf *out)
{
	const struct control *c = arg;

	figure_add(out, "accord_control_clients", c->nclient);
	figure_add(out, "accord_control_submitted_total", c->submitted);
}

static const struct msg_rule from_client[] = {
	{ MSG_SUBMIT, sizeof(struct msg_hdr) + 1, sizeof(struct msg_hdr) + CONTROL_ENVELOPE, 1, 1,
	    client_on_submit },
	{ MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 1, sizeof(struct msg_cap_ask) + ENV_MAX_PATH, 0, 0,
	    wish_on_client },
	{ MSG_CAP_SET, sizeof(struct msg_cap_set), MSG_MAX, 0, 0, wish_on_client },
	{ MSG_TAG, sizeof(struct msg_hdr), sizeof(struct msg_hdr) + TAG_RCPTS * (ENV_MAX_PATH + 1), 0, 0,
	    tag_on_client },
	{ MSG_INQUIRE, sizeof(struct msg_inquire), sizeof(struct msg_inquire), 1, 1, inquire_on_client },
	{ MSG_PROBE, sizeof(struct msg_probe) + 1, sizeof(struct msg_probe) + ENV_MAX_PATH, 0, 0, probe_on_client },
	{ MSG_OFFER, sizeof(struct msg_offer) + 2, sizeof(struct msg_offer) + 2 * ADDRESS_MAX, 1, 1,
	    offer_on_client },
	{ MSG_CAPS_CHANGED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, client_on_changed },
	{ MSG_PASSWD_CHANGED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, client_on_changed },
	{ MSG_STATUS, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, client_on_status },
	{ MSG_ACT, sizeof(struct msg_act) + sizeof(struct act),
	    sizeof(struct msg_act) + ACT_MAX * sizeof(struct act), 0, 0, act_on_client },
	{ MSG_RELOAD, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, client_on_supervisor },
	{ MSG_STATS, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, client_on_supervisor },
};

static void
client_gone(struct chan *ch, const struct err *why)
{
	struct client *k = ch->arg;

	(void)why;
	act_client_gone(k->control, k);
	*k->prev = k->next;
	if (k->next != NULL)
		k->next->prev = k->prev;
	k->control->nclient--;
	if (k->message_fd != -1)
		close(k->message_fd);
	buf_free(&k->envelope);
	wish_end(k);
	free(k);
}

/* Is there room for one more of this user?  No user can take the room of the others. */
static bool
client_room(const struct control *c, uid_t uid)
{
	uint32_t same = 0;

	for (const struct client *k = c->clients; k != NULL; k = k->next)
		same += k->uid == uid;
	return uid == 0 || uid == geteuid() ? c->nclient < CONTROL_CLIENTS + CONTROL_CLIENTS_UID :
	    c->nclient < CONTROL_CLIENTS && same < CONTROL_CLIENTS_UID;
}

static int
client_add(struct control *c, int fd, struct err *e)
{
	struct client *k;
	struct ucred who;
	socklen_t n = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == -1)
		return err_sys(e, "who asks");
	if (!client_room(c, who.uid))
		return err_set(e, ERR_TEMP, NULL, "too many clients of uid %u, or in all",
		    (unsigned)who.uid);
	if ((k = calloc(1, sizeof *k)) == NULL)
		return err_sys(e, "client");
	*k = (struct client){ .control = c, .uid = who.uid, .serial = ++c->last_serial,
	    .message_fd = -1, .inquiry_fd = -1 };
	buf_init(&k->envelope, CONTROL_ENVELOPE + 256);
	if (chan_open(&k->chan, &c->daemon->loop, fd, "client", from_client,
	    sizeof from_client / sizeof *from_client, client_gone, k, e) == -1) {
		free(k);
		return -1;
	}
	k->chan.most = CONTROL_UNREAD;
	k->next = c->clients;
	k->prev = &c->clients;
	if (k->next != NULL)
		k->next->prev = &k->next;
	c->clients = k;
	c->nclient++;
	return 0;
}

static void
control_resume(void *arg)
{
	struct control *c = arg;
	struct err e = { 0 };

	if (loop_change(&c->daemon->loop, &c->listener, EPOLLIN, &e) == -1)
		log_line(LOG_ERR, NULL, "no-accept", "why=%s", log_q(e.what));
}

/* Out of descriptors or memory: who waits stays in the backlog; the loop does not spin on it. */
static void
control_pause(struct control *c)
{
	struct err e = { 0 };

	err_sys(&e, "accept");
	log_line(LOG_WARN, NULL, "paused", "why=%s", log_q(e.what));
	if (loop_change(&c->daemon->loop, &c->listener, 0, &e) == -1 ||
	    loop_timer(&c->daemon->loop, &c->resume, CONTROL_PAUSE_MS, &e) == -1)
		log_line(LOG_ERR, NULL, "no-accept", "why=%s", log_q(e.what));
}

static void
control_accept(void *arg, uint32_t events)
{
	struct control *c = arg;
	struct err e = { 0 };
	int fd = accept4(c->listener.fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd == -1 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		control_pause(c);
	if (fd != -1 && client_add(c, fd, &e) == -1) {
		log_line(LOG_WARN, NULL, "client-refused", "why=%s", log_q(e.what));
		close(fd);
	}
}

static const struct msg_rule from_capd[] = {
	{ MSG_CAP, sizeof(struct msg_cap), MSG_MAX, 0, 0, wish_on_answer },
	{ MSG_CAP_SETTED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, wish_on_answer },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, wish_on_answer },
};

static const struct msg_rule from_local[] = {
	{ MSG_OWNED, sizeof(struct msg_owned), sizeof(struct msg_owned), 0, 0, wish_on_owned },
	{ MSG_INQUIRED, sizeof(struct msg_inquired), sizeof(struct msg_inquired), 0, 1, inquire_on_answer },
};

static const struct msg_rule from_remote[] = {
	{ MSG_INQUIRED, sizeof(struct msg_inquired), sizeof(struct msg_inquired), 0, 1, inquire_on_answer },
};

static const struct msg_rule from_learn[] = {
	{ MSG_TAGGED, sizeof(struct msg_tagged), sizeof(struct msg_tagged), 0, 0, tag_on_tagged },
};

static const struct msg_rule from_offer[] = {
	{ MSG_OFFERED, sizeof(struct msg_hdr), sizeof(struct msg_hdr), 0, 0, offer_on_answer },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, offer_on_answer },
};

static const struct msg_rule from_qmgr[] = {
	{ MSG_ACTED, sizeof(struct msg_acted), sizeof(struct msg_acted), 0, 0, act_on_qmgr },
	{ MSG_REFUSED, sizeof(struct msg_refused), sizeof(struct msg_refused), 0, 0, act_on_refused },
};

/* What each server may say; queue's rows are in submit.c. */
static const struct { const struct msg_rule *rule; size_t n; } rules[ROLE_COUNT] = {
	[ROLE_CAPD] = { from_capd, sizeof from_capd / sizeof *from_capd },
	[ROLE_QMGR] = { from_qmgr, sizeof from_qmgr / sizeof *from_qmgr },
	[ROLE_LOCAL] = { from_local, sizeof from_local / sizeof *from_local },
	[ROLE_LEARN] = { from_learn, sizeof from_learn / sizeof *from_learn },
	[ROLE_REMOTE] = { from_remote, sizeof from_remote / sizeof *from_remote },
	[ROLE_OFFER] = { from_offer, sizeof from_offer / sizeof *from_offer },
};

/* The channel to that process; NULL: there is none to it. */
static struct chan *
server_chan(struct control *c, enum role role)
{
	switch (role) {
	case ROLE_QUEUE:
		return &c->queue;
	case ROLE_CAPD:
		return &c->capd;
	case ROLE_QMGR:
		return &c->qmgr;
	case ROLE_LOCAL:
		return &c->local;
	case ROLE_LEARN:
		return &c->learn;
	case ROLE_REMOTE:
		return &c->remote;
	case ROLE_OFFER:
		return &c->offer;
	default:
		return NULL;
	}
}

/* Who waits for capd, local, offer, remote or qmgr is told to come again, who waits for learn that there is no tag. */
static void
tell_waiting(struct control *c, enum role role)
{
	if (role == ROLE_QMGR)
		act_qmgr_gone(c);
	else if (role == ROLE_LEARN)
		tag_learn_gone(c);
	else if (role == ROLE_OFFER)
		offer_gone(c);
	else if (role != ROLE_QUEUE)
		wish_server_gone(c, role);
}

static void
server_gone(struct chan *ch, const struct err *why)
{
	struct control *c = ch->arg;
	enum role role = ROLE_START;

	(void)why;
	while (server_chan(c, role) != ch)
		role++;
	log_line(LOG_INFO, NULL, "peer-gone", "peer=%s", ch->name);
	daemon_lost(role);
	tell_waiting(c, role);
	for (struct client *k = c->clients; k != NULL && role == ROLE_QUEUE; k = k->next) {
		struct err lost, e = { 0 };

		if (k->message_fd == -1)
			continue;
		close(k->message_fd);
		k->message_fd = -1;
		err_set(&lost, ERR_TEMP, "4.3.0", "the queue was restarted");
		(void)client_refuse(k, &lost, &e);
	}
}

static int
control_connect(struct control *c, enum role role, int fd, struct err *e)
{
	struct chan *ch = server_chan(c, role);

	if (ch == NULL)
		return err_set(e, ERR_PROTO, NULL, "a channel to %s", role_name(role));
	chan_close(ch);
	tell_waiting(c, role);	/* the news of its end may come after its successor's channel */
	return chan_open(ch, &c->daemon->loop, fd, role_name(role),
	    role == ROLE_QUEUE ? control_from_queue : rules[role].rule,
	    role == ROLE_QUEUE ? control_from_queue_n : rules[role].n, server_gone, c, e);
}

static void
control_on_peer(void *arg, enum role role, uint32_t generation, int fd)
{
	struct err e = { 0 };

	(void)generation;
	if (control_connect(arg, role, fd, &e) == -1) {
		close(fd);
		log_line(LOG_ERR, NULL, "no-channel", "peer=%s why=%s", role_name(role), log_q(e.what));
	}
}

/* From here on it takes the commands' connections. */
static int
control_listen(struct control *c, int fd, struct err *e)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		return err_sys(e, "control socket");
	c->listener = (struct watch){ fd, control_accept, c };
	return loop_watch(&c->daemon->loop, &c->listener, EPOLLIN, e);
}

/* It could not be bound at the start. */
static void
control_on_file(void *arg, const char *name, int fd)
{
	struct control *c = arg;
	struct err e = { 0 };

	if (strcmp(name, "control.sock") != 0 || c->listener.fd != -1) {
		close(fd);
	} else if (control_listen(c, fd, &e) == -1) {
		close(fd);
		c->listener.fd = -1;
		log_line(LOG_ERR, NULL, "no-accept", "why=%s", log_q(e.what));
	}
}

int
control_open(struct control *c, struct daemon *d, struct err *e)
{
	int fd = daemon_file(d, "control.sock");

	*c = (struct control){ .daemon = d, .listener = { .fd = -1 } };
	c->resume = (struct timer){ .fire = control_resume, .arg = c };
	for (int r = 0; r < ROLE_COUNT; r++)
		if (d->peer_fd[r] != -1 && control_connect(c, r, d->peer_fd[r], e) == -1)
			return -1;
	d->peer = control_on_peer;
	d->file_changed = control_on_file;
	d->told = control_told;
	d->stats = control_stats;
	d->arg = c;
	return fd == -1 ? 0 : control_listen(c, fd, e);
}
