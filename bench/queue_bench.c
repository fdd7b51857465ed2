/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * bench/queue_bench.c - the queue alone: commits a second, flushes and CPU per commit.
 *	queue_bench DIRECTORY journal|each|fs CLIENTS MESSAGES
 * CLIENTS processes each bring messages of 1 KB, one after the other; this process plays qmgr and
 * marks each as delivered, so that it is unlinked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "queue/queue.h"

enum { MESSAGE = 1024 };

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "queue_bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
over(void *arg, uint32_t events)
{
	struct queue *q = arg;

	(void)events;
	if (!q->stopping)
		queue_stop(q);
}

static double
cpu_s(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static _Noreturn void
serve(int dir_fd, enum strategy strategy, int smtpd, int qmgr, int life)
{
	static struct queue q;
	static struct loop l;
	struct queue_options opt = { .strategy = strategy };
	struct watch w = { life, over, &q };
	struct err e;

	if (loop_init(&l, &e) == -1 || queue_start(&q, &l, dir_fd, &opt, &e) == -1 ||
	    queue_attach(&q, ROLE_SMTPD, smtpd, &e) == -1 ||
	    queue_attach(&q, ROLE_QMGR, qmgr, &e) == -1 ||
	    loop_watch(&l, &w, EPOLLIN | EPOLLONESHOT, &e) == -1 || loop_run(&l, &e) == -1) {
		fprintf(stderr, "queue_bench: %s\n", e.what);
		_exit(1);
	}
	printf("  batches %.3f a message", (double)q.nflush / (double)q.ncommit);
	queue_free(&q);
	printf(", CPU ms a message: queue %.3f, workers %.3f\n",
	    cpu_s(RUSAGE_SELF) * 1e3 / (double)q.ncommit,
	    cpu_s(RUSAGE_CHILDREN) * 1e3 / (double)q.ncommit);
	fflush(stdout);
	_exit(0);
}

/* One message; exits at any failure. */
static void
bring(int sock, const char *text, struct span block)
{
	static _Alignas(8) unsigned char packet[4096], reply[MSG_MAX];
	struct msg_open o = { .size = MESSAGE };
	struct msg_commit *c = (struct msg_commit *)(void *)packet;
	struct msg_hdr *h = (struct msg_hdr *)(void *)reply;
	struct err e;
	size_t len;
	int fds[MSG_FDS];

	must(ipc_call(sock, &o.h, MSG_OPEN, sizeof o, NULL, 0, reply, sizeof reply, &len, fds, -1, &e) ==
	    1 && h->type == MSG_OPENED, "OPEN");
	must(write(fds[0], text, MESSAGE) == MESSAGE, "write");
	close(fds[0]);
	memcpy(c->id, ((struct msg_id *)(void *)reply)->id, QID_SIZE);
	c->msg_len = MESSAGE;
	c->msg_crc = crc32c(0, text, MESSAGE);
	c->env_len = (uint32_t)block.n;
	memcpy(packet + sizeof *c, block.p, block.n);
	must(ipc_call(sock, &c->h, MSG_COMMIT, sizeof *c + block.n, NULL, 0, reply, sizeof reply, &len,
	    fds, -1, &e) == 1 && h->type == MSG_COMMITTED, "COMMIT");
}

static _Noreturn void
client(int sock, unsigned n)
{
	struct rcpt rcpt = { .addr = span_str("somebody@example.org") };
	struct envelope env = { .sender = span_str("a@example.com"), .rcpt = &rcpt, .nrcpt = 1 };
	char text[MESSAGE];
	struct buf block;
	struct err e;

	memset(text, 'x', sizeof text);
	buf_init(&block, ENV_MAX);
	must(envelope_encode(&env, &block, &e) == 0, "envelope");
	for (unsigned i = 0; i < n; i++)
		bring(sock, text, buf_view(&block));
	_exit(0);
}

/* Marks what is new, until n are gone. */
static void
play_qmgr(int sock, unsigned n)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	static _Alignas(8) unsigned char mark[sizeof(struct msg_marks) + FLUSH_COMMITS * sizeof(struct mark)];
	struct msg_marks *out = (struct msg_marks *)(void *)mark;
	struct msg_ids *ids = (struct msg_ids *)(void *)packet;
	unsigned gone = 0;

	while (gone < n) {
		int fds[MSG_FDS];
		struct err e;
		size_t len;

		must(ipc_recv(sock, packet, sizeof packet, &len, fds, &e) == 1, "qmgr");
		if (ids->h.type == MSG_MARKED) {
			gone += ids->n;
			continue;
		}
		for (uint32_t i = 0; i < ids->n; i++) {
			out->mark[i].state = SLOT_DELIVERED;
			out->mark[i].number = i;
			memcpy(out->mark[i].id, ids->id[i], QID_SIZE);
		}
		out->n = ids->n;
		must(ipc_send(sock, &out->h, MSG_MARK, 0, sizeof *out + out->n * sizeof *out->mark, NULL, 0,
		    &e) == 0, "MARK");
	}
}

static pid_t
start_client(int smtpd, unsigned n, int *others, unsigned nother)
{
	struct msg_hdr h;
	struct err e;
	int pair[2];
	pid_t pid;

	must(ipc_pair(pair, &e) == 0, "pair");
	must(ipc_send(smtpd, &h, MSG_SESSION, 0, sizeof h, &pair[1], 1, &e) == 0, "SESSION");
	close(pair[1]);
	fflush(stdout);
	pid = fork();
	must(pid != -1, "fork");
	if (pid == 0) {
		for (unsigned i = 0; i < nother; i++)
			close(others[i]);
		client(pair[0], n);
	}
	close(pair[0]);
	return pid;
}

int
main(int argc, char **argv)
{
	int smtpd[2], qmgr[2], life[2], dir_fd;
	unsigned clients, each;
	int64_t start;
	double s;
	struct err e;
	char why[128];
	pid_t queue;

	must(argc == 5, "DIRECTORY STRATEGY CLIENTS MESSAGES");
	dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir_fd != -1, argv[1]);
	clients = (unsigned)strtoul(argv[3], NULL, 10);
	each = clients == 0 ? 0 : (unsigned)strtoul(argv[4], NULL, 10) / clients;
	must(each > 0 && ipc_pair(smtpd, &e) == 0 && ipc_pair(qmgr, &e) == 0 && pipe(life) == 0, "start");
	queue = fork();
	if (queue == 0) {
		close(life[1]);
		serve(dir_fd, strategy_choose(argv[2], dir_fd, why, sizeof why), smtpd[1], qmgr[1], life[0]);
	}
	close(smtpd[1]);
	close(qmgr[1]);
	start = clock_us();
	for (unsigned i = 0; i < clients; i++)
		start_client(smtpd[0], each, (int[]){ smtpd[0], qmgr[0], life[0], life[1] }, 4);
	play_qmgr(qmgr[0], clients * each);
	s = (double)(clock_us() - start) / 1e6;
	printf("%s, %u clients: %.0f messages a second\n", argv[2], clients, clients * each / s);
	fflush(stdout);
	close(life[1]);
	while (wait(NULL) > 0)
		continue;
	return 0;
}
