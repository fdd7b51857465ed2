/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/qlist.c - accord queue list, and its counts. */
#include <stdlib.h>

#include "cmd/queue.h"
#include "lib/clock.h"
#include "lib/route.h"

struct lister {
	uint32_t bad;			/* first: queue_note_bad counts here */
	struct queue_call *q;
	uint64_t messages, recipients, octets;
};

static void
print_time(uint64_t us)
{
	char at[40];

	clock_iso((int64_t)us, at, sizeof at);
	fputs(at, stdout);
}

static void
print_json(struct lister *l, const struct qitem *m)
{
	bool first = true;

	printf("{\"id\":\"%s\",\"size\":%llu,\"arrival\":\"", m->id, (unsigned long long)m->file.msg_len);
	print_time(m->env.arrival_us);
	fputs("\",\"sender\":", stdout);
	json_string(stdout, m->env.sender);
	fputs(",\"recipients\":[", stdout);
	for (uint32_t i = 0; i < m->env.nrcpt; i++) {
		const struct slot *s = &m->slots[i];

		if (!select_slot(&l->q->select, m, i))
			continue;
		fputs(first ? "{\"address\":" : ",{\"address\":", stdout);
		first = false;
		json_string(stdout, m->env.rcpt[i].addr);
		printf(",\"state\":\"%s\",\"attempts\":%u,\"next\":", select_state_name(select_state(s)),
		    s->attempts);
		if (s->next_us == 0) {
			fputs("null", stdout);
		} else {
			putchar('"');
			print_time(s->next_us);
			putchar('"');
		}
		printf(",\"code\":%u,\"last_reply\":", s->code);
		json_string(stdout, span_str(s->text));
		putchar('}');
	}
	fputs("]}\n", stdout);
}

static void
print_text(struct lister *l, const struct qitem *m)
{
	if (l->messages == 1)
		printf("%-16s %10s  %-24s  %s\n", "ID", "SIZE", "ARRIVAL", "SENDER, RECIPIENTS");
	printf("%s %10llu  ", m->id, (unsigned long long)m->file.msg_len);
	print_time(m->env.arrival_us);
	fputs("  <", stdout);
	queue_print_safe(m->env.sender);
	printf(">%s\n", m->env.conperm ? " CONPERM" : "");
	for (uint32_t i = 0; i < m->env.nrcpt; i++) {
		const struct slot *s = &m->slots[i];
		enum select_state state = select_state(s);

		if (!select_slot(&l->q->select, m, i))
			continue;
		printf("    %-9s %3u  <", select_state_name(state), s->attempts);
		queue_print_safe(m->env.rcpt[i].addr);
		putchar('>');
		if (state == SELECT_DEFERRED && s->next_us > 0) {
			fputs(" next ", stdout);
			print_time(s->next_us);
		}
		putchar('\n');
		if (s->text[0] != '\0') {
			fputs(s->code != 0 ? "        " : "        this machine: ", stdout);
			queue_print_safe(span_str(s->text));
			putchar('\n');
		}
	}
}

static int
list_each(void *arg, const struct qitem *m, struct err *e)
{
	struct lister *l = arg;

	(void)e;
	if (!select_message(&l->q->select, m))
		return 0;
	l->messages++;
	l->octets += m->file.msg_len;
	for (uint32_t i = 0; i < m->env.nrcpt; i++)
		l->recipients += select_slot(&l->q->select, m, i);
	if (l->q->count)
		return 0;
	if (l->q->common->json)
		print_json(l, m);
	else
		print_text(l, m);
	if (l->messages == 1)
		fflush(stdout);		/* who looks sees at once that it goes on */
	return ferror(stdout) != 0;
}

static void
list_end(const struct lister *l)
{
	unsigned long long n = l->messages, r = l->recipients, o = l->octets;

	if (l->q->count && l->q->common->json)
		printf("{\"messages\":%llu,\"recipients\":%llu,\"octets\":%llu}\n", n, r, o);
	else if (l->q->mailq && !l->q->common->json)	/* monitors of other mail systems look for it */
		n == 0 ? printf("Mail queue is empty\n") :
		    printf("-- %llu Kbytes in %llu Request%s.\n", (o + 1023) / 1024, n, n == 1 ? "" : "s");
	else if (l->q->count || (!l->q->common->json && n > 0))
		printf("%llu message%s, %llu recipient%s, %llu octets\n", n, n == 1 ? "" : "s", r,
		    r == 1 ? "" : "s", o);
}

int
queue_list(struct queue_call *q)
{
	struct lister l = { .q = q };
	struct qwalk w = { .each = list_each, .bad = queue_note_bad, .arg = &l };
	struct err e = { 0 };
	uint32_t missing;

	if (q->summary)
		return queue_summary(q);
	if (queue_walk(q, &w, &missing, &e) == -1)
		return cmd_fail(&e);
	list_end(&l);
	return l.bad > 0 || missing > 0 ? EXIT_NO : EXIT_DONE;
}

/* --- by destination and age, as Postfix's qshape has it --- */

struct row { char *dest; uint64_t n, age[SUMMARY_AGES]; };

