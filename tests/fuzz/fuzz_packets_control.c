/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_packets_control.c - a local user, queue, capd, qmgr, learn and the supervisor that say
 * anything to control (tests/fuzz/hostile.h), and a local and a remote that answer whatever the input says.  One whose user
 * is not the administrator is told of nobody else's mail and wishes, and of an address, or has something
 * kept of it, only where local said that it is his; an honest client is answered with its own number; what
 * goes to queue is an envelope that can be read; few answers wait for who does not read; only the administrator's
 * inquiries go out, another's to the mailbox that local said is his.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/server/server.h"
#include "lib/address.h"
#include "lib/envelope.h"
#include "tests/fuzz/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *n);

enum { USER, ADMIN, QUEUE, CAPD, QMGR, START, LEARN, SIDES };
enum { SOMEBODY = 12345 };

static const struct hostile_row from_client[] = {
	{ MSG_SUBMIT, sizeof(struct msg_hdr) + 1 }, { MSG_CAP_ASK, sizeof(struct msg_cap_ask) + 3 },
	{ MSG_CAPS_CHANGED, sizeof(struct msg_hdr) }, { MSG_STATUS, sizeof(struct msg_hdr) },
	{ MSG_ACT, sizeof(struct msg_act) + sizeof(struct act) }, { MSG_RELOAD, sizeof(struct msg_hdr) },
	{ MSG_STATS, sizeof(struct msg_hdr) }, { MSG_CAP_SET, sizeof(struct msg_cap_set) + 3 },
	{ MSG_TAG, sizeof(struct msg_hdr) }, { MSG_INQUIRE, sizeof(struct msg_inquire) },
	{ MSG_PROBE, sizeof(struct msg_probe) + 11 },
	{ MSG_OFFER, sizeof(struct msg_offer) },
};
static const struct hostile_row from_learn[] = { { MSG_TAGGED, sizeof(struct msg_tagged) } };
static const struct hostile_row from_queue[] = {
	{ MSG_OPENED, sizeof(struct msg_id) }, { MSG_COMMITTED, sizeof(struct msg_committed) },
	{ MSG_REFUSED, sizeof(struct msg_refused) },
};
static const struct hostile_row from_capd[] = {
	{ MSG_CAP, sizeof(struct msg_cap) }, { MSG_CAP_SETTED, sizeof(struct msg_hdr) },
	{ MSG_REFUSED, sizeof(struct msg_refused) },
};
static const struct hostile_row from_qmgr[] = {
	{ MSG_ACTED, sizeof(struct msg_acted) }, { MSG_REFUSED, sizeof(struct msg_refused) },
};
static const struct hostile_row from_start[] = {
	{ MSG_RELOADED, sizeof(struct msg_reloaded) }, { MSG_FIGURES, sizeof(struct msg_hdr) + 20 },
	{ MSG_PING, sizeof(struct msg_hdr) }, { MSG_STATS, sizeof(struct msg_hdr) },
};
static const enum role roles[SIDES] = { [QUEUE] = ROLE_QUEUE, [CAPD] = ROLE_CAPD, [QMGR] = ROLE_QMGR,
	[LEARN] = ROLE_LEARN };

static struct daemon d;
static struct control control;
static struct hostile h;
static struct sockaddr_un where = { .sun_family = AF_UNIX };
static uid_t uid;			/* of who connects next */
static int letter[2];			/* for a recipient elsewhere, and here */

/* remote: our end, and the last inquiry that it has. */
static int remote = -1;
static uint32_t inquired;

/* local: our end, the last one it was asked about, and those whom it said yes. */
static int local = -1;
static uint32_t asked, yes[HOSTILE_STEPS], nyes;

/* Everybody here is one user; control hears that the other is another. */
int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
	int r = __real_getsockopt(fd, level, name, value, n);

	if (r == 0 && name == SO_PEERCRED)
		((struct ucred *)value)->uid = uid;
	return r;
}

