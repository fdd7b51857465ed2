/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "start/place.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/capsdb.h"

static char home[] = "/tmp/accord-place-XXXXXX";
static struct place place;
static struct accounts who;
static struct err err;
static unsigned port;

static void
put(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/control/%s", home, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* A port that was free a moment ago. */
static unsigned
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	close(fd);
	return ntohs(in.sin_port);
}

static void
setup(void)
{
	char path[200], line[60];
	int null = open("/dev/null", O_WRONLY);

	dup2(null, 2);
	close(null);
	ck_assert_ptr_nonnull(mkdtemp(home));
	snprintf(path, sizeof path, "%s/control", home);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	port = free_port();
	snprintf(line, sizeof line, "127.0.0.1:%u norelay\n", port);
	put("listen", line);
}

static void
teardown(void)
{
	char command[] = "/bin/rm", flag[] = "-rf";
	char *argv[] = { command, flag, home, NULL };

	place_close(&place);
	if (fork() == 0)
		execv(command, argv);
}

START_TEST(folders_and_sockets_are_made)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, taken, nodelay = 0;
	socklen_t len = sizeof nodelay;
	struct stat st;

	ck_assert_msg(place_open(&place, home, NULL, &who, &err) == 0, "%s", err.what);
	ck_assert_int_eq(fstatat(place.state_fd, "queue", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(fstatat(place.state_fd, "mail", &st, 0), 0);
	ck_assert_int_eq(fstatat(place.state_fd, "caps", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_uint_eq(place.nlistener, 1);
	ck_assert_ptr_nonnull(strstr(place.listener[0].line, "norelay"));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	taken = accept(place.listener[0].fd, NULL, NULL);
	ck_assert_int_eq(getsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len), 0);
	ck_assert_int_eq(nodelay, 1);
	close(taken);
	close(fd);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	snprintf(un.sun_path, sizeof un.sun_path, "%s/run/control.sock", home);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
	close(fd);
	ck_assert_int_eq(stat(un.sun_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
}
END_TEST

/* As a start left it that died before the folder was its owner's. */
START_TEST(a_folder_half_made_is_finished)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof path, "%s/queue.new", home);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_msg(place_open(&place, home, NULL, &who, &err) == 0, "%s", err.what);
	ck_assert_int_eq(fstat(place.queue_fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	ck_assert_int_eq(access(path, F_OK), -1);
	snprintf(path, sizeof path, "%s/queue", home);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(only_one_runs_here)
{
	static struct place second;

	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	ck_assert_int_eq(place_open(&second, home, NULL, &who, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "accord runs here already"));
}
END_TEST

static const struct { const char *file, *text, *want; } wrong[] = {
	{ "databytes", "lots\n", "/control/databytes:1: expected a number" },
	{ "rcpthosts", "a.example\n\nb example\n", "/control/rcpthosts:3: expected a domain" },
	{ "caps", "a@b.example (\n", "/control/caps:1:" },
	{ "capsources", "cdb:nosuch.cdb\n", "/nosuch.cdb: No such file" },
	{ "capsources", "cdb:caps.cdb\ncdb:b.cdb\n", "/control/capsources:2: expected each source once" },
	{ "retryfirst", "20000\n", "/control/retrymax: expected at least the value of retryfirst" },
	{ "mailboxes", "a@b.example maildir:a\nA@b.example maildir:b\n",
	    "/control/mailboxes:2: expected each address once (the first is line 1)" },
	{ "listen", "192.0.2.77:2525\n", "/control/listen:1: 192.0.2.77:2525: Cannot assign" },
};

START_TEST(wrong_settings_are_named)
{
	put(wrong[_i].file, wrong[_i].text);
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), -1);
	ck_assert_msg(strstr(err.what, wrong[_i].want) != NULL, "got '%s'", err.what);
	ck_assert_msg(strncmp(err.what, home, strlen(home)) == 0, "got '%s'", err.what);
}
END_TEST

START_TEST(a_link_to_nothing_is_no_default)
{
	char path[200];

	snprintf(path, sizeof path, "%s/control/locals", home);
	ck_assert_int_eq(symlink("../shared/locals", path), 0);
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), -1);
	ck_assert_msg(strstr(err.what, "/control/locals: expected a file: this link leads to none") != NULL &&
	    strncmp(err.what, home, strlen(home)) == 0, "got '%s'", err.what);
}
END_TEST

/* Neither will do the next time: who starts accord is not told to try again. */
START_TEST(a_link_in_a_circle_and_a_socket_are_wrong)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char path[100];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof path, "%s/control/locals", home);
	ck_assert_int_eq(symlink("locals", path), 0);
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), -1);
	ck_assert_int_eq(err.kind, ERR_PERM);
	ck_assert_msg(strstr(err.what, "/control/locals: expected a file: this link leads to none") != NULL,
	    "got '%s'", err.what);
	place_close(&place);
	ck_assert_int_eq(unlink(path), 0);
	memcpy(un.sun_path, path, sizeof path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), -1);
	ck_assert_int_eq(err.kind, ERR_PERM);
	ck_assert_msg(strstr(err.what, "/control/locals: expected a regular file") != NULL, "got '%s'", err.what);
	close(fd);
}
END_TEST