struct summary {
	uint32_t bad;
	struct queue_call *q;
	struct row *row;		/* a hash table, open; the last is for what found no room */
	size_t cap, n;
	struct row others, all;
};

static void
row_add(struct row *r, uint64_t age_us)
{
	size_t i = 0;

	for (uint64_t minutes = 5; i < SUMMARY_AGES - 1 && age_us >= minutes * 60000000; minutes *= 2)
		i++;
	r->n++;
	r->age[i]++;
}

static struct row *
row_find(struct row *t, size_t cap, const char *dest)
{
	size_t at = crc32c(0, dest, strlen(dest)) & (cap - 1);

	while (t[at].dest != NULL && strcmp(t[at].dest, dest) != 0)
		at = (at + 1) & (cap - 1);
	return &t[at];
}

static int
rows_grow(struct summary *s, struct err *e)
{
	size_t cap = s->cap == 0 ? 64 : s->cap * 2;
	struct row *t = calloc(cap, sizeof *t);

	if (t == NULL)
		return err_sys(e, "summary");
	for (size_t i = 0; i < s->cap; i++)
		if (s->row[i].dest != NULL)
			*row_find(t, cap, s->row[i].dest) = s->row[i];
	free(s->row);
	s->row = t;
	s->cap = cap;
	return 0;
}

static int
row_of(struct summary *s, const char *dest, struct row **out, struct err *e)
{
	if (s->n * 2 >= s->cap && rows_grow(s, e) == -1)
		return -1;
	*out = row_find(s->row, s->cap, dest);
	if ((*out)->dest != NULL)
		return 0;
	if (s->n == SUMMARY_DESTS) {
		*out = &s->others;
		return 0;
	}
	if (((*out)->dest = strdup(dest)) == NULL)
		return err_sys(e, "summary");
	s->n++;
	return 0;
}

static int
summary_each(void *arg, const struct qitem *m, struct err *e)
{
	struct summary *s = arg;
	uint64_t age = s->q->now_us > m->env.arrival_us ? s->q->now_us - m->env.arrival_us : 0;

	if (!select_message(&s->q->select, m))
		return 0;
	for (uint32_t i = 0; i < m->env.nrcpt; i++) {
		char dest[ROUTE_MAX];
		struct row *r;

		if (slot_final(m->slots[i].state) || !select_slot(&s->q->select, m, i))
			continue;
		route_of(s->q->select.conf, m->env.rcpt[i].addr, dest);
		if (row_of(s, dest, &r, e) == -1)
			return -1;
		row_add(r, age);
		row_add(&s->all, age);
	}
	return 0;
}

/* Most first. */
static int
compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->dest == NULL || y->dest == NULL)
		return (x->dest == NULL) - (y->dest == NULL);
	return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->dest, y->dest);
}

static void
row_print(const struct row *r, const char *name, bool json)
{
	if (json) {
		printf("{\"destination\":");
		json_string(stdout, span_str(name));
		printf(",\"recipients\":%llu,\"ages\":{", (unsigned long long)r->n);
	} else {
		queue_print_safe(span_str(name));
		printf("%*s %7llu", strlen(name) < 30 ? 30 - (int)strlen(name) : 0, "",
		    (unsigned long long)r->n);
	}
	for (unsigned i = 0, minutes = 5; i < SUMMARY_AGES; i++, minutes *= i < SUMMARY_AGES - 1 ? 2 : 1) {
		if (!json)
			printf(" %6llu", (unsigned long long)r->age[i]);
		else
			printf("%s\"%u%s\":%llu", i > 0 ? "," : "", minutes, i == SUMMARY_AGES - 1 ? "+" : "",
			    (unsigned long long)r->age[i]);
	}
	printf(json ? "}}\n" : "\n");
}

static void
summary_print(struct summary *s)
{
	bool json = s->q->common->json;

	if (s->cap > 0)
		qsort(s->row, s->cap, sizeof *s->row, compare_rows);
	if (!json) {
		printf("%-30s %7s", "destination; minutes <", "all");
		for (unsigned i = 0, minutes = 5; i < SUMMARY_AGES - 1; i++, minutes *= 2)
			printf(" %6u", minutes);
		printf(" %6s\n", "more");
		row_print(&s->all, "all", false);
	}
	for (size_t i = 0; i < s->n; i++)
		row_print(&s->row[i], s->row[i].dest, json);
	if (s->others.n > 0)
		row_print(&s->others, "(others)", json);
}

int
queue_summary(struct queue_call *q)
{
	struct summary s = { .q = q };
	struct qwalk w = { .each = summary_each, .bad = queue_note_bad, .arg = &s };
	struct err e = { 0 };
	uint32_t missing = 0;
	int r = queue_walk(q, &w, &missing, &e);

	if (r == 0)
		summary_print(&s);
	for (size_t i = 0; i < s.cap; i++)
		free(s.row[i].dest);
	free(s.row);
	if (r == -1)
		return cmd_fail(&e);
	return s.bad > 0 || missing > 0 ? EXIT_NO : EXIT_DONE;
}
