/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/crash/sim/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/sim/ledger.h"
#include "tests/crash/sys.h"

enum { CLIENTS_MAX = 64, TEXT_MAX = 1 << 17, CLOCK_US = 2000, PAUSE_US = 20000, SILENCE_S = 20 };

struct shared { uint32_t next; bool over; };	/* the next message's number */
struct client {
	struct sys_record *record;
	struct shared *shared;
	int port, ledger, fd;
	unsigned most;
	struct buf text;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static uint64_t
draw(struct sys_record *r)
{
	return __atomic_fetch_add(&r->count, 1, __ATOMIC_SEQ_CST);
}

static void
note(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		_exit(3);
}

static int
dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval silence = { .tv_sec = SILENCE_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd != -1 && connect(fd, (struct sockaddr *)&to, sizeof to) == -1) {
		close(fd);
		return -1;
	}
	if (fd != -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
	return fd;
}

/* The code of so many replies, the last one's; 0: the connection has gone. */
static int
replies(int fd, unsigned n)
{
	char line[1024];
	size_t len = 0;

	while (n > 0) {
		if (len == sizeof line - 1 || read(fd, line + len, 1) != 1)
			return 0;
		if (line[len++] != '\n')
			continue;
		line[len] = '\0';
		if (len > 4 && line[3] != '-')
			n--;
		if (n > 0)
			len = 0;
	}
	return atoi(line);
}

static bool
say(int fd, const void *p, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = send(fd, (const char *)p + done, n - done, MSG_NOSIGNAL);

		if (r <= 0)
			return false;
		done += (size_t)r;
	}
	return true;
}

/* The commands before the data, in one piece; rcpts: the addresses with commas. */
static bool
say_envelope(struct client *c, uint32_t number, char *rcpts, size_t cap)
{
	uint32_t n = ledger_rcpts(number);
	char addr[LEDGER_ADDR];
	struct buf out;
	struct err e;
	bool good;

	buf_init(&out, TEXT_MAX);
	good = buf_addf(&out, &e, "MAIL FROM:<s%u@client.example>\r\n", number) == 0;
	rcpts[0] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		size_t len = strlen(rcpts);

		ledger_rcpt(number, i, addr);
		snprintf(rcpts + len, cap - len, "%s%s", i == 0 ? "" : ",", addr);
		good &= buf_addf(&out, &e, "RCPT TO:<%s>\r\n", addr) == 0;
	}
	good &= buf_addf(&out, &e, "DATA\r\n") == 0 && say(c->fd, out.p, out.n) && replies(c->fd, n + 2) == 354;
	buf_free(&out);
	return good;
}

/* false: the connection is of no more use. */
static bool
one_message(struct client *c, uint32_t number)
{
	bool cut = number % 23 == 11, bare = number % 23 == 17;
	char rcpts[512], line[700];
	uint64_t dot, ack = 0;
	struct err e;
	int code;

	buf_clear(&c->text);
	if (!say_envelope(c, number, rcpts, sizeof rcpts) || ledger_text(number, &c->text, &e) == -1)
		return false;
	if (bare)
		(void)buf_addf(&c->text, &e, "a bare\nLF\r\n");
	if (cut)
		c->text.n -= 9;
	else if (buf_addf(&c->text, &e, ".\r\n") == -1)
		return false;
	snprintf(line, sizeof line, "%c %u\n", cut ? 'A' : 'R', number);
	if (cut || bare)
		note(c->ledger, line);
	dot = draw(c->record);
	if (!say(c->fd, c->text.p, c->text.n) || cut)
		code = 0;
	else if ((code = replies(c->fd, 1)) == 250)
		ack = draw(c->record);
	if (cut || bare)
		return code != 0;
	snprintf(line, sizeof line, "M %u %" PRIu64 " %" PRIu64 " %s\n", number, dot, ack, rcpts);
	note(c->ledger, line);
	return code != 0;
}

static _Noreturn void
client(struct client *c, unsigned seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	buf_init(&c->text, TEXT_MAX);
	while (!__atomic_load_n(&c->shared->over, __ATOMIC_SEQ_CST)) {
		bool good = (c->fd = dial(c->port)) != -1 && replies(c->fd, 1) == 220 &&
		    say(c->fd, "EHLO client.example\r\n", 21) && replies(c->fd, 1) == 250;

		for (unsigned i = 0; good && i <= seed % 4; i++) {
			uint32_t number = __atomic_fetch_add(&c->shared->next, 1, __ATOMIC_SEQ_CST);

			if (number >= c->most)
				__atomic_store_n(&c->shared->over, true, __ATOMIC_SEQ_CST);
			good = !__atomic_load_n(&c->shared->over, __ATOMIC_SEQ_CST) && one_message(c, number);
		}
		seed = seed * 1103515245u + 12345u;
		if (c->fd != -1)
			close(c->fd);
		usleep(good ? seed / 65536 % PAUSE_US : PAUSE_US);
	}
	_exit(0);
}

static struct sys_record *
map_record(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct sys_record *r;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return NULL;
	r = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return r == MAP_FAILED ? NULL : r;
}

int
load_run(int port, const char *record, const char *ledger, unsigned clients, double seconds,
    double settle, unsigned most)
{
	struct client c = { .record = map_record(record), .port = port, .fd = -1,
	    .ledger = open(ledger, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644), .most = most };
	int64_t enough = now_ms() + (int64_t)(seconds * 1000), end = enough + (int64_t)(settle * 1000);
	char line[64];
	int status, bad = 0;

	c.shared = mmap(NULL, sizeof *c.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.record == NULL || c.ledger == -1 || c.shared == MAP_FAILED || clients > CLIENTS_MAX ||
	    most > LEDGER_MAX) {
		perror("load");
		return 1;
	}
	for (unsigned i = 0; i < clients; i++)
		if (fork() == 0)
			client(&c, i * 7919 + 1);
	for (int64_t now = now_ms(); now < end; now = now_ms()) {
		snprintf(line, sizeof line, "T %" PRIu64 " %" PRId64 "\n",
		    __atomic_load_n(&c.record->count, __ATOMIC_SEQ_CST), now);
		note(c.ledger, line);
		if (now >= enough)
			__atomic_store_n(&c.shared->over, true, __ATOMIC_SEQ_CST);
		usleep(CLOCK_US);
	}
	while (wait(&status) != -1 || errno == EINTR)
		bad |= status;
	return bad != 0;
}
