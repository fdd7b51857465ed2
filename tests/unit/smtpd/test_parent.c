/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * The whole daemon, started as the supervisor starts it and confined as it is, on a real listening
 * socket; this test is the supervisor, and a process of its own is queue and capd.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/sandbox.h"
#include "smtpd/parent.h"

enum { PEERS_MAX = 256, LINE_WAIT_MS = 10000 };

static pid_t daemon_pid, peers_pid;
static int sup, port, listen_fd;
static _Alignas(8) unsigned char packet[MSG_MAX];

/* --- queue and capd in one process --- */

static void
answer(int sock, int *set, int *n)
{
	const struct msg_hdr *h = (const struct msg_hdr *)(void *)packet;
	static struct qid_maker maker;
	struct msg_id id = { 0 };
	struct msg_committed done = { .id = "" };
	struct msg_cap cap = { .features = CAP_NONE, .known = 1 };
	int fds[MSG_FDS], file;
	struct err e;
	size_t len;

	if (ipc_recv(sock, packet, sizeof packet, &len, fds, &e) != 1) {
		for (int i = 0; i < *n; i++)
			if (set[i] == sock)
				set[i] = set[--*n];
		close(sock);
		return;
	}
	if (h->type == MSG_SESSION && *n < PEERS_MAX) {
		set[(*n)++] = fds[0];
		return;
	}
	qid_make(&maker, (uint64_t)clock_us(), id.id);
	memcpy(done.id, id.id, QID_SIZE);
	file = memfd_create("message", MFD_CLOEXEC);
	if (h->type == MSG_OPEN)
		(void)ipc_send(sock, &id.h, MSG_OPENED, h->id, sizeof id, &file, 1, &e);
	else if (h->type == MSG_COMMIT)
		(void)ipc_send(sock, &done.h, MSG_COMMITTED, h->id, sizeof done, NULL, 0, &e);
	else if (h->type == MSG_CAP_ASK)
		(void)ipc_send(sock, &cap.h, MSG_CAP, h->id, sizeof cap, NULL, 0, &e);
	close(file);
	ipc_close_fds(fds, MSG_FDS);
}

static _Noreturn void
be_peers(int queue, int capd)
{
	int set[PEERS_MAX] = { queue, capd }, n = 2;

	while (n > 0) {
		struct pollfd p[PEERS_MAX];
		int was = n, at[PEERS_MAX];

		for (int i = 0; i < n; i++) {
			p[i] = (struct pollfd){ set[i], POLLIN, 0 };
			at[i] = set[i];
		}
		poll(p, (nfds_t)n, -1);
		for (int i = 0; i < was; i++)
			if (p[i].revents != 0)
				answer(at[i], set, &n);
	}
	_exit(0);
}

/* New channels, as at a start or a restart of both. */
static void
give_peers(uint32_t generation)
{
	int fd[2][2];
	struct err e;

	ck_assert_int_eq(ipc_pair(fd[0], &e) | ipc_pair(fd[1], &e), 0);
	peers_pid = fork();
	if (peers_pid == 0) {
		close(sup), close(fd[0][0]), close(fd[1][0]);
		be_peers(fd[0][1], fd[1][1]);
	}
	for (int i = 0; i < 2; i++) {
		struct msg_peer m = { .role = i == 0 ? ROLE_QUEUE : ROLE_CAPD, .generation = generation };

		ck_assert_int_eq(ipc_send(sup, &m.h, MSG_PEER, 0, sizeof m, &fd[i][0], 1, &e), 0);
		close(fd[i][0]), close(fd[i][1]);
	}
}

/* --- the supervisor --- */

static void
give_setting(const char *name, const char *text)
{
	struct msg_name m = { .name = "" };
	int fd = memfd_create(name, MFD_CLOEXEC);
	struct err e;

	snprintf(m.name, sizeof m.name, "%s", name);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(ipc_send(sup, &m.h, MSG_SETTING, 0, sizeof m, &fd, 1, &e), 0);
	close(fd);
}

