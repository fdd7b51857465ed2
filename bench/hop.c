/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/hop.c - a next hop that keeps nothing, fast enough not to be what is measured.
 *	bench_hop [-c CAPS] [-o ARRIVALS] [-s ADDRESS=MS] COUNTS ADDRESS:PORT…
 * COUNTS is a file of two numbers (uint64_t), of messages and of recipients taken, always true.
 * CAPS: lines of a prefix of local parts and an expression, which is what CONNEG is answered with; the hop
 * then offers CONNEG and CONPERM.  ARRIVALS: a line for each message with its first recipient and the
 * time of its last octet, microseconds of CLOCK_MONOTONIC, written until SIGTERM.  -s: at that address each
 * reply comes MS milliseconds late.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"

enum { IN_MAX = 65536, OUT_MAX = 65536, RCPT_MAX = 256, CLASSES_MAX = 16, LISTENERS_MAX = 512 };

struct listener {
	int fd;
	int late_ms;
};

/* One connection; a reply that is late waits in out until due_us, and the next command with it. */
struct conn {
	struct conn *next, **prev;
	int fd, late_ms;
	bool body, empty, ends;		/* in a body; nothing of it was dropped yet; after QUIT */
	int64_t due_us;
	char first[RCPT_MAX];		/* recipient of this message */
	size_t nrcpt, nin, nout;
	char in[IN_MAX], out[OUT_MAX];
};

static struct listener listeners[LISTENERS_MAX];
static size_t nlisteners;
static struct conn *conns;
static struct { char prefix[32], text[460]; } classes[CLASSES_MAX];
static size_t nclasses;
static uint64_t *counts;
static FILE *arrivals;
static int poll_fd;
static volatile sig_atomic_t over;

static void
stop(int sig)
{
	(void)sig;
	over = 1;
}

static void
say(struct conn *c, const char *text)
{
	size_t n = strlen(text);

	if (c->nout + n > OUT_MAX) {
		fprintf(stderr, "bench_hop: a client does not read its replies\n");
		exit(1);
	}
	memcpy(c->out + c->nout, text, n);
	c->nout += n;
	if (c->late_ms > 0)
		c->due_us = now_us() + (int64_t)c->late_ms * 1000;
}

/* --- commands --- */

static void
say_rcpt(struct conn *c, const char *line, size_t n)
{
	const char *at = memchr(line, '<', n), *end = at == NULL ? NULL : memchr(at, '>', n - (size_t)(at - line));
	char text[RCPT_MAX + sizeof classes[0].text];
	size_t len;

	if (end == NULL) {
		say(c, "501 5.1.3 what?\r\n");
		return;
	}
	len = (size_t)(end - ++at);
	if (c->nrcpt++ == 0)
		snprintf(c->first, sizeof c->first, "%.*s", (int)len, at);
	for (size_t i = 0; i < nclasses && memmem(end, n - (size_t)(end - line), " CONNEG", 7) != NULL; i++)
		if (strncmp(at, classes[i].prefix, strlen(classes[i].prefix)) == 0) {
			snprintf(text, sizeof text, "250-2.1.5 ok\r\n250 2.1.5 CONNEG %s\r\n", classes[i].text);
			say(c, text);
			return;
		}
	say(c, "250 2.1.5 ok\r\n");
}

static void
say_ehlo(struct conn *c)
{
	say(c, nclasses == 0 ?
	    "250-hop.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 0\r\n250 ENHANCEDSTATUSCODES\r\n" :
	    "250-hop.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 0\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250-CONPERM\r\n250 CONNEG\r\n");
}

static void
command(struct conn *c, const char *line, size_t n)
{
	if (n >= 4 && strncasecmp(line, "RCPT", 4) == 0)
		say_rcpt(c, line, n);
	else if (n >= 4 && strncasecmp(line, "MAIL", 4) == 0) {
		c->nrcpt = 0;
		say(c, "250 2.1.0 ok\r\n");
	} else if (n >= 4 && strncasecmp(line, "DATA", 4) == 0) {
		c->body = c->empty = true;
		say(c, "354 go on\r\n");
	} else if (n >= 4 && strncasecmp(line, "EHLO", 4) == 0)
		say_ehlo(c);
	else if (n >= 4 && strncasecmp(line, "QUIT", 4) == 0) {
		c->ends = true;
		say(c, "221 2.0.0 bye\r\n");
	} else
		say(c, n >= 4 && (strncasecmp(line, "RSET", 4) == 0 || strncasecmp(line, "NOOP", 4) == 0 ||
		    strncasecmp(line, "HELO", 4) == 0) ? "250 2.0.0 ok\r\n" : "502 5.5.1 what?\r\n");
}

static void
taken(struct conn *c)
{
	counts[0]++;
	counts[1] += c->nrcpt;
	if (arrivals != NULL)
		fprintf(arrivals, "%s %lld\n", c->first, (long long)now_us());
	c->body = false;
	c->nrcpt = 0;
	say(c, "250 2.0.0 taken\r\n");
}

/* Takes one command, or what there is of a body, off the input.  False: there is no whole one. */
static bool
step(struct conn *c)
{
	size_t used;
	char *end;

	if (c->body) {
		end = memmem(c->in, c->nin, "\r\n.\r\n", 5);
		if (c->empty && c->nin >= 3 && memcmp(c->in, ".\r\n", 3) == 0)
			used = 3;
		else if (end != NULL)
			used = (size_t)(end + 5 - c->in);
		else {
			used = c->nin > 4 ? c->nin - 4 : 0;	/* the rest may be the dot's beginning */
			memmove(c->in, c->in + used, c->nin -= used);
			c->empty &= used == 0;
			return false;
		}
		taken(c);
	} else {
		end = memchr(c->in, '\n', c->nin);
		if (end == NULL)
			return false;
		used = (size_t)(end + 1 - c->in);
		command(c, c->in, used);
	}
	memmove(c->in, c->in + used, c->nin -= used);
	return true;
}

