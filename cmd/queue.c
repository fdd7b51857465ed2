/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/queue.c - accord queue list: read from the queue's directory itself, so that it works whether
 * accord runs or not, and costs the scheduler nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/clock.h"
#include "lib/qfile.h"

static const char *
state_name(const struct slot *s)
{
	static const char *const names[] = { "queued", "failed", "delivered", "bounced", "removed" };

	if (s->state == SLOT_QUEUED && s->attempts > 0)
		return "deferred";
	return s->state < sizeof names / sizeof *names ? names[s->state] : "unknown";
}

static void
print_json(const char *id, const struct qfile *q, const struct envelope *env,
    const struct slot *slots)
{
	char at[40];

	clock_iso((int64_t)env->arrival_us, at, sizeof at);
	printf("{\"id\":\"%s\",\"size\":%llu,\"arrival\":\"%s\",\"sender\":", id,
	    (unsigned long long)q->msg_len, at);
	json_string(stdout, env->sender);
	printf(",\"recipients\":[");
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		clock_iso((int64_t)slots[i].next_us, at, sizeof at);
		printf("%s{\"address\":", i > 0 ? "," : "");
		json_string(stdout, env->rcpt[i].addr);
		printf(",\"state\":\"%s\",\"attempts\":%u,\"next\":", state_name(&slots[i]),
		    slots[i].attempts);
		if (slots[i].next_us == 0)
			printf("null");
		else
			printf("\"%s\"", at);
		printf(",\"last_reply\":");
		json_string(stdout, span_str(slots[i].text));
		printf("}");
	}
	printf("]}\n");
}

/* Addresses and replies came from outside: no control octet may reach the terminal. */
static void
print_safe(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		putchar(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
}

static void
print_text(const char *id, const struct qfile *q, const struct envelope *env,
    const struct slot *slots)
{
	char at[40];

	clock_iso((int64_t)env->arrival_us, at, sizeof at);
	printf("%s %s %llu <", id, at, (unsigned long long)q->msg_len);
	print_safe(env->sender);
	printf(">%s\n", env->conperm ? " CONPERM" : "");
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		printf("    %-9s %u <", state_name(&slots[i]), slots[i].attempts);
		print_safe(env->rcpt[i].addr);
		printf("> ");
		print_safe(span_str(slots[i].text));
		printf("\n");
	}
}

static int
list_one(int dir, const char *id, bool json, struct err *e)
{
	struct envelope env = { 0 };
	struct slot *slots = NULL;
	struct buf store;
	struct qfile q;
	int fd = openat(dir, id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r;

	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", id);	/* delivered meanwhile */
	buf_init(&store, ENV_MAX);
	r = qfile_open(fd, &q, e);
	if (r == 0)
		r = qfile_envelope(fd, &q, &store, &env, e);
	if (r == 0)
		r = qfile_slots(fd, &q, &slots, e);
	if (r == 0 && json)
		print_json(id, &q, &env, slots);
	else if (r == 0)
		print_text(id, &q, &env, slots);
	envelope_free(&env);
	free(slots);
	buf_free(&store);
	close(fd);
	return r == -1 ? err_in(e, "%s", id) : 0;
}

static int
list_dir(int queue, const char *name, bool json, int *bad)
{
	int fd = openat(queue, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL)
		return -1;
	while ((d = readdir(dir)) != NULL) {
		struct err e = { 0 };

		if (strlen(d->d_name) == QID_LEN && qid_ok(d->d_name) &&
		    list_one(fd, d->d_name, json, &e) == -1) {
			fprintf(stderr, "accord: %s\n", e.what);
			++*bad;
		}
	}
	closedir(dir);
	return 0;
}

int
verb_queue(struct common *c, int argc, char **argv)
{
	struct err e = { 0 };
	int queue, bad = 0;

	if (argc != 2 || strcmp(argv[1], "list") != 0)
		return cmd_usage("accord queue list [-H HOME] [--json]");
	if ((queue = open(c->home.queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		err_sys(&e, "%s", c->home.queue);
		return cmd_fail(&e);
	}
	for (int i = 0; i < 256; i++) {
		char name[3];

		snprintf(name, sizeof name, "%02x", i);
		if (list_dir(queue, name, c->json, &bad) == -1 && errno != ENOENT) {
			err_sys(&e, "%s/%s", c->home.queue, name);
			return cmd_fail(&e);
		}
	}
	close(queue);
	return bad > 0 ? EXIT_NO : EXIT_DONE;
}
