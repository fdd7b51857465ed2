/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/inquiry.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fileio.h"

struct item { uint32_t what, len; };	/* octets follow */

static const char *const names[INQUIRY_WHATS] = {
	[INQUIRY_RESOLVED] = "resolved", [INQUIRY_HOST] = "host", [INQUIRY_NO_ADDRESS] = "no-address",
	[INQUIRY_TRIES] = "tries", [INQUIRY_FAILED] = "failed", [INQUIRY_SAID] = "said",
	[INQUIRY_HEARD] = "heard", [INQUIRY_OFFERS] = "offers", [INQUIRY_MAIL_ROW] = "mail-row",
	[INQUIRY_MAILBOX] = "mailbox", [INQUIRY_CAPABILITIES] = "capabilities",
	[INQUIRY_SOURCE] = "source", [INQUIRY_TAKES] = "takes", [INQUIRY_WISH] = "wish",
	[INQUIRY_FATE] = "fate", [INQUIRY_PLAN] = "plan", [INQUIRY_ROW] = "row",
	[INQUIRY_BATCH] = "batch", [INQUIRY_FORM] = "form", [INQUIRY_OUTCOME] = "outcome",
	[INQUIRY_STATUS] = "status", [INQUIRY_WHY] = "why", [INQUIRY_CUT] = "cut",
	[INQUIRY_SECURED] = "secured"
};

const char *
inquiry_name(enum inquiry_what w)
{
	return names[w];
}

void
inquiry_init(struct inquiry *q)
{
	q->cut = false;
	buf_init(&q->items, INQUIRY_MAX);
}

void
inquiry_free(struct inquiry *q)
{
	buf_free(&q->items);
}

static int
item_add(struct buf *b, enum inquiry_what what, struct span before, struct span value)
{
	struct item i = { (uint32_t)what, (uint32_t)(before.n + value.n) };
	struct err ignored;		/* then it is cut */
	size_t n = b->n;

	if (buf_add(b, span_of(&i, sizeof i), &ignored) == 0 && buf_add(b, before, &ignored) == 0 &&
	    buf_add(b, value, &ignored) == 0)
		return 0;
	b->n = n;
	return -1;
}

void
inquiry_tell_with(struct inquiry *q, enum inquiry_what what, const char *before, struct span value)
{
	struct span first = span_str(before);

	if (q == NULL || q->cut)
		return;
	value = span_sub(value, 0, INQUIRY_VALUE - first.n);
	/* room for the word that there is no more */
	q->cut = q->items.n + 2 * sizeof(struct item) + first.n + value.n > INQUIRY_MAX ||
	    item_add(&q->items, what, first, value) == -1;
	if (q->cut)
		(void)item_add(&q->items, INQUIRY_CUT, span_of(NULL, 0), span_of(NULL, 0));
}

void
inquiry_tell(struct inquiry *q, enum inquiry_what what, struct span value)
{
	inquiry_tell_with(q, what, "", value);
}

void
inquiry_tellf(struct inquiry *q, enum inquiry_what what, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	if (q == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n > 0)
		inquiry_tell(q, what, span_str(text));
}

void
inquiry_tell_lines(struct inquiry *q, enum inquiry_what what, struct span text)
{
	struct span line;

	while (q != NULL && span_line(&text, &line))
		inquiry_tell(q, what, line);
}

void
inquiry_tell_verdict(struct inquiry *q, const struct plan_verdict *v, enum plan_wish wish)
{
	static const char *const wishes[] = { [WISH_CONPERM] = "conperm", [WISH_ADVISORY] = "advisory",
	    [WISH_DRUCOF] = "drucof", [WISH_PREFER] = "prefer" };

	inquiry_tell(q, INQUIRY_WISH, span_str(wishes[wish]));
	inquiry_tell(q, INQUIRY_FATE, span_str(plan_fate_name((enum plan_fate)v->fate)));
	inquiry_tell_lines(q, INQUIRY_PLAN, v->detail);
}

