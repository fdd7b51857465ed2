/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "smtpd/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/sasl.h"

static _Alignas(8) unsigned char packet[MSG_MAX];	/* one request is under way at a time */

static _Noreturn void
link_lost(const char *why)
{
	log_line(LOG_WARN, NULL, "exit", "why=%s", log_q(why));
	_exit(1);
}

static void
next_forget(struct link *l)
{
	ipc_close_fds(&l->next.fd, 1);
	l->next.fd = -1;
}

/* NULL: no peer of sessions. */
static int *
link_fd(struct link *l, uint32_t role)
{
	return role == ROLE_QUEUE ? &l->queue : role == ROLE_CAPD ? &l->capd :
	    role == ROLE_CONVERTD ? &l->convertd : role == ROLE_KEY ? &l->key : role == ROLE_AUTH ? &l->auth : NULL;
}

static void
link_new_peer(struct link *l, const struct msg_peer *m, int *fd)
{
	int *to = link_fd(l, m->role);

	if (to == NULL)
		return;
	if (*to != -1)
		close(*to);
	if (m->role == ROLE_QUEUE)
		next_forget(l);		/* it was the old channel's */
	else if (m->role == ROLE_CAPD)
		memset(l->rest_ms, 0, sizeof l->rest_ms);
	*to = *fd;
	*fd = -1;
	l->need &= ~(1u << m->role);
}

void
link_init(struct link *l, int ctl, int queue, int capd)
{
	*l = (struct link){ .ctl = ctl, .queue = queue, .capd = capd, .convertd = -1, .key = -1,
	    .auth = -1, .next.fd = -1 };
}

uint32_t
link_ctl(struct link *l, struct msg_client *m, int *client_fd)
{
	union {
		struct msg_hdr h;
		struct msg_client client;
		struct msg_pace pace;
		struct msg_peer peer;
		struct msg_pause pause;
		struct msg_rated rated;
	} u;
	int fds[MSG_FDS];
	struct err e = { 0 };
	size_t len;
	int r = ipc_recv(l->ctl, &u, sizeof u, &len, fds, &e);

	if (r != 1)
		link_lost(r == 0 ? "the smtpd parent has gone" : e.what);
	if (u.h.type == MSG_CLIENT && len == sizeof u.client && m != NULL && fds[0] != -1) {
		*m = u.client;
		l->timeout_s = m->timeout_s;
		l->patience_s = m->patience_s;
		*client_fd = fds[0];
		fds[0] = -1;
	} else if (u.h.type == MSG_PACE && len == sizeof u.pace) {
		l->timeout_s = u.pace.timeout_s;
		l->patience_s = u.pace.patience_s;
	} else if (u.h.type == MSG_PEER && len == sizeof u.peer && fds[0] != -1) {
		link_new_peer(l, &u.peer, &fds[0]);
	} else if (u.h.type == MSG_PAUSE && len == sizeof u.pause) {
		l->pause = u.pause;
	} else if (u.h.type == MSG_RATED && len == sizeof u.rated) {
		l->rate = u.rated.ok != 0 ? RATE_OK : RATE_OVER;
	} else if (u.h.type == MSG_STOP && len == sizeof u.h) {
		l->stop = true;
	} else {
		link_lost("a packet that the smtpd parent does not send");
	}
	ipc_close_fds(fds, MSG_FDS);
	return u.h.type;
}

static void
link_drop(struct link *l, enum role role)
{
	int *fd = link_fd(l, role);

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	if (role == ROLE_QUEUE)
		next_forget(l);
}

/*
 * Asks the parent for a channel and waits a little for it; but not again for each command while that
 * peer stays away.
 */
static int
link_need(struct link *l, enum role role, struct err *e)
{
	struct msg_peer m = { .role = role };
	int64_t now = clock_ms(), due = now + LINK_NEED_MS;

	if (l->need & 1u << role && now - l->asked_ms < LINK_PATIENCE_MS)
		due = now;
	if (!(l->need & 1u << role)) {
		if (ipc_send(l->ctl, &m.h, MSG_NEED, 0, sizeof m, NULL, 0, e) == -1)
			return -1;
		l->asked_ms = now;
		l->need |= 1u << role;
	}
	while (*link_fd(l, role) == -1) {
		struct pollfd p = { l->ctl, POLLIN, 0 };
		int64_t left = due - clock_ms();
		int r = poll(&p, 1, left > 0 ? clock_wait_ms(left) : 0);

		if (r > 0)
			(void)link_ctl(l, NULL, NULL);
		else if (left <= 0 || (r == -1 && errno != EINTR))
			return err_set(e, ERR_TEMP, "4.3.0", "%s is not there", role_name(role));
	}
	return 0;
}

