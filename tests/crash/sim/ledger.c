/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "tests/crash/sim/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOMENTS = 1 << 20, LINE = 1024 };

int
ledger_text(uint32_t number, struct buf *out, struct err *e)
{
	static const unsigned lines[] = { 1, 6, 14, 30, 60, 17, 18, 110 };
	unsigned n = number % 64 == 5 ? 900 : lines[number % 8];

	if (buf_addf(out, e, "X-Number: %u\r\nSubject: a message\r\n\r\n", number) == -1)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (buf_addf(out, e, "%08u %08u %08x\r\n", number, i, number * 2654435761u + i * 40503u) == -1)
			return -1;
	return 0;
}

uint32_t
ledger_rcpts(uint32_t number)
{
	return 1 + number % 3;
}

void
ledger_rcpt(uint32_t number, uint32_t i, char out[LEDGER_ADDR])
{
	static const char *const domains[] = { "ok.example", "ok.example", "later.example", "bad.example",
	    "ok.example", "gateway.example", "later.example", "ok.example", "bad.example", "never.example" };

	snprintf(out, LEDGER_ADDR, "n%u.%u@%s", number, i, domains[(number * 7 / 3 + i * 3) % 10]);
}

bool
ledger_named(struct span addr, uint32_t *number, uint32_t *i)
{
	char text[LEDGER_ADDR];

	if (addr.n >= sizeof text)
		return false;
	memcpy(text, addr.p, addr.n);
	text[addr.n] = '\0';
	return sscanf(text, "n%u.%u@", number, i) == 2 && *number < LEDGER_MAX && *i < LEDGER_RCPTS;
}

static int
take_message(struct ledger *l, uint32_t number, char state, const char *rest)
{
	struct truth *t = &l->of[number];
	char rcpts[LINE];
	uint64_t dot, ack;
	char *at = rcpts;

	t->state = state;
	t->dot = t->ack = UINT64_MAX;
	if (number >= l->nmessage)
		l->nmessage = number + 1;
	if (state != 'M')
		return 0;
	if (sscanf(rest, "%" SCNu64 " %" SCNu64 " %900s", &dot, &ack, rcpts) != 3)
		return -1;
	t->dot = dot;
	t->ack = ack == 0 ? UINT64_MAX : ack;
	for (char *word; (word = strsep(&at, ",")) != NULL && t->nrcpt < LEDGER_RCPTS;)
		snprintf(t->rcpt[t->nrcpt++].addr, LEDGER_ADDR, "%s", word);
	return 0;
}

/* Of a recipient; its message may be noted later. */
static int
take_fate(struct ledger *l, char kind, const char *rest)
{
	char addr[LEDGER_ADDR];
	uint32_t number, i;
	uint64_t at, *to;

	if (sscanf(rest, "%63s %" SCNu64, addr, &at) != 2 || !ledger_named(span_str(addr), &number, &i))
		return -1;
	to = kind == 'H' ? &l->of[number].rcpt[i].handed : kind == 'B' ? &l->of[number].rcpt[i].reported :
	    &l->of[number].rcpt[i].removed;
	*to = at < *to ? at : *to;
	return 0;
}

static int
take_line(struct ledger *l, const char *line)
{
	const char *rest = line + 2;
	unsigned number;
	int at = 0;

	switch (line[0]) {
	case 'D':
		return sscanf(rest, "%" SCNu64, &l->root) == 1 ? 0 : -1;
	case 'T':
		return l->nmoment < MOMENTS && sscanf(rest, "%" SCNu64 " %" SCNd64, &l->moment[l->nmoment].number,
		    &l->moment[l->nmoment].ms) == 2 ? (l->nmoment++, 0) : -1;
	case 'K':
		return l->nkill < LEDGER_KILLS && sscanf(rest, "%" SCNu64, &l->kill[l->nkill]) == 1 ?
		    (l->nkill++, 0) : -1;
	case 'M':
	case 'A':
	case 'R':
		return sscanf(rest, "%u%n", &number, &at) == 1 && number < LEDGER_MAX ?
		    take_message(l, number, line[0], rest + at) : -1;
	case 'H':
	case 'B':
	case 'X':
		return take_fate(l, line[0], rest);
	}
	return -1;
}

int
ledger_open(struct ledger *l, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	char line[LINE];
	int r = 0;

	*l = (struct ledger){ .of = calloc(LEDGER_MAX, sizeof *l->of),
	    .moment = malloc(MOMENTS * sizeof *l->moment) };
	if (f == NULL || l->of == NULL || l->moment == NULL)
		r = err_sys(e, "%s", path);
	for (size_t i = 0; r == 0 && i < LEDGER_MAX; i++)
		for (size_t k = 0; k < LEDGER_RCPTS; k++)
			l->of[i].rcpt[k].handed = l->of[i].rcpt[k].reported = l->of[i].rcpt[k].removed = UINT64_MAX;
	while (r == 0 && fgets(line, sizeof line, f) != NULL)
		if (take_line(l, line) == -1)
			r = err_set(e, ERR_PERM, NULL, "%s: %.80s", path, line);
	if (f != NULL)
		fclose(f);
	if (r == 0 && (l->root == 0 || l->nmoment == 0))
		r = err_set(e, ERR_PERM, NULL, "%s: not whole", path);
	if (r == -1)
		ledger_close(l);
	return r;
}

void
ledger_close(struct ledger *l)
{
	free(l->of);
	free(l->moment);
	*l = (struct ledger){ .of = NULL };
}

int64_t
ledger_before(const struct ledger *l, uint64_t number)
{
	size_t lo = 0, hi = l->nmoment;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		*(l->moment[mid].number <= number ? &lo : &hi) = mid;
	}
	return l->moment[lo].ms;
}

int64_t
ledger_after(const struct ledger *l, uint64_t number)
{
	for (size_t lo = 0, hi = l->nmoment, mid; ; ) {
		if (lo == hi)
			return l->moment[lo < l->nmoment ? lo : l->nmoment - 1].ms;
		mid = lo + (hi - lo) / 2;
		if (l->moment[mid].number >= number)
			hi = mid;
		else
			lo = mid + 1;
	}
}
