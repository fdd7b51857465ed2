/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "auth/dovecot.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/cur.h"
#include "lib/sasl.h"

/* --- what it says --- */

/* The next field; what is left of the line behind its TAB. */
static bool
field(struct span *rest, struct span *out)
{
	size_t n = span_find(*rest, '\t');

	if (rest->p == NULL)
		return false;
	*out = span_sub(*rest, 0, n);
	*rest = n < rest->n ? span_sub(*rest, n + 1, rest->n) : span_of(NULL, 0);
	return true;
}

/* The value of a field, its octets as they were meant.  false: they can be no login name. */
static bool
name_of(struct span value, char name[LOGIN_NAME])
{
	struct cur c = cur_of(value);
	size_t n = 0;

	while (cur_left(&c) > 0 && n < LOGIN_NAME - 1) {
		int o = cur_byte(&c);

		if (o == '\001')	/* each stands for a control octet, which no name has */
			return false;
		name[n++] = (char)o;
	}
	name[n] = '\0';
	return cur_left(&c) == 0 && sasl_user_ok(span_of(name, n));
}

static int
nonsense(const char *what, struct span line, struct err *e)
{
	char text[60];

	span_text(line, text, sizeof text);
	return err_set(e, ERR_TEMP, "4.7.0", "Dovecot: %s: \"%s\"", what, text);
}

static int
read_greeting(struct dovecot *d, struct span line, struct err *e)
{
	struct span rest = line, word, arg = { NULL, 0 };

	if (!field(&rest, &word))
		return nonsense("an empty line", line, e);
	(void)field(&rest, &arg);
	if (span_is(word, "VERSION")) {
		if (!span_is(arg, "1"))
			return nonsense("another version of its protocol", line, e);
		d->version = true;
	} else if (span_is(word, "MECH") && span_isi(arg, "PLAIN")) {
		d->plain = true;
	} else if (span_is(word, "DONE")) {
		d->greeted = d->version && d->plain;
		return d->greeted ? 1 : nonsense(d->version ? "it has not PLAIN" : "it has no version", line, e);
	}
	return 0;		/* of what else it tells nothing is needed */
}

static int
read_failure(struct span rest, struct err *e)
{
	struct span f;

	while (field(&rest, &f))
		if (span_is(f, "temp") || span_is(f, "code=temp_fail"))
			return err_set(e, ERR_TEMP, "4.7.0", "Dovecot: it cannot tell now");
	return err_set(e, ERR_PERM, "5.7.8", "wrong name or password");
}

/* The password was right: as whom?  "nologin": it is, but nobody may log in with it. */
static int
read_success(struct span line, struct span rest, char name[LOGIN_NAME], struct err *e)
{
	struct span f;
	bool named = false, no = false;

	while (field(&rest, &f)) {
		no = no || span_is(f, "nologin");
		if (span_is(span_sub(f, 0, 5), "user="))
			named = name_of(span_sub(f, 5, f.n), name);
	}
	if (no)
		return err_set(e, ERR_PERM, "5.7.8", "wrong name or password");
	return named ? 1 : nonsense("a user without a name", line, e);
}

int
dovecot_line(struct dovecot *d, struct span line, char name[LOGIN_NAME], struct err *e)
{
	struct span rest = line, word, id;

	if (++d->lines > DOVECOT_LINES)
		return nonsense("more lines than are of use", line, e);
	if (!d->greeted)
		return read_greeting(d, line, e);
	if (!field(&rest, &word) || !field(&rest, &id) || !span_is(id, "1"))
		return 0;		/* not about this login */
	if (span_is(word, "OK"))
		return read_success(line, rest, name, e);
	if (span_is(word, "FAIL"))
		return read_failure(rest, e);
	return span_is(word, "CONT") ? nonsense("it wants more than a password", line, e) : 0;
}

/* --- the socket --- */

