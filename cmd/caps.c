/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/caps.c - accord caps: the capability directory. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "lib/capsdb.h"
#include "lib/envelope.h"

static const char usage[] = "accord caps build | get ADDRESS | test ADDRESS MESSAGE  [-H HOME] [--json]";

/* What is known of an address. */
struct known { enum cap_state state; struct span text; };

static int
caps_build(const struct common *c, struct err *e)
{
	struct msg_hdr h, reply;
	char path[640];
	int text, dir, sock, r;
	size_t len;

	snprintf(path, sizeof path, "%s/caps", c->home.control);
	if ((text = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return err_sys(e, "%s", path);
	if ((dir = open(c->home.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		close(text);
		return err_sys(e, "%s", c->home.state);
	}
	r = capsdb_build(text, "caps", dir, "caps.cdb", e);
	close(text);
	close(dir);
	if (r == -1)
		return -1;
	if ((sock = control_connect(&c->home, e)) == -1)
		return 0;		/* nobody runs who must be told */
	r = control_call(sock, &h, MSG_CAPS_CHANGED, sizeof h, -1, &reply, sizeof reply, &len, e);
	close(sock);
	return r;
}

/* From the running instance; reply holds the text. */
static int
caps_ask_running(int sock, struct span addr, unsigned char *reply, struct known *k, struct err *e)
{
	struct { struct msg_cap_ask m; unsigned char addr[ENV_MAX_PATH]; } ask = { 0 };
	const struct msg_cap *m = (const void *)reply;
	size_t len;

	if (addr.n > sizeof ask.addr)
		return err_set(e, ERR_PERM, NULL, "an address of %zu octets", addr.n);
	ask.m.want = CAP_WANT_FEATURES;
	ask.m.addr_len = (uint32_t)addr.n;
	memcpy(ask.addr, addr.p, addr.n);
	if (control_call(sock, &ask.m.h, MSG_CAP_ASK, sizeof ask.m + addr.n, -1, reply, MSG_MAX, &len,
	    e) == -1)
		return -1;
	if (len < sizeof *m || m->len != len - sizeof *m)
		return err_set(e, ERR_PROTO, NULL, "control: an answer of %zu octets", len);
	*k = (struct known){ m->features, span_of(m + 1, m->len) };
	return 0;
}

/* From the file, when nobody runs; db stays open for the text. */
static int
caps_ask_file(const struct common *c, struct span addr, struct capsdb *db, struct known *k,
    struct err *e)
{
	bool any = false;
	char path[640];
	int fd, r;

	snprintf(path, sizeof path, "%s/caps.cdb", c->home.state);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return err_sys(e, "%s", path);
	if (capsdb_open(db, fd, e) == -1)
		return -1;
	if ((r = capsdb_get(db, addr, &k->text, &any, e)) == -1)
		return -1;
	k->state = r == 0 ? CAP_NONE : any ? CAP_ANY : CAP_KNOWN;
	return 0;
}

static int
caps_ask(const struct common *c, struct span addr, struct known *k, struct err *e)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	static struct capsdb db;
	int sock = control_connect(&c->home, e), r;

	if (sock == -1)
		return caps_ask_file(c, addr, &db, k, e);
	r = caps_ask_running(sock, addr, reply, k, e);
	close(sock);
	return r;
}

static int
caps_get(const struct common *c, const char *addr, struct err *e)
{
	static const char *const names[] = { "none", "known", "any", "not now" };
	struct known k;

	if (caps_ask(c, span_str(addr), &k, e) == -1)
		return -1;
	if (c->json) {
		printf("{\"address\":");
		json_string(stdout, span_str(addr));
		printf(",\"state\":\"%s\",\"expression\":", names[k.state & 3]);
		json_string(stdout, k.text);
		printf("}\n");
	} else if (k.state == CAP_KNOWN) {
		printf("%.*s\n", (int)k.text.n, (const char *)k.text.p);
	} else {
		printf("%s\n", names[k.state & 3]);
	}
	return k.state == CAP_KNOWN || k.state == CAP_ANY ? 0 :
	    err_set(e, ERR_PERM, NULL, "nothing is known of %s", addr);
}

/* Does this message fit what the address takes? */
static int
caps_test(const struct common *c, const char *addr, const char *path, struct err *e)
{
	static const char *const fates[] = { "fits", "is converted", "does not fit" };
	struct converter_message m = { .fd = -1, .id = "0000000000000000" };
	struct converter_plan plan;
	struct own_converter own;
	struct buf in, message;
	struct known k;
	int r;

	if (caps_ask(c, span_str(addr), &k, e) == -1)
		return -1;
	if (k.state != CAP_KNOWN) {
		printf("%s\n", k.state == CAP_ANY ? "fits: takes everything" : "nothing is known");
		return k.state == CAP_ANY ? 0 : err_set(e, ERR_PERM, NULL, "nothing is known of %s", addr);
	}
	buf_init(&in, COMPOSE_MAX);
	buf_init(&message, 2 * COMPOSE_MAX);
	r = cmd_read_file(path, &in, e);
	if (r == 0)
		r = compose_lines(buf_view(&in), &message, e);
	if (r == 0)
		r = m.fd = cmd_memfd(buf_view(&message), e);
	m.len = message.n;
	if (r != -1 && (r = own_converter_start(&own, e)) == 0) {
		r = converter_ask_plan(own.sock, &m, PLAN_UNDER_CONPERM, &k.text, 1, &plan, e);
		own_converter_end(&own);
	}
	if (r == 0) {
		const struct plan_verdict *v = &plan.plan.verdict[0];

		printf("%s%s%.*s\n%.*s", fates[v->fate % 3], v->key.n > 0 ? ": " : "", (int)v->key.n,
		    (const char *)v->key.p, (int)v->detail.n, (const char *)v->detail.p);
		if (v->fate == PLAN_EMPTY)
			r = err_set(e, ERR_PERM, v->dsn, "%s cannot take it", addr);
		converter_plan_free(&plan);
	}
	if (m.fd != -1)
		close(m.fd);
	buf_free(&in);
	buf_free(&message);
	return r;
}

int
verb_caps(struct common *c, int argc, char **argv)
{
	struct err e = { 0 };
	int r;

	if (argc == 2 && strcmp(argv[1], "build") == 0)
		r = caps_build(c, &e);
	else if (argc == 3 && strcmp(argv[1], "get") == 0)
		r = caps_get(c, argv[2], &e);
	else if (argc == 4 && strcmp(argv[1], "test") == 0)
		r = caps_test(c, argv[2], argv[3], &e);
	else
		return cmd_usage(usage);
	return r == -1 ? cmd_fail(&e) : EXIT_DONE;
}
