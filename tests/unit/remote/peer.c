/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/unit/remote/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/edit_recode.h"
#include "lib/plan.h"
#include "tests/unit/suites.h"

const char peers_message[] =
    "Received: by accord; now\r\n"
    "From: s@example.com\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: image/tiff\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Convert: ANY\r\n"
    "\r\n"
    "T1JJR0lOQUw=\r\n";

static void
heard(const struct peers *p, const char *fmt, ...)
{
	char line[2000];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	ck_assert_int_eq(write(p->transcript, line, (size_t)n), n);
}

const char *
peers_heard(const struct peers *p)
{
	static char text[65536];
	ssize_t n = pread(p->transcript, text, sizeof text - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

/* --- the hop --- */

static bool used[64];

static const char *
hop_reply(const struct peers *p, int connection, const char *command)
{
	for (size_t i = 0; i < p->script.nhop; i++) {
		const struct hop_rule *r = &p->script.hop[i];

		if ((r->connection != 0 && r->connection != connection) || used[i] ||
		    strncmp(command, r->command, strlen(r->command)) != 0)
			continue;
		used[i] = r->once;
		return r->reply;
	}
	if (strcmp(command, "banner") == 0)
		return "220 hop.example ESMTP\r\n";
	if (strncmp(command, "DATA", 4) == 0)
		return "354 go on\r\n";
	if (strncmp(command, "QUIT", 4) == 0)
		return "221 bye\r\n";
	return "250 fine\r\n";
}

/* A line without CRLF.  false: the client has gone. */
static bool
hop_line(FILE *in, char *line, int cap)
{
	if (fgets(line, cap, in) == NULL)
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

/* Message data up to the dot; last is its last line, dots undone. */
static bool
hop_data(FILE *in, char *last, size_t cap)
{
	static char line[65536];

	last[0] = '\0';
	while (hop_line(in, line, sizeof line)) {
		if (strcmp(line, ".") == 0)
			return true;
		snprintf(last, cap, "%.900s", line[0] == '.' ? line + 1 : line);
	}
	return false;
}

/* The octets behind a BDAT command, of which nothing is kept but their number. */
static bool
hop_chunk(FILE *in, const char *command)
{
	for (unsigned long n = strtoul(command + 5, NULL, 10); n > 0; n--)
		if (getc(in) == EOF)
			return false;
	return true;
}

static bool
hop_say(FILE *out, const char *reply)
{
	return reply != NULL && fputs(reply, out) != EOF && fflush(out) == 0;
}

static void
hop_serve(const struct peers *p, int connection, int fd)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[8192], last[1000];

	if (hop_say(out, hop_reply(p, connection, "banner")))
		while (hop_line(in, line, sizeof line)) {
			const char *reply = hop_reply(p, connection, line);

			heard(p, "%d %s", connection, line);
			if (strncmp(line, "BDAT ", 5) == 0 && !hop_chunk(in, line))
				break;
			if (!hop_say(out, reply) || strcmp(line, "QUIT") == 0)
				break;
			if (strcmp(line, "DATA") != 0 || reply[0] != '3')
				continue;
			if (!hop_data(in, last, sizeof last))
				break;
			heard(p, "%d . %s", connection, last);
			if (!hop_say(out, hop_reply(p, connection, ".")))
				break;
		}
	fclose(in);
	fclose(out);
}

static _Noreturn void
hop_run(const struct peers *p, int listening)
{
	for (int connection = 1;; connection++) {
		int fd = accept(listening, NULL, NULL);

		if (fd == -1)
			_exit(1);
		hop_serve(p, connection, fd);
	}
}

/* --- convertd --- */

static int
memfd_with(const struct buf *b)
{
	int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(write(fd, b->p, b->n), (ssize_t)b->n);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

static void
convertd_answer(int sock, uint32_t type, uint32_t id, uint32_t kind, const char *dsn, struct buf *b)
{
	struct msg_planned m = { .kind = kind, .len = b->n };
	int fd = kind == ERR_NONE ? memfd_with(b) : -1;
	struct err e = { 0 };

	snprintf(m.dsn, sizeof m.dsn, "%s", dsn == NULL ? "" : dsn);
	snprintf(m.what, sizeof m.what, "as the script says");
	(void)ipc_send(sock, &m.h, type, id, sizeof m, &fd, kind == ERR_NONE, &e);
	if (fd != -1)
		close(fd);
	buf_clear(b);
}

/* Where the body of the message starts. */
static uint64_t
body_at(int fd, uint64_t len)
{
	char *m = malloc(len);
	struct span s = { (unsigned char *)m, len }, line;

	ck_assert_int_eq(pread(fd, m, len, 0), (ssize_t)len);
	while (span_line(&s, &line) && line.n > 0)
		;
	free(m);
	return len - s.n;
}

static void
convertd_plan(const struct peers *p, int sock, const struct msg_plan *m, int fd)
{
	static const char *const wishes[] = { "", "", "drucof ", "prefer " };
	struct span text = span_of(m + 1, m->caps_len);
	struct plan_verdict v[8] = { 0 };
	uint64_t body = body_at(fd, m->msg_len);
	struct edit_range range = { body, m->msg_len - body, RANGE_BODY };
	struct plan plan = { v, m->ncaps, &range, 1, !p->script.no_permission };
	const struct plan_rule *failed = NULL;
	char line[1500] = "";
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, 65536);
	ck_assert_uint_le(m->ncaps, 8);
	for (uint32_t i = 0; i < m->ncaps; i++) {
		struct plan_set set;
		char caps[400];
		size_t r = 0, n;

		memcpy(&set, text.p, sizeof set);
		n = (size_t)snprintf(caps, sizeof caps, "%s", wishes[set.wish]);
		span_text(span_sub(text, sizeof set, sizeof set + set.len), caps + n, sizeof caps - n);
		text = span_sub(text, sizeof set + set.len, text.n);
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", i > 0 ? " | " : "", caps);
		while (r < p->script.nplan && p->script.plan[r].caps != NULL &&
		    strstr(caps, p->script.plan[r].caps) == NULL)
			r++;
		ck_assert_uint_lt(r, p->script.nplan);
		if (p->script.plan[r].kind != ERR_NONE)
			failed = &p->script.plan[r];
		v[i].fate = p->script.plan[r].fate;
		if (v[i].fate == PLAN_CONVERTS) {
			v[i].key = span_str(p->script.plan[r].key);
			v[i].detail = span_str("part: 1 (image/tiff)\nform: MMR\nconverted: as it was asked\n");
		}
		if (v[i].fate == PLAN_EMPTY) {
			snprintf(v[i].dsn, sizeof v[i].dsn, "%s",
			    p->script.plan[r].dsn != NULL ? p->script.plan[r].dsn : "5.6.5");
			v[i].detail = span_str("part: 1 (image/tiff)\nform: MMR\n");
		}
	}
	heard(p, "convertd PLAN %s", line);
	ck_assert_int_eq(plan_encode(&plan, &out, &e), 0);
	convertd_answer(sock, MSG_PLANNED, m->h.id, failed == NULL ? ERR_NONE : failed->kind,
	    failed == NULL ? NULL : failed->dsn, &out);
	buf_free(&out);
}

static void
convertd_recode(int fd, uint64_t body, uint64_t len, bool astray, struct buf *out)
{
	static const char field[] = RECODE_VERSION RECODE_FIELD "base64\r\n";
	unsigned char *m = malloc(len);
	struct edit op[4] = { { EDIT_COPY, 0, body - 2 }, { EDIT_FIELD, 0, sizeof field - 1 },
	    { EDIT_COPY, body - 2, 2 }, { EDIT_BASE64, sizeof field - 1, 0 } };
	struct edit_list l = { op, 4, { NULL, 0 }, 0 };
	struct buf text;
	struct err e = { 0 };

	buf_init(&text, 65536);
	ck_assert_int_eq(pread(fd, m, len, 0), (ssize_t)len);
	m[body] ^= astray;
	ck_assert_int_eq(buf_add_str(&text, field, &e), 0);
	ck_assert_int_eq(transfer_base64(span_of(m + body, len - body), &text, &e), 0);
	op[3].len = text.n - op[3].off;
	l.text = buf_view(&text);
	l.size = body + text.n;
	ck_assert_int_eq(edit_encode(&l, out, &e), 0);
	buf_free(&text);
	free(m);
}

static void
convertd_convert(const struct peers *p, int sock, const struct msg_convert *m, int fd)
{
	static bool slow_done[8];
	uint64_t body = body_at(fd, m->msg_len);
	const struct convert_rule *r = NULL;
	struct edit_list l = { 0 };
	struct edit op[2];
	struct buf out;
	struct err e = { 0 };
	char key[200];

	buf_init(&out, 65536);
	span_text(span_of(m + 1, m->key_len), key, sizeof key);
	heard(p, "convertd CONVERT %s%s", key, m->transfer == EDIT_TO_7BIT ? " to 7bit" :
	    m->transfer == EDIT_TO_8BIT ? " to 8bit" : "");
	for (size_t i = 0; i < p->script.nconvert && r == NULL; i++)
		if (strcmp(p->script.convert[i].key, key) == 0) {
			r = &p->script.convert[i];
			if (!slow_done[i] && r->slow_ms > 0)
				poll(NULL, 0, r->slow_ms);
			slow_done[i] = true;
		}
	ck_assert_ptr_nonnull(r);
	if (r->kind == ERR_NONE && key[0] == '\0') {
		convertd_recode(fd, body, m->msg_len, r->astray, &out);
	} else if (r->kind == ERR_NONE) {
		op[0] = (struct edit){ EDIT_COPY, 0, body - (r->astray ? 10 : 0) };
		op[1] = (struct edit){ EDIT_BODY, 0, strlen(r->body) };
		l = (struct edit_list){ op, 2, span_str(r->body), op[0].len + op[1].len };
		ck_assert_int_eq(edit_encode(&l, &out, &e), 0);
	}
	convertd_answer(sock, MSG_CONVERTED, m->h.id, r->kind, r->dsn, &out);
	buf_free(&out);
}

static _Noreturn void
convertd_run(const struct peers *p, int sock)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	const struct msg_hdr *h = (const void *)packet;
	int fds[MSG_FDS];
	struct err e = { 0 };
	size_t len;

	while (ipc_recv(sock, packet, sizeof packet, &len, fds, &e) == 1) {
		if (h->type == MSG_PLAN)
			convertd_plan(p, sock, (const void *)packet, fds[0]);
		else if (h->type == MSG_CONVERT)
			convertd_convert(p, sock, (const void *)packet, fds[0]);
		ipc_close_fds(fds, MSG_FDS);
	}
	_exit(0);
}

/* --- capd --- */

static void
capd_answer(const struct peers *p, int sock, const struct msg_cap_ask *ask)
{
	struct { struct msg_cap m; char text[400]; } a = { .m = { .features = CAP_NONE } };
	struct err e = { 0 };
	char addr[200];

	span_text(span_of(ask + 1, ask->addr_len), addr, sizeof addr);
	heard(p, "capd ASK %s", addr);
	ck_assert_uint_eq(ask->want, CAP_WANT_FEATURES);
	for (size_t i = 0; i < p->script.ncaps; i++)
		if (strcmp(p->script.caps[i].addr, addr) == 0) {
			a.m.features = p->script.caps[i].state;
			snprintf(a.text, sizeof a.text, "%s", p->script.caps[i].text);
		}
	a.m.len = (uint32_t)strlen(a.text);
	(void)ipc_send(sock, &a.m.h, MSG_CAP, ask->h.id, sizeof a.m + a.m.len, NULL, 0, &e);
}

static _Noreturn void
capd_run(const struct peers *p, int sock)
{
	static _Alignas(8) unsigned char packet[MSG_MAX];
	int fds[MSG_FDS];
	struct err e = { 0 };
	size_t len;

	while (ipc_recv(sock, packet, sizeof packet, &len, fds, &e) == 1)
		capd_answer(p, sock, (const void *)packet);
	_exit(0);
}

/* --- all of them --- */

/* Runs one behind a channel, which is returned. */
static int
start_peer(struct peers *p, void (*run)(const struct peers *, int), pid_t *pid)
{
	struct err e = { 0 };
	int pair[2];

	ck_assert_int_eq(ipc_pair(pair, &e), 0);
	*pid = fork();
	ck_assert_int_ne(*pid, -1);
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* of a test that dies nobody is left */
		close(pair[0]);
		ipc_close_fds(&p->convertd_fd, 1);	/* or that one would not see its end */
		run(p, pair[1]);
	}
	close(pair[1]);
	return pair[0];
}

