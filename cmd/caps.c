/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/caps.c - accord caps: the capability directory. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/compose.h"
#include "cmd/queue.h"
#include "lib/capsdb.h"
#include "lib/clock.h"
#include "lib/confline.h"
#include "lib/envelope.h"
#include "lib/inquiry.h"

static const char usage[] =
    "accord caps build | get ADDRESS... | probe ADDRESS... | test ADDRESS MESSAGE | import FILE|- | "
    "set ADDRESS EXPRESSION|any|none [--ttl SECONDS] | purge ADDRESS...|--all  [-H HOME] [--json]";

enum { CAPS_TEXT = 64 * 1024 * 1024, PROBE_WAIT_MS = 200 * 1000 /* more than one may take */ };

/* What is known of an address, from where, and since when (0: not told). */
struct known { enum cap_state state; struct span text; enum cap_source source; uint64_t since_s; };

static int
caps_build(const struct common *c, struct err *e)
{
	struct msg_refused reply;	/* the longest answer */
	struct msg_hdr h;
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
	*k = (struct known){ m->features, span_of(m + 1, m->len), (enum cap_source)m->source, m->since_s };
	return 0;
}

/* From the file, when nobody runs; db stays open for the text. */
static int
caps_ask_file(const struct common *c, struct span addr, struct capsdb *db, struct known *k,
    struct err *e)
{
	static bool is_open;
	bool any = false;
	char path[640];
	int fd, r;

