/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* capd as its askers see it: over a channel, with a directory that is replaced under them. */
#include "capd/serve.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/envelope.h"
#include "tests/unit/clock.h"
#include "tests/unit/folder.h"

static struct daemon d;
static struct capd capd;
static struct timer stop;
static char top[64];
static int dir, asker, control;
static int64_t *ahead_ms;

static void
on_stop(void *arg)
{
	(void)arg;
	d.loop.stop = true;
}

static void
spin(void)
{
	struct err e = { 0 };

	d.loop.stop = false;
	ck_assert_int_eq(loop_timer(&d.loop, &stop, 20, &e), 0);
	ck_assert_int_eq(loop_run(&d.loop, &e), 0);
}

/* Compiles text; the result's descriptor. */
static int
build(const char *text)
{
	struct err e = { 0 };
	int in = openat(dir, "caps", O_RDWR | O_CREAT | O_TRUNC, 0600), out;

	ck_assert_int_eq(write(in, text, strlen(text)), (ssize_t)strlen(text));
	lseek(in, 0, SEEK_SET);
	ck_assert_msg(capsdb_build(in, "caps", dir, "caps.cdb", &e) == 0, "%s", e.what);
	close(in);
	out = openat(dir, "caps.cdb", O_RDONLY);
	ck_assert_int_ne(out, -1);
	return out;
}