START_TEST(busy_port_is_named)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), -1);
	ck_assert_msg(strstr(err.what, "/control/listen:1: 127.0.0.1:") != NULL &&
	    strstr(err.what, "in use") != NULL, "got '%s'", err.what);
	close(fd);
}
END_TEST

static bool
knows(const char *addr)
{
	struct capsdb d;
	struct span s;
	bool any, r;

	ck_assert_int_eq(capsdb_open(&d, place_caps(&place, &err), &err), 0);
	r = capsdb_get(&d, span_str(addr), &s, &any, &err) == 1;
	capsdb_close(&d);
	return r;
}

START_TEST(caps_are_built_when_newer)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	char path[200];

	put("caps", "a@b.example any\n");
	ck_assert_msg(place_open(&place, home, NULL, &who, &err) == 0, "%s", err.what);
	ck_assert(knows("a@b.example"));
	place_close(&place);

	/* older than the database: that may have come from elsewhere, and stays */
	put("caps", "c@d.example any\n");
	snprintf(path, sizeof path, "%s/control/caps", home);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	ck_assert(knows("a@b.example") && !knows("c@d.example"));
	place_close(&place);

	put("caps", "c@d.example any\n");
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	ck_assert(!knows("a@b.example") && knows("c@d.example"));
}
END_TEST

START_TEST(no_caps_is_no_error)
{
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	ck_assert_int_eq(place_caps(&place, &err), -1);
	ck_assert_int_eq(err.kind, ERR_NONE);
}
END_TEST

START_TEST(capd_may_have_other_sources_alone)
{
	put("caps", "a@b.example any\n");
	put("capsources", "own\n");
	ck_assert_msg(place_open(&place, home, NULL, &who, &err) == 0, "%s", err.what);
	ck_assert_int_eq(place_caps(&place, &err), -1);
	ck_assert_int_eq(err.kind, ERR_NONE);
	place_close(&place);
	put("capsources", "own\ncdb:caps.cdb\n");
	ck_assert_msg(place_open(&place, home, NULL, &who, &err) == 0, "%s", err.what);
	ck_assert(knows("a@b.example"));
}
END_TEST

START_TEST(control_folder_must_be_there)
{
	ck_assert_int_eq(place_open(&place, "/nonexistent/home", NULL, &who, &err), -1);
	ck_assert_str_eq(err.what, "/nonexistent/home/control: No such file or directory");
}
END_TEST

/* --- a reload --- */

static char
first_octet(int fd)
{
	char c = 0;

	ck_assert_int_eq(pread(fd, &c, 1, 0), 1);
	return c;
}

/* What is written into the file, not beside it, is not in force. */
START_TEST(settings_are_copies)
{
	put("maxerrors", "7\n");
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	put("maxerrors", "wrong\n");
	ck_assert_int_eq(first_octet(place.setting_fd[CONF_MAXERRORS]), '7');
	ck_assert_int_eq(ftruncate(place.setting_fd[CONF_MAXERRORS], 0), -1);
}
END_TEST

static ino_t
socket_of(const struct place *p, uint32_t i)
{
	struct stat st;

	ck_assert_int_eq(fstat(p->listener[i].fd, &st), 0);
	return st.st_ino;
}