/* --- connections --- */

static void
conn_close(struct conn *c)
{
	close(c->fd);
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c);
}

/* False: it has gone. */
static bool
conn_send(struct conn *c)
{
	ssize_t n = 0;

	if (c->due_us > now_us())
		return true;
	c->due_us = 0;
	for (size_t at = 0; at < c->nout; at += (size_t)n) {
		n = send(c->fd, c->out + at, c->nout - at, MSG_NOSIGNAL);
		if (n <= 0) {
			conn_close(c);
			return false;
		}
	}
	c->nout = 0;
	if (!c->ends)
		return true;
	conn_close(c);
	return false;
}

/* All that came, and the replies to it; one by one where they are late. */
static void
conn_work(struct conn *c)
{
	while (c->due_us == 0 && step(c))
		;
	if (c->nout > 0 && conn_send(c) && c->due_us == 0 && c->late_ms > 0 && c->nin > 0)
		conn_work(c);
}

static void
conn_read(struct conn *c)
{
	ssize_t n;

	if (c->nin == IN_MAX)
		return;
	n = recv(c->fd, c->in + c->nin, IN_MAX - c->nin, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->nin += (size_t)n;
	conn_work(c);
}

static void
conn_accept(const struct listener *l)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c;
	int fd, one = 1;

	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd == -1)
		return;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		die("memory");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->fd = fd;
	c->late_ms = l->late_ms;
	c->next = conns;
	c->prev = &conns;
	if (conns != NULL)
		conns->prev = &c->next;
	conns = c;
	ev.data.ptr = c;
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &ev) == -1)
		die("epoll");
	say(c, "220 hop.example ESMTP\r\n");
	(void)conn_send(c);
}

/* Late replies whose time has come.  Returns how long nothing more is due, in ms, or -1. */
static int
late_work(void)
{
	int64_t now = now_us(), next = -1;
	struct conn *c, *after;

	for (c = conns; c != NULL; c = after) {
		after = c->next;
		if (c->due_us != 0 && c->due_us <= now && conn_send(c))
			conn_work(c);
	}
	for (c = conns; c != NULL; c = c->next)
		if (c->due_us != 0 && (next == -1 || c->due_us < next))
			next = c->due_us;
	return next == -1 ? -1 : next <= now ? 0 : (int)((next - now) / 1000 + 1);
}

static void
serve(void)
{
	struct epoll_event got[64];
	bool late = false;
	int n;

	for (size_t i = 0; i < nlisteners; i++)
		late |= listeners[i].late_ms > 0;
	while (!over) {
		n = epoll_wait(poll_fd, got, 64, late ? late_work() : -1);
		for (int i = 0; i < n; i++) {
			struct listener *l = got[i].data.ptr;

			if (l >= listeners && l < listeners + nlisteners)
				conn_accept(l);
			else
				conn_read(got[i].data.ptr);
		}
	}
}

/* --- start --- */

static void
caps_read(const char *path)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		die(path);
	while (nclasses < CLASSES_MAX && fscanf(f, "%31s %459[^\n]", classes[nclasses].prefix,
	    classes[nclasses].text) == 2)
		nclasses++;
	fclose(f);
}

static void
listen_at(char *where, const char *slow)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct listener *l = &listeners[nlisteners++];
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	char *colon = strchr(where, ':');
	const char *is = slow == NULL ? NULL : strchr(slow, '=');
	int one = 1;

	if (colon == NULL || nlisteners > LISTENERS_MAX)
		die(where);
	*colon = '\0';
	if (is != NULL && strlen(where) == (size_t)(is - slow) && strncmp(where, slow, (size_t)(is - slow)) == 0)
		l->late_ms = atoi(is + 1);
	a.sin_port = htons((uint16_t)atoi(colon + 1));
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd == -1 || inet_pton(AF_INET, where, &a.sin_addr) != 1 ||
	    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1 ||
	    bind(l->fd, (struct sockaddr *)&a, sizeof a) == -1 || listen(l->fd, 1024) == -1 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, l->fd, &ev) == -1)
		die(where);
}

int
main(int argc, char **argv)
{
	const char *slow = NULL;
	int opt, fd;

	while ((opt = getopt(argc, argv, "c:o:s:")) != -1)
		if (opt == 'c')
			caps_read(optarg);
		else if (opt == 'o' && (arrivals = fopen(optarg, "we")) == NULL)
			die(optarg);
		else if (opt == 's')
			slow = optarg;
		else if (opt == '?')
			return 2;
	if (argc - optind < 2) {
		fprintf(stderr, "usage: bench_hop [-c CAPS] [-o ARRIVALS] [-s ADDRESS=MS] COUNTS ADDRESS:PORT…\n");
		return 2;
	}
	fd = open(argv[optind], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1 || ftruncate(fd, 2 * sizeof *counts) == -1 || (counts = mmap(NULL, 2 * sizeof *counts,
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
		die(argv[optind]);
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = optind + 1; i < argc; i++)
		listen_at(argv[i], slow);
	signal(SIGTERM, stop);
	printf("ready\n");
	fflush(stdout);
	serve();
	return arrivals != NULL && fclose(arrivals) != 0;
}