static void
setup(void)
{
	static const char boxes[] = "Box@Here.example maildir:m\n@all.example maildir:n\n";
	struct err e = { 0 };
	int pair[2];

	snprintf(top, sizeof top, "/tmp/accord-capd-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY);
	d = (struct daemon){ 0 };
	for (int i = 0; i < ROLE_COUNT; i++)
		d.peer_fd[i] = -1;
	stop = (struct timer){ .fire = on_stop };
	ck_assert_int_eq(conf_init(&d.conf, &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_MAILBOXES, span_str(boxes), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_LOCALS, span_str("here.example\nall.example\n"), &e), 0);
	ck_assert_int_eq(loop_init(&d.loop, &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str("cdb:caps.cdb\nown\n"), &e), 0);
	d.file[0] = (struct daemon_file){ "caps", dir };
	d.nfile = 1;
	ck_assert_int_eq(capd_open(&capd, &d, &e), 0);
	ahead_ms = test_clock();
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	d.peer(d.arg, ROLE_CONTROL, 1, pair[0]);
	control = pair[1];
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(capd_add_asker(&capd, pair[0], ROLE_SMTPD, 1, &e), 0);
	asker = pair[1];
}

static void
teardown(void)
{
	close(dir);
	folder_remove(top);
}

static struct { struct msg_cap m; char text[8192]; } reply;

static void
ask(const char *addr)
{
	struct { struct msg_cap_ask m; char addr[256]; } q = { 0 };
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len, n = strlen(addr);

	q.m.want = CAP_WANT_FEATURES | CAP_WANT_KNOWN;
	q.m.addr_len = (uint32_t)n;
	memcpy(q.addr, addr, n);
	ck_assert_int_eq(ipc_send(asker, &q.m.h, MSG_CAP_ASK, 77, sizeof q.m + n, NULL, 0, &e), 0);
	spin();
	memset(&reply, 0, sizeof reply);
	ck_assert_int_eq(ipc_recv(asker, &reply, sizeof reply, &len, fds, &e), 1);
	ck_assert_uint_eq(reply.m.h.id, 77);
	ck_assert_uint_eq(len, sizeof reply.m + reply.m.len);
}

START_TEST(address_comes_before_its_domain)
{
	struct err e = { 0 };

	ck_assert_int_eq(directory_replace(&capd.directory, build("a@here.example (dpi=200)\n"
	    "@here.example (dpi=300)\nb@here.example any\n"), &e), 0);
	ask("A@HERE.example");
	ck_assert_uint_eq(reply.m.features, CAP_KNOWN);
	ck_assert_ptr_nonnull(strstr(reply.text, "200"));
	ask("other@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "300"));
	ask("b@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_ANY);
	ck_assert_uint_eq(reply.m.len, 0);
	ask("b@elsewhere.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
}
END_TEST

START_TEST(G4_mailboxes_are_known_in_any_case)
{
	ask("bOX@here.EXAMPLE");
	ck_assert_uint_eq(reply.m.known, 1);
	ask("whoever@all.example");
	ck_assert_uint_eq(reply.m.known, 1);
	ask("nobody@here.example");
	ck_assert_uint_eq(reply.m.known, 0);
}
END_TEST

/* What the setting recipients lists in files. */
static void
list(const char *setting, const char *users)
{
	int in = openat(dir, "users", O_RDWR | O_CREAT | O_TRUNC, 0600), fd = memfd_create("known", MFD_CLOEXEC);
	struct err e = { 0 };
	struct known_make m;
	struct known k;

	ck_assert_int_eq(write(in, users, strlen(users)), (ssize_t)strlen(users));
	close(in);
	ck_assert_int_eq(conf_set(&d.conf, CONF_RECIPIENTS, span_str(setting), &e), 0);
	ck_assert_int_eq(known_make_start(&m, fd, &e), 0);
	ck_assert_int_eq(known_make_recipients(&m, &d.conf, dir, &e), 0);
	ck_assert_int_eq(known_make_end(&m, &e), 0);
	ck_assert_int_eq(known_open(&k, fd, &e), 0);
	directory_take_known(&capd.directory, &k);
}

static const struct { const char *addr; unsigned known; } listed[] = {
	{ "jo@far.example", 1 }, { "JO+ext@Far.example", 1 }, { "joe@far.example", 0 }, { "jo-ext@far.example", 0 },
	{ "POSTMASTER@far.example", 1 }, { "abuse@far.example", 0 },
	{ "anyone@other.example", 1 }, { "jo@else.example", 0 },
	/* a mailbox here needs no list; one of all others counts for those that are listed */
	{ "box@here.example", 1 }, { "box+x@here.example", 1 }, { "ann@all.example", 1 }, { "ann+x@all.example", 1 },
	{ "bob@all.example", 0 }, { "ann@here.example", 0 }, { "abuse@here.example", 1 },
	{ "postmaster@all.example", 1 },
};

START_TEST(recipients_are_known_by_lists)
{
	list("far.example file:users\nother.example any\nall.example file:users\nhere.example file:users\n",
	    "jo@far.example\nann@all.example\nann@here.example\n");
	ask(listed[_i].addr);
	ck_assert_uint_eq(reply.m.known, listed[_i].known);
}
END_TEST

START_TEST(an_extension_takes_what_its_user_takes)
{
	struct err e = { 0 };

	ck_assert_int_eq(directory_replace(&capd.directory, build("box@here.example (dpi=200)\n"
	    "@here.example (dpi=300)\nfar@far.example (dpi=400)\n"), &e), 0);
	ask("Box+fax@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "200"));
	ask("other+fax@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "300"));
	ask("far+fax@far.example");		/* what that means is far.example's to say (G1) */
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
	list("far.example file:users\n", "far\n");
	ask("far+fax@far.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "400"));
}
END_TEST

START_TEST(a_new_directory_answers_at_once_and_a_broken_one_never)
{
	struct err e = { 0 };
	int junk;

	ck_assert_int_eq(directory_replace(&capd.directory, build("a@here.example (dpi=200)\n"), &e), 0);
	ask("a@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "200"));
	d.file_changed(d.arg, "caps.cdb", build("a@here.example (dpi=400)\n"));
	ask("a@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "400"));
	junk = openat(dir, "caps", O_RDWR | O_TRUNC);
	ck_assert_int_eq(write(junk, "junk", 4), 4);
	d.file_changed(d.arg, "caps.cdb", junk);
	ask("a@here.example");
	ck_assert_ptr_nonnull(strstr(reply.text, "400"));
}
END_TEST

START_TEST(a_question_that_lies_about_its_length_cuts_the_asker_off)
{
	struct { struct msg_cap_ask m; char addr[8]; } q = { .m = { .want = 1, .addr_len = 4000 } };
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	ck_assert_int_eq(ipc_send(asker, &q.m.h, MSG_CAP_ASK, 1, sizeof q, NULL, 0, &e), 0);
	spin();
	ck_assert_int_eq(ipc_recv(asker, &reply, sizeof reply, &len, fds, &e), 0);
	ck_assert_ptr_null(capd.askers);
}
END_TEST

START_TEST(who_asks_and_never_reads_is_cut_off)
{
	struct { struct msg_cap_ask m; char addr[16]; } q = { .m = { .want = CAP_WANT_FEATURES,
	    .addr_len = 16 } };
	struct err e = { 0 };
	int fd = build("@here.example (dpi=200)\n");

	ck_assert_int_eq(directory_replace(&capd.directory, fd, &e), 0);
	memcpy(q.addr, "abc@here.example", 16);
	ck_assert_int_eq(fcntl(asker, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 5000 && capd.askers != NULL; i++)
		if (ipc_send(asker, &q.m.h, MSG_CAP_ASK, 1, sizeof q, NULL, 0, &e) == -1)
			spin();
	ck_assert_ptr_null(capd.askers);
}
END_TEST

/* --- what is kept --- */

/* As control says it; lie: octets more than there are. */
static void
say(uint32_t source, uint32_t state, const char *addr, const char *text, uint32_t ttl_s, uint32_t lie)
{
	struct { struct msg_cap_set m; char rest[4000]; } p = { .m = { .source = source, .state = state,
	    .ttl_s = ttl_s, .addr_len = (uint32_t)strlen(addr), .len = (uint32_t)strlen(text) + lie } };
	struct err e = { 0 };

	snprintf(p.rest, sizeof p.rest, "%s%s", addr, text);
	ck_assert_int_eq(ipc_send(control, &p.m.h, MSG_CAP_SET, 5, sizeof p.m + strlen(p.rest), NULL, 0, &e), 0);
	spin();
}

static struct msg_refused no;

/* The answer's type; 0: cut off. */
static uint32_t
heard(void)
{
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	ck_assert_int_ne(ipc_recv_now(control, &no, sizeof no, &len, fds, &e), -1);
	ck_assert(len == 0 || no.h.id == 5);
	return len == 0 ? 0 : no.h.type;
}

static void
set(uint32_t state, const char *addr, const char *text)
{
	say(SOURCE_OWN, state, addr, text, 0, 0);
	ck_assert_msg(heard() == MSG_CAP_SETTED, "%s", no.what);
}

static void
refused(const char *word)
{
	ck_assert_uint_eq(heard(), MSG_REFUSED);
	ck_assert_msg(strstr(no.what, word) != NULL, "%s", no.what);
}

static void
restart(void)
{
	struct err e = { 0 };
	int pair[2];

	close(asker);
	close(control);
	spin();
	capslog_close(&capd.store.log);
	ck_assert_int_eq(capd_open(&capd, &d, &e), 0);
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	d.peer(d.arg, ROLE_CONTROL, 1, pair[0]);
	control = pair[1];
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	ck_assert_int_eq(capd_add_asker(&capd, pair[0], ROLE_SMTPD, 1, &e), 0);
	asker = pair[1];
}

START_TEST(what_an_owner_says_is_kept)
{
	set(CAP_KNOWN, "\"Box\"@Here.example", "( dpi = 200 )");
	set(CAP_ANY, "any@here.example", "");
	for (int i = 0; i < 2; i++) {
		ask("box@here.EXAMPLE");
		ck_assert(reply.m.features == CAP_KNOWN && reply.m.source == SOURCE_OWN);
		ck_assert_str_eq(reply.text, "(dpi=200)");
		ck_assert(reply.m.since_s > 1000000000);
		ask("any@here.example");
		ck_assert(reply.m.features == CAP_ANY && reply.m.len == 0 && reply.m.source == SOURCE_OWN);
		restart();
	}
	set(CAP_NONE, "box@here.example", "");
	ask("box@here.example");
	ck_assert(reply.m.features == CAP_NONE && reply.m.source == SOURCE_NONE && reply.m.since_s == 0);
}
END_TEST

START_TEST(sources_are_asked_in_order)
{
	struct err e = { 0 };

	ck_assert_int_eq(directory_replace(&capd.directory, build("a@here.example (dpi=300)\n"), &e), 0);
	set(CAP_KNOWN, "a@here.example", "(dpi=200)");
	set(CAP_KNOWN, "b@here.example", "(dpi=200)");
	ask("a@here.example");
	ck_assert(strstr(reply.text, "300") != NULL && reply.m.source == SOURCE_CDB && reply.m.since_s == 0);
	ask("b@here.example");
	ck_assert(strstr(reply.text, "200") != NULL && reply.m.source == SOURCE_OWN);
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str("own\ncdb:caps.cdb\n"), &e), 0);
	ask("a@here.example");
	ck_assert(strstr(reply.text, "200") != NULL && reply.m.source == SOURCE_OWN);
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str("cdb:caps.cdb\n"), &e), 0);
	ask("b@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
	say(SOURCE_OWN, CAP_ANY, "c@here.example", "", 0, 0);
	refused("capsources");
	say(SOURCE_OWN, CAP_NONE, "b@here.example", "", 0, 0);	/* nothing need be said of why */
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
}
END_TEST

START_TEST(an_entry_has_its_time)
{
	say(SOURCE_OWN, CAP_ANY, "a@here.example", "", 60, 0);
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
	*ahead_ms += 50000;	/* times are whole seconds, and this takes its own */
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_ANY);
	*ahead_ms += 11000;
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
}
END_TEST

START_TEST(an_address_or_all_are_forgotten)
{
	set(CAP_ANY, "a@here.example", "");
	set(CAP_ANY, "b@here.example", "");
	set(CAP_ANY, "c@here.example", "");
	say(SOURCE_NONE, CAP_NONE, "A@here.example", "", 0, 0);
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
	ask("b@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_ANY);
	say(SOURCE_NONE, CAP_NONE, "", "", 0, 0);
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
	ask("b@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
}
END_TEST

static const struct { const char *addr, *text, *word; } wrong_words[] = {
	{ "a@here.example", "(& (oops", "column" },
	{ "a@here.example", "(& (dpi=200)(dpi=300))", "that something can meet" },
	{ "nobody", "(dpi=200)", "" },
	{ "@here.example", "(dpi=200)", "" },
	{ "a@here.example\r\nb", "(dpi=200)", "" },
};

START_TEST(wrong_words_change_nothing)
{
	set(CAP_ANY, "a@here.example", "");
	say(SOURCE_OWN, CAP_KNOWN, wrong_words[_i].addr, wrong_words[_i].text, 0, 0);
	refused(wrong_words[_i].word);
	ck_assert_uint_eq(no.kind, ERR_PERM);
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_ANY);
	ck_assert_uint_eq(capd.store.log.n, 1);
}
END_TEST

static const struct { uint32_t source, state; const char *addr; uint32_t lie; } lies[] = {
	{ SOURCE_OWN, CAP_ANY, "a@here.example", 1 }, { SOURCE_OWN, CAP_ANY, "a@here.example", UINT32_MAX - 13 },
	{ SOURCE_OWN, CAP_TEMP, "a@here.example", 0 }, { SOURCE_CDB, CAP_ANY, "a@here.example", 0 },
	{ SOURCE_LEARNED, CAP_ANY, "a@here.example", 0 }, { SOURCE_PROBE, CAP_ANY, "a@here.example", 0 },
	{ SOURCE_NONE, CAP_ANY, "a@here.example", 0 },
	{ SOURCE_OWN, CAP_NONE, "", 0 },
};

START_TEST(a_change_that_is_none_cuts_off)
{
	say(lies[_i].source, lies[_i].state, lies[_i].addr, "", 0, lies[_i].lie);
	ck_assert_uint_eq(heard(), 0);
	ck_assert_uint_eq(capd.store.log.n, 0);
}
END_TEST

START_TEST(sessions_change_nothing)
{
	struct { struct msg_cap_set m; char addr[16]; } p = { { .source = SOURCE_OWN, .state = CAP_ANY,
	    .addr_len = 14 }, "a@here.example" };
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	ck_assert_int_eq(ipc_send(asker, &p.m.h, MSG_CAP_SET, 1, sizeof p.m + 14, NULL, 0, &e), 0);
	spin();
	ck_assert_int_eq(ipc_recv_now(asker, &reply, sizeof reply, &len, fds, &e), 0);
	ck_assert_uint_eq(capd.store.log.n, 0);
}
END_TEST

/* --- what reports said --- */

/* As learn says it; false: cut off. */
static bool
teach(uint32_t source, uint32_t state, const char *addr, const char *text, uint32_t ttl_s, uint32_t lie)
{
	struct { struct msg_cap_set m; char rest[4000]; } p = { .m = { .source = source, .state = state,
	    .ttl_s = ttl_s, .addr_len = (uint32_t)strlen(addr), .len = (uint32_t)strlen(text) + lie } };
	struct err e = { 0 };
	int pair[2], fds[MSG_FDS];
	size_t len;
	bool alive;

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	d.peer(d.arg, ROLE_LEARN, 1, pair[0]);
	snprintf(p.rest, sizeof p.rest, "%s%s", addr, text);
	ck_assert_int_eq(ipc_send(pair[1], &p.m.h, MSG_CAP_SET, 5, sizeof p.m + strlen(p.rest), NULL, 0, &e), 0);
	spin();
	alive = ipc_recv_now(pair[1], &no, sizeof no, &len, fds, &e) == -1 && e.sys == EAGAIN;
	close(pair[1]);
	return alive;
}

static void
learn(const char *addr, const char *text)
{
	ck_assert(teach(SOURCE_LEARNED, CAP_KNOWN, addr, text, CAP_LEARNED_S, 0));
}

static void
sources(const char *lines)
{
	struct err e = { 0 };

	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str(lines), &e), 0);
}

START_TEST(what_reports_said_is_kept_for_its_time)
{
	sources("own\nlearned\n");
	learn("\"A\"@There.example", "( dpi = 200 )");
	for (int i = 0; i < 2; i++) {
		ask("a@there.example");
		ck_assert(reply.m.features == CAP_KNOWN && reply.m.source == SOURCE_LEARNED && reply.m.since_s > 1000000000);
		ck_assert_str_eq(reply.text, "(dpi=200)");
		restart();
	}
	*ahead_ms += (int64_t)CAP_LEARNED_S * 1000 - 10000;
	ask("a@there.example");
	ck_assert_uint_eq(reply.m.features, CAP_KNOWN);
	*ahead_ms += 11000;
	ask("a@there.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
}
END_TEST

START_TEST(reports_change_nothing_that_an_owner_said)
{
	sources("own\nlearned\n");
	set(CAP_KNOWN, "a@here.example", "(dpi=300)");
	learn("a@here.example", "(dpi=200)");
	ask("a@here.example");
	ck_assert(reply.m.source == SOURCE_OWN && strstr(reply.text, "300") != NULL);
	sources("learned\nown\n");
	ask("a@here.example");
	ck_assert(reply.m.source == SOURCE_LEARNED && strstr(reply.text, "200") != NULL);
	sources("own\n");
	learn("b@here.example", "(dpi=200)");		/* which nobody asks */
	sources("own\nlearned\n");
	ask("b@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
	say(SOURCE_NONE, CAP_NONE, "a@here.example", "", 0, 0);
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_NONE);
}
END_TEST

/* Whoever repeats himself costs no flush, until a day has passed; another word counts at once. */
START_TEST(what_reports_repeat_is_not_written)
{
	uint64_t end;

	sources("learned\n");
	learn("a@there.example", "(dpi=200)");
	end = capd.store.log.end;
	*ahead_ms += (int64_t)(STORE_FRESH_S - 10) * 1000;
	learn("A@there.example", "( dpi=200 )");
	ck_assert_uint_eq(capd.store.log.end, end);
	learn("a@there.example", "(dpi=300)");
	ck_assert_uint_gt(capd.store.log.end, end);
	end = capd.store.log.end;
	*ahead_ms += (int64_t)STORE_FRESH_S * 1000;
	learn("a@there.example", "(dpi=300)");
	ck_assert_uint_gt(capd.store.log.end, end);
}
END_TEST

START_TEST(reports_leave_room_for_owners)
{
	struct err e = { 0 };
	char addr[32];

	sources("own\nlearned\n");
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSMAX, span_str("4\n"), &e), 0);
	for (int i = 0; i < 3; i++) {
		snprintf(addr, sizeof addr, "r%d@there.example", i);
		learn(addr, "(dpi=200)");
	}
	ck_assert_uint_eq(capd.store.log.n, 2);
	set(CAP_ANY, "a@here.example", "");
	set(CAP_ANY, "b@here.example", "");
	ck_assert_uint_eq(capd.store.log.n, 4);
}
END_TEST

static const struct { uint32_t source, state; const char *addr; uint32_t ttl_s, lie; } forgeries[] = {
	{ SOURCE_OWN, CAP_KNOWN, "a@here.example", CAP_LEARNED_S, 0 },
	{ SOURCE_NONE, CAP_NONE, "a@here.example", 0, 0 },
	{ SOURCE_LEARNED, CAP_ANY, "a@here.example", CAP_LEARNED_S, 0 },
	{ SOURCE_LEARNED, CAP_NONE, "a@here.example", CAP_LEARNED_S, 0 },
	{ SOURCE_LEARNED, CAP_KNOWN, "a@here.example", 0, 0 },
	{ SOURCE_LEARNED, CAP_KNOWN, "a@here.example", CAP_LEARNED_S, 1 },
	{ SOURCE_LEARNED, CAP_KNOWN, "a@here.example", CAP_LEARNED_S, UINT32_MAX - 13 },
	{ SOURCE_LEARNED, CAP_KNOWN, "", CAP_LEARNED_S, 0 },
};

START_TEST(learn_may_say_nothing_else)
{
	sources("own\nlearned\n");
	set(CAP_ANY, "a@here.example", "");
	ck_assert(!teach(forgeries[_i].source, forgeries[_i].state, forgeries[_i].addr, "(dpi=200)", forgeries[_i].ttl_s,
	    forgeries[_i].lie));
	ck_assert_uint_eq(capd.store.log.n, 1);
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_ANY);
}
END_TEST

/* What is no address or no expression is dropped, and says nothing to learn. */
START_TEST(wrong_findings_change_nothing)
{
	sources("learned\n");
	learn(wrong_words[_i].addr, wrong_words[_i].text);
	ck_assert_uint_eq(capd.store.log.n, 0);
}
END_TEST

/* It may hold what an owner said: that is not known now, rather than not there. */
START_TEST(an_unreadable_file_is_no_empty_one)
{
	struct err e = { 0 };
	int fd = openat(dir, "entries", O_WRONLY | O_CREAT, 0600), db;

	ck_assert_int_eq(write(fd, "something else", 14), 14);
	close(fd);
	restart();
	ask("a@here.example");
	ck_assert(reply.m.features == CAP_TEMP && reply.m.source == SOURCE_NONE);
	say(SOURCE_OWN, CAP_ANY, "a@here.example", "", 0, 0);
	refused("cannot read");
	ck_assert_uint_eq(no.kind, ERR_TEMP);
	db = build("a@here.example (dpi=200)\n");
	ck_assert_int_eq(directory_replace(&capd.directory, db, &e), 0);
	ask("a@here.example");
	ck_assert_uint_eq(reply.m.features, CAP_KNOWN);
}
END_TEST

/* --- other hosts --- */

static int remote;
static struct { struct msg_probe m; char addr[256]; } probe;

static void
with_remote(const char *sources)
{
	struct err e = { 0 };
	int pair[2];

	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str(sources), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_LOCALS, span_str("here.example\n.below.example\n"), &e), 0);
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	d.peer(d.arg, ROLE_REMOTE, 1, pair[0]);
	remote = pair[1];
}

/* The address that remote is to ask about now; NULL: none. */
static const char *
probed(void)
{
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	if (ipc_recv_now(remote, &probe, sizeof probe, &len, fds, &e) != 1)
		return NULL;
	probe.addr[probe.m.addr_len] = '\0';
	ck_assert(probe.m.h.type == MSG_PROBE && len == sizeof probe.m + probe.m.addr_len);
	return probe.addr;
}

/* Remote's answer to the last of them; text NULL: it refuses. */
static void
found(const char *text)
{
	struct msg_inquired m = { .kind = text == NULL ? ERR_TEMP : ERR_NONE };
	struct inquiry q;
	struct err e = { 0 };
	int fd = -1;

	inquiry_init(&q);
	inquiry_tell(&q, INQUIRY_CAPABILITIES, span_str(text == NULL || *text == '\0' ? "none" : "given"));
	inquiry_tell(&q, INQUIRY_TAKES, span_str(text == NULL ? "" : text));
	if (text != NULL)
		fd = inquiry_seal(&q, &e);
	m.len = q.items.n;
	ck_assert_int_eq(ipc_send(remote, &m.h, MSG_INQUIRED, probe.m.h.id, sizeof m, &fd, text != NULL, &e), 0);
	ipc_close_fds(&fd, 1);
	inquiry_free(&q);
	spin();
}

static void
put(const char *addr)
{
	struct { struct msg_cap_ask m; char addr[256]; } q = { .m = { .want = CAP_WANT_FEATURES | CAP_WANT_KNOWN,
	    .addr_len = (uint32_t)strlen(addr) } };
	struct err e = { 0 };

	memcpy(q.addr, addr, strlen(addr));
	ck_assert_int_eq(ipc_send(asker, &q.m.h, MSG_CAP_ASK, 77, sizeof q.m + strlen(addr), NULL, 0, &e), 0);
	spin();
}

/* What the session has heard: an enum cap_state, or -1. */
static int
told(void)
{
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	memset(&reply, 0, sizeof reply);
	if (ipc_recv_now(asker, &reply, sizeof reply, &len, fds, &e) != 1)
		return -1;
	ck_assert(reply.m.h.id == 77 && len == sizeof reply.m + reply.m.len);
	return (int)reply.m.features;
}

START_TEST(a_session_waits_for_another_host)
{
	with_remote("cdb:caps.cdb\nprobe\n");
	put("Fax@Far.example");
	ck_assert_str_eq(probed(), "Fax@Far.example");
	ck_assert_int_eq(told(), -1);
	found("( dpi = 200 )");
	ck_assert_int_eq(told(), CAP_KNOWN);
	ck_assert_str_eq(reply.text, "(dpi=200)");
	ck_assert(reply.m.source == SOURCE_PROBE && reply.m.since_s > 1000000000 && reply.m.known == 0);
	put("Fax@far.example");			/* it is known now */
	ck_assert_int_eq(told(), CAP_KNOWN);
	put("none@far.example");
	ck_assert_ptr_nonnull(probed());
	found("");
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_uint_eq(reply.m.source, SOURCE_NONE);
	put("none@far.example");
	ck_assert_int_eq(told(), CAP_NONE);
	put("odd@far.example");
	ck_assert_ptr_nonnull(probed());
	found("(a=\"\r\n250 2.1.5 ok\")");	/* nothing that an answer could hold */
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_ptr_null(probed());
	say(SOURCE_NONE, CAP_NONE, "Fax@far.example", "", 0, 0);
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
	put("Fax@far.example");
	ck_assert_str_eq(probed(), "Fax@far.example");
}
END_TEST

START_TEST(no_session_waits_for_long)
{
	with_remote("probe\n");
	put("a@far.example");
	ck_assert_ptr_nonnull(probed());
	*ahead_ms += CAPD_WAIT_SMTPD_MS - 500;
	spin();
	ck_assert_int_eq(told(), -1);
	*ahead_ms += 600;
	spin();
	ck_assert_int_eq(told(), CAP_TEMP);
	put("b@far.example");			/* of hundreds each is asked about, but waits no more */
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_str_eq(probed(), "b@far.example");
	put("b@far.example");
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_ptr_null(probed());
	found("(dpi=300)");			/* for the next who asks */
	ck_assert_int_eq(told(), -1);
	put("b@far.example");
	ck_assert_int_eq(told(), CAP_KNOWN);
	*ahead_ms += CAPD_REST_MS;
	put("c@far.example");
	ck_assert_int_eq(told(), -1);
}
END_TEST

/* Sources in their order: one before probe that knows is enough; one behind it answers while the host is asked. */
START_TEST(whom_other_hosts_are_asked_about)
{
	struct err e = { 0 };

	with_remote("cdb:caps.cdb\nprobe\nown\n");
	ck_assert_int_eq(directory_replace(&capd.directory, build("a@far.example (dpi=300)\n"), &e), 0);
	put("a@far.example");
	ck_assert_int_eq(told(), CAP_KNOWN);
	put("r@Here.example");			/* ours */
	ck_assert_int_eq(told(), CAP_NONE);
	put("r@x.below.example");
	ck_assert_int_eq(told(), CAP_NONE);
	put("r@[192.0.2.1]");
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_ptr_null(probed());
	set(CAP_KNOWN, "b@far.example", "(dpi=400)");
	put("b@far.example");
	ck_assert(told() == CAP_KNOWN && reply.m.source == SOURCE_OWN);
	ck_assert_str_eq(probed(), "b@far.example");
	found("(dpi=200)");
	put("b@far.example");
	ck_assert(told() == CAP_KNOWN && reply.m.source == SOURCE_PROBE);
	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str("own\n"), &e), 0);
	put("c@far.example");
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_ptr_null(probed());
}
END_TEST