static int
dial(uid_t who)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	uid = who;
	if (fd == -1 || connect(fd, (const struct sockaddr *)&where, sizeof where) == -1)
		abort();
	hostile_turn(&h);
	return fd;
}

static void
start_gone(struct chan *c, const struct err *why)
{
	(void)c, (void)why;
}

static void
open_side(struct hostile *x, size_t side)
{
	struct err e;

	if (side == USER || side == ADMIN) {
		ipc_close_fds(&x->side[side].fd, 1);
		hostile_turn(x);
		x->side[side].fd = dial(side == USER ? SOMEBODY : geteuid());
	} else if (side == START) {
		chan_close(&d.sup);
		if (chan_open(&d.sup, &d.loop, hostile_pair(x, side), "start", daemon_reload_rules,
		    daemon_reload_nrule, start_gone, &d, &e) == -1)
			abort();
	} else {
		d.peer(d.arg, roles[side], 1, hostile_pair(x, side));
	}
}

static void
open_peer(int *end, enum role role)
{
	struct err e;
	int pair[2];

	ipc_close_fds(end, 1);
	if (ipc_pair(pair, &e) == -1)
		abort();
	*end = pair[0];
	d.peer(d.arg, role, 1, pair[1]);
}

static bool
said_yes(uint32_t id)
{
	for (uint32_t i = 0; i < nyes; i++)
		if (yes[i] == id)
			return true;
	return false;
}

/* What is passed on has an ID and a route, and comes from one who may. */
static void
check_inquiry(const struct msg_inquire *m, size_t len)
{
	const struct client *k = control_client(&control, m->h.id);
	bool here = strcmp(m->dest, ROUTE_LOCAL) == 0;

	assert(len == sizeof *m && qid_ok(m->id) && m->kind < INQUIRY_KINDS);
	assert(memchr(m->dest, '\0', sizeof m->dest) != NULL);
	assert(k == NULL || client_is_admin(k) || (here && said_yes(m->h.id)));
}

/* The same of an address that other hosts are to be asked about. */
static void
check_probe(const struct msg_probe *m, size_t len)
{
	const struct client *k = control_client(&control, m->h.id);
	struct span addr = span_of(m + 1, m->addr_len);
	struct err e;

	assert(len == sizeof *m + addr.n && address_check(addr, &e) == 0);
	assert(!span_eqi(address_domain(addr), span_str("here.example")) && (k == NULL || client_is_admin(k)));
}

static void
read_peer(int end)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	const struct msg_hdr *m = (const void *)packet;
	int fds[MSG_FDS];
	struct err e;
	size_t len;

	while (end != -1 && ipc_recv_now(end, packet, sizeof packet, &len, fds, &e) == 1) {
		ipc_close_fds(fds, MSG_FDS);
		if (m->type == MSG_INQUIRE || (end == remote && m->type == MSG_PROBE)) {
			if (m->type == MSG_INQUIRE)
				check_inquiry((const void *)packet, len);
			else
				check_probe((const void *)packet, len);
			inquired = m->id;
			continue;
		}
		assert(end == local && m->type == MSG_OWNER && len > sizeof *m);
		asked = m->id;
	}
}

/* remote or local says what an inquiry found, or refuses; or remote comes anew; or messages are for here. */
static void
answer(struct hostile *x, unsigned how, uint32_t id)
{
	struct msg_inquired m = { .kind = how & 2 ? ERR_PERM : ERR_NONE, .len = 17 };
	struct err e;

	if (how & 8)
		x->file = letter[how & 1];
	else if (how & 4)
		open_peer(&remote, ROLE_REMOTE);
	else
		(void)ipc_send_now(how & 1 ? local : remote, &m.h, MSG_INQUIRED, id != 0 ? id : inquired, sizeof m,
		    &x->file, (how & 2) == 0, &e);
}