/* What MSG_REFUSED says, as an error of ours. */
static int
link_refused(size_t len, const char *who, struct err *e)
{
	struct msg_refused m;

	if (len != sizeof m)
		return err_set(e, ERR_PROTO, "4.3.0", "%s: an answer of %zu octets", who, len);
	memcpy(&m, packet, sizeof m);
	m.dsn[sizeof m.dsn - 1] = m.what[sizeof m.what - 1] = '\0';
	return err_set(e, m.kind == ERR_PERM ? ERR_PERM : ERR_TEMP, m.dsn, "%s", m.what);
}

/* A request, and what its answer is. */
struct request {
	enum role role;
	uint32_t type, want;		/* of the packet, of its answer */
	size_t len, least;		/* octets of the packet, of its answer at least */
	int send_fd;			/* -1: none */
	size_t nfd_min, nfd_max;	/* descriptors with the answer */
	int timeout_ms;
	bool again;			/* it may be made twice, so a channel that broke is replaced at once */
	int fd;				/* the answer's, if it has one */
};

/* The answer is left in packet. */
static int
link_call(struct link *l, struct request *q, struct msg_hdr *h, struct err *e)
{
	int *sock = link_fd(l, q->role), fds[MSG_FDS] = { -1, -1 };
	const struct msg_hdr *reply = (const struct msg_hdr *)(const void *)packet;
	size_t got = 0, nfd;
	int r;

	if (*sock == -1 && link_need(l, q->role, e) == -1)
		return -1;
	r = ipc_call(*sock, h, q->type, q->len, &q->send_fd, q->send_fd != -1, packet, sizeof packet,
	    &got, fds, q->timeout_ms, e);
	if (r == -1 && (e->sys != ETIMEDOUT || q->role == ROLE_QUEUE)) {
		link_drop(l, q->role);	/* queue then clears what that channel began */
		if (q->again && e->sys != ETIMEDOUT) {
			q->again = false;
			return link_call(l, q, h, e);
		}
	}
	if (r == -1)
		return err_in(e, "%s", role_name(q->role));
	nfd = (size_t)(fds[0] != -1) + (size_t)(fds[1] != -1);
	if (reply->type == q->want && got >= q->least && nfd >= q->nfd_min && nfd <= q->nfd_max) {
		q->fd = fds[0];
		return 0;
	}
	ipc_close_fds(fds, MSG_FDS);
	if (reply->type == MSG_REFUSED)
		return link_refused(got, role_name(q->role), e);
	link_drop(l, q->role);
	return err_set(e, ERR_PROTO, "4.3.0", "%s: answer %u", role_name(q->role), reply->type);
}

/* Has queue gone, and with it the file? */
static bool
next_lost(const struct link *l)
{
	struct pollfd p = { l->queue, POLLIN, 0 };

	return poll(&p, 1, 0) != 0;
}

/* The file that came with the last answer.  false: there is none, or queue is to hear of this
 * message first. */
static bool
next_take(struct link *l, uint64_t size, char *id, int *fd)
{
	if (l->next.fd == -1)
		return false;
	if (next_lost(l)) {
		link_drop(l, ROLE_QUEUE);
		return false;
	}
	if (size > LINK_NEXT_SIZE || clock_ms() - l->next.since_ms >= LINK_NEXT_MS) {
		next_forget(l);
		link_abandon(l, l->next.id);
		return false;
	}
	memcpy(id, l->next.id, QID_SIZE);
	*fd = l->next.fd;
	l->next.fd = -1;
	return true;
}

int
link_open(struct link *l, uint64_t size, char *id, int *fd, int timeout_ms, struct err *e)
{
	struct msg_open m = { .size = size, .reserve = 0 };
	struct request q = { .role = ROLE_QUEUE, .type = MSG_OPEN, .len = sizeof m, .send_fd = -1,
	    .want = MSG_OPENED, .least = sizeof(struct msg_id), .nfd_min = 1, .nfd_max = 1,
	    .timeout_ms = timeout_ms, .again = true };
	struct msg_id got;

	if (next_take(l, size, id, fd))
		return 0;
	if (link_call(l, &q, &m.h, e) == -1)
		return -1;
	memcpy(&got, packet, sizeof got);
	if (!qid_ok(got.id)) {
		close(q.fd);
		link_drop(l, ROLE_QUEUE);
		return err_set(e, ERR_PROTO, "4.3.0", "queue: an ID that is none");
	}
	memcpy(id, got.id, QID_SIZE);
	*fd = q.fd;
	return 0;
}