/* The administrator is told what is known: he has a command of its own for more. */
START_TEST(the_administrator_looks_and_begins_nothing)
{
	struct { struct msg_cap_ask m; char addr[16]; } q = { { .want = CAP_WANT_FEATURES, .addr_len = 13 },
	    "a@far.example" };
	static const uint32_t want[] = { CAP_NONE, CAP_TEMP, CAP_KNOWN };
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	with_remote("probe\n");
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			put("a@far.example");
		ck_assert_int_eq(probed() != NULL, i == 1);
		ck_assert_int_eq(ipc_send(control, &q.m.h, MSG_CAP_ASK, 5, sizeof q.m + 13, NULL, 0, &e), 0);
		spin();
		ck_assert_int_eq(ipc_recv(control, &reply, sizeof reply, &len, fds, &e), 1);
		ck_assert_uint_eq(reply.m.features, want[i]);
		if (i == 1)
			found("(dpi=200)");
	}
	ck_assert_uint_eq(reply.m.source, SOURCE_PROBE);
}
END_TEST

START_TEST(remote_cannot_tell)
{
	with_remote("probe\n");
	put("a@far.example");
	ck_assert_ptr_nonnull(probed());
	found(NULL);
	ck_assert_int_eq(told(), CAP_TEMP);
	put("a@far.example");			/* not at once again */
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_ptr_null(probed());
	*ahead_ms += PROBE_LATER_S * 1000;
	put("a@far.example");
	ck_assert_ptr_nonnull(probed());
	close(remote);				/* and now it is restarted */
	spin();
	ck_assert_int_eq(told(), CAP_TEMP);
	put("b@far.example");
	ck_assert_int_eq(told(), CAP_TEMP);
	with_remote("probe\n");
	put("a@far.example");
	ck_assert_ptr_nonnull(probed());
	ck_assert_int_eq(told(), -1);
}
END_TEST

