/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/queue.c - accord queue: its verbs and their words.  What is there is read from the queue's
 * folder itself, so that it works whether accord runs or not, and costs the scheduler nothing; what
 * is to change goes to qmgr, which alone knows what is under way.
 */
#include "cmd/queue.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"

#define CRITERIA "[ID | ADDRESS | @DOMAIN]... [--recipient ADDRESS|@DOMAIN]\n" \
	"            [--sender ADDRESS|@DOMAIN|'<>'] [--dest NEXT-HOP]\n" \
	"            [--state STATE[,STATE]...] [--older AGE] [--newer AGE]"
#define ACT(verb, what) \
	{ verb, "accord queue " verb " " CRITERIA " [--all]\n            [-H HOME] [--json]", what, \
	    queue_act }

static const struct queue_verb {
	const char *name, *usage, *what;
	int (*run)(struct queue_call *q);
} queue_verbs[] = {
	{ "list", "accord queue list " CRITERIA "\n            [--sort] [--count | --summary] [-H HOME] "
	    "[--json]", "messages, and of each the recipients that are meant; --sort: oldest first; "
	    "--count: how\nmany; --summary: recipients by destination and age", queue_list },
	{ "show", "accord queue show ID... [--headers | --message] [-H HOME] [--json]",
	    "one message: envelope and each recipient's last attempt; its header, or all of it, as it is",
	    queue_show },
	ACT("hold", "not tried, and not given up, until released"),
	ACT("release", "ends a hold"),
	ACT("retry", "tried now, whatever the schedule says"),
	ACT("bounce", "given up: the sender gets a report"),
	ACT("remove", "gone, without a report"),
	{ "fsck", "accord queue fsck [--repair] [-H HOME] [--json]",
	    "checks every file of the queue, also while accord runs; --repair, only when it does not: what "
	    "is\nbroken goes to queue/bad, what is in the wrong folder to its own; nothing is deleted",
	    queue_fsck },
};
enum { QUEUE_VERBS = sizeof queue_verbs / sizeof *queue_verbs };

static const char criteria_help[] =
    "An AGE is 90s, 10m, 2h, 3d or 1w.  A STATE is queued, deferred, held, failed, delivered, bounced\n"
    "or removed.  A NEXT-HOP is as the log's dest= has it: local, [192.0.2.1]:25, example.com.\n"
    "@.DOMAIN: all below it.  Criteria of different kinds must all hold; of one kind, any.\n";

void
queue_note_bad(void *arg, const char *id, const struct err *e)
{
	++*(uint32_t *)arg;
	fprintf(stderr, "accord: %s: %s\n", id, e->what);
}

void
queue_print_safe(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		putchar_unlocked(s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i]);
}

int
queue_walk(struct queue_call *q, struct qwalk *w, uint32_t *missing, struct err *e)
{
	*missing = 0;
	if (!select_only_ids(&q->select))
		return qwalk_all(w, q->queue, q->in_order, e);
	for (uint32_t i = 0; i < q->select.nid; i++) {
		int r = qwalk_one(w, q->queue, q->select.id[i], e);

		if (r == -1)
			return -1;
		if (r == 0) {
			++*missing;
			fprintf(stderr, "accord: %s: not in the queue\n", q->select.id[i]);
		}
	}
	return 0;
}

