/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord-start [-H HOME] [-u USER] [-C CLOCKFILE]: the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "start/logger.h"
#include "start/supervisor.h"

enum {
	LOGGER_END_MS = 500,
	PROGRAM_FD = 10		/* descriptors from here on: a new process gives those below other meanings */
};

/* Open files, not names: whoever is started again later is of the version that all others are, though another
 * one has been installed meanwhile. */
struct programs { int fd[ROLE_COUNT]; char dir[PATH_MAX]; };

static void
program_path(const struct programs *p, enum role r, char path[PATH_MAX + 32])
{
	snprintf(path, PATH_MAX + 32, "%s/accord-%s", p->dir, role_name(r));
}

/* The daemons are beside this program, or in libexec. */
static int
programs_find(struct programs *p, struct err *e)
{
	char path[PATH_MAX + 32], *slash;
	ssize_t n = readlink("/proc/self/exe", p->dir, sizeof p->dir - 1);
	int fd;

	if (n <= 0)
		return err_sys(e, "/proc/self/exe");
	p->dir[n] = '\0';
	if ((slash = strrchr(p->dir, '/')) != NULL)
		*slash = '\0';
	program_path(p, ROLE_QUEUE, path);
	if (access(path, X_OK) == -1)
		snprintf(p->dir, sizeof p->dir, "%s/libexec/accord", ACCORD_PREFIX);
	for (int r = ROLE_QUEUE; r < ROLE_COUNT; r++) {
		program_path(p, (enum role)r, path);
		if (access(path, X_OK) == -1 || (fd = open(path, O_PATH | O_CLOEXEC)) == -1)
			return err_sys(e, "%s", path);
		p->fd[r] = fcntl(fd, F_DUPFD_CLOEXEC, PROGRAM_FD);
		close(fd);
		if (p->fd[r] == -1)
			return err_sys(e, "%s", path);
	}
	return 0;
}

static void
become_program(void *arg, enum role r)
{
	const struct programs *p = arg;
	char path[PATH_MAX + 32];
	char *argv[2] = { path, NULL };

	program_path(p, r, path);
	/* malloc's own store of small pieces keeps pages that a TLS session needs no more: a third of its memory */
	if (r == ROLE_SMTPD)
		(void)setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 0);
	execveat(p->fd[r], "", argv, environ, AT_EMPTY_PATH);
	log_line(LOG_ERR, NULL, "cannot-start", "role=%s why=%s", role_name(r), log_q(strerror(errno)));
}

/* sd_notify(3) by hand: one datagram. */
static void
notify(const char *text)
{
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n = to == NULL ? 0 : strlen(to);
	int fd;

	if (n < 2 || n >= sizeof sa.sun_path || (to[0] != '/' && to[0] != '@'))
		return;
	memcpy(sa.sun_path, to, n);
	if (to[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sa,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		log_line(LOG_WARN, NULL, "no-notify", "why=%s", log_q(strerror(errno)));
	if (fd != -1)
		close(fd);
}

static void
all_up(void *arg)
{
	(void)arg;
	printf("accord: ready\n");
	fflush(stdout);
	notify("READY=1\n");
}

struct options { const char *home, *user, *clock; };

static int
options_read(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "H:u:C:")) != -1)
		switch (c) {
		case 'H':
			o->home = optarg;
			break;
		case 'u':
			o->user = optarg;
			break;
		case 'C':
			o->clock = optarg;
			break;
		default:
			return -1;
		}
	return optind == argc ? 0 : -1;
}

/* 0 to 2 must be taken, or a socket would become somebody's standard error. */
static void
fill_standard(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= 2)
		;
	if (fd > 2)
		close(fd);
}

/* Everything from here on logs to the logger; the person's terminal is where it writes. */
static int
run(const struct options *o, const struct accounts *who, struct programs *programs,
    struct logger *logger, struct err *e)
{
	static struct supervisor s;
	static struct place place;
	int status = 1;

	if (place_open(&place, o->home, o->clock, who, e) == -1 ||
	    limits_raise(&place.conf, e) == -1 || account_trim(e) == -1 ||
	    supervisor_init(&s, &place, who, e) == -1) {
		dprintf(logger->out, "accord: %s\n", e->what);
		log_line(LOG_ERR, NULL, "cannot-start", "why=%s", log_q(e->what));
	} else {
		s.message_fd = logger->out;
		s.logger = logger;
		s.become = become_program;
		s.become_arg = programs;
		s.up = all_up;
		s.notify = notify;
		status = supervisor_run(&s, e);
		notify("STOPPING=1\n");
	}
	log_line(LOG_INFO, NULL, "stopped", "status=%d", status);
	place_close(&place);
	return status;
}

/* The log's last lines are written, unless nobody reads them. */
static void
logger_wait(struct logger *l)
{
	struct err e;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (l->pid <= 0 && logger_again(l, &e) == -1)
		return;
	if (null != -1)
		dup2(null, 2);		/* our end of its socket */
	for (int ms = 0; ms < LOGGER_END_MS; ms += 5) {
		if (waitpid(l->pid, NULL, WNOHANG) != 0)
			return;
		usleep(5000);
	}
	kill(l->pid, SIGKILL);
}

int
main(int argc, char **argv)
{
	static struct accounts who;
	static struct programs programs;
	struct options o = { 0 };
	struct err e = { 0 };
	static struct logger logger;
	int log_fd, status;

	fill_standard();
	log_open("start");
	if (options_read(&o, argc, argv) == -1) {
		fprintf(stderr, "usage: accord start [-H HOME] [-u USER] [-C CLOCKFILE]\n");
		return 100;
	}
	umask(027);
	if (programs_find(&programs, &e) == -1 || accounts_find(&who, o.user, &e) == -1 ||
	    logger_start(&logger, &who, &log_fd, &e) == -1) {
		fprintf(stderr, "accord: %s\n", e.what);
		return 1;
	}
	dup2(log_fd, 2);
	close(log_fd);
	status = run(&o, &who, &programs, &logger, &e);
	logger_wait(&logger);
	return status;
}
