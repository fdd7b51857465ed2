/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/crash/queue_power.c - what a power cut leaves of the queue; see queue-power.
 *	queue_power run DIRECTORY STRATEGY CLIENTS SECONDS LEDGER
 *	    takes messages, notes each acknowledged ID in LEDGER (on another file system), then shuts
 *	    DIRECTORY's file system down without its journal's last part
 *	queue_power check DIRECTORY LEDGER
 *	    after mounting it again: exit 1 if an acknowledged message is missing or damaged
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/queue.h"

#define POWER_SHUTDOWN _IOR('X', 125, __u32)	/* FS_IOC_SHUTDOWN */
enum { POWER_NO_LOG_FLUSH = 2, CLIENTS_MAX = 200, TEXT_MAX = 3000 };

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "queue_power: %s: %s\n", what, strerror(errno));
	exit(2);
}

static _Noreturn void
serve(int dir_fd, const char *strategy, int smtpd)
{
	static struct queue q;
	static struct loop l;
	char why[128];
	struct queue_options opt = { .strategy = strategy_choose(strategy, dir_fd, why, sizeof why) };
	struct err e;

	if (loop_init(&l, &e) == -1 || queue_start(&q, &l, dir_fd, &opt, &e) == -1 ||
	    queue_attach(&q, ROLE_SMTPD, smtpd, &e) == -1)
		fprintf(stderr, "queue_power: %s\n", e.what);
	else
		loop_run(&l, &e);
	_exit(2);
}

/* One message of some hundred octets; false: refused, or the queue has gone. */
static bool
bring(int sock, unsigned size, struct span block, char id[QID_SIZE])
{
	static _Alignas(8) unsigned char packet[4096], reply[MSG_MAX];
	struct msg_open o = { .size = size };
	struct msg_commit *c = (struct msg_commit *)(void *)packet;
	struct msg_hdr *h = (struct msg_hdr *)(void *)reply;
	char text[TEXT_MAX];
	struct err e;
	size_t len;
	int fds[MSG_FDS];
	bool ok;

	if (ipc_call(sock, &o.h, MSG_OPEN, sizeof o, NULL, 0, reply, sizeof reply, &len, fds, -1, &e) !=
	    1 || h->type != MSG_OPENED)
		return false;
	memcpy(id, ((struct msg_id *)(void *)reply)->id, QID_SIZE);
	for (unsigned i = 0; i < size; i++)
		text[i] = id[i % QID_LEN];
	ok = write(fds[0], text, size) == (ssize_t)size;
	close(fds[0]);
	memcpy(c->id, id, QID_SIZE);
	c->msg_len = size;
	c->msg_crc = crc32c(0, text, size);
	c->env_len = (uint32_t)block.n;
	memcpy(packet + sizeof *c, block.p, block.n);
	return ok && ipc_call(sock, &c->h, MSG_COMMIT, sizeof *c + block.n, NULL, 0, reply, sizeof reply,
	    &len, fds, -1, &e) == 1 && h->type == MSG_COMMITTED;
}

static _Noreturn void
client(int sock, int ledger)
{
	struct rcpt rcpt = { .addr = span_str("somebody@example.org") };
	struct envelope env = { .sender = span_str("a@example.com"), .rcpt = &rcpt, .nrcpt = 1 };
	char id[QID_SIZE];
	struct buf block;
	struct err e;

	buf_init(&block, ENV_MAX);
	must(envelope_encode(&env, &block, &e) == 0, "envelope");
	for (unsigned i = (unsigned)getpid();; i += 37)
		if (bring(sock, 100 + i % (TEXT_MAX - 100), buf_view(&block), id)) {
			id[QID_LEN] = '\n';
			must(write(ledger, id, QID_LEN + 1) == QID_LEN + 1, "ledger");
		} else {
			usleep(1000);
		}
}

static pid_t
start_client(int smtpd, int ledger)
{
	struct msg_hdr h;
	struct err e;
	int pair[2];
	pid_t pid;

	must(ipc_pair(pair, &e) == 0, "pair");
	must(ipc_send(smtpd, &h, MSG_SESSION, 0, sizeof h, &pair[1], 1, &e) == 0, "SESSION");
	close(pair[1]);
	pid = fork();
	must(pid != -1, "fork");
	if (pid == 0) {
		close(smtpd);
		client(pair[0], ledger);
	}
	close(pair[0]);
	return pid;
}

static int
power_run(char **argv)
{
	int dir_fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC), smtpd[2];
	int ledger = open(argv[4], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	__u32 how = POWER_NO_LOG_FLUSH;
	pid_t pid[CLIENTS_MAX + 1];
	int n = atoi(argv[2]);
	struct err e;

	must(dir_fd != -1 && ledger != -1 && n > 0 && n <= CLIENTS_MAX && ipc_pair(smtpd, &e) == 0, "run");
	pid[n] = fork();
	if (pid[n] == 0) {
		close(smtpd[0]);
		serve(dir_fd, argv[1], smtpd[1]);
	}
	close(smtpd[1]);
	for (int i = 0; i < n; i++)
		pid[i] = start_client(smtpd[0], ledger);
	usleep((useconds_t)(atof(argv[3]) * 1e6));
	must(ioctl(dir_fd, POWER_SHUTDOWN, &how) == 0, "shutdown");
	usleep(200000);		/* what is acknowledged now would be a lie, and found out */
	for (int i = 0; i <= n; i++)
		kill(pid[i], SIGKILL);
	for (int i = 0; i <= n; i++)
		waitpid(pid[i], NULL, 0);
	return 0;
}

/* Is the message whole? */
static bool
power_whole(int dir_fd, const char *id)
{
	char path[PATH_SIZE];
	struct qfile q;
	struct err e;
	int fd;
	bool ok;

	path_final(id, path);
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	ok = qfile_open(fd, &q, &e) == 0 && qfile_check(fd, &q, &e) == 1;
	close(fd);
	return ok;
}

static int
power_check(char **argv)
{
	int dir_fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FILE *ledger = fopen(argv[1], "r");
	unsigned n = 0, lost = 0;
	char line[QID_SIZE];

	must(dir_fd != -1 && ledger != NULL, "check");
	while (fgets(line, sizeof line, ledger) != NULL) {
		line[QID_LEN] = '\0';
		n++;
		lost += !power_whole(dir_fd, line);
	}
	fclose(ledger);
	printf("%u acknowledged, %u lost\n", n, lost);
	return n == 0 || lost > 0;
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "run") == 0)
		return power_run(argv + 2);
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return power_check(argv + 2);
	fprintf(stderr, "queue_power run DIRECTORY STRATEGY CLIENTS SECONDS LEDGER | check DIRECTORY LEDGER\n");
	return 2;
}
