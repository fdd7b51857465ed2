/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * tests/fuzz/fuzz_session.c - a whole session over a real socket, with queue and capd played here
 * (this file has smtpd/link.h's functions).  A second reading of the same octets, led by the replies,
 * tells what they ought to have done:
 *	- each command and each chunk gets one reply, each message by DATA two; each reply is well formed,
 *	  its enhanced code of its class;
 *	- within a sequence of chunks, MAIL, RCPT and DATA are 503; after a refused chunk all are refused;
 *	- a message is committed where, and only where, 250 is said to the final dot or to BDAT LAST; it
 *	  has our field, then the octets of its chunks, or of the data without stuffing, and nothing
 *	  else, but a CRLF where the last line lacks it; its CRC is right, its envelope can be read;
 *	- a text message has no bare CR, bare LF or NUL; nothing opened is left at the end;
 *	- one under CONPERM for a recipient in mode ensure, of whom something is known, is committed only after
 *	  convertd was asked about it and did not say that it cannot be made.
 */
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mime.h"
#include "lib/qfile.h"
#include "tests/fuzz/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define KNOWN "(&(color=Binary)(dpi=200))"

enum { MAX_MESSAGES = 64, SIZE_LIMIT = 4096 };

static struct conf conf;
static struct session s;

/* --- queue and capd --- */

static struct {
	int file;
	bool open;
	uint32_t n;				/* committed */
	struct { unsigned char *p; size_t n; uint8_t body; uint32_t nrcpt; } message[MAX_MESSAGES];
	unsigned refuse;			/* from the input: which requests fail */
	bool read, judged;			/* the message under way; judged: may be taken, by convertd */
} queue;

static bool
refused(struct err *e)
{
	queue.refuse = queue.refuse << 1 | queue.refuse >> 15;
	if ((queue.refuse & 0x10000) == 0)
		return false;
	queue.refuse &= 0xffff;
	err_set(e, ERR_TEMP, "4.3.1", "no space");
	return true;
}

uint32_t
link_ctl(struct link *l, struct msg_client *m, int *fd)
{
	(void)l, (void)m, (void)fd;
	abort();				/* there is no parent */
}

int
link_open(struct link *l, uint64_t size, char *id, int *fd, int timeout_ms, struct err *e)
{
	static struct qid_maker ids;

	(void)l, (void)size;
	assert(!queue.open && timeout_ms > 0);
	if (refused(e))
		return -1;
	qid_make(&ids, 1, id);
	queue.file = memfd_create("message", MFD_CLOEXEC);
	*fd = dup(queue.file);
	assert(queue.file != -1 && *fd != -1);
	queue.open = true;
	queue.read = queue.judged = false;
	return 0;
}

int
link_read(struct link *l, const char *id, int *fd, int timeout_ms, struct err *e)
{
	(void)l;
	assert(queue.open && !queue.read && qid_ok(id) && timeout_ms > 0);
	if (refused(e))
		return -1;
	queue.read = true;
	*fd = dup(queue.file);
	assert(*fd != -1);
	return 0;
}

/* Its length says what becomes of it. */
int
link_plan(struct link *l, const struct converter_message *m, const struct span *caps, uint32_t ncaps,
    int timeout_ms, struct converter_plan *out, struct err *e)
{
	(void)l;
	assert(queue.read && ncaps == 1 && timeout_ms > 0 && span_is(caps[0], KNOWN) && m->len > 0);
	assert(lseek(m->fd, 0, SEEK_END) == (off_t)m->len);
	if (refused(e))
		return -1;
	*out = (struct converter_plan){ .plan = { .nverdict = ncaps, .verdict = calloc(1, sizeof(struct plan_verdict)) } };
	assert(out->plan.verdict != NULL);
	out->plan.verdict[0].fate = m->len % 3 == 0 ? PLAN_EMPTY : PLAN_FITS;
	queue.judged = m->len % 3 != 0;
	return 0;
}

/* Was it to be judged, and was not? */
static bool
is_unjudged(const struct envelope *env)
{
	for (uint32_t i = 0; i < env->nrcpt; i++) {
		struct span addr = env->rcpt[i].addr;

		if (addr.n > 0 && addr.p[0] == 'k' && span_isi(span_sub(addr, span_rfind(addr, '@') + 1, addr.n), "x"))
			return env->conperm && env->sender.n > 0 && !queue.judged;
	}
	return false;
}

/* Its listener has no certificate, so none of these is ever called. */
/* Nobody has logged in, and this is no submission: see fuzz_mend.c for those. */
int
link_rate(struct link *l, const char *user, uint32_t messages, uint32_t recipients, struct err *e)
{
	(void)l, (void)user, (void)messages, (void)recipients, (void)e;
	abort();
}

int
link_describe(struct link *l, struct span image, int timeout_ms, struct blob *out, struct err *e)
{
	(void)l, (void)image, (void)timeout_ms, (void)out, (void)e;
	abort();
}

int
link_key(struct link *l, struct err *e)
{
	(void)l, (void)e;
	abort();
}

int
link_sign(struct link *l, const unsigned char key[MSG_KEY_ID], uint32_t hash, bool pss, struct span text,
    unsigned char *sig, size_t *n, struct err *e)
{
	(void)l, (void)key, (void)hash, (void)pss, (void)text, (void)sig, (void)n, (void)e;
	abort();
}

void
link_keep(struct link *l, const unsigned char id[MSG_SESSION_ID], struct span text)
{
	(void)l, (void)id, (void)text;
	abort();
}

int
link_recall(struct link *l, const unsigned char id[MSG_SESSION_ID], unsigned char *text, size_t *n)
{
	(void)l, (void)id, (void)text, (void)n;
	abort();
}

int
link_login(struct link *l, const struct netaddr *client, struct span user, struct span word, char name[LOGIN_NAME],
    struct err *e)
{
	(void)l, (void)client, (void)user, (void)word, (void)name, (void)e;
	abort();
}

uint32_t
link_failed(struct link *l, bool *over)
{
	(void)l, (void)over;
	abort();
}

void
link_abandon(struct link *l, const char *id)
{
	(void)l;
	assert(queue.open && qid_ok(id));
	queue.open = false;
	close(queue.file);
}

int
link_commit(struct link *l, const char *id, uint64_t len, uint32_t crc, struct span envelope,
    int timeout_ms, struct err *e)
{
	struct envelope env;
	unsigned char *p = malloc(len + 1);

	(void)l;
	assert(queue.open && qid_ok(id) && timeout_ms > 0 && p != NULL);
	assert(pread(queue.file, p, len + 1, 0) == (ssize_t)len && crc32c(0, p, len) == crc);
	queue.open = false;
	close(queue.file);
	assert(envelope_decode(envelope, &env, e) == 0);
	assert(!is_unjudged(&env) || mime_message_is_report(span_of(p, len)));
	if (refused(e) || queue.n == MAX_MESSAGES) {
		free(p);
		envelope_free(&env);
		return err_set(e, ERR_TEMP, "4.3.0", "not now");
	}
	queue.message[queue.n].p = p;
	queue.message[queue.n].n = len;
	queue.message[queue.n].body = env.body;
	queue.message[queue.n++].nrcpt = env.nrcpt;
	envelope_free(&env);
	return 0;
}

int
link_cap(struct link *l, struct span addr, uint32_t want, struct link_cap *out, struct err *e)
{
	(void)l, (void)want;
	if (addr.n == 0 || addr.p[0] == 't')
		return err_set(e, ERR_TEMP, "4.3.0", "capd is not there");
	*out = (struct link_cap){ addr.p[0] == 'k' ? CAP_KNOWN : CAP_NONE, addr.p[0] != 'u',
	    span_str(addr.p[0] == 'k' ? KNOWN : "") };
	return 0;
}

/* --- the second reading --- */

struct reading {
	struct span in, out;		/* what is left of what was said, and of the replies */
	uint32_t message;		/* the next that must have been committed */
	struct buf body;		/* octets of the chunks so far */
	bool greeted, mail, rcpt, chunks, dead, binary, over;
};

/* What the n-th message must be: body, put behind our Received field of three lines. */
static void
check_message(struct reading *r, struct span body)
{
	struct span m, line;

	assert(r->message < queue.n && queue.message[r->message].nrcpt > 0);
	assert((queue.message[r->message].body == BODY_BINARYMIME) == r->binary);
	m = span_of(queue.message[r->message].p, queue.message[r->message].n);
	r->message++;
	assert(span_isi(span_sub(m, 0, 9), "Received:"));
	for (int i = 0; i < 3; i++)
		assert(span_line(&m, &line));
	assert(m.n >= body.n && span_eq(span_sub(m, 0, body.n), body) && m.n <= SIZE_LIMIT + 2);
	if (m.n > body.n)		/* only where it was missing */
		assert(m.n == body.n + 2 && m.p[body.n] == '\r' && m.p[body.n + 1] == '\n' &&
		    m.p[body.n - 1] != '\n');
	for (size_t i = 0; i < m.n && !r->binary; i++) {
		assert(m.p[i] != '\0' && (m.p[i] == '\n') == (i > 0 && m.p[i - 1] == '\r'));
		assert(m.p[i] != '\r' || i + 1 < m.n);
	}
}

static void
forget(struct reading *r)
{
	r->mail = r->rcpt = r->chunks = r->dead = r->binary = false;
	buf_clear(&r->body);
}

/* Behind 354: the data, unstuffed, to CRLF.CRLF.  false: it does not end. */
static bool
take_data(struct reading *r)
{
	struct err e;
	size_t at = 0;

	buf_clear(&r->body);
	for (;;) {
		struct span rest = span_sub(r->in, at, r->in.n), line;
		const unsigned char *end = memmem(rest.p, rest.n, "\r\n", 2);

		if (rest.n < 2 || end == NULL)
			return false;
		line = span_sub(rest, 0, (size_t)(end - rest.p));
		at += line.n + 2;
		if (span_is(line, "."))
			break;
		if (line.n > 0 && line.p[0] == '.')
			line = span_sub(line, 1, line.n);
		assert(buf_add(&r->body, line, &e) == 0 && buf_add_str(&r->body, "\r\n", &e) == 0);
	}
	r->in = span_sub(r->in, at, r->in.n);
	return true;
}

static void
read_data(struct reading *r, int code)
{
	if (r->chunks || r->binary || !r->mail)
		assert(code != 354);
	if (code != 354)
		return;
	assert(r->rcpt);
	if (!take_data(r)) {
		r->over = true;
		return;
	}
	code = client_reply(&r->out, NULL);
	assert(code != 0);
	if (code == 250)
		check_message(r, buf_view(&r->body));
	forget(r);
}

static void
read_chunk(struct reading *r, struct span args)
{
	struct span size, end;
	struct err e;
	uint64_t n;
	int code;

	args = span_trim(args);
	size = span_sub(args, 0, span_find(args, ' '));
	end = span_trim(span_sub(args, size.n, args.n));
	if (!span_u64(size, QFILE_MAX_MSG, &n)) {
		assert(client_reply(&r->out, NULL) == 501 && client_reply(&r->out, NULL) == 421);
		r->over = true;
		return;
	}
	if (n > r->in.n) {		/* cut off */
		r->over = true;
		return;
	}
	if (r->chunks || r->rcpt)
		assert(buf_add(&r->body, span_sub(r->in, 0, n), &e) == 0);
	r->in = span_sub(r->in, n, r->in.n);
	code = client_reply(&r->out, NULL);
	assert(code == 250 || code >= 400);
	if (code == 250) {
		assert((r->rcpt || r->chunks) && !r->dead && r->body.n <= SIZE_LIMIT);
		assert(end.n == 0 || span_isi(end, "LAST"));
	}
	if (code == 250 && end.n > 0)
		check_message(r, buf_view(&r->body));
	if (span_isi(end, "LAST")) {
		forget(r);
	} else if (r->mail) {
		r->chunks = true;
		r->dead |= code != 250;
	}
}

/* Does a MAIL line that was taken ask for BINARYMIME? */
static bool
says_binary(struct span line)
{
	bool quoted = false;
	size_t at = 0;

	for (; at < line.n && (quoted || line.p[at] != '>'); at++)	/* the path's end; ENVID may hold another */
		if (line.p[at] == '"')
			quoted = !quoted;
		else if (quoted && line.p[at] == '\\')
			at++;
	for (; at < line.n; at++)
		if (span_isi(span_sub(line, at, at + 16), " BODY=BINARYMIME"))
			return true;
	return false;
}

static void
read_command(struct reading *r, struct span line)
{
	struct span verb = span_sub(line, 0, span_find(line, ' '));
	struct span args = span_sub(line, verb.n + 1, line.n);
	bool clean = span_find(line, '\r') == line.n && span_find(line, '\n') == line.n &&
	    span_find(line, '\0') == line.n;
	int code;

	while (verb.n > 0 && ascii_wsp(verb.p[verb.n - 1]))
		verb.n--;
	if (clean && line.n + 2 <= 512 && span_isi(verb, "BDAT")) {
		read_chunk(r, args);
		return;
	}
	code = client_reply(&r->out, NULL);
	assert(code != 0);		/* 421 is the end of many */
	if (code == 421 || code == 221) {
		r->over = true;
	} else if (!clean) {
		assert(code == 500);
	} else if (span_isi(verb, "DATA")) {
		read_data(r, code);
	} else if (span_isi(verb, "MAIL")) {
		assert(code != 250 || (r->greeted && !r->mail));
		if (code == 250) {
			r->mail = true;
			r->binary = says_binary(line);
		}
	} else if (span_isi(verb, "RCPT")) {
		assert(code != 250 || (r->mail && !r->chunks));
		r->rcpt |= code == 250;
	} else if (code == 250 && (span_isi(verb, "RSET") || span_isi(verb, "EHLO") || span_isi(verb, "HELO"))) {
		forget(r);
		r->greeted |= !span_isi(verb, "RSET");
	}
}

static void
read_again(struct span in, struct span out)
{
	struct reading r = { .in = in, .out = out };

	buf_init(&r.body, CLIENT_MAX + 2);
	assert(client_reply(&r.out, NULL) == 220);
	while (!r.over && r.in.n > 0) {
		const unsigned char *end = r.in.n < 2 ? NULL : memmem(r.in.p, r.in.n, "\r\n", 2);
		struct span line, left = r.out;

		if (end == NULL)
			break;
		line = span_sub(r.in, 0, (size_t)(end - r.in.p));
		r.in = span_sub(r.in, line.n + 2, r.in.n);
		if (line.n + 2 > WIRE_LINE) {
			assert(client_reply(&r.out, NULL) == 500);
			continue;
		}
		read_command(&r, line);
		/* a limit's 421 stands behind the reply that went over it */
		left = r.out;
		if (!r.over && left.n > 3 && memcmp(left.p, "421", 3) == 0) {
			(void)client_reply(&r.out, NULL);
			r.over = true;
		}
	}
	if (r.over || r.in.n > 0)	/* a 421 may say why */
		(void)client_reply(&r.out, NULL);
	assert(r.out.n == 0 && r.message == queue.n && !queue.open);
	buf_free(&r.body);
}

/* --- --- */

static void
set_up(void)
{
	static bool done;
	struct err e;

	if (done)
		return;
	done = true;
	if (conf_init(&conf, &e) == -1 || conf_set(&conf, CONF_ME, span_str("mx.example\n"), &e) == -1 ||
	    conf_set(&conf, CONF_RCPTHOSTS, span_str("example.com\nx\n"), &e) == -1 ||
	    conf_set(&conf, CONF_LOCALS, span_str("x\n"), &e) == -1 ||
	    conf_set(&conf, CONF_CONNEG, span_str("x ensure\n"), &e) == -1 ||
	    conf_set(&conf, CONF_MAXMAILS, span_str("40\n"), &e) == -1 ||
	    conf_set(&conf, CONF_DATABYTES, span_str("4096\n"), &e) == -1)
		abort();
}

/* The first two octets say which of queue's answers are refusals; the rest is what the client says. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct link l = { .ctl = -1, .queue = -1, .capd = -1, .timeout_s = 1 };

	set_up();
	if (n < 2 || n > CLIENT_MAX)
		return 0;
	queue.refuse = (unsigned)(p[0] << 8 | p[1]);
	queue.n = 0;
	s.conf = &conf;
	s.link = &l;
	read_again(span_of(p + 2, n - 2), client_talk(&s, span_of(p + 2, n - 2)));
	for (uint32_t i = 0; i < queue.n; i++)
		free(queue.message[i].p);
	return 0;
}
