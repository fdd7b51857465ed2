/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* start/bind.c - the listening sockets of a place. */
#include "start/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/confline.h"
#include "lib/log.h"

enum { BACKLOG = 4096 };	/* connections that wait for smtpd; the kernel may allow fewer */

static socklen_t
socket_address(const struct netaddr *a, struct sockaddr_storage *out)
{
	static const unsigned char v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };

	if (memcmp(a->a, v4, sizeof v4) == 0) {
		memcpy(&in.sin_addr, a->a + sizeof v4, sizeof in.sin_addr);
		memcpy(out, &in, sizeof in);
		return sizeof in;
	}
	memcpy(&in6.sin6_addr, a->a, sizeof in6.sin6_addr);
	memcpy(out, &in6, sizeof in6);
	return sizeof in6;
}

/* The listening socket, or -1 with errno. */
static int
listen_on(const struct netaddr *a, bool share)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = socket_address(a, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, sys;

	if (fd == -1)
		return -1;
	/* each connection has it too: a reply that takes several writes must not wait for the client's ACK */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1 ||
	    (sa.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == -1) ||
	    (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1) ||
	    bind(fd, (struct sockaddr *)&sa, len) == -1 || listen(fd, BACKLOG) == -1) {
		sys = errno;
		close(fd);
		errno = sys;
		return -1;
	}
	return fd;
}

/* Which of p's sockets has that address; p->nlistener: none. */
static uint32_t
listener_at(const struct place *p, const struct netaddr *a)
{
	struct listener parsed;
	struct err ignored;
	uint32_t i = 0;

	while (p != NULL && i < p->nlistener &&
	    (listener_parse(span_str(p->listener[i].line), &parsed, &ignored) == -1 ||
	    parsed.addr.port != a->port || memcmp(parsed.addr.a, a->a, sizeof a->a) != 0))
		i++;
	return i;
}

/* Does p's setting have this address of an older place? */
static bool
goes_on(const struct place *p, const struct daemon_listener *l)
{
	struct listener old, parsed;
	struct err ignored;
	const struct span *lines;
	uint32_t n = conf_lines(&p->conf, CONF_LISTEN, &lines);

	if (listener_parse(span_str(l->line), &old, &ignored) == -1)
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (listener_parse(lines[i], &parsed, &ignored) == 0 &&
		    parsed.addr.port == old.addr.port &&
		    memcmp(parsed.addr.a, old.addr.a, sizeof old.addr.a) == 0)
			return true;
	return false;
}

static bool
on_port(const struct daemon_listener *l, uint16_t port)
{
	struct listener parsed;
	struct err ignored;

	return listener_parse(span_str(l->line), &parsed, &ignored) == 0 && parsed.addr.port == port;
}

static void
share_port(int fd, int on)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

/*
 * A new address beside those of old, which still listens.  One that is about to go (0.0.0.0:25, when
 * 127.0.0.1:25 is new) is no reason to refuse: for the moment of the bind the two share the port.
 */
static int
listen_beside(const struct place *p, const struct place *old, const struct netaddr *a)
{
	int fd = listen_on(a, false), sys = errno;
	uint32_t going = 0;

	if (fd != -1 || sys != EADDRINUSE || old == NULL)
		return fd;
	for (uint32_t i = 0; i < old->nlistener; i++)
		if (on_port(&old->listener[i], a->port) && !goes_on(p, &old->listener[i])) {
			share_port(old->listener[i].fd, 1);
			going++;
		}
	if (going > 0) {
		fd = listen_on(a, true);
		sys = errno;
	}
	for (uint32_t i = 0; i < old->nlistener; i++)
		share_port(old->listener[i].fd, 0);
	if (fd != -1)
		share_port(fd, 0);
	errno = sys;
	return fd;
}

/* The socket for an address, which p's setting has once: old's own, or a new one. */
static int
listener_fd(const struct place *p, const struct place *old, const struct netaddr *a)
{
	uint32_t i = listener_at(old, a);

	if (old == NULL || i == old->nlistener)
		return listen_beside(p, old, a);
	return fcntl(old->listener[i].fd, F_DUPFD_CLOEXEC, 0);
}

static int
bind_line(struct place *p, const struct place *old, struct span line, uint32_t lineno, struct err *e)
{
	struct daemon_listener *l = &p->listener[p->nlistener];
	struct listener parsed;

	if (listener_parse(line, &parsed, e) == -1)
		return -1;
	l->fd = listener_fd(p, old, &parsed.addr);
	span_text(line, l->line, sizeof l->line);
	if (l->fd == -1 && errno == EAFNOSUPPORT && !p->conf.v[CONF_LISTEN].set) {
		log_line(LOG_WARN, NULL, "not-listening", "line=%s why=%s", log_q(l->line),
		    log_q("the kernel has no such addresses"));
		return 0;	/* a default that this machine cannot have */
	}
	if (l->fd == -1)
		return err_sys(e, "%s/listen:%u: %s", p->control, lineno, l->line);
	p->nlistener++;
	return 0;
}

/*
 * Mode 0666: whoever may ask for what is decided by accord-control from SO_PEERCRED, so that any
 * local user can send mail and only root and accord's own see the queue.
 */
int
place_control(struct place *p, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int n, fd;

	/* by way of the open folder: a long HOME must not be cut to the socket's 108 octets */
	n = snprintf(sa.sun_path, sizeof sa.sun_path, "/proc/self/fd/%d/control.sock", p->run_fd);
	if (n < 0 || (size_t)n >= sizeof sa.sun_path)
		return err_set(e, ERR_BUG, NULL, "control.sock");
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "%s/control.sock", p->run);
	(void)unlinkat(p->run_fd, "control.sock", 0);
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) == -1 ||
	    fchmodat(p->run_fd, "control.sock", 0666, 0) == -1 || listen(fd, 128) == -1) {
		err_sys(e, "%s/control.sock", p->run);
		close(fd);
		return -1;
	}
	p->control_sock = fd;
	return 0;
}

/* A full disk, on which it is to be bound later: mail that waits there is to go out, and so make room. */
static int
control_now_or_later(struct place *p, struct err *e)
{
	if (place_control(p, e) == 0)
		return 0;
	if (e->sys != ENOSPC && e->sys != EDQUOT)
		return -1;
	log_line(LOG_WARN, NULL, "no-control", "why=%s", log_q(e->what));
	return 0;
}

int
place_listen(struct place *p, const struct place *old, struct err *e)
{
	const struct span *lines;
	uint32_t n = conf_lines(&p->conf, CONF_LISTEN, &lines);

	for (uint32_t i = 0; i < n; i++)
		if (bind_line(p, old, lines[i], p->conf.v[CONF_LISTEN].lineno[i], e) == -1)
			return -1;
	return 0;
}

int
place_bind(struct place *p, struct err *e)
{
	return place_listen(p, NULL, e) == -1 ? -1 : control_now_or_later(p, e);
}