/* What smtpd/main.c does. */
static _Noreturn void
be_daemon(int fd)
{
	static struct parent p;
	struct err e = { 0 };

	if (fd != DAEMON_FD)
		dup2(fd, DAEMON_FD);
	close_range(DAEMON_FD + 1, ~0u, 0);
	if (daemon_start(&p.d, ROLE_SMTPD, &e) == -1 || parent_init(&p, &e) == -1 ||
	    sandbox_enter(SB_SMTPD, NULL, 0, true, &e) == -1 || parent_begin(&p, &e) == -1 ||
	    daemon_ready(&p.d, &e) == -1)
		_exit(daemon_fail(&p.d, &e));
	_exit(loop_run(&p.d.loop, &e) == -1);
}

static void
start(const char *incoming, const char *each, const char *listener)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	struct msg_listener l = { .line = "" };
	int fd[2], fds[MSG_FDS];
	struct err e = { 0 };
	struct msg_hdr h;
	size_t n;

	ck_assert_int_eq(ipc_pair(fd, &e), 0);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		close(fd[0]);
		be_daemon(fd[1]);
	}
	close(fd[1]);
	sup = fd[0];
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(listen_fd, 100), 0);
	ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
	give_setting("me", "mx.example\n");
	give_setting("rcpthosts", "example.com\n");
	give_setting("locals", "example.com\n");
	give_setting("concurrencyincoming", incoming);
	give_setting("sessionsperprocess", each);
	snprintf(l.line, sizeof l.line, "127.0.0.1:%d %s", port, listener);
	ck_assert_int_eq(ipc_send(sup, &l.h, MSG_LISTENER, 0, sizeof l, &listen_fd, 1, &e), 0);
	give_peers(1);
	ck_assert_int_eq(ipc_send(sup, &h, MSG_GO, 0, sizeof h, NULL, 0, &e), 0);
	ck_assert_int_eq(ipc_recv(sup, packet, sizeof packet, &n, fds, &e), 1);
	memcpy(&h, packet, sizeof h);
	ck_assert_msg(h.type == MSG_READY, "%s", ((struct msg_text *)(void *)packet)->text);
	close(listen_fd);
}

/* Waits for the daemon's end; milliseconds it took. */
static int64_t
ended(void)
{
	int64_t from = clock_ms();

	ck_assert_int_eq(waitpid(daemon_pid, NULL, 0), daemon_pid);
	return clock_ms() - from;
}

static void
stop(void)
{
	struct msg_hdr h;
	struct err e;

	ck_assert_int_eq(ipc_send(sup, &h, MSG_STOP, 0, sizeof h, NULL, 0, &e), 0);
	ck_assert_int_lt(ended(), 4000);
	close(sup);
	kill(peers_pid, SIGKILL);
	waitpid(peers_pid, NULL, 0);
}

/* --- clients --- */

/* A connection from 127.0.0.LAST. */
static int
dial_from(unsigned last)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)port) }, own = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0x7f000000 | last) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static int
dial(void)
{
	return dial_from(1);
}

/* Sends text and reads to the end of one reply, or of the connection. */
static const char *
say(int fd, const char *text)
{
	static char got[4096];
	size_t n = 0;

	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		char *line;
		ssize_t r;

		got[n] = '\0';
		line = n > 1 ? memrchr(got, '\n', n - 1) : NULL;
		line = line == NULL ? got : line + 1;
		if (n > 4 && got[n - 1] == '\n' && line[3] == ' ')
			return got;
		ck_assert_int_gt(poll(&p, 1, LINE_WAIT_MS), 0);
		if ((r = recv(fd, got + n, sizeof got - 1 - n, 0)) <= 0)
			return got;
		n += (size_t)r;
	}
}

/* 0: nothing came for ms milliseconds. */
static int
silent(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms);
}

static void
expect(const char *got, const char *want)
{
	ck_assert_msg(strncmp(got, want, strlen(want)) == 0, "%s, not %s", got, want);
}

static void
send_one(int fd)
{
	expect(say(fd, "EHLO x\r\n"), "250-");
	expect(say(fd, "MAIL FROM:<a@b>\r\n"), "250");
	expect(say(fd, "RCPT TO:<joe@example.com>\r\n"), "250");
	expect(say(fd, "DATA\r\n"), "354");
	expect(say(fd, "x\r\n.\r\n"), "250 2.0.0");
}