int
link_read(struct link *l, const char *id, int *fd, int timeout_ms, struct err *e)
{
	struct msg_id m = { .id = "" };
	struct request q = { .role = ROLE_QUEUE, .type = MSG_READ, .len = sizeof m, .send_fd = -1,
	    .want = MSG_READABLE, .least = sizeof(struct msg_id), .nfd_min = 1, .nfd_max = 1,
	    .timeout_ms = timeout_ms };

	memcpy(m.id, id, QID_SIZE);
	if (link_call(l, &q, &m.h, e) == -1)
		return -1;
	*fd = q.fd;
	return 0;
}

/* A sealed memfd that holds s, or -1. */
static int
link_memfd(struct span s, struct err *e)
{
	int fd = memfd_create("envelope", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t at = 0;

	if (fd == -1)
		return err_sys(e, "envelope: memfd");
	while (at < s.n) {
		ssize_t n = write(fd, s.p + at, s.n - at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (at < s.n || fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1) {
		err_sys(e, "envelope: memfd");
		close(fd);
		return -1;
	}
	return fd;
}

/* After a request that convertd did not answer with success: is it to be made again? */
static bool
link_convertd_again(struct link *l, int try, const struct err *e)
{
	if (e->kind == ERR_PERM || (e->kind == ERR_TEMP && e->sys == 0))	/* it said so itself */
		return false;
	link_drop(l, ROLE_CONVERTD);	/* takes the request back, too */
	if (e->sys != EPIPE && e->sys != ECONNRESET)
		return false;
	(void)poll(NULL, 0, try * LINK_PAUSE_MS);
	return true;
}

/* -1: what it said of the message for good, or 4.6.5. */
static int
link_convertd_failed(struct err *e)
{
	if (e->kind == ERR_PERM)
		return -1;
	e->kind = ERR_TEMP;
	memcpy(e->dsn, "4.6.5", sizeof "4.6.5");
	return -1;
}

int
link_plan(struct link *l, const struct converter_message *m, const struct span *caps, uint32_t ncaps,
    int timeout_ms, struct converter_plan *out, struct err *e)
{
	int64_t due = clock_ms() + timeout_ms, left;
	uint8_t wish[PLAN_MAX_VERDICTS];
	struct converter_message within = *m;

	memset(wish, WISH_CONPERM, sizeof wish);
	for (int try = 0; try < LINK_PLANS && (l->convertd != -1 || link_need(l, ROLE_CONVERTD, e) == 0); try++) {
		left = due - clock_ms();
		within.plan_ms = left > 1 ? (int)left : 1;
		if (converter_ask_plan(l->convertd, &within, 0, caps, wish, ncaps, out, e) == 0)
			return 0;
		if (!link_convertd_again(l, try, e))
			break;
	}
	return link_convertd_failed(e);
}

int
link_describe(struct link *l, struct span image, int timeout_ms, struct blob *out, struct err *e)
{
	int64_t due = clock_ms() + timeout_ms, left;
	int fd = link_memfd(image, e), r = -1;

	if (fd == -1)
		return -1;
	for (int try = 0; try < LINK_PLANS && (l->convertd != -1 || link_need(l, ROLE_CONVERTD, e) == 0); try++) {
		left = due - clock_ms();
		r = converter_ask_features(l->convertd, fd, left > 1 ? (int)left : 1, out, e);
		if (r == 0 || !link_convertd_again(l, try, e))
			break;
	}
	close(fd);
	return r == 0 ? 0 : link_convertd_failed(e);
}

/* Keeps the file that came with the answer, if one did. */
static void
link_committed(struct link *l, int fd)
{
	struct msg_committed got;

	memcpy(&got, packet, sizeof got);
	memcpy(l->next.id, got.next, QID_SIZE);
	l->next.fd = fd;
	l->next.since_ms = clock_ms();
	l->committed++;
	if (fd != -1 && !qid_ok(got.next))
		link_drop(l, ROLE_QUEUE);
}

int
link_commit(struct link *l, const char *id, uint64_t len, uint32_t crc, struct span envelope,
    int timeout_ms, struct err *e)
{
	struct msg_commit *m = (struct msg_commit *)(void *)packet;
	bool large = envelope.n > sizeof packet - sizeof *m;
	struct request q = { .role = ROLE_QUEUE, .type = MSG_COMMIT, .send_fd = -1,
	    .len = sizeof *m + (large ? 0 : envelope.n), .want = MSG_COMMITTED,
	    .least = sizeof(struct msg_committed), .nfd_max = 1, .timeout_ms = timeout_ms };
	int r;

	*m = (struct msg_commit){ .msg_len = len, .msg_crc = crc, .env_len = (uint32_t)envelope.n,
	    .next = l->committed > 0 };
	memcpy(m->id, id, QID_SIZE);
	if (large && (q.send_fd = link_memfd(envelope, e)) == -1)
		return -1;
	if (!large)
		memcpy(packet + sizeof *m, envelope.p, envelope.n);
	r = link_call(l, &q, &m->h, e);
	ipc_close_fds(&q.send_fd, 1);
	if (r == 0)
		link_committed(l, q.fd);
	return r;
}

int
link_rate(struct link *l, const char *user, uint32_t messages, uint32_t recipients, struct err *e)
{
	struct msg_rate m = { .messages = messages, .recipients = recipients };
	int64_t due = clock_ms() + LINK_RATE_MS;

	memcpy(m.user, user, strnlen(user, sizeof m.user - 1));
	l->rate = RATE_ASKED;
	if (ipc_send(l->ctl, &m.h, MSG_RATE, 0, sizeof m, NULL, 0, e) == -1)
		return -1;
	while (l->rate == RATE_ASKED) {
		struct pollfd p = { l->ctl, POLLIN, 0 };
		int64_t left = due - clock_ms();

		if (left <= 0)
			return err_set(e, ERR_TEMP, "4.3.0", "the smtpd parent does not say how much may be sent");
		if (poll(&p, 1, clock_wait_ms(left)) > 0)
			(void)link_ctl(l, NULL, NULL);
	}
	return l->rate == RATE_OK;
}

int
link_key(struct link *l, struct err *e)
{
	struct pollfd p = { l->key, POLLIN, 0 };

	if (l->key != -1 && poll(&p, 1, 0) != 0)	/* it says nothing unasked: it has gone */
		link_drop(l, ROLE_KEY);
	return l->key != -1 ? 0 : link_need(l, ROLE_KEY, e);
}

int
link_sign(struct link *l, const unsigned char key[MSG_KEY_ID], uint32_t hash, bool pss, struct span text,
    unsigned char *sig, size_t *n, struct err *e)
{
	struct { struct msg_sign m; unsigned char text[MSG_SIGN_TEXT]; } ask = { .m = { .hash = hash, .pss = pss } };
	struct request q = { .role = ROLE_KEY, .type = MSG_SIGN, .len = sizeof ask.m + text.n, .send_fd = -1,
	    .want = MSG_SIGNED, .least = sizeof(struct msg_hdr) + 1, .timeout_ms = LINK_SIGN_MS, .again = true };
	const struct msg_hdr *got = (const struct msg_hdr *)(const void *)packet;

	if (text.n > sizeof ask.text)
		return err_set(e, ERR_PERM, "5.7.0", "%zu octets to be signed", text.n);
	memcpy(ask.m.key, key, MSG_KEY_ID);
	memcpy(ask.text, text.p, text.n);
	if (link_call(l, &q, &ask.m.h, e) == -1)
		return -1;
	*n = got->len - sizeof *got;
	if (*n > MSG_SIGNATURE)
		return err_set(e, ERR_PROTO, "4.3.0", "key: a signature of %zu octets", *n);
	memcpy(sig, packet + sizeof *got, *n);
	return 0;
}

void
link_keep(struct link *l, const unsigned char id[MSG_SESSION_ID], struct span text)
{
	struct { struct msg_kept m; unsigned char text[MSG_SESSION_TEXT]; } tell;
	struct err e;

	if (l->key == -1 || text.n > sizeof tell.text)
		return;
	memcpy(tell.m.id, id, MSG_SESSION_ID);
	memcpy(tell.text, text.p, text.n);
	if (ipc_send(l->key, &tell.m.h, MSG_KEEP, 0, sizeof tell.m + text.n, NULL, 0, &e) == -1)
		link_drop(l, ROLE_KEY);
	explicit_bzero(&tell, sizeof tell);
}

int
link_recall(struct link *l, const unsigned char id[MSG_SESSION_ID], unsigned char *text, size_t *n)
{
	struct msg_kept m = { .id = { 0 } };
	struct request q = { .role = ROLE_KEY, .type = MSG_RECALL, .len = sizeof m, .send_fd = -1,
	    .want = MSG_RECALLED, .least = sizeof(struct msg_hdr), .timeout_ms = LINK_SIGN_MS, .again = true };
	const struct msg_hdr *got = (const struct msg_hdr *)(const void *)packet;
	struct err e = { 0 };

	memcpy(m.id, id, MSG_SESSION_ID);
	if (link_call(l, &q, &m.h, &e) == -1 || (*n = got->len - sizeof *got) > MSG_SESSION_TEXT)
		return -1;
	memcpy(text, packet + sizeof *got, *n);
	explicit_bzero(packet + sizeof *got, *n);
	return 0;
}

int
link_login(struct link *l, const struct netaddr *client, struct span user, struct span word, char name[LOGIN_NAME],
    struct err *e)
{
	struct { struct msg_login m; unsigned char text[SASL_USER_MAX + SASL_WORD_MAX]; } ask =
	    { .m = { .user_len = (uint32_t)user.n, .word_len = (uint32_t)word.n } };
	struct request q = { .role = ROLE_AUTH, .type = MSG_LOGIN, .len = sizeof ask.m + user.n + word.n, .send_fd = -1,
	    .want = MSG_LOGGED_IN, .least = sizeof(struct msg_logged_in), .timeout_ms = LINK_LOGIN_MS, .again = true };
	const struct msg_logged_in *got = (const struct msg_logged_in *)(const void *)packet;
	int r;

	if (user.n + word.n > sizeof ask.text)
		return err_set(e, ERR_PERM, "5.7.8", "wrong name or password");
	netaddr_print(client, ask.m.client, sizeof ask.m.client);
	memcpy(ask.text, user.p, user.n);
	memcpy(ask.text + user.n, word.p, word.n);
	r = link_call(l, &q, &ask.m.h, e);
	explicit_bzero(&ask, sizeof ask);
	if (r == -1 && e->sys == ETIMEDOUT)
		link_drop(l, ROLE_AUTH);	/* takes the question back */
	if (r == 0)
		snprintf(name, LOGIN_NAME, "%.*s", LOGIN_NAME - 1, got->user);
	return r;
}

uint32_t
link_failed(struct link *l, bool *over)
{
	int64_t due = clock_ms() + LINK_PAUSE_WAIT_MS;
	struct msg_hdr h;
	struct err e = { 0 };

	*over = true;
	l->pause.h.type = 0;
	if (ipc_send(l->ctl, &h, MSG_FAILED, 0, sizeof h, NULL, 0, &e) == -1)
		return 0;
	while (l->pause.h.type == 0 && !l->stop) {
		struct pollfd p = { l->ctl, POLLIN, 0 };
		int64_t left = due - clock_ms();

		if (left <= 0)
			return 0;
		if (poll(&p, 1, clock_wait_ms(left)) > 0)
			(void)link_ctl(l, NULL, NULL);
	}
	*over = l->stop || l->pause.close != 0;
	return l->pause.ms;
}

void
link_abandon(struct link *l, const char *id)
{
	struct msg_id m = { 0 };
	struct err e;

	memcpy(m.id, id, QID_SIZE);
	if (l->queue != -1 && ipc_send(l->queue, &m.h, MSG_ABANDON, 0, sizeof m, NULL, 0, &e) == -1)
		link_drop(l, ROLE_QUEUE);
}

int
link_cap(struct link *l, struct span addr, uint32_t want, struct link_cap *out, struct err *e)
{
	struct { struct msg_cap_ask m; unsigned char addr[1024]; } ask =
	    { .m = { .want = want, .addr_len = (uint32_t)addr.n } };
	struct request q = { .role = ROLE_CAPD, .type = MSG_CAP_ASK, .len = sizeof ask.m + addr.n,
	    .send_fd = -1, .want = MSG_CAP, .least = sizeof(struct msg_cap), .timeout_ms = LINK_CAP_MS,
	    .again = true };
	int64_t *rest = &l->rest_ms[(want & CAP_WANT_FEATURES) != 0];
	struct msg_cap got;

	if (addr.n > sizeof ask.addr)
		return err_set(e, ERR_PERM, "5.1.3", "address too long");
	if (clock_ms() < *rest)
		return err_set(e, ERR_TEMP, "4.3.0", "capd has not answered lately");
	memcpy(ask.addr, addr.p, addr.n);
	if (link_call(l, &q, &ask.m.h, e) == -1) {
		if (e->sys == ETIMEDOUT) {
			*rest = clock_ms() + LINK_REST_MS;
			log_line(LOG_WARN, NULL, "no-answer", "peer=capd why=%s", log_q(e->what));
		}
		return -1;
	}
	memcpy(&got, packet, sizeof got);
	if (got.h.len != sizeof got + got.len)
		return err_set(e, ERR_PROTO, "4.3.0", "capd: an answer of a wrong length");
	*out = (struct link_cap){ got.features <= CAP_TEMP ? got.features : CAP_TEMP,
	    got.known <= 2 ? got.known : 2, span_of(packet + sizeof got, got.len) };
	return 0;
}