void
inquiry_tell_result(struct inquiry *q, const struct rcpt_result *r)
{
	static const char *const outcomes[] = { [OUTCOME_DELIVERED] = "delivered", [OUTCOME_RELAYED] = "relayed",
	    [OUTCOME_DEFERRED] = "deferred", [OUTCOME_FAILED] = "failed" };

	inquiry_tell(q, INQUIRY_OUTCOME, span_str(outcomes[r->outcome]));
	inquiry_tell(q, INQUIRY_STATUS, span_str(r->dsn));
	inquiry_tell(q, INQUIRY_WHY, span_str(r->text));
}

int
inquiry_seal(const struct inquiry *q, struct err *e)
{
	int fd = memfd_create("inquiry", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return err_sys(e, "inquiry");
	if (fileio_write(fd, buf_view(&q->items), e) == 0) {
		if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
			return fd;
		err_sys(e, "inquiry");
	}
	close(fd);
	return -1;
}

int
inquiry_read(int fd, uint64_t len, struct buf *out, struct err *e)
{
	const int need = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals == -1 || (seals & need) != need || fstat(fd, &st) == -1 || (uint64_t)st.st_size != len ||
	    len > INQUIRY_MAX)
		return err_set(e, ERR_PROTO, NULL, "an inquiry's answer of %llu octets", (unsigned long long)len);
	return fileio_read(fd, out, e);
}

int
inquiry_of_packet(struct msg_inquired *m, size_t len, int fd, struct buf *items, struct err *e)
{
	if (m->h.type != MSG_INQUIRED || len != sizeof *m)
		return err_set(e, ERR_PROTO, NULL, "an answer of %zu octets", len);
	m->dsn[sizeof m->dsn - 1] = m->what[sizeof m->what - 1] = '\0';
	m->route[sizeof m->route - 1] = m->options[sizeof m->options - 1] = '\0';
	if (m->kind != ERR_NONE)
		return err_set(e, m->kind == ERR_PERM ? ERR_PERM : ERR_TEMP, m->dsn, "%s (%s)", m->what, m->dsn);
	return inquiry_read(fd, m->len, items, e);
}

int
inquiry_next(struct span *rest, enum inquiry_what *what, struct span *value, struct err *e)
{
	struct item i;

	if (rest->n == 0)
		return 0;
	if (rest->n < sizeof i)
		return err_set(e, ERR_PROTO, NULL, "an inquiry's answer, cut short");
	memcpy(&i, rest->p, sizeof i);
	if (i.what == 0 || i.what >= INQUIRY_WHATS || i.len > rest->n - sizeof i || i.len > INQUIRY_VALUE)
		return err_set(e, ERR_PROTO, NULL, "an inquiry's answer: item %u of %u octets", i.what, i.len);
	*what = (enum inquiry_what)i.what;
	*value = span_sub(*rest, sizeof i, sizeof i + i.len);
	*rest = span_sub(*rest, sizeof i + i.len, rest->n);
	return 1;
}

int
inquiry_caps(struct span items, struct inquiry_caps *out, struct err *e)
{
	struct span last[INQUIRY_WHATS], value;
	enum inquiry_what what;
	int r;

	memset(last, 0, sizeof last);
	while ((r = inquiry_next(&items, &what, &value, e)) == 1) {
		last[what] = value;
		if (what == INQUIRY_CAPABILITIES)	/* asked again: of the list before nothing is left */
			last[INQUIRY_TAKES] = span_of(NULL, 0);
	}
	*out = (struct inquiry_caps){ CAP_NONE, last[INQUIRY_TAKES], last[INQUIRY_TRIES], last[INQUIRY_WHY] };
	if (span_is(last[INQUIRY_CAPABILITIES], "given") && out->text.n > 0)
		out->state = CAP_KNOWN;
	else if (span_is(last[INQUIRY_CAPABILITIES], "not-now") || span_is(last[INQUIRY_OUTCOME], "deferred"))
		out->state = CAP_TEMP;
	return r;
}
