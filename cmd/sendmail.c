/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * cmd/sendmail.c - sendmail, mailq and newaliases, as cron, PHP, mutt, mailx and monitors call them.
 * The message goes to the running instance at once; there is no spool besides its queue.  One that is being
 * restarted is waited for; while it does not run the caller gets 75 (try again later) and keeps the message.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "cmd/client.h"
#include "cmd/compose.h"
#include "cmd/describe.h"
#include "cmd/origin.h"
#include "cmd/queue.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/confline.h"

enum {
	SM_NAME = 128, SM_PUMP = 65536,
	SM_AWAIT_MS = 10 * 1000	/* for a restart: an orderly stop has 5 s, a start is quick */
};

struct sendmail {
	const char *called;		/* sendmail, mailq, newaliases */
	struct common common;
	struct origin origin;
	char mode;			/* of -b */
	bool lone_dot;			/* a line of "." does not end the message */
	bool run_queue;
	const char *sender, *name, *envid;
	uint8_t notify, ret;
	char author[ADDRESS_MAX + 1], full_name[SM_NAME];
	bool null;			/* the reverse-path is */
};

static const char sm_usage[] =
    "sendmail [-ti] [-f SENDER] [-F NAME] [-N NOTIFY] [-R full|hdrs] [-V ENVID] [-B 7BIT|8BITMIME]\n"
    "         [-bm|-bp|-bs|-bi] [-q] [-H HOME] [--] [RECIPIENT...] < message\n"
    "Other options of sendmail are taken and have no effect.\n";

/* As sysexits.h has them; else: of what is wrong for good, and not for want of a right. */
static int
sm_code(const struct err *e, int otherwise)
{
	if (e->kind == ERR_TEMP)
		return EXIT_LATER;
	return strncmp(e->dsn, "5.7.", 4) == 0 ? EXIT_ACCESS : otherwise;
}

static int
sm_fail(const struct err *e)
{
	fprintf(stderr, "sendmail: %s\n", e->what);
	return sm_code(e, EXIT_DATA);
}

/* --- options --- */

/* One that has a meaning here.  -1: what it says is wrong. */
static int
sm_option(struct sendmail *s, int option, const char *word)
{
	switch (option) {
	case 't':
		s->origin.from_header = true;
		return 0;
	case 'i':
		s->lone_dot = true;
		return 0;
	case 'o':
		s->lone_dot |= strcmp(word, "i") == 0;
		return 0;
	case 'f':
	case 'r':
		s->sender = word;
		return 0;
	case 'F':
		s->name = word;
		return 0;
	case 'N':
		return dsn_notify(word, &s->notify);
	case 'R':
		return dsn_ret(word, &s->ret);
	case 'V':
		s->envid = word;
		return dsn_envid(word);
	case 'B':
		return span_isi(span_str(word), "7BIT") || span_isi(span_str(word), "8BITMIME") ? 0 : -1;
	case 'b':
		s->mode = word[0];
		return word[0] != '\0' && word[1] == '\0' && strchr("mpsi", word[0]) != NULL ? 0 : -1;
	case 'q':
		s->run_queue = true;
		return word == NULL || ascii_digit(word[0]) ? 0 : -1;	/* not "-qIid" and its like */
	default:
		return 0;	/* what other mail systems' options set is not ours to set */
	}
}

/* What is wrong with a letter's word. */
static const char *
sm_why_not(int option, const char *word)
{
	return option == 'b' && (strcmp(word, "d") == 0 || strcmp(word, "D") == 0) ?
	    "accord is started by `accord start', not by this name" :
	    option == 'b' && strcmp(word, "v") == 0 ? "addresses are not verified so; see `accord explain'" :
	    option == 'b' && strcmp(word, "t") == 0 ? "there is no test mode; see `accord explain'" : "does not take that word";
}