struct talk { int fd; int64_t due_ms; size_t n; unsigned char in[DOVECOT_LINE]; };

static int
wait_for(const struct talk *t, short events, struct err *e)
{
	struct pollfd p = { t->fd, events, 0 };
	int64_t left;

	while ((left = t->due_ms - clock_ms()) > 0)
		if (poll(&p, 1, clock_wait_ms(left)) > 0)
			return 0;
	return err_set(e, ERR_TEMP, "4.7.0", "Dovecot: no answer");
}

static int
say(const struct talk *t, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = send(t->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			s = span_sub(s, (size_t)n, s.n);
		else if (n == -1 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "Dovecot");
		else if (wait_for(t, POLLOUT, e) == -1)
			return -1;
	}
	return 0;
}

/* Reads lines until one says more than 0. */
static int
hear(struct talk *t, struct dovecot *d, char name[LOGIN_NAME], struct err *e)
{
	for (;;) {
		size_t end = span_find(span_of(t->in, t->n), '\n');
		ssize_t got;
		int r;

		if (end < t->n) {
			r = dovecot_line(d, span_of(t->in, end), name, e);
			t->n -= end + 1;
			memmove(t->in, t->in + end + 1, t->n);
			if (r != 0)
				return r;
			continue;
		}
		if (t->n == sizeof t->in)
			return nonsense("a line that does not end", span_of(t->in, t->n), e);
		if (wait_for(t, POLLIN, e) == -1)
			return -1;
		got = recv(t->fd, t->in + t->n, sizeof t->in - t->n, MSG_DONTWAIT);
		if (got == 0)
			return err_set(e, ERR_TEMP, "4.7.0", "Dovecot: it hung up");
		if (got == -1 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "Dovecot");
		t->n += got > 0 ? (size_t)got : 0;
	}
}

static int
ask(struct talk *t, const struct login *l, char name[LOGIN_NAME], struct err *e)
{
	unsigned char plain[LOGIN_NAME + sizeof l->word + 2];
	char text[SASL_TEXT_MAX + 1], line[SASL_TEXT_MAX + 256];
	size_t user_n = strlen(l->user);
	struct dovecot d = { .lines = 0 };
	int n, r;

	n = snprintf(line, sizeof line, "VERSION\t1\t1\nCPID\t%d\n", (int)getpid());
	if (say(t, span_of(line, (size_t)n), e) == -1 || hear(t, &d, name, e) == -1)
		return -1;
	plain[0] = plain[1 + user_n] = '\0';
	memcpy(plain + 1, l->user, user_n);
	memcpy(plain + 2 + user_n, l->word, l->word_n);
	sasl_encode(span_of(plain, 2 + user_n + l->word_n), text);
	/* it was under TLS; and who fails is slowed here, so not there too; resp is the last */
	n = snprintf(line, sizeof line, "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tno-penalty\trip=%s\tresp=%s\n", l->client, text);
	r = say(t, span_of(line, (size_t)n), e) == -1 ? -1 : hear(t, &d, name, e) == 1 ? 0 : -1;
	explicit_bzero(plain, sizeof plain);
	explicit_bzero(text, sizeof text);
	explicit_bzero(line, sizeof line);
	return r;
}

int
dovecot_login(const struct login *l, struct span path, char name[LOGIN_NAME], struct err *e)
{
	struct talk t = { .due_ms = clock_ms() + DOVECOT_MS };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int r;

	if (path.n >= sizeof to.sun_path)
		return err_set(e, ERR_TEMP, "4.7.0", "Dovecot: a path of %zu octets", path.n);
	memcpy(to.sun_path, path.p, path.n);
	t.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t.fd == -1)
		return err_sys(e, "Dovecot: socket");
	r = connect(t.fd, (const struct sockaddr *)&to, sizeof to) == -1 ? err_sys(e, "Dovecot: %s", to.sun_path) :
	    ask(&t, l, name, e);
	close(t.fd);
	return r;
}