/* local says whose the mailbox is, comes anew, or says what it may not; or as above. */
static void
other(struct hostile *x, unsigned what, struct span p)
{
	static const uid_t whose[] = { SOMEBODY, 0, SOMEBODY + 1, (uid_t)-1 };
	struct msg_owned m = { .found = p.n > 1 ? p.p[1] : 1, .uid = whose[p.n > 0 ? p.p[0] % 4 : 0] };
	uint32_t id = p.n > 2 ? p.p[2] : 0;
	struct err e;

	(void)x;
	read_peer(local);
	read_peer(remote);
	if (what == 1)
		open_peer(&local, ROLE_LOCAL);
	if (what == 0 && id == 0)
		id = asked;
	if (what == 0 && m.found == 1 && m.uid == SOMEBODY)
		yes[nyes++] = id;
	if (what == 2 && p.n > 0) {
		answer(x, p.p[0], p.n > 1 ? p.p[1] : 0);
		return;
	}
	if (what != 1)
		(void)ipc_send_now(local, &m.h, what == 0 ? MSG_OWNED : MSG_OWNER, id, sizeof m, NULL, 0, &e);
}

/* What reaches capd is whole, and from one who may. */
static void
check_wish(const struct msg_hdr *m, size_t len)
{
	const struct client *k = control_client(&control, m->id);
	const struct msg_cap_ask *ask = (const void *)m;
	const struct msg_cap_set *set = (const void *)m;

	assert(k == NULL || client_is_admin(k) || said_yes(m->id));
	if (m->type == MSG_CAP_ASK) {
		assert(ask->addr_len > 0 && ask->addr_len == len - sizeof *ask);
		return;
	}
	assert(m->type == MSG_CAP_SET && set->state <= CAP_ANY && set->source <= SOURCE_OWN);
	assert((uint64_t)set->addr_len + set->len == len - sizeof *set);
	assert(set->source == SOURCE_NONE ? set->state == CAP_NONE : set->source == SOURCE_OWN && set->addr_len > 0);
	assert(set->addr_len > 0 || k == NULL || client_is_admin(k));
}

static void
heard(struct hostile *x, size_t side, const struct msg_hdr *m, size_t len)
{
	struct envelope env;
	struct err e;

	(void)x;
	if (side == QUEUE && m->type == MSG_COMMIT) {
		const struct msg_commit *c = (const void *)m;

		assert(qid_ok(c->id) && c->env_len == len - sizeof *c);
		assert(envelope_decode(span_of(c + 1, c->env_len), &env, &e) == 0);
		assert(env.arrival_us > 0 && span_eq(span_sub(env.client, 0, 4), span_str("uid ")));
		envelope_free(&env);
	} else if (side == QUEUE) {
		assert(m->type == MSG_OPEN || m->type == MSG_ABANDON);
	} else if (side == USER) {
		assert(m->type == MSG_REFUSED || m->type == MSG_TEXT || m->type == MSG_COMMITTED || m->type == MSG_TAGGED ||
		    ((m->type == MSG_CAP || m->type == MSG_CAP_SETTED || m->type == MSG_INQUIRED) && nyes > 0));
	} else if (side == QMGR) {
		assert(m->type == MSG_ACT);
	} else if (side == CAPD) {
		check_wish(m, len);
	}
	assert(side != LEARN || (m->type == MSG_TAG && len >= sizeof *m));
	if (m->type == MSG_TAGGED)
		assert(len == sizeof(struct msg_tagged) &&
		    memchr(((const struct msg_tagged *)(const void *)m)->tag, '\0', TAG_TEXT) != NULL);
	if (m->type == MSG_INQUIRED) {
		const struct msg_inquired *q = (const void *)m;

		assert(len == sizeof *q && memchr(q->what, '\0', sizeof q->what) != NULL);
		assert(memchr(q->dsn, '\0', sizeof q->dsn) != NULL && memchr(q->route, '\0', sizeof q->route) != NULL);
		assert(memchr(q->options, '\0', sizeof q->options) != NULL);
	}
	if (m->type == MSG_REFUSED) {
		const struct msg_refused *r = (const void *)m;

		assert(len == sizeof *r && memchr(r->what, '\0', sizeof r->what) != NULL);
		assert(memchr(r->dsn, '\0', sizeof r->dsn) != NULL);
	}
}

