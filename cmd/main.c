/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord: the one command a person types. */
#include <stdlib.h>

#include "cmd/cmd.h"
#include "lib/log.h"

static const struct verb verbs[] = {
	{ "start", "accord start [-H HOME] [-u USER]", "run everything in the foreground", verb_start },
	{ "check", "accord check [-H HOME]", "verify all settings", verb_check },
	{ "reload", "accord reload [-H HOME]", "put changed settings in force", verb_reload },
	{ "stat", "accord stat [-H HOME] [--json | --prometheus]", "live figures", verb_stat },
	{ "conf", "accord conf [-H HOME] [--json] [NAME [VALUE]]", "show or set settings", verb_conf },
	{ "send", "accord send [-H HOME] [--conperm] [--convert EXPRESSION|any|none] [--from ADDRESS]\n"
	    "            [--subject TEXT] [--attach FILE]... -- TO... < message",
	    "originate a message, with what permission the sender gives", verb_send },
	{ "queue", "accord queue list [-H HOME] [--json]", "what is in the queue", verb_queue },
	{ "caps", "accord caps build | get ADDRESS | test ADDRESS MESSAGE  [-H HOME] [--json]",
	    "the capability directory", verb_caps },
	{ "convert", "accord convert IN -o OUT --for EXPRESSION [--permit EXPRESSION|any]",
	    "what accord would make of an image file or a message", verb_convert },
};
enum { NVERB = sizeof verbs / sizeof *verbs };

int
cmd_fail(const struct err *e)
{
	fprintf(stderr, "accord: %s\n", e->what);
	return e->kind == ERR_TEMP ? EXIT_LATER : EXIT_NO;
}

int
cmd_usage(const char *usage)
{
	fprintf(stderr, "usage: %s\n", usage);
	return EXIT_USAGE;
}

static void
home_set(struct home *h, const char *given)
{
	*h = (struct home){ .given = given };
	if (given == NULL) {
		snprintf(h->control, sizeof h->control, "/etc/accord");
		snprintf(h->state, sizeof h->state, "/var/lib/accord");
		snprintf(h->queue, sizeof h->queue, "/var/lib/accord/queue");
		snprintf(h->socket, sizeof h->socket, "/run/accord/control.sock");
		return;
	}
	snprintf(h->control, sizeof h->control, "%s/control", given);
	snprintf(h->state, sizeof h->state, "%s", given);
	snprintf(h->queue, sizeof h->queue, "%s/queue", given);
	snprintf(h->socket, sizeof h->socket, "%s/run/control.sock", given);
}

/* Takes -H HOME, --json and --help out of argv; "--" ends the search.  -1: -H without its word. */
static int
common_options(struct common *c, int *argc, char **argv)
{
	const char *home = NULL;
	int out = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[out++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "-H") == 0) {
			if (++i == *argc || strlen(argv[i]) > 400)
				return -1;
			home = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			c->json = true;
		} else if (strcmp(argv[i], "--help") == 0) {
			c->help = true;
		} else {
			argv[out++] = argv[i];
		}
	}
	*argc = out;
	argv[out] = NULL;
	home_set(&c->home, home);
	return 0;
}

static void
print_verbs(FILE *to)
{
	fprintf(to, "usage: accord VERB [option...]; each verb has --help\n");
	for (int i = 0; i < NVERB; i++)
		fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].what);
}

int
main(int argc, char **argv)
{
	struct common c = { 0 };

	log_open("accord");
	argc--, argv++;
	if (common_options(&c, &argc, argv) == -1)
		return cmd_usage("accord VERB -H HOME");
	for (int i = 0; argc > 0 && i < NVERB; i++) {
		if (strcmp(argv[0], verbs[i].name) != 0)
			continue;
		if (c.help) {
			printf("usage: %s\n%s\n", verbs[i].usage, verbs[i].what);
			return EXIT_DONE;
		}
		return verbs[i].run(&c, argc, argv);
	}
	if (argc > 0 && strcmp(argv[0], "version") == 0) {
		printf("accord %s\n", ACCORD_VERSION);
		return EXIT_DONE;
	}
	print_verbs(c.help ? stdout : stderr);
	return c.help ? EXIT_DONE : EXIT_USAGE;
}