/* The daemon's children, and which of them holds a connection. */
static int
children(pid_t *out, int max)
{
	char path[80];
	FILE *f;
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)daemon_pid, (int)daemon_pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (n < max && fscanf(f, "%d", &out[n]) == 1)
		n++;
	fclose(f);
	return n;
}

/* The socket's number at the other end of a connection of ours, by the kernel's list; 0: not there. */
static unsigned long
peer_inode(int fd)
{
	struct sockaddr_in own;
	socklen_t len = sizeof own;
	unsigned local, address, remote;
	unsigned long inode;
	char line[512];
	FILE *f = fopen("/proc/net/tcp", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	while (fgets(line, sizeof line, f) != NULL)
		/* another client's connection, which is over, may have had the same port */
		if (sscanf(line, " %*d: %*x:%x %x:%x %*x %*x:%*x %*x:%*x %*x %*u %*d %lu", &local, &address,
		    &remote, &inode) == 4 && (int)local == port && address == own.sin_addr.s_addr &&
		    remote == ntohs(own.sin_port)) {
			fclose(f);
			return inode;
		}
	fclose(f);
	return 0;
}

/* Which of the daemon's children serves this connection; 0: not found, for such lists change while read. */
static pid_t
server_seen(int fd)
{
	char want[64], path[80], link[64];
	pid_t pid[64];
	int n = children(pid, 64);

	snprintf(want, sizeof want, "socket:[%lu]", peer_inode(fd));
	for (int i = 0; i < n; i++)
		for (int k = 3; k < 32; k++) {
			ssize_t got;

			snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid[i], k);
			got = readlink(path, link, sizeof link - 1);
			link[got > 0 ? got : 0] = '\0';
			if (strcmp(link, want) == 0)
				return pid[i];
		}
	return 0;
}

static pid_t
server_of(int fd)
{
	pid_t pid = 0;

	for (int i = 0; i < 100 && pid == 0; i++) {
		if (i > 0)
			usleep(10000);
		pid = server_seen(fd);
	}
	return pid;
}

static long
private_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return -1;
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "Private_", 8) == 0)
			kb += strtol(strchr(line, ':') + 1, NULL, 10);
	fclose(f);
	return kb;
}

/* --- tests --- */

START_TEST(mail_comes_in)
{
	int fd;

	start("50\n", _i == 0 ? "1\n" : "1000\n", "");
	for (int i = 0; i < 20; i++) {
		fd = dial();
		expect(say(fd, ""), "220 mx.example");
		send_one(fd);
		expect(say(fd, "QUIT\r\n"), "221");
		close(fd);
	}
	stop();
}
END_TEST

/* A whole session from 127.0.0.LAST; which process served it. */
static pid_t
visit(unsigned last)
{
	int fd = dial_from(last);
	pid_t pid;

	expect(say(fd, ""), "220");
	pid = server_of(fd);
	ck_assert_int_ne(pid, 0);
	expect(say(fd, "QUIT\r\n"), "221");
	expect(say(fd, ""), "");
	close(fd);
	usleep(20000);		/* it is idle when its parent has heard so */
	return pid;
}

/* A process serves its client again, so often, and nobody else ever. */
START_TEST(a_process_is_one_clients)
{
	enum { VISITS = 40, EACH = 3 };
	struct { pid_t pid; unsigned client; int n; } seen[VISITS] = { { 0 } };
	int again = 0;

	start("50\n", "3\n", "");
	for (unsigned v = 0; v < VISITS; v++) {
		unsigned client = 1 + v % 2;
		pid_t pid = visit(client);
		int i = 0;

		while (seen[i].pid != 0 && seen[i].pid != pid)
			i++;
		again += seen[i].pid == pid;
		ck_assert(seen[i].pid == 0 || seen[i].client == client);
		seen[i].pid = pid;
		seen[i].client = client;
		ck_assert_int_le(++seen[i].n, EACH);
	}
	ck_assert_int_gt(again, VISITS / 4);	/* a slow machine hears of a session's end too late */
	stop();
}
END_TEST