/* The abstract name goes with the process. */
static int
listening(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(where.sun_path + 1, sizeof where.sun_path - 1, "accord-fuzz-%d", (int)getpid());
	if (fd == -1 || bind(fd, (const struct sockaddr *)&where, sizeof where) == -1 || listen(fd, 50) == -1)
		abort();
	return fd;
}

static void
set_up(void)
{
	static const char *const to[] = { "a@example.org", NULL }, *const here[] = { "a@here.example", NULL };
	static bool done;
	struct err e = { 0 };

	if (done)
		return;
	done = true;
	hostile_set_up();
	letter[0] = hostile_letter(span_str("Subject: x\r\n\r\nx\r\n"), "s@example.net", to, 0);
	letter[1] = hostile_letter(span_str("Subject: x\r\n\r\nx\r\n"), "s@example.net", here, 0);
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	d.file[0] = (struct daemon_file){ "control.sock", listening() };
	d.nfile = 1;
	if (conf_init(&d.conf, &e) == -1 || loop_init(&d.loop, &e) == -1 ||
	    conf_set(&d.conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&d.conf, CONF_LOCALS, span_str("here.example\n"), &e) == -1 ||
	    control_open(&control, &d, &e) == -1)
		abort();
	h = (struct hostile){ .loop = &d.loop, .nside = SIDES, .file = letter[0], .open = open_side,
	    .other = other, .heard = heard, .side = { { from_client, 11, -1, { 0 }, 0 },
	    { from_client, 11, -1, { 0 }, 0 }, { from_queue, 3, -1, { 0 }, 0 }, { from_capd, 3, -1, { 0 }, 0 },
	    { from_qmgr, 2, -1, { 0 }, 0 }, { from_start, 4, -1, { 0 }, 0 },
	    { from_learn, 1, -1, { 0 }, 0 } } };
}

static void
honest(void)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	const struct msg_text *m = (const struct msg_text *)(const void *)packet;
	struct msg_hdr ask;
	struct err e;
	int fd = dial(SOMEBODY), fds[MSG_FDS];
	size_t len;

	if (ipc_send(fd, &ask, MSG_STATUS, 77, sizeof ask, NULL, 0, &e) == -1)
		abort();
	hostile_turn(&h);
	assert(recv(fd, packet, 1, MSG_PEEK | MSG_DONTWAIT) == 1);
	assert(ipc_recv(fd, packet, sizeof packet, &len, fds, &e) == 1 && len == sizeof *m);
	assert(m->h.id == 77 && m->h.type == MSG_TEXT);
	close(fd);
	hostile_turn(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	set_up();
	hostile_begin(&h);
	hostile_qid(&h, "0123456789abcdef\0\0\0\0\0\0\0");
	nyes = asked = 0;
	h.file = letter[0];
	open_peer(&local, ROLE_LOCAL);
	open_peer(&remote, ROLE_REMOTE);
	inquired = 0;
	hostile_run(&h, span_of(p, n));
	read_peer(local);
	read_peer(remote);
	assert(control.nclient <= 2);
	for (struct client *k = control.clients; k != NULL; k = k->next)
		assert(k->chan.waiting <= CONTROL_UNREAD && k->nact <= CONTROL_ACTS);
	honest();
	hostile_advance(CONTROL_PAUSE_MS);
	for (size_t i = 0; i < SIDES; i++)
		ipc_close_fds(&h.side[i].fd, 1);
	ipc_close_fds(&local, 1);
	ipc_close_fds(&remote, 1);
	hostile_turn(&h);
	chan_close(&d.sup);
	hostile_end(&h);
	assert(control.nclient == 0 && control.acts == NULL);
	return 0;
}
