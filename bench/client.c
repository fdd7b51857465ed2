/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/client.c - one message sent again and again, at a constant rate or as fast as it is taken.
 *	bench_client [-R RATE] [-c CONNECTIONS] [-n MESSAGES] [-r RECIPIENTS] [-m M] [-k K] [-M PARAMETERS]
 *	    [-o TIMES] FILE SENDER PATTERN PORT
 * PATTERN is the recipients' address: %n the message's number, %m that modulo M, %i the recipient's
 * number, %k that modulo K.  FILE: the message, with CRLF and without its final dot.  PARAMETERS stand
 * behind MAIL FROM.  A connection is kept for 100 messages, an envelope is sent at once.  At a RATE (a
 * second) message n is due n / RATE after the start whether others were answered or not.  TIMES: a line
 * for each message with its number, when it was due and when its 250 came, microseconds of
 * CLOCK_MONOTONIC.  Any other reply than 2yz or 3yz ends all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"

enum { CONNS_MAX = 1000, LIFE = 100, TEXT_MAX = 65536 };

enum state { CLOSED, BANNER, EHLO, IDLE, ENVELOPE, BODY };

struct conn {
	int fd;
	enum state state;
	unsigned waits;			/* for so many replies */
	unsigned sent;			/* messages */
	unsigned message;
	unsigned column;
	char line[5];
};

static struct conn conns[CONNS_MAX];
static unsigned nconns = 20, messages = 1000, recipients = 1, modulo_m = 1, modulo_k = 1;
static double rate;
static const char *sender, *pattern, *parameters = "";
static uint16_t port;
static char *text;
static size_t text_len;
static unsigned begun, ended;
static int64_t start_us;
static FILE *times;
static int poll_fd;

static int64_t
due_us(unsigned message)
{
	return rate > 0 ? start_us + (int64_t)(message * 1e6 / rate) : start_us;
}

static void
put(struct conn *c, const char *p, size_t n)
{
	for (ssize_t r; n > 0; p += r, n -= (size_t)r)
		if ((r = send(c->fd, p, n, MSG_NOSIGNAL)) <= 0)
			die("send");
}

static size_t
address_put(char *out, size_t max, unsigned message, unsigned recipient)
{
	size_t n = 0;

	for (const char *p = pattern; *p != '\0' && n + 16 < max; p++) {
		if (*p != '%') {
			out[n++] = *p;
			continue;
		}
		p++;
		n += (size_t)snprintf(out + n, max - n, "%u", *p == 'n' ? message : *p == 'm' ? message % modulo_m :
		    *p == 'i' ? recipient : recipient % modulo_k);
	}
	return n;
}

static void
conn_open(struct conn *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&a, sizeof a) == -1 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == -1 ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("connect");
	c->state = BANNER;
	c->waits = 1;
	c->sent = 0;
}

static void
envelope_send(struct conn *c)
{
	char out[TEXT_MAX];
	size_t n = (size_t)snprintf(out, sizeof out, "MAIL FROM:<%s>%s\r\n", sender, parameters);

	c->message = begun++;
	for (unsigned i = 0; i < recipients && n + 400 < sizeof out; i++) {
		n += (size_t)snprintf(out + n, sizeof out - n, "RCPT TO:<");
		n += address_put(out + n, sizeof out - n, c->message, i);
		n += (size_t)snprintf(out + n, sizeof out - n, ">\r\n");
	}
	n += (size_t)snprintf(out + n, sizeof out - n, "DATA\r\n");
	c->state = ENVELOPE;
	c->waits = recipients + 2;
	put(c, out, n);
}

/* Idle connections take what is due; closed ones are opened for it. */
static void
give(void)
{
	for (unsigned i = 0; i < nconns && begun < messages && due_us(begun) <= now_us(); i++)
		if (conns[i].state == IDLE)
			envelope_send(&conns[i]);
	for (unsigned i = 0; i < nconns && begun < messages; i++)
		if (conns[i].state == CLOSED)
			conn_open(&conns[i]);
}

static void
answered(struct conn *c)
{
	if (--c->waits > 0)
		return;
	c->waits = 1;
	switch (c->state) {
	case BANNER:
		put(c, "EHLO client.example\r\n", 21);
		c->state = EHLO;
		return;
	case ENVELOPE:
		put(c, text, text_len);
		c->state = BODY;
		return;
	case BODY:
		ended++;
		if (times != NULL)
			fprintf(times, "%u %lld %lld\n", c->message, (long long)due_us(c->message),
			    (long long)now_us());
		c->state = IDLE;
		if (++c->sent == LIFE || begun == messages) {
			put(c, "QUIT\r\n", 6);
			close(c->fd);
			c->state = CLOSED;
		}
		return;
	default:
		c->state = IDLE;
	}
}

static void
octet(struct conn *c, char o)
{
	if (c->column < 4)
		c->line[c->column] = o;
	c->column++;
	if (o != '\n')
		return;
	if (c->line[0] != '2' && c->line[0] != '3') {
		fprintf(stderr, "bench_client: a reply of %.3s in state %d\n", c->line, (int)c->state);
		exit(1);
	}
	c->column = 0;
	if (c->line[3] != '-')
		answered(c);
}

static void
conn_read(struct conn *c)
{
	char in[TEXT_MAX];
	ssize_t n = recv(c->fd, in, sizeof in, MSG_DONTWAIT);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fprintf(stderr, "bench_client: the server closed a connection in state %d\n", (int)c->state);
		exit(1);
	}
	for (ssize_t i = 0; i < n && c->state != CLOSED; i++)
		octet(c, in[i]);
}

static int
pause_ms(void)
{
	int64_t left;

	if (rate <= 0 || begun == messages)
		return 1000;
	left = due_us(begun) - now_us();
	return left <= 0 ? 1 : (int)(left / 1000);
}

static void
run(void)
{
	struct epoll_event got[64];
	int n;

	start_us = now_us();
	while (ended < messages) {
		give();
		n = epoll_wait(poll_fd, got, 64, pause_ms());
		for (int i = 0; i < n; i++)
			conn_read(got[i].data.ptr);
	}
}

/* The message and its dot. */
static void
file_read(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &st) == -1 || (text = malloc((size_t)st.st_size + 3)) == NULL ||
	    read(fd, text, (size_t)st.st_size) != st.st_size)
		die(path);
	memcpy(text + st.st_size, ".\r\n", 3);
	text_len = (size_t)st.st_size + 3;
	close(fd);
}

int
main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "R:c:n:r:m:k:M:o:")) != -1)
		switch (opt) {
		case 'R': rate = atof(optarg); break;
		case 'c': nconns = (unsigned)atoi(optarg); break;
		case 'n': messages = (unsigned)atoi(optarg); break;
		case 'r': recipients = (unsigned)atoi(optarg); break;
		case 'm': modulo_m = (unsigned)atoi(optarg); break;
		case 'k': modulo_k = (unsigned)atoi(optarg); break;
		case 'M': parameters = optarg; break;
		case 'o':
			if ((times = fopen(optarg, "we")) == NULL)
				die(optarg);
			break;
		default: return 2;
		}
	if (argc - optind != 4 || nconns == 0 || nconns > CONNS_MAX || modulo_m == 0 || modulo_k == 0) {
		fprintf(stderr, "usage: bench_client [options] FILE SENDER PATTERN PORT\n");
		return 2;
	}
	file_read(argv[optind]);
	sender = argv[optind + 1];
	pattern = argv[optind + 2];
	port = (uint16_t)atoi(argv[optind + 3]);
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	run();
	return times != NULL && fclose(times) != 0;
}