/* Where each session has a process, none comes back. */
START_TEST(each_session_its_own_process)
{
	pid_t one;

	start("50\n", "1\n", "");
	one = visit(1);
	ck_assert_int_ne(visit(1), one);
	stop();
}
END_TEST

/* A line of `listen` has its own number. */
START_TEST(a_listener_has_its_own_number)
{
	pid_t one;

	start("50\n", "100\n", "sessions=1");
	one = visit(1);
	ck_assert_int_ne(visit(1), one);
	stop();
}
END_TEST

START_TEST(sessions_are_bounded)
{
	int fd[4];

	start("3\n", "1\n", "");
	for (int i = 0; i < 3; i++) {
		fd[i] = dial();
		expect(say(fd[i], ""), "220");
	}
	fd[3] = dial();			/* waits, and is next */
	ck_assert_int_eq(silent(fd[3], 300), 0);
	expect(say(fd[0], "QUIT\r\n"), "221");
	expect(say(fd[3], ""), "220");
	send_one(fd[3]);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	stop();
}
END_TEST

START_TEST(one_client_leaves_room_for_others)
{
	int fd[5];

	start("6\n", "1\n", "norelay");		/* so that loopback is nobody special */
	for (int i = 0; i < 5; i++) {
		fd[i] = dial();
		expect(say(fd[i], ""), i < 4 ? "220" : "421 4.7.0");
	}
	for (int i = 0; i < 5; i++)
		close(fd[i]);
	stop();
}
END_TEST

/* Those who wait are told to come back when it stops, and are not kept in the dark for ever. */
START_TEST(who_waits_hears_of_the_stop)
{
	int fd[2];

	start("1\n", "1\n", "");
	for (int i = 0; i < 2; i++)
		fd[i] = dial();
	expect(say(fd[0], ""), "220");
	ck_assert_int_eq(silent(fd[1], 200), 0);
	stop();
	expect(say(fd[1], ""), "421 4.3.2");
	close(fd[0]);
	close(fd[1]);
}
END_TEST

/* A silent client gives way when another waits: PACE_WAITED_S. */
START_TEST(silence_gives_way)
{
	int64_t from = clock_ms();
	int fd[2];

	start("1\n", "1\n", "");
	for (int i = 0; i < 2; i++)
		fd[i] = dial();
	expect(say(fd[0], ""), "220");
	usleep(1);
	while (silent(fd[1], 1000) == 0)
		ck_assert_int_lt(clock_ms() - from, (PACE_WAITED_S + 5) * 1000);
	expect(say(fd[1], ""), "220");
	send_one(fd[1]);
	expect(say(fd[0], ""), "421 4.4.2");
	close(fd[0]);
	close(fd[1]);
	stop();
}
END_TEST

/* The session that dies is noticed, its client slowed, and others are served. */
START_TEST(a_crash_is_outlived)
{
	pid_t pid[64];
	int64_t from;
	int fd, n;

	start("50\n", "1\n", "");
	fd = dial();
	expect(say(fd, ""), "220");
	n = children(pid, 64);
	ck_assert_int_gt(n, 1);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(kill(pid[i], SIGSEGV), 0);
	expect(say(fd, ""), "");
	close(fd);
	usleep(200000);
	from = clock_ms();
	fd = dial();
	expect(say(fd, ""), "220");
	ck_assert_int_ge(clock_ms() - from, PARENT_SLOW_DELAY_MS - 100);
	send_one(fd);
	close(fd);
	stop();
}
END_TEST

