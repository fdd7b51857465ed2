/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_auth.c - AUTH and what a client says in its exchange, over a real socket, TLS taken to be up, with auth
 * played here (link_login).  The first line of the input is what stands behind AUTH, the others are the responses:
 *	- whatever is said has one reply that is no challenge, behind two challenges at most, well formed, its enhanced code of its
 *	  class;
 *	- auth is asked once at most, for a name and a password that can be ones; and their base64, made anew, is what was said;
 *	- somebody has logged in where 235 was said, as who auth says he is, and nowhere else;
 *	- nothing of what was read stays in the buffer.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/sasl.h"
#include "smtpd/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int __wrap_link_login(struct link *l, const struct netaddr *client, struct span user, struct span word,
    char name[LOGIN_NAME], struct err *e);
uint32_t __wrap_link_failed(struct link *l, bool *over);

enum { INPUT_MAX = 16384 };

static struct conf conf;
static struct session s;
static char certificates;		/* stands for them */
static struct { uint32_t n; char user[LOGIN_NAME]; unsigned char word[256]; size_t word_n; } asked;

int
__wrap_link_login(struct link *l, const struct netaddr *client, struct span user, struct span word,
    char name[LOGIN_NAME], struct err *e)
{
	(void)l, (void)client;
	assert(asked.n++ == 0 && sasl_user_ok(user) && word.n > 0 && word.n <= SASL_WORD_MAX);
	assert(span_find(word, '\0') == word.n);
	memcpy(asked.user, user.p, user.n);
	asked.user[user.n] = '\0';
	memcpy(asked.word, word.p, word.n);
	asked.word_n = word.n;
	if (user.p[0] == 't')
		return err_set(e, ERR_TEMP, "4.7.0", "not now");
	if (user.p[0] == 'n')
		return err_set(e, ERR_PERM, "5.7.8", "no");
	strcpy(name, "ann");
	return 0;
}

uint32_t
__wrap_link_failed(struct link *l, bool *over)
{
	(void)l;
	*over = false;
	return 0;
}

static void
set_up(void)
{
	static bool done;
	struct err e;

	if (done)
		return;
	done = true;
	if (conf_init(&conf, &e) == -1 || conf_set(&conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&conf, CONF_AUTH, span_str("passwd\n"), &e) == -1)
		abort();
}

/* The client says rest and hangs up; what it is told. */
static struct span
talk(struct span args, struct span rest)
{
	static struct listener listener = { .role = LISTEN_SUBMISSION, .auth = true };
	static struct link l;
	static unsigned char got[1 << 16];
	size_t have = 0;
	ssize_t r;
	int fd[2];

	link_init(&l, -1, -1, -1);
	s.conf = &conf;
	s.listener = &listener;
	s.link = &l;
	s.secures = (const struct secure *)(const void *)&certificates;
	s.client = (struct netaddr){ { [10] = 0xff, [11] = 0xff, [15] = 1 }, 25 };
	s.state = S_HELO;
	s.secure = s.offer.esmtp = true;
	s.over = s.linger = s.trusted = false;
	s.user[0] = '\0';
	s.logins_failed = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		abort();
	if (rest.n > 0 && send(fd[0], rest.p, rest.n, 0) != (ssize_t)rest.n)
		abort();
	shutdown(fd[0], SHUT_WR);
	wire_init(&s.wire, fd[1], -1, 1000);
	auth_command(&s, args);
	wire_flush(&s.wire);
	close(fd[1]);
	while ((r = recv(fd[0], got + have, sizeof got - have, 0)) > 0)
		have += (size_t)r;
	close(fd[0]);
	return span_of(got, have);
}

/* The codes of all replies; the last's, 0: none. */
static int
codes(struct span out)
{
	struct span line;
	int last = 0, challenges = 0;

	while (span_line(&out, &line)) {
		assert(last == 0 && line.n >= 4 && line.n <= REPLY_MAX - 2 && line.p[3] == ' ');
		for (size_t i = 0; i < line.n; i++)
			assert(line.p[i] >= ' ' && line.p[i] < 0x7f);
		if (span_is(span_sub(line, 0, 4), "334 ")) {
			assert(++challenges <= 2);
			continue;
		}
		last = atoi((const char *)line.p);
		assert(line.n > 10 && line.p[4] == line.p[0] && line.p[5] == '.');
	}
	return last;
}

/* Was this base64 said, in one of the words or lines? */
static bool
was_said(struct span in, struct span octets)
{
	char text[SASL_TEXT_MAX + 4];

	sasl_encode(octets, text);
	return memmem(in.p, in.n, text, strlen(text)) != NULL;
}

static void
check_asked(struct span in)
{
	unsigned char message[3 * 256];
	size_t n = strlen(asked.user);
	bool plain;

	message[0] = '\0';
	memcpy(message + 1, asked.user, n + 1);
	memcpy(message + n + 2, asked.word, asked.word_n);
	plain = was_said(in, span_of(message, n + 2 + asked.word_n));
	memmove(message + n, message, n + 2 + asked.word_n);
	memcpy(message, asked.user, n);
	plain = plain || was_said(in, span_of(message, 2 * n + 2 + asked.word_n));
	assert(plain || (was_said(in, span_str(asked.user)) && was_said(in, span_of(asked.word, asked.word_n))));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n), first = span_sub(in, 0, span_find(in, '\n'));
	int code;

	set_up();
	if (n > INPUT_MAX || first.n > WIRE_LINE)
		return 0;
	asked.n = 0;
	code = codes(talk(first, span_sub(in, first.n + 1, in.n)));
	if (asked.n > 0)
		check_asked(in);
	assert((code == 235) == (s.user[0] != '\0') && (code != 235 || (asked.n == 1 && strcmp(s.user, "ann") == 0)));
	assert(s.trusted == (s.user[0] != '\0'));
	assert(code != 0 || s.over);
	for (size_t i = 0; i < WIRE_IN; i++)
		assert(s.wire.in[i] == 0 || (i >= s.wire.in_at && i < s.wire.in_n));
	return 0;
}