/* An option that only some verbs have. */
static bool
queue_option(struct queue_call *q, const char *word)
{
	const struct { const char *verb, *word; bool *to; } options[] = {
		{ "list", "--count", &q->count }, { "list", "--summary", &q->summary },
		{ "list", "--sort", &q->in_order }, { "show", "--headers", &q->headers },
		{ "show", "--message", &q->message }, { "fsck", "--repair", &q->repair },
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (strcmp(options[i].verb, q->verb) == 0 && strcmp(options[i].word, word) == 0)
			return *options[i].to = true;
	return false;
}

/* -1: *e has what is wrong with the words. */
static int
queue_words(struct queue_call *q, int argc, char **argv, struct err *e)
{
	for (int i = 2; i < argc; i++) {
		int r;

		if (strcmp(argv[i], "--") == 0)
			continue;
		if (queue_option(q, argv[i]))
			continue;
		if ((r = select_take(&q->select, argc, argv, &i, q->now_us, e)) == -1)
			return -1;
		if (r == 0)
			return err_set(e, ERR_PERM, NULL, "no such option: %s", argv[i]);
	}
	if (strcmp(q->verb, "show") == 0 && (!select_only_ids(&q->select) || select_by_slot(&q->select) ||
	    (q->headers && q->message)))
		return err_set(e, ERR_PERM, NULL, "show wants IDs, and --headers or --message");
	if (strcmp(q->verb, "fsck") == 0 && (select_given(&q->select) || q->select.all))
		return err_set(e, ERR_PERM, NULL, "fsck checks everything");
	return 0;
}

static int
queue_run(struct queue_call *q, const struct queue_verb *v, int argc, char **argv)
{
	static struct conf conf;
	struct err e = { 0 };
	int code;

	q->conf = &conf;
	if (select_init(&q->select, argc, &conf, &e) == -1)
		return cmd_fail(&e);
	if (queue_words(q, argc, argv, &e) == -1 || (v->run == queue_act &&
	    !select_given(&q->select) && !q->select.all &&
	    err_set(&e, ERR_PERM, NULL, "which?  Say it, or --all") == -1)) {
		fprintf(stderr, "accord queue %s: %s\n", v->name, e.what);
		code = EXIT_USAGE;
	} else if ((q->select.ndest > 0 || q->summary) &&
	    cmd_settings(&q->common->home, &conf, &e) == -1) {
		code = cmd_fail(&e);
	} else if ((q->queue = qwalk_open(&q->common->home, &e)) == -1) {
		code = cmd_fail(&e);
	} else {
		code = v->run(q);
		close(q->queue);
	}
	select_free(&q->select);
	return code;
}

static int
queue_help(const struct queue_verb *v)
{
	if (v != NULL) {
		printf("usage: %s\n%s\n", v->usage, v->what);
		if (v->run == queue_act || v->run == queue_list)
			printf("%s", criteria_help);
		return EXIT_DONE;
	}
	printf("usage: accord queue VERB [option...]; each has --help\n");
	for (int i = 0; i < QUEUE_VERBS; i++)
		printf("  %-8s %.*s\n", queue_verbs[i].name, (int)strcspn(queue_verbs[i].what, ";\n"),
		    queue_verbs[i].what);
	return EXIT_DONE;
}

int
verb_queue(struct common *c, int argc, char **argv)
{
	struct queue_call q = { .common = c, .now_us = (uint64_t)clock_us() };

	if (argc < 2 && c->help)
		return queue_help(NULL);
	for (int i = 0; argc >= 2 && i < QUEUE_VERBS; i++) {
		if (strcmp(argv[1], queue_verbs[i].name) != 0)
			continue;
		if (c->help)
			return queue_help(&queue_verbs[i]);
		q.verb = argv[1];
		return queue_run(&q, &queue_verbs[i], argc, argv);
	}
	return cmd_usage("accord queue list|show|hold|release|retry|bounce|remove|fsck [option...]; "
	    "each has --help");
}

int
queue_mailq(const struct common *c)
{
	struct queue_call q = { .common = c, .verb = "list", .mailq = true,
	    .now_us = (uint64_t)clock_us() };
	struct err e = { 0 };
	int code;

	if ((q.queue = qwalk_open(&c->home, &e)) == -1)
		return cmd_fail(&e);
	code = queue_list(&q);
	close(q.queue);
	return code;
}

int
queue_retry_all(const struct common *c)
{
	struct queue_call q = { .common = c, .verb = "retry", .select = { .all = true },
	    .now_us = (uint64_t)clock_us() };
	struct err e = { 0 };
	int code;

	if ((q.queue = qwalk_open(&c->home, &e)) == -1)
		return cmd_fail(&e);
	code = queue_act(&q);
	close(q.queue);
	return code;
}