static const struct { uint32_t kind; bool fd; } half_answers[] = { { ERR_NONE, false }, { ERR_TEMP, true } };

START_TEST(half_an_answer_cuts_remote_off)
{
	struct msg_inquired m = { .kind = half_answers[_i].kind };
	struct err e = { 0 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	with_remote("probe\n");
	put("a@far.example");
	ck_assert_ptr_nonnull(probed());
	ck_assert_int_eq(ipc_send(remote, &m.h, MSG_INQUIRED, probe.m.h.id, sizeof m, &fd, half_answers[_i].fd, &e), 0);
	close(fd);
	spin();
	ck_assert(!capd.parent[ROLE_REMOTE].open);
	ck_assert_int_eq(told(), CAP_TEMP);
}
END_TEST

/* --- directories --- */

static int ldap;
static struct { struct msg_ldap_ask m; char addr[256]; } question;

#define LINE "ldap:ldap://dir.example/dc=x"

static void
with_ldap(const char *capsources, const char *recipients)
{
	struct err e = { 0 };
	int pair[2];

	ck_assert_int_eq(conf_set(&d.conf, CONF_CAPSOURCES, span_str(capsources), &e), 0);
	ck_assert_int_eq(conf_set(&d.conf, CONF_RECIPIENTS, span_str(recipients), &e), 0);
	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	d.peer(d.arg, ROLE_LDAP, 1, pair[0]);
	ldap = pair[1];
}

/* The address that a directory is to be asked about now; NULL: none. */
static const char *
asked(void)
{
	unsigned char name[SHA256_DIGEST];
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	if (ipc_recv_now(ldap, &question, sizeof question, &len, fds, &e) != 1)
		return NULL;
	question.addr[question.m.addr_len] = '\0';
	ldapline_name(span_str(LINE), name);
	ck_assert(question.m.h.type == MSG_LDAP_ASK && len == sizeof question.m + question.m.addr_len);
	ck_assert(memcmp(question.m.line, name, sizeof name) == 0);
	return question.addr;
}

/* The directory's answer to the last of them. */
static void
says(uint32_t is_there, enum cap_state caps, const char *text)
{
	struct { struct msg_ldap_told m; char text[256]; } out = { .m = { .found = is_there, .caps = caps,
	    .len = (uint32_t)strlen(text), .since_s = 5 } };
	struct err e = { 0 };

	memcpy(out.text, text, strlen(text));
	ck_assert_int_eq(ipc_send(ldap, &out.m.h, MSG_LDAP_TOLD, question.m.h.id, sizeof out.m + strlen(text), NULL, 0,
	    &e), 0);
	spin();
}

START_TEST(a_session_waits_for_a_directory)
{
	with_ldap("cdb:caps.cdb\n" LINE "\n", "far.example " LINE "\n");
	put("Fax@far.example");
	ck_assert_str_eq(asked(), "Fax@far.example");
	ck_assert_int_eq(told(), -1);
	says(1, CAP_KNOWN, "( dpi = 200 )");
	ck_assert_int_eq(told(), CAP_KNOWN);
	ck_assert_str_eq(reply.text, "(dpi=200)");
	ck_assert(reply.m.source == SOURCE_LDAP && reply.m.since_s == 5 && reply.m.known == 1);
	put("FAX@far.example");			/* one question for both, and for each who asks */
	ck_assert_int_eq(told(), CAP_KNOWN);
	ck_assert_ptr_null(asked());
	put("nobody@far.example");
	ck_assert_str_eq(asked(), "nobody@far.example");
	says(0, CAP_NONE, "");
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_uint_eq(reply.m.known, 0);
	put("odd@far.example");
	ck_assert_ptr_nonnull(asked());
	says(1, CAP_KNOWN, "(a=\"\r\n250 2.1.5 ok\")");	/* nothing that an answer could hold */
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_uint_eq(reply.m.known, 1);
}
END_TEST

START_TEST(an_extension_is_asked_about_behind_the_whole_address)
{
	with_ldap("cdb:caps.cdb\n", "far.example " LINE "\n");
	put("jo+a+b@far.example");
	ck_assert_str_eq(asked(), "jo+a+b@far.example");
	says(0, CAP_NONE, "");
	ck_assert_str_eq(asked(), "jo+a@far.example");
	says(0, CAP_NONE, "");
	ck_assert_str_eq(asked(), "jo@far.example");
	ck_assert_int_eq(told(), -1);
	says(1, CAP_NONE, "");
	ck_assert_int_eq(told(), CAP_NONE);
	ck_assert_uint_eq(reply.m.known, 1);
}
END_TEST

START_TEST(who_cannot_be_asked_about_is_not_now)
{
	with_ldap("cdb:caps.cdb\n" LINE "\n", "far.example " LINE "\n");
	put("a@far.example");
	ck_assert_ptr_nonnull(asked());
	*ahead_ms += CAPD_WAIT_SMTPD_MS - 500;
	spin();
	ck_assert_int_eq(told(), -1);
	*ahead_ms += 600;
	spin();
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_uint_eq(reply.m.known, 2);
	put("b@far.example");			/* of hundreds each is asked about, but waits no more */
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_str_eq(asked(), "b@far.example");
	says(2, CAP_TEMP, "");			/* a failure counts a while */
	put("b@far.example");
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_ptr_null(asked());
	*ahead_ms += CAPD_REST_LDAP_MS + 1;
	put("b@far.example");
	ck_assert_str_eq(asked(), "b@far.example");
	ck_assert_int_eq(told(), -1);
	close(ldap);				/* accord-ldap has gone */
	spin();
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_uint_eq(reply.m.known, 2);
	put("postmaster@far.example");
	ck_assert_int_eq(told(), CAP_TEMP);
	ck_assert_uint_eq(reply.m.known, 1);
}
END_TEST

START_TEST(answers_of_directories_have_their_time)
{
	with_ldap("cdb:caps.cdb\n", "far.example " LINE "\n");
	put("a@far.example");
	ck_assert_ptr_nonnull(asked());
	says(1, CAP_NONE, "");
	put("b@far.example");
	ck_assert_ptr_nonnull(asked());
	says(0, CAP_NONE, "");
	while (told() != -1)
		;
	*ahead_ms += 59 * 1000;
	put("b@far.example");
	ck_assert_ptr_null(asked());
	*ahead_ms += 2 * 1000;
	put("b@far.example");
	ck_assert_ptr_nonnull(asked());
	says(1, CAP_NONE, "");
	put("a@far.example");
	ck_assert_ptr_null(asked());
	*ahead_ms += 240 * 1000;
	put("a@far.example");
	ck_assert_ptr_nonnull(asked());
}
END_TEST

/* Whom another source knows needs no directory; what one behind it knows counts only when it is silent. */
START_TEST(directories_have_their_place_among_sources)
{
	struct err e = { 0 };

	with_ldap("cdb:caps.cdb\n" LINE "\nown\n", "far.example file:users\nfar.example " LINE "\n");
	ck_assert_int_eq(directory_replace(&capd.directory, build("a@far.example (dpi=300)\n"), &e), 0);
	list("far.example " LINE "\nfar.example file:users\n", "a@far.example\n");
	put("a@far.example");
	ck_assert_int_eq(told(), CAP_KNOWN);
	ck_assert(reply.m.source == SOURCE_CDB && reply.m.known == 1);
	ck_assert_ptr_null(asked());
	set(CAP_ANY, "b@far.example", "");
	put("b@far.example");
	ck_assert_ptr_nonnull(asked());
	ck_assert_int_eq(told(), -1);
	says(1, CAP_KNOWN, "(dpi=200)");
	ck_assert_int_eq(told(), CAP_KNOWN);
	ck_assert_uint_eq(reply.m.source, SOURCE_LDAP);
	set(CAP_ANY, "c@far.example", "");
	put("c@far.example");
	ck_assert_ptr_nonnull(asked());
	says(2, CAP_TEMP, "");
	ck_assert_int_eq(told(), CAP_ANY);
	ck_assert_uint_eq(reply.m.source, SOURCE_OWN);
}
END_TEST

START_TEST(the_administrator_waits_for_a_directory)
{
	struct { struct msg_cap_ask m; char addr[20]; } q = { .m = { .want = CAP_WANT_FEATURES, .addr_len = 13 },
	    .addr = "x@far.example" };
	struct { struct msg_cap m; char text[100]; } got;
	struct err e = { 0 };
	int fds[MSG_FDS];
	size_t len;

	with_ldap(LINE "\n", "");
	ck_assert_int_eq(ipc_send(control, &q.m.h, MSG_CAP_ASK, 9, sizeof q.m + 13, NULL, 0, &e), 0);
	spin();
	ck_assert_str_eq(asked(), "x@far.example");
	ck_assert_int_ne(ipc_recv_now(control, &got, sizeof got, &len, fds, &e), 1);
	says(1, CAP_KNOWN, "(dpi=200)");
	ck_assert_int_eq(ipc_recv_now(control, &got, sizeof got, &len, fds, &e), 1);
	ck_assert(got.m.h.id == 9 && got.m.features == CAP_KNOWN && got.m.source == SOURCE_LDAP);
	say(SOURCE_NONE, CAP_NONE, "", "", 0, 0);	/* purge --all */
	ck_assert_uint_eq(heard(), MSG_CAP_SETTED);
	put("x@far.example");
	ck_assert_ptr_nonnull(asked());
}
END_TEST

static const struct { uint32_t found, caps, len; const char *text; } untrue[] = {
	{ 3, CAP_NONE, 0, "" }, { 1, CAP_TEMP + 1, 0, "" }, { 1, CAP_KNOWN, 0, "" }, { 1, CAP_NONE, 3, "any" },
	{ 1, CAP_KNOWN, 50, "(dpi=200)" },
};

START_TEST(who_asks_directories_may_say_nothing_else)
{
	struct { struct msg_ldap_told m; char text[64]; } out = { .m = { .found = untrue[_i].found, .caps = untrue[_i].caps,
	    .len = untrue[_i].len } };
	struct err e = { 0 };

	with_ldap(LINE "\n", "");
	put("a@far.example");
	ck_assert_ptr_nonnull(asked());
	memcpy(out.text, untrue[_i].text, strlen(untrue[_i].text));
	ck_assert_int_eq(ipc_send(ldap, &out.m.h, MSG_LDAP_TOLD, question.m.h.id, sizeof out.m + strlen(untrue[_i].text),
	    NULL, 0, &e), 0);
	spin();
	ck_assert(!capd.parent[ROLE_LDAP].open);
	ck_assert_int_eq(told(), CAP_TEMP);
}
END_TEST

Suite *suite_serve(void);
Suite *
suite_serve(void)
{
	Suite *s = suite_create("serve");
	TCase *tc = tcase_create("serve");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, address_comes_before_its_domain);
	tcase_add_test(tc, G4_mailboxes_are_known_in_any_case);
	tcase_add_loop_test(tc, recipients_are_known_by_lists, 0, sizeof listed / sizeof *listed);
	tcase_add_test(tc, an_extension_takes_what_its_user_takes);
	tcase_add_test(tc, a_session_waits_for_a_directory);
	tcase_add_test(tc, an_extension_is_asked_about_behind_the_whole_address);
	tcase_add_test(tc, who_cannot_be_asked_about_is_not_now);
	tcase_add_test(tc, answers_of_directories_have_their_time);
	tcase_add_test(tc, directories_have_their_place_among_sources);
	tcase_add_test(tc, the_administrator_waits_for_a_directory);
	tcase_add_loop_test(tc, who_asks_directories_may_say_nothing_else, 0, sizeof untrue / sizeof *untrue);
	tcase_add_test(tc, a_new_directory_answers_at_once_and_a_broken_one_never);
	tcase_add_test(tc, a_question_that_lies_about_its_length_cuts_the_asker_off);
	tcase_add_test(tc, who_asks_and_never_reads_is_cut_off);
	tcase_add_test(tc, what_an_owner_says_is_kept);
	tcase_add_test(tc, sources_are_asked_in_order);
	tcase_add_test(tc, an_entry_has_its_time);
	tcase_add_test(tc, an_address_or_all_are_forgotten);
	tcase_add_loop_test(tc, wrong_words_change_nothing, 0, sizeof wrong_words / sizeof *wrong_words);
	tcase_add_test(tc, what_reports_said_is_kept_for_its_time);
	tcase_add_test(tc, reports_change_nothing_that_an_owner_said);
	tcase_add_test(tc, what_reports_repeat_is_not_written);
	tcase_add_test(tc, reports_leave_room_for_owners);
	tcase_add_loop_test(tc, learn_may_say_nothing_else, 0, sizeof forgeries / sizeof *forgeries);
	tcase_add_loop_test(tc, wrong_findings_change_nothing, 0, sizeof wrong_words / sizeof *wrong_words);
	tcase_add_loop_test(tc, a_change_that_is_none_cuts_off, 0, sizeof lies / sizeof *lies);
	tcase_add_test(tc, sessions_change_nothing);
	tcase_add_test(tc, an_unreadable_file_is_no_empty_one);
	tcase_add_test(tc, a_session_waits_for_another_host);
	tcase_add_test(tc, no_session_waits_for_long);
	tcase_add_test(tc, whom_other_hosts_are_asked_about);
	tcase_add_test(tc, the_administrator_looks_and_begins_nothing);
	tcase_add_test(tc, remote_cannot_tell);
	tcase_add_loop_test(tc, half_an_answer_cuts_remote_off, 0, sizeof half_answers / sizeof *half_answers);
	suite_add_tcase(s, tc);
	return s;
}