/* -1: done, *code says how. */
static int
sm_options(struct sendmail *s, int argc, char **argv, int *code)
{
	/* "+": the first word that is no option ends them, so that an address cannot become one */
	static const char letters[] = "+A:B:C:D:F:GH:IL:M:N:O:QR:UV:X:b:cd::e:f:h:imno:p:q::r:stvx:";
	const char *home = NULL;
	char two[2] = "";
	int o;

	opterr = 0;
	while ((o = getopt(argc, argv, letters)) != -1) {
		two[0] = (char)(o == '?' ? optopt : o);
		if (o == 'H' && strlen(optarg) <= 400) {
			home = optarg;
		} else if (o == '?' && optopt == '-' && optind < argc && strcmp(argv[optind], "--help") == 0) {
			printf("usage: %s", strcmp(s->called, "mailq") == 0 ?
			    "mailq [-H HOME] [--json]\n" : sm_usage);
			*code = EXIT_DONE;
			return -1;
		} else if (o == '?' || o == 'H' || sm_option(s, o, optarg) == -1) {
			fprintf(stderr, o == '?' ? "%s: -%s: no such option, or its word is missing\n" :
			    "%s: -%s %.100s: %s\n", s->called, two, optarg != NULL ? optarg : "",
			    o == '?' || o == 'H' ? "does not take that word" : sm_why_not(o, optarg));
			*code = EXIT_USAGE;
			return -1;
		}
	}
	home_set(&s->common.home, home);
	return 0;
}

/* --- the message --- */

/* All of stdin, or up to a line of "." where that ends it. */
static int
sm_read(bool lone_dot, struct buf *text, struct err *e)
{
	size_t line = 0;

	for (;;) {
		unsigned char *to = buf_room(text, SM_PUMP, e);
		ssize_t n = to == NULL ? -1 : read(0, to, SM_PUMP);

		if (to == NULL)
			return -1;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "standard input");
		if (n == 0)
			return 0;
		text->n += (size_t)n;
		while (!lone_dot && line < text->n) {
			struct span rest = span_sub(buf_view(text), line, text->n);
			size_t end = span_find(rest, '\n');

			if (end == rest.n)
				break;
			if (span_is(span_sub(rest, 0, end), ".") || span_is(span_sub(rest, 0, end), ".\r")) {
				text->n = line;
				return 0;
			}
			line += end + 1;
		}
	}
}

/* The sender, "local@host" of who calls if none was named, and the name that From gets.  Behind a null
 * reverse-path stands somebody too, and From names him (RFC 5322, 3.6.2). */
static int
sm_who(struct sendmail *s, struct err *e)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *caller = pw != NULL ? pw->pw_name : "postmaster";
	struct buf b;
	bool gecos;
	size_t n;
	int r;

	s->null = s->sender != NULL && (*s->sender == '\0' || strcmp(s->sender, "<>") == 0);
	if (s->null)
		s->sender = NULL;
	if (s->name == NULL)
		s->name = getenv("NAME");
	if (s->name == NULL && s->sender == NULL && pw != NULL)
		s->name = pw->pw_gecos;
	gecos = pw != NULL && s->name == pw->pw_gecos;		/* its first part is the name */
	n = s->name == NULL ? 0 : strcspn(s->name, gecos ? "," : "");
	span_text(span_of(s->name, n), s->full_name, sizeof s->full_name);
	s->origin.name = s->full_name;
	buf_init(&b, sizeof s->author);
	r = origin_address(&s->origin, s->sender != NULL ? s->sender : caller, &b, e);
	if (r == 0)
		memcpy(s->author, b.p, b.n);
	buf_free(&b);
	s->origin.from = s->author;
	return r;
}

static int
sm_submit(struct sendmail *s, struct span message, struct err *e)
{
	struct envelope env = { .sender = span_str(s->null ? "" : s->author), .ret = s->ret,
	    .envid = span_str(s->envid != NULL ? s->envid : s->origin.tag), .nrcpt = s->origin.nrcpt };
	const char *addr = (const char *)s->origin.rcpt.p;
	char id[QID_SIZE];
	int r;

	if ((env.rcpt = calloc(env.nrcpt, sizeof *env.rcpt)) == NULL)
		return err_sys(e, "recipients");
	for (uint32_t i = 0; i < env.nrcpt; i++, addr += strlen(addr) + 1)
		env.rcpt[i] = (struct rcpt){ .addr = span_str(addr), .notify = s->notify };
	r = submit_message(&s->common.home, &env, message, id, e);
	free(env.rcpt);
	if (r == -1 && e->kind == ERR_TEMP)
		return err_in(e, "the message was not taken, send it again later");
	return r;
}