	snprintf(path, sizeof path, "%s/caps.cdb", c->home.state);
	if (!is_open && (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return err_sys(e, "%s", path);
	if (!is_open && capsdb_open(db, fd, e) == -1)
		return -1;
	is_open = true;
	if ((r = capsdb_get(db, addr, &k->text, &any, e)) == -1)
		return -1;
	k->state = r == 0 ? CAP_NONE : any ? CAP_ANY : CAP_KNOWN;
	k->source = r == 0 ? SOURCE_NONE : SOURCE_CDB;
	k->since_s = 0;
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

static const char *const state_names[] = { "none", "known", "any", "not now" };

static void
get_print_json(const char *addr, const struct known *k)
{
	char when[40];

	clock_iso((int64_t)k->since_s * 1000000, when, sizeof when);
	printf("{\"address\":");
	json_string(stdout, span_str(addr));
	printf(",\"state\":\"%s\",\"expression\":", state_names[k->state & 3]);
	json_string(stdout, k->text);
	printf(",\"source\":\"%s\",\"since\":%s%s%s}\n", capsource_name(k->source), k->since_s == 0 ? "" : "\"",
	    k->since_s == 0 ? "null" : when, k->since_s == 0 ? "" : "\"");
}

/* How long ago that was, in the largest unit that it has one of. */
static void
print_age(uint64_t since_s)
{
	static const struct { uint64_t s; const char *name; } units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" },
	};
	uint64_t now_s = (uint64_t)(clock_us() / 1000000), age = now_s > since_s ? now_s - since_s : 0, n;
	size_t u = 0;

	while (u < 3 && age < units[u].s)
		u++;
	n = age / units[u].s;
	printf(", said %llu %s%s ago", (unsigned long long)n, units[u].name, n == 1 ? "" : "s");
}

static void
get_print(const struct known *k)
{
	if (k->state == CAP_KNOWN)
		printf("%.*s\n", (int)k->text.n, (const char *)k->text.p);
	else
		printf("%s\n", state_names[k->state & 3]);
	if (k->source == SOURCE_NONE)
		return;
	printf("from %s", capsource_name(k->source));
	if (k->since_s != 0)
		print_age(k->since_s);
	printf("\n");
}

static int
caps_get(const struct common *c, const char *addr, struct err *e)
{
	struct known k;

	if (caps_ask(c, span_str(addr), &k, e) == -1)
		return -1;
	if (c->json)
		get_print_json(addr, &k);
	else
		get_print(&k);
	return k.state == CAP_KNOWN || k.state == CAP_ANY ? 0 :
	    err_set(e, ERR_PERM, NULL, "nothing is known of %s", addr);
}

/* --- what other hosts say --- */

/* Has it asked; items holds the answer.  -1: *e, with the reason of who refused. */
static int
probe_ask(const struct common *c, struct span addr, struct buf *items, struct err *e)
{
	struct { struct msg_probe m; unsigned char addr[ENV_MAX_PATH]; } ask =
	    { .m = { .addr_len = (uint32_t)addr.n } };
	union { struct msg_inquired m; struct msg_refused no; } reply;
	int sock, fds[MSG_FDS], r;
	size_t len;

	if (addr.n == 0 || addr.n > sizeof ask.addr)
		return err_set(e, ERR_PERM, NULL, "an address of %zu octets", addr.n);
	memcpy(ask.addr, addr.p, addr.n);
	if ((sock = control_connect(&c->home, e)) == -1)
		return -1;
	r = control_call_fds(sock, &ask.m.h, MSG_PROBE, sizeof ask.m + addr.n, -1, PROBE_WAIT_MS, &reply, sizeof reply,
	    &len, fds, e);
	close(sock);
	if (r == -1)
		return -1;
	r = inquiry_of_packet(&reply.m, len, fds[0], items, e);
	ipc_close_fds(fds, MSG_FDS);
	return r;
}

static void
probe_print(const struct common *c, const char *addr, const struct known *k, const struct inquiry_caps *said)
{
	if (!c->json) {
		get_print(k);
		if (k->state == CAP_KNOWN) {
			printf("said by ");
			queue_print_safe(said->hop);
			printf("\n");
		}
		return;
	}
	printf("{\"address\":");
	json_string(stdout, span_str(addr));
	printf(",\"state\":\"%s\",\"expression\":", state_names[k->state & 3]);
	json_string(stdout, k->text);
	printf(",\"source\":\"%s\",\"hop\":", capsource_name(k->source));
	json_string(stdout, said->hop);
	printf(",\"why\":");
	json_string(stdout, said->why);
	printf("}\n");
}

/* Prints what was said, an expression as it would be kept.  -1: it is none, or there is none: *e says why. */
static int
probe_judge(const struct common *c, const char *addr, const struct inquiry_caps *said, struct err *e)
{
	struct known k = { .state = said->state, .source = said->state == CAP_KNOWN ? SOURCE_PROBE : SOURCE_NONE };
	enum err_kind kind = said->state == CAP_TEMP ? ERR_TEMP : ERR_PERM;
	struct buf text;
	char why[150];
	int r = 0;

	buf_init(&text, MSG_MAX);
	if (k.state == CAP_KNOWN && (r = capsdb_expression(said->text, &text, e)) == -1)
		(void)err_in(e, "%s", addr);
	k.text = buf_view(&text);
	if (r == 0)
		probe_print(c, addr, &k, said);
	span_text(said->why, why, sizeof why);
	if (r == 0 && k.state != CAP_KNOWN)
		r = err_set(e, kind, NULL, "nothing is known of %s: %s", addr, why);
	buf_free(&text);
	return r;
}

/* What the hosts of the domain's SRV records say now; nothing of it is kept. */
static int
caps_probe(const struct common *c, const char *addr, struct err *e)
{
	struct inquiry_caps said;
	struct buf items;
	int r;

	buf_init(&items, INQUIRY_MAX);
	r = probe_ask(c, span_str(addr), &items, e);
	if (r == 0)
		r = inquiry_caps(buf_view(&items), &said, e);
	if (r == 0)
		r = probe_judge(c, addr, &said, e);
	buf_free(&items);
	return r;
}

/* fate: what becomes of the message; key: how; detail: lines that say why. */
static void
test_print(const struct common *c, const char *fate, struct span key, struct span detail)
{
	if (!c->json) {
		printf("%s%s%.*s\n%.*s", fate, key.n > 0 ? ": " : "", (int)key.n, (const char *)key.p,
		    (int)detail.n, (const char *)detail.p);
		return;
	}
	printf("{\"fate\":\"%s\",\"key\":", fate);
	json_string(stdout, key);
	printf(",\"detail\":");
	json_string(stdout, detail);
	printf("}\n");
}

/* Does this message fit what the address takes? */
static int
caps_test(const struct common *c, const char *addr, const char *path, struct err *e)
{
	static const char *const fates[] = { "fits", "is converted", "does not fit" };
	static const uint8_t wish = WISH_CONPERM;
	struct converter_message m = { .fd = -1, .id = "0000000000000000" };
	struct converter_plan plan;
	struct own_converter own = OWN_CONVERTER;
	struct buf in, message;
	struct known k;
	int r;

	if (caps_ask(c, span_str(addr), &k, e) == -1)
		return -1;
	if (k.state != CAP_KNOWN) {
		test_print(c, k.state == CAP_ANY ? "fits" : "unknown", span_str(k.state == CAP_ANY ? "any" : ""),
		    span_str(""));
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
		r = converter_ask_plan(own.sock, &m, 0, &k.text, &wish, 1, &plan, e);
		own_converter_end(&own);
	}
	if (r == 0) {
		const struct plan_verdict *v = &plan.plan.verdict[0];

		test_print(c, fates[v->fate % 3], v->key, v->detail);
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

/* --- import --- */

static int
compare_keys(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return r != 0 ? r : x->n < y->n ? -1 : x->n > y->n;
}

/* The keys of all lines, sorted; they point into keys. */
static int
import_keys(struct span text, struct buf *keys, struct span **out, size_t *n, struct err *e)
{
	struct span rest = text, line;
	struct buf key;
	size_t lines = 0, at = 0;
	int r = 0;

	buf_init(&key, 2 * ENV_MAX_PATH);
	*n = 0;
	while (r != -1 && span_line(&rest, &line)) {
		lines++;
		if ((r = capsdb_line(line, &key, e)) == -1)
			(void)err_in(e, "line %zu", lines);
		if (r == 1 && (buf_add_u32le(keys, (uint32_t)key.n, e) == -1 ||
		    buf_add(keys, buf_view(&key), e) == -1))
			r = -1;
		*n += r == 1;
	}
	buf_free(&key);
	if (r == -1)
		return -1;
	if ((*out = calloc(*n + 1, sizeof **out)) == NULL)
		return err_sys(e, "import");
	for (size_t i = 0; i < *n; i++) {
		size_t len = keys->p[at] | (size_t)keys->p[at + 1] << 8;

		(*out)[i] = span_of(keys->p + at + 4, len);
		at += 4 + len;
	}
	qsort(*out, *n, sizeof **out, compare_keys);
	return 0;
}

/* Whole, with a NUL too: what is wrong is found by whom the lines are for. */
static int
add_line(struct span line, struct buf *out, struct err *e)
{
	return buf_add(out, line, e) == -1 ? -1 : buf_add_byte(out, '\n', e);
}

/* The old lines, but those whose address has a new one, and the new lines behind them. */
static int
import_merge(struct span old, struct span text, const struct span *keys, size_t n, struct buf *out,
    size_t *replaced, struct err *e)
{
	struct span line, rest = old;
	struct buf key;
	int r = 0;

	buf_init(&key, 2 * ENV_MAX_PATH);
	while (r == 0 && span_line(&rest, &line)) {
		struct err unreadable;
		struct span now;

		if (capsdb_line(line, &key, &unreadable) == 1) {
			now = buf_view(&key);
			if (bsearch(&now, keys, n, sizeof *keys, compare_keys) != NULL) {
				++*replaced;
				continue;
			}
		}
		r = add_line(line, out, e);
	}
	buf_free(&key);
	while (r == 0 && span_line(&text, &line))
		r = add_line(line, out, e);
	return r;
}

static int
caps_import(const struct common *c, const char *file, struct err *e)
{
	static struct conf conf;
	struct buf text, old, keys, merged;
	struct span *key = NULL;
	size_t n = 0, replaced = 0;
	char path[640];
	int r;

	buf_init(&text, CAPS_TEXT);
	buf_init(&old, CAPS_TEXT);
	buf_init(&keys, 2 * CAPS_TEXT);
	buf_init(&merged, CAPS_TEXT);
	snprintf(path, sizeof path, "%s/caps", c->home.control);
	r = cmd_read_file(file, &text, e);
	if (r == 0 && access(path, F_OK) == 0)
		r = cmd_read_file(path, &old, e);
	if (r == 0)
		r = import_keys(buf_view(&text), &keys, &key, &n, e);
	if (r == 0)
		r = import_merge(buf_view(&old), buf_view(&text), key, n, &merged, &replaced, e);
	if (r == 0 && (r = conf_init(&conf, e)) == 0)
		r = cmd_write_setting(&c->home, &conf, CONF_CAPS, buf_view(&merged), e);
	if (r == 0)
		r = caps_build(c, e);
	if (r == 0)
		printf(c->json ? "{\"imported\":%zu,\"replaced\":%zu}\n" :
		    "%zu addresses imported, %zu of them had a line before\n", n, replaced);
	free(key);
	buf_free(&text);
	buf_free(&old);
	buf_free(&keys);
	buf_free(&merged);
	return r;
}

/* --- set and purge --- */

/* Tells the running instance, which alone keeps these; m has all but the lengths. */
static int
tell_running(const struct common *c, struct msg_cap_set m, struct span addr, struct span text, struct err *e)
{
	struct msg_refused reply;	/* the longest answer */
	struct buf packet;
	size_t len;
	int sock, r;

	if (addr.n > ENV_MAX_PATH)
		return err_set(e, ERR_PERM, NULL, "an address of %zu octets", addr.n);
	m.addr_len = (uint32_t)addr.n;
	m.len = (uint32_t)text.n;
	buf_init(&packet, MSG_MAX);
	r = buf_add(&packet, span_of(&m, sizeof m), e);
	if (r == 0)
		r = buf_add(&packet, addr, e);
	if (r == 0)
		r = buf_add(&packet, text, e);
	if (r == 0 && (r = sock = control_connect(&c->home, e)) != -1) {
		r = control_call(sock, (struct msg_hdr *)(void *)packet.p, MSG_CAP_SET, packet.n, -1, &reply,
		    sizeof reply, &len, e);
		close(sock);
	}
	buf_free(&packet);
	return r;
}

static int
caps_set(const struct common *c, const char *addr, const char *text, uint32_t ttl_s, struct err *e)
{
	struct msg_cap_set m = { .source = SOURCE_OWN, .state = CAP_KNOWN, .ttl_s = ttl_s };

	if (strcmp(text, "any") == 0)
		m.state = CAP_ANY;
	if (strcmp(text, "none") == 0)
		m.state = CAP_NONE;
	return tell_running(c, m, span_str(addr), span_str(m.state == CAP_KNOWN ? text : ""), e);
}

/* addr "": of every address. */
static int
caps_purge(const struct common *c, const char *addr, struct err *e)
{
	struct msg_cap_set m = { .source = SOURCE_NONE, .state = CAP_NONE };

	return tell_running(c, m, span_str(addr), span_str(""), e);
}

/* "ADDRESS EXPRESSION [--ttl SECONDS]", the option anywhere.  1: wrong usage. */
static int
verb_set(const struct common *c, int argc, char **argv, struct err *e)
{
	const char *word[2];
	uint64_t ttl_s = 0;
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--ttl") == 0) {
			if (++i == argc || !span_u64(span_str(argv[i]), UINT32_MAX, &ttl_s) || ttl_s == 0)
				return 1;
		} else if (argv[i][0] == '-' || n == 2) {
			return 1;
		} else {
			word[n++] = argv[i];
		}
	}
	return n < 2 || word[0][0] == '\0' ? 1 : caps_set(c, word[0], word[1], (uint32_t)ttl_s, e);
}

/* "ADDRESS..." or "--all". */
static int
verb_purge(const struct common *c, int argc, char **argv, struct err *e)
{
	int r = 0;

	if (argc == 1 && strcmp(argv[0], "--all") == 0)
		return caps_purge(c, "", e);
	for (int i = 0; i < argc; i++)
		if (argv[i][0] == '-' || argv[i][0] == '\0')
			return 1;
	for (int i = 0; i < argc; i++)
		r = caps_purge(c, argv[i], e) == -1 ? -1 : r;
	return r;
}

int
verb_caps(struct common *c, int argc, char **argv)
{
	struct err e = { 0 };
	int r = 0;

	if (argc == 2 && strcmp(argv[1], "build") == 0)
		r = caps_build(c, &e);
	else if (argc >= 3 && strcmp(argv[1], "get") == 0)
		for (int i = 2; i < argc; i++)
			r = caps_get(c, argv[i], &e) == -1 ? -1 : r;
	else if (argc >= 3 && strcmp(argv[1], "probe") == 0)
		for (int i = 2; i < argc; i++)
			r = caps_probe(c, argv[i], &e) == -1 ? -1 : r;
	else if (argc == 4 && strcmp(argv[1], "test") == 0)
		r = caps_test(c, argv[2], argv[3], &e);
	else if (argc == 3 && strcmp(argv[1], "import") == 0)
		r = caps_import(c, argv[2], &e);
	else if (argc >= 3 && strcmp(argv[1], "set") == 0)
		r = verb_set(c, argc - 2, argv + 2, &e);
	else if (argc >= 3 && strcmp(argv[1], "purge") == 0)
		r = verb_purge(c, argc - 2, argv + 2, &e);
	else
		r = 1;
	if (r == 1)
		return cmd_usage(usage);
	return r == -1 ? cmd_fail(&e) : EXIT_DONE;
}