START_TEST(what_stays_is_the_same_socket)
{
	static struct place next;
	char line[100];
	unsigned other = free_port();
	ino_t was;

	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	was = socket_of(&place, 0);
	snprintf(line, sizeof line, "127.0.0.1:%u\n127.0.0.1:%u\n", other, port);
	put("listen", line);
	ck_assert_msg(place_reopen(&place, &next, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(next.nlistener, 2);
	ck_assert(socket_of(&next, 1) == was && socket_of(&next, 0) != was);
	ck_assert_ptr_null(strstr(next.listener[1].line, "norelay"));
	ck_assert_uint_eq(place.nlistener, 1);		/* nothing has changed yet */
	ck_assert_int_eq(place_switch(&place, &next, &err), 0);
	place_drop(&next);
	ck_assert_uint_eq(place.nlistener, 2);
	ck_assert(socket_of(&place, 1) == was);
	snprintf(line, sizeof line, "0.0.0.0:%u\n", port);
	put("listen", line);
	ck_assert_msg(place_reopen(&place, &next, &err) == 0, "%s", err.what);
	place_drop(&next);
	snprintf(line, sizeof line, "127.0.0.1:%u\n0.0.0.0:%u\n", port, port);
	put("listen", line);
	ck_assert_int_eq(place_reopen(&place, &next, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "/control/listen:2: 0.0.0.0:"));
	ck_assert_int_eq(next.nlistener, 0);
}
END_TEST

START_TEST(capabilities_wait_for_the_switch)
{
	static struct place next;
	struct stat st;

	put("caps", "a@b.example any\n");
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	put("caps", "c@d.example any\n");
	ck_assert_int_eq(place_reopen(&place, &next, &err), 0);
	ck_assert(knows("a@b.example") && !knows("c@d.example"));
	place_drop(&next);
	ck_assert_int_eq(fstatat(place.state_fd, "caps.cdb.next", &st, 0), -1);
	ck_assert_int_eq(place_reopen(&place, &next, &err), 0);
	ck_assert_int_eq(place_switch(&place, &next, &err), 0);
	place_drop(&next);
	ck_assert(!knows("a@b.example") && knows("c@d.example"));
	ck_assert_int_eq(fstatat(place.state_fd, "caps.cdb.next", &st, 0), -1);
}
END_TEST

START_TEST(a_wrong_value_opens_nothing)
{
	static struct place next;
	char line[100];
	unsigned other = free_port();
	struct stat st;

	put("caps", "a@b.example any\n");
	ck_assert_int_eq(place_open(&place, home, NULL, &who, &err), 0);
	put("caps", "c@d.example any\n");
	put("capsources", "cdb:nosuch.cdb\n");
	snprintf(line, sizeof line, "127.0.0.1:%u\n", other);
	put("listen", line);
	ck_assert_int_eq(place_reopen(&place, &next, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "/nosuch.cdb: No such file"));
	ck_assert_int_eq(fstatat(place.state_fd, "caps.cdb.next", &st, 0), -1);
	ck_assert(knows("a@b.example"));
	ck_assert_uint_eq(place.nlistener, 1);
}
END_TEST

Suite *suite_place(void);
Suite *
suite_place(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("place");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, folders_and_sockets_are_made);
	tcase_add_test(tc, a_folder_half_made_is_finished);
	tcase_add_test(tc, only_one_runs_here);
	tcase_add_loop_test(tc, wrong_settings_are_named, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, a_link_to_nothing_is_no_default);
	tcase_add_test(tc, a_link_in_a_circle_and_a_socket_are_wrong);
	tcase_add_test(tc, busy_port_is_named);
	tcase_add_test(tc, caps_are_built_when_newer);
	tcase_add_test(tc, no_caps_is_no_error);
	tcase_add_test(tc, capd_may_have_other_sources_alone);
	tcase_add_test(tc, control_folder_must_be_there);
	tcase_add_test(tc, settings_are_copies);
	tcase_add_test(tc, what_stays_is_the_same_socket);
	tcase_add_test(tc, capabilities_wait_for_the_switch);
	tcase_add_test(tc, a_wrong_value_opens_nothing);
	suite_add_tcase(s, tc);
	return s;
}