static void
sm_tag(void *arg, struct span rcpts, char tag[TAG_TEXT])
{
	const struct sendmail *s = arg;

	submit_tag(&s->common.home, rcpts, tag);
}

/* The message as it was read, made whole. */
static int
sm_make(struct sendmail *s, struct span text, struct buf *message, struct err *e)
{
	struct own_converter converter = OWN_CONVERTER;
	int r = origin_message(&s->origin, text, message, e);

	if (r == 0 && s->origin.nrcpt == 0)
		r = err_set(e, ERR_PERM, NULL, "no recipient in To, Cc or Bcc");
	if (r == 0)
		r = describe_message(message, own_converter_features, &converter, e);
	own_converter_end(&converter);
	return r;
}

static int
sm_message(struct sendmail *s, struct err *e)
{
	struct buf text, message;
	int r;

	buf_init(&text, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	s->origin.make_tag = sm_tag;
	s->origin.tag_arg = s;
	r = sm_read(s->lone_dot, &text, e);
	if (r == 0)
		r = sm_make(s, buf_view(&text), &message, e);
	if (r == 0)
		r = sm_submit(s, buf_view(&message), e);
	buf_free(&text);
	buf_free(&message);
	return r;
}

/* The settings that a message needs, and the words behind the options: its recipients. */
static int
sm_send(struct sendmail *s, int argc, char **argv)
{
	static struct conf conf;
	struct err e = { 0 };

	if (optind == argc && !s->origin.from_header) {
		fprintf(stderr, "sendmail: no recipient: name one, or give -t\n");
		return EXIT_USAGE;
	}
	if (cmd_setting(&s->common.home, &conf, CONF_ME, &e) == -1) {
		fprintf(stderr, "sendmail: %s\n", e.what);
		return EXIT_CONFIG;
	}
	s->origin.host = conf_string(&conf, CONF_ME);
	buf_init(&s->origin.rcpt, ORIGIN_RCPT * (size_t)(ADDRESS_MAX + 1));
	if (sm_who(s, &e) == -1)
		return sm_fail(&e);
	for (int i = optind; i < argc; i++)
		if (origin_rcpts(&s->origin, argv[i], &e) == -1)
			return sm_fail(&e);
	if (sm_message(s, &e) == -1)
		return sm_fail(&e);
	return EXIT_DONE;
}

/* --- SMTP on standard input --- */

/* Connects to where a listener listens; "any" is reached by loopback. */
static int
sm_dial(const struct netaddr *a)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
	bool four = memcmp(a->a, mapped, sizeof mapped) == 0;
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(&v4.sin_addr, a->a + 12, 4);
	memcpy(&v6.sin6_addr, a->a, 16);
	if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
		v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (memcmp(&v6.sin6_addr, &in6addr_any, sizeof in6addr_any) == 0)
		v6.sin6_addr = in6addr_loopback;
	if (fd == -1 || (four ? connect(fd, (struct sockaddr *)&v4, sizeof v4) :
	    connect(fd, (struct sockaddr *)&v6, sizeof v6)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A connection to that one, if it takes our mail.  -1: *e, unchanged if it does not. */
static int
sm_listener(struct span line, struct err *e)
{
	struct listener l;
	struct err ignored;
	int fd;

	if (listener_parse(line, &l, &ignored) == -1 || l.role != LISTEN_MX || l.norelay || l.probeonly || l.tls)
		return -1;
	if ((fd = sm_dial(&l.addr)) == -1)
		err_sys(e, "%.*s", (int)line.n, (const char *)line.p);
	return fd;
}

/* A connection to one of our own listeners, so that smtpd says what may be sent. */
static int
sm_connect(const struct home *h, struct err *e)
{
	static struct conf conf;
	const struct span *lines;
	uint32_t n;

	if (cmd_setting(h, &conf, CONF_LISTEN, e) == -1)
		return -1;
	n = conf_lines(&conf, CONF_LISTEN, &lines);
	do {
		err_set(e, ERR_TEMP, NULL, "no listener for SMTP");
		for (uint32_t i = 0; i < n; i++) {
			int fd = sm_listener(lines[i], e);

			if (fd != -1)
				return fd;
		}
	} while (control_again(h, e->sys));
	e->kind = ERR_TEMP;
	return -1;
}

/* What came from one goes to the other.  1; 0: there will be no more; -1. */
static int
sm_pump(int from, int to)
{
	static unsigned char chunk[SM_PUMP];
	ssize_t n = read(from, chunk, sizeof chunk);

	if (n <= 0)
		return n == -1 && errno == EINTR ? 1 : (int)n;
	for (ssize_t at = 0; at < n;) {
		ssize_t w = write(to, chunk + at, (size_t)(n - at));

		if (w == -1 && errno != EINTR)
			return -1;
		at += w > 0 ? w : 0;
	}
	return 1;
}

static int
sm_smtp(struct sendmail *s)
{
	struct err e = { 0 };
	int sock = sm_connect(&s->common.home, &e), r = 1;
	bool open = true;

	if (sock == -1)
		return sm_fail(&e);
	while (r > 0) {
		struct pollfd p[2] = { { sock, POLLIN, 0 }, { open ? 0 : -1, POLLIN, 0 } };

		if (poll(p, 2, -1) == -1 && errno != EINTR)
			break;
		if (p[1].revents != 0 && sm_pump(0, sock) <= 0) {
			open = false;
			shutdown(sock, SHUT_WR);
		}
		if (p[0].revents != 0)
			r = sm_pump(sock, 1);
	}
	close(sock);
	return r == -1 ? EXIT_IO : EXIT_DONE;
}

/* --- newaliases --- */

/* Alias files are settings' files: they are checked, and in force, by a reload.  Packages call it when they are installed,
 * whether accord runs or not: that is no failure. */
static int
sm_aliases(struct sendmail *s)
{
	char notes[1024];
	struct err e = { 0 };

	if (cmd_reload(&s->common.home, notes, &e) == 0)
		return EXIT_DONE;
	if (e.kind == ERR_TEMP && (e.sys == ENOENT || e.sys == ECONNREFUSED)) {
		fprintf(stderr, "newaliases: nothing to do: accord does not run, and reads its settings when it starts\n");
		return EXIT_DONE;
	}
	fprintf(stderr, "newaliases: %s\n", e.what);
	return sm_code(&e, EXIT_CONFIG);
}

/* mailq's --json, which getopt would take for a cluster of letters: taken out; returns the new argc. */
static int
mailq_json(struct sendmail *s, int argc, char **argv)
{
	int n = 1;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			s->common.json = true;
		else
			argv[n++] = argv[i];
	argv[n] = NULL;
	return n;
}

int
name_sendmail(int argc, char **argv)
{
	static struct sendmail s;
	const char *slash = strrchr(argv[0], '/'), *name = slash != NULL ? slash + 1 : argv[0];
	int code;

	s.called = name;
	s.mode = strcmp(name, "mailq") == 0 ? 'p' : strcmp(name, "newaliases") == 0 ? 'i' : 'm';
	if (s.mode == 'p')
		argc = mailq_json(&s, argc, argv);
	if (sm_options(&s, argc, argv, &code) == -1)
		return code;
	if (s.mode == 'p')
		return queue_mailq(&s.common);
	if (s.mode == 'i')
		return sm_aliases(&s);
	s.common.home.await_ms = clock_ms() + SM_AWAIT_MS;
	if (s.mode == 's')
		return sm_smtp(&s);
	if (s.run_queue)
		return queue_retry_all(&s.common);
	return sm_send(&s, argc, argv);
}