/* It ends by itself; a failed check in it fails the test here. */
static void
stop_peer(int fd, pid_t pid)
{
	int status;

	ipc_close_fds(&fd, 1);
	if (pid == -1)
		return;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void
start_hop(struct peers *p)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)(void *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)(void *)&a, &len), 0);
	snprintf(p->dest, sizeof p->dest, "[127.0.0.1]:%u", ntohs(a.sin_port));
	p->hop = fork();
	ck_assert_int_ne(p->hop, -1);
	if (p->hop == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hop_run(p, fd);
	}
	close(fd);
}

void
peers_start(struct peers *p, const struct script *s)
{
	*p = (struct peers){ .script = *s, .convertd = -1, .convertd_fd = -1, .capd = -1, .capd_fd = -1 };
	signal(SIGPIPE, SIG_IGN);
	p->transcript = memfd_create("transcript", 0);
	start_hop(p);
	if (!s->no_convertd)
		p->convertd_fd = start_peer(p, convertd_run, &p->convertd);
	if (s->ncaps > 0)
		p->capd_fd = start_peer(p, capd_run, &p->capd);
}

void
peers_stop(struct peers *p)
{
	int status;

	stop_peer(p->capd_fd, p->capd);
	stop_peer(p->convertd_fd, p->convertd);
	kill(p->hop, SIGKILL);
	waitpid(p->hop, &status, 0);
	close(p->transcript);
}

int
peers_file(const char *message, size_t n, const struct envelope *env)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	struct buf block;
	struct qfile q;
	struct err e = { 0 };

	buf_init(&block, ENV_MAX);
	ck_assert_int_eq(write(fd, message, n), (ssize_t)n);
	ck_assert_int_eq(envelope_encode(env, &block, &e), 0);
	ck_assert_msg(qfile_finish(fd, n, crc32c(0, message, n), buf_view(&block), env->nrcpt, &q,
	    &e) == 0, "%s", e.what);
	buf_free(&block);
	return fd;
}

struct msg_job *
peers_job(const char *dest, uint32_t n, size_t *len)
{
	struct msg_job *m;

	*len = sizeof *m + n * 4u;
	m = calloc(1, *len);
	ck_assert_ptr_nonnull(m);
	m->h.id = 7;
	snprintf(m->id, sizeof m->id, "0123456789abcdef");
	snprintf(m->dest, sizeof m->dest, "%s", dest);
	m->n = n;
	for (uint32_t i = 0; i < n; i++)
		memcpy((unsigned char *)(m + 1) + i * 4, &i, 4);
	return m;
}
