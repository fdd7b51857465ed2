/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* accord: the one command a person types; also sendmail, mailq and newaliases, by those names. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/log.h"

static const struct verb verbs[] = {
	{ "start", "accord start [-H HOME] [-u USER]", "run everything in the foreground",
	    verb_start, false },
	{ "check", "accord check [-H HOME]", "verify all settings", verb_check, false },
	{ "reload", "accord reload [-H HOME]", "put changed settings in force", verb_reload, false },
	{ "stat", "accord stat [-H HOME] [--json | --prometheus]", "live figures", verb_stat, false },
	{ "conf", "accord conf [-H HOME] [--json] [NAME [LINE... | - | --unset]]",
	    "show settings, or set one: each LINE one line of it, - the lines of standard input", verb_conf,
	    false },
	{ "send", "accord send [-H HOME] [--conperm] [--drucof[=prefer]] [--convert EXPRESSION|any|none]\n"
	    "            [--from ADDRESS] [--subject TEXT] [--attach FILE]... [--notify never|success,failure,delay]\n"
	    "            [--ret full|hdrs] [--envid XTEXT] [--minimal] -- TO... < message",
	    "originate a message, with what permission the sender gives; --drucof: what the recipient can\n"
	    "use or nothing; --minimal: images in Profile S, which every fax takes", verb_send, false },
	{ "explain", "accord explain [-H HOME] [--json] [--conperm] [--drucof[=prefer]]\n"
	    "            [--convert EXPRESSION|any|none] [--from ADDRESS] [--attach FILE]... ADDRESS [MESSAGE|-]",
	    "what would become of a message, without sending it: the route, what the next hop offers and the\n"
	    "recipient takes, what each part would become, and why", verb_explain, false },
	{ "queue", "accord queue list|show|hold|release|retry|bounce|remove|fsck [option...]",
	    "the queue: what is in it, what is to become of it", verb_queue, true },
	{ "caps", "accord caps build | get ADDRESS... | test ADDRESS MESSAGE | import FILE|- |\n"
	    "            set ADDRESS EXPRESSION|any|none [--ttl SECONDS] | purge ADDRESS...|--all\n"
	    "            [-H HOME] [--json]",
	    "the capability directory: compile the setting caps; what is known of an address; does this\n"
	    "message fit; take lines into the setting caps and compile it; say what a mailbox of one's own\n"
	    "takes; forget what was said so", verb_caps, false },
	{ "convert", "accord convert IN -o OUT --for EXPRESSION [--permit EXPRESSION|any|none]",
	    "what accord would make of an image file or a message", verb_convert, false },
	{ "passwd", "accord passwd [-H HOME] [--delete] USER < password",
	    "write a user and the hash of a password into the file passwd", verb_passwd, false },
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

int
cmd_end(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno != EPIPE)
		fprintf(stderr, "accord: standard output: %s\n", strerror(errno));
	return EXIT_IO;
}

void
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
		fprintf(to, "  %-8s %.*s\n", verbs[i].name, (int)strcspn(verbs[i].what, ";\n"), verbs[i].what);
	fprintf(to, "  %-8s %s\n", "version", "which accord this is");
}

/* Insertions, deletions, changes and swaps that make b of a; words of a command are short. */
static unsigned
word_distance(const char *a, const char *b)
{
	enum { WORD = 16 };
	unsigned d[WORD + 1][WORD + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > WORD || m > WORD)
		return WORD;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			unsigned best;

			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
			best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

/* One line, with the verb that was probably meant. */
static int
unknown_verb(const char *word)
{
	unsigned least = 3;		/* further away is no slip of the finger */
	const char *meant = NULL;

	for (int i = 0; i < NVERB; i++) {
		unsigned d = word_distance(word, verbs[i].name);

		if (d < least) {
			least = d;
			meant = verbs[i].name;
		}
	}
	fprintf(stderr, "accord: no verb is named %.40s%s%s%s\n", word, meant != NULL ? "; did you mean " :
	    "; accord --help lists them", meant != NULL ? meant : "", meant != NULL ? "?" : "");
	return EXIT_USAGE;
}

static int
run(int argc, char **argv)
{
	struct common c = { 0 };

	argc--, argv++;
	if (common_options(&c, &argc, argv) == -1)
		return cmd_usage("accord VERB -H HOME");
	for (int i = 0; argc > 0 && i < NVERB; i++) {
		if (strcmp(argv[0], verbs[i].name) != 0)
			continue;
		if (c.help && !verbs[i].own_help) {
			printf("usage: %s\n%s\n", verbs[i].usage, verbs[i].what);
			return EXIT_DONE;
		}
		return verbs[i].run(&c, argc, argv);
	}
	if (argc > 0 && strcmp(argv[0], "version") == 0) {
		printf("accord %s\n", ACCORD_VERSION);
		return EXIT_DONE;
	}
	if (argc > 0)
		return unknown_verb(argv[0]);
	print_verbs(c.help ? stdout : stderr);
	return c.help ? EXIT_DONE : EXIT_USAGE;
}

/* What was closed stays unreadable, unwritable, but no file that is opened later takes its place. */
static void
hold_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_IO);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "sendmail", "mailq", "newaliases" };
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";

	hold_standard_files();
	if (getuid() != geteuid() || getgid() != getegid()) {	/* whoever calls it would have what it may do */
		fprintf(stderr, "%.40s: must not be setuid or setgid\n", name);
		return EXIT_ACCESS;
	}
	log_open("accord");
	signal(SIGPIPE, SIG_DFL);	/* who reads no more of our list ends us, without a word */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return cmd_end(name_sendmail(argc, argv));
	return cmd_end(run(argc, argv));
}
