/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/stat.c - accord stat: live figures, for people, as JSON, or for Prometheus; accord reload. */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/client.h"
#include "lib/figure.h"

enum { FIGURES_MAX = 2048 };	/* lines of one answer */
enum format { FOR_PEOPLE, FOR_JSON, FOR_PROMETHEUS };

struct figures { struct figure f[FIGURES_MAX]; size_t n; };

/* By name, and in the order they came. */
static int
by_name(const void *a, const void *b)
{
	const struct figure *x = a, *y = b;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int r = memcmp(x->name.p, y->name.p, n);

	if (r != 0 || x->name.n != y->name.n)
		return r != 0 ? r : x->name.n < y->name.n ? -1 : 1;
	return x->name.p < y->name.p ? -1 : 1;	/* views into one text */
}

static void
figures_read(struct figures *all, struct span text)
{
	struct span line;

	while (all->n < FIGURES_MAX && span_line(&text, &line))
		if (figure_read(line, &all->f[all->n]))
			all->n++;
	qsort(all->f, all->n, sizeof *all->f, by_name);
}

/* What a quoted text stands for, at most cap octets of it. */
static struct span
unquote(struct span s, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < cap; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		out[n++] = (char)s.p[i];
	}
	return span_of(out, n);
}

static void
print_json(const struct figure *f)
{
	struct span labels = f->labels, name, text;
	const char *sep = "";
	char plain[256];

	printf("{\"name\":");
	json_string(stdout, f->name);
	printf(",\"labels\":{");
	while (figure_label(&labels, &name, &text)) {
		printf("%s", sep);
		json_string(stdout, name);
		printf(":");
		json_string(stdout, unquote(text, plain, sizeof plain));
		sep = ",";
	}
	printf("},\"value\":%llu}\n", (unsigned long long)f->value);
}

/* Text format 0.0.4: HELP and TYPE once for each name, its lines together. */
static void
print_prometheus(const struct figure *f, bool first)
{
	const struct figure_decl *d = figure_find(f->name);
	int n = (int)f->name.n;
	const char *name = (const char *)f->name.p;

	if (first && d != NULL)
		printf("# HELP %.*s %s\n", n, name, d->help);
	if (first)
		printf("# TYPE %.*s %s\n", n, name, d == NULL ? "untyped" :
		    d->type == FIGURE_COUNTER ? "counter" : "gauge");
	printf("%.*s", n, name);
	if (f->labels.n > 0)
		printf("{%.*s}", (int)f->labels.n, (const char *)f->labels.p);
	printf(" %llu\n", (unsigned long long)f->value);
}

static void
print_line(const struct figure *f)
{
	static const char prefix[] = "accord_";
	struct span name = f->name, labels = f->labels, label, text;
	char what[160], plain[100];
	size_t n;

	if (span_is(span_sub(name, 0, sizeof prefix - 1), prefix))
		name = span_sub(name, sizeof prefix - 1, name.n);
	n = (size_t)snprintf(what, sizeof what, "%.*s", (int)name.n, (const char *)name.p);
	while (figure_label(&labels, &label, &text) && n < sizeof what) {
		text = unquote(text, plain, sizeof plain);
		n += (size_t)snprintf(what + n, sizeof what - n, " (%.*s)", (int)text.n,
		    (const char *)text.p);
	}
	printf("%-50s %12llu\n", what, (unsigned long long)f->value);
}

static void
print_all(const struct figures *all, enum format format)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct figure *f = &all->f[i];

		if (format == FOR_JSON)
			print_json(f);
		else if (format == FOR_PROMETHEUS)
			print_prometheus(f, i == 0 || !span_eq(f->name, all->f[i - 1].name));
		else
			print_line(f);
	}
}

int
verb_stat(struct common *c, int argc, char **argv)
{
	static _Alignas(8) unsigned char reply[MSG_MAX];
	static struct figures all;
	enum format format = c->json ? FOR_JSON : FOR_PEOPLE;
	const struct msg_hdr *h = (const struct msg_hdr *)(const void *)reply;
	struct msg_hdr ask;
	struct err e = { 0 };
	size_t len;
	int sock, r;

	if (argc == 2 && !c->json && strcmp(argv[1], "--prometheus") == 0)
		format = FOR_PROMETHEUS;
	else if (argc != 1)
		return cmd_usage("accord stat [-H HOME] [--json | --prometheus]");
	if ((sock = control_connect(&c->home, &e)) == -1)
		return cmd_fail(&e);
	r = control_call(sock, &ask, MSG_STATS, sizeof ask, -1, reply, sizeof reply, &len, &e);
	close(sock);
	if (r == 0 && h->type != MSG_FIGURES)
		r = err_set(&e, ERR_PROTO, NULL, "control: an answer of type %u", h->type);
	if (r == -1)
		return cmd_fail(&e);
	figures_read(&all, span_of(reply + sizeof *h, len - sizeof *h));
	print_all(&all, format);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_NO;
}

/* --- accord reload --- */

int
cmd_reload(const struct home *h, char notes[1024], struct err *e)
{
	union { struct msg_reloaded m; struct msg_refused no; } reply;
	struct msg_hdr ask;
	size_t len;
	int sock = control_connect(h, e), r;

	_Static_assert(sizeof reply.m.text == 1024, "notes take it whole");
	if (sock == -1)
		return -1;
	r = control_call(sock, &ask, MSG_RELOAD, sizeof ask, -1, &reply, sizeof reply, &len, e);
	close(sock);
	if (r == -1)
		return -1;
	if (reply.m.h.type != MSG_RELOADED || len != sizeof reply.m)
		return err_set(e, ERR_PROTO, NULL, "control: an answer of %zu octets", len);
	reply.m.text[sizeof reply.m.text - 1] = '\0';
	if (reply.m.kind != ERR_NONE)
		return err_set(e, reply.m.kind == ERR_TEMP ? ERR_TEMP : ERR_PERM, NULL, "%s; the settings in force are as "
		    "they were", reply.m.text);
	memcpy(notes, reply.m.text, sizeof reply.m.text);
	return 0;
}

int
verb_reload(struct common *c, int argc, char **argv)
{
	char notes[1024];
	struct err e = { 0 };

	(void)argv;
	if (argc != 1)
		return cmd_usage("accord reload [-H HOME]");
	if (cmd_reload(&c->home, notes, &e) == -1)
		return cmd_fail(&e);
	printf("accord: the settings are in force%s%s\n", notes[0] != '\0' ? "; " : "", notes);
	return EXIT_DONE;
}