START_TEST(peers_restart)
{
	int64_t from;
	int fd;

	start("50\n", "1\n", "");
	fd = dial();
	expect(say(fd, ""), "220");
	send_one(fd);
	kill(peers_pid, SIGKILL);
	waitpid(peers_pid, NULL, 0);
	expect(say(fd, "MAIL FROM:<a@b>\r\n"), "250");
	expect(say(fd, "RCPT TO:<joe@example.com>\r\n"), "451 4.3.0");
	/* a second wait has who was given a channel to the dead one, before the parent noticed */
	expect(say(fd, "RCPT TO:<joe@example.com>\r\n"), "451 4.3.0");
	from = clock_ms();
	expect(say(fd, "RCPT TO:<joe@example.com>\r\n"), "451 4.3.0");	/* no such wait again */
	ck_assert_int_lt(clock_ms() - from, 1000);
	give_peers(2);
	for (int i = 0; i < 25; i++) {		/* the new channel is on its way */
		expect(say(fd, "RSET\r\n"), "250");
		expect(say(fd, "MAIL FROM:<a@b>\r\n"), "250");
		if (strncmp(say(fd, "RCPT TO:<joe@example.com>\r\n"), "250", 3) == 0)
			break;
		usleep(100000);
	}
	expect(say(fd, "RSET\r\n"), "250");
	send_one(fd);
	close(fd);
	stop();
}
END_TEST

START_TEST(stop_is_quick_with_clients_there)
{
	int idle, busy;

	start("50\n", "1\n", "");
	idle = dial();
	busy = dial();
	expect(say(idle, ""), "220");
	expect(say(busy, ""), "220");
	expect(say(busy, "EHLO x\r\n"), "250-");
	expect(say(busy, "MAIL FROM:<a@b>\r\n"), "250");
	expect(say(busy, "RCPT TO:<joe@example.com>\r\n"), "250");
	expect(say(busy, "DATA\r\n"), "354");
	stop();
	expect(say(idle, ""), "421 4.3.2");
	expect(say(busy, ""), "421 4.3.2");
	close(idle);
	close(busy);
}
END_TEST

START_TEST(without_the_supervisor_all_end)
{
	pid_t pid[64];
	int fd, n;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	start("50\n", "1\n", "");
	fd = dial();
	expect(say(fd, ""), "220");
	n = children(pid, 64);
	close(sup);
	ck_assert_int_lt(ended(), 1000);
	usleep(200000);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(waitpid(pid[i], NULL, WNOHANG), pid[i]);
	close(fd);
	kill(peers_pid, SIGKILL);
	waitpid(peers_pid, NULL, 0);
}
END_TEST

/* Design, 8: an idle session has at most 150 KB of its own. */
START_TEST(idle_sessions_are_small)
{
	pid_t pid[64];
	int fd[8], n;

	start("50\n", "1\n", "");
	for (int i = 0; i < 8; i++) {
		fd[i] = dial();
		expect(say(fd[i], ""), "220");
		expect(say(fd[i], "EHLO x\r\n"), "250-");
	}
	n = children(pid, 64);
	ck_assert_int_ge(n, 8);
#ifndef ACCORD_SAN
	for (int i = 0; i < n; i++)
		ck_assert_msg(private_kb(pid[i]) <= 150, "%ld KB", private_kb(pid[i]));
#else
	ck_assert_int_ge(private_kb(pid[0]), 0);
#endif
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	stop();
}
END_TEST

Suite *suite_parent(void);
Suite *
suite_parent(void)
{
	Suite *s = suite_create("parent");
	TCase *tc = tcase_create("parent");

	tcase_set_timeout(tc, 30);	/* it waits for processes, on busy machines too */
	tcase_add_loop_test(tc, mail_comes_in, 0, 2);
	tcase_add_test(tc, a_process_is_one_clients);
	tcase_add_test(tc, each_session_its_own_process);
	tcase_add_test(tc, a_listener_has_its_own_number);
	tcase_add_test(tc, sessions_are_bounded);
	tcase_add_test(tc, one_client_leaves_room_for_others);
	tcase_add_test(tc, who_waits_hears_of_the_stop);
	tcase_add_test(tc, silence_gives_way);
	tcase_add_test(tc, a_crash_is_outlived);
	tcase_add_test(tc, peers_restart);
	tcase_add_test(tc, stop_is_quick_with_clients_there);
	tcase_add_test(tc, without_the_supervisor_all_end);
	tcase_add_test(tc, idle_sessions_are_small);
	suite_add_tcase(s, tc);
	return s;
}
