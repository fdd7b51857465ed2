/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "bounce/words.h"

static const struct advice advices[] = {
	{ "5.1.1", "there is no such mailbox or fax number there",
	    "Check the address." },
	{ "5.1.2", "there is no such domain, or it takes no mail",
	    "Check the part of the address behind the @." },
	{ "5.1.", "the address was not accepted", "Check the address." },
	{ "5.2.2", "the mailbox is full", "Send it again later, or ask the recipient to make room." },
	{ "5.2.3", "the message is too large for this mailbox", "Send less in one message." },
	{ "5.2.", "the mailbox does not take this message", "Ask the recipient another way." },
	{ "5.3.4", "the message is too large for the receiving system",
	    "Send less in one message." },
	{ "5.4.7", "it was given up, by the administrator or because its time ran out",
	    "Ask the postmaster of this system; send it again later." },
	{ "5.4.", "the receiving system could not be reached",
	    "Check the part of the address behind the @; send it again later." },
	{ "5.6.1", "the receiving machine cannot process this kind of content at all",
	    "Send it in another form, for instance as a black-and-white fax image (TIFF)." },
	{ "5.6.2", "the content would have to be converted, and you said that it must not be",
	    "Send it again with permission to convert, or in a form that the machine takes." },
	{ "5.6.3", "the next mail system does not take the content in this form, and can neither convert it "
	    "nor pass on what you permit or demand of it, if you do",
	    "Send it again in a simpler form, one that you know the recipient takes." },
	{ "5.6.5", "the content could not be brought into a form that the receiving machine takes, "
	    "within what you allowed", "Send it again in a form that the machine takes, or allow "
	    "more conversions." },
	{ "5.6.7", "an address has letters beyond ASCII, and the next mail system takes none",
	    "Send it to, or from, another address, one of plain letters." },
	{ "5.6.9", "the header has letters beyond ASCII, and the next mail system takes none",
	    "Send it again with names and a subject of plain letters, or from another mail program." },
	{ "5.6.", "the form of the content was not accepted",
	    "Send it again in a simpler form." },
	{ "5.7.", "the receiving system refused it for a reason of policy",
	    "Ask the recipient, or the people who run the receiving system." },
	{ "", "the receiving system did not accept it", "The answer of the other system may say more." },
};

const struct advice *
words_advice(const char *dsn)
{
	const struct advice *a = advices;

	while (strncmp(a->dsn, dsn, strlen(a->dsn)) != 0)
		a++;
	return a;
}

/* What an attempt that is to be repeated came to: now, and when the last one is behind us. */
static const struct delay { const char *dsn, *now, *last; } delays[] = {
	{ ".2.2", "the mailbox is full at the moment", "the mailbox was full" },
	{ ".2.", "the mailbox takes no mail at the moment", "the mailbox took no mail" },
	{ ".4.7", "it has not had its turn here yet", "it still waited for its turn" },
	{ ".4.", "the receiving system cannot be reached, or does not answer, at the moment",
	    "the receiving system could not be reached, or did not answer" },
	{ ".6.3", "the next mail system cannot tell at the moment what the recipient can use",
	    "the next mail system could not tell what the recipient can use" },
	{ ".6.", "the content has to be converted, and that could not be done yet",
	    "the content had to be converted, and that could not be done" },
	{ ".7.", "the receiving system asks to try again later, for a reason of policy",
	    "the receiving system asked to try again later, for a reason of policy" },
	{ "", "the receiving system does not take it at the moment", "the receiving system did not take it" },
};

/* A greeting's 5yz: as it is told to everybody, it is for another try (RFC 5321, 3.1), but hardly for this
 * week. */
static const struct delay shut = { "", "the receiving system does not talk to this machine at the moment",
    "the receiving system still did not talk to this machine" };

static const struct delay *
delay_of(const struct rcpt_result *res)
{
	const struct delay *d = delays;
	const char *dsn = res->dsn + (res->dsn[0] != '\0');

	if (res->code / 100 == 5)
		return &shut;
	while (strncmp(d->dsn, dsn, strlen(d->dsn)) != 0)
		d++;
	return d;
}

const char *
words_delay(const struct rcpt_result *res)
{
	return delay_of(res)->now;
}

const char *
words_expired(const struct rcpt_result *res)
{
	return delay_of(res)->last;
}

/* --- feature expressions --- */

/* Tags and values of RFC 2879 and RFC 2531, and the words. */
static const struct { const char *tag, *value, *words; } glosses[] = {
	{ "color", "binary", "black and white" },
	{ "color", "limited", "few colours" },
	{ "color", "mapped", "colours from a palette" },
	{ "color", "grey", "shades of grey" },
	{ "color", "full", "full colour" },
	{ "image-coding", "mh", "MH (T.4 one-dimensional)" },
	{ "image-coding", "mr", "MR (T.4 two-dimensional)" },
	{ "image-coding", "mmr", "MMR (T.6)" },
	{ "image-coding", "jbig", "JBIG" },
	{ "image-coding", "jpeg", "JPEG" },
	{ "paper-size", "letter", "Letter" },
	{ "paper-size", "legal", "Legal" },
	{ "paper-size", "a4", "A4" },
	{ "paper-size", "a3", "A3" },
	{ "paper-size", "b4", "B4" },
};
enum { GLOSSES = sizeof glosses / sizeof *glosses, DPI_MAX = 16, ATOM_MAX = 40 };

struct gloss {
	bool has[GLOSSES];
	char dpi[DPI_MAX][ATOM_MAX];
	size_t ndpi;
};

static void
gloss_number(struct gloss *g, struct span v)
{
	char text[ATOM_MAX];

	span_text(v, text, sizeof text);
	for (size_t i = 0; i < g->ndpi; i++)
		if (strcmp(g->dpi[i], text) == 0)
			return;
	if (g->ndpi < DPI_MAX && v.n > 0 && ascii_digit(v.p[0]))
		memcpy(g->dpi[g->ndpi++], text, sizeof text);
}

static void
gloss_value(struct gloss *g, struct span tag, struct span v)
{
	v = span_trim(v);
	if (span_isi(tag, "dpi") || span_isi(tag, "dpi-x"))
		gloss_number(g, v);
	for (size_t i = 0; i < GLOSSES; i++)
		if (span_isi(tag, glosses[i].tag) && span_isi(v, glosses[i].value))
			g->has[i] = true;
}

/* One "(tag op value)" without its brackets; value may be a set "[a,b,c..d]". */
static void
gloss_item(struct gloss *g, struct span item)
{
	size_t op = 0;
	struct span tag, v;

	while (op < item.n && item.p[op] != '=' && item.p[op] != '<' && item.p[op] != '>')
		op++;
	tag = span_trim(span_sub(item, 0, op));
	while (op < item.n && (item.p[op] == '=' || item.p[op] == '<' || item.p[op] == '>'))
		op++;
	v = span_trim(span_sub(item, op, item.n));
	if (v.n > 0 && v.p[0] == '[')
		v = span_sub(v, 1, v.n - (v.p[v.n - 1] == ']'));
	while (v.n > 0) {
		size_t comma = span_find(v, ',');

		gloss_value(g, tag, span_sub(v, 0, comma));
		v = span_sub(v, comma + 1, v.n);
	}
}

/* Appends the values of one tag: "LEAD a, b or c". */
static int
gloss_list(const char *lead, const char *const *words, size_t n, struct buf *out, size_t start,
    struct err *e)
{
	if (n > 0 && buf_addf(out, e, "%s%s", out->n > start ? "; " : "", lead) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (buf_addf(out, e, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]) == -1)
			return -1;
	return 0;
}

static int
gloss_tag(const struct gloss *g, const char *tag, const char *lead, struct buf *out, size_t start,
    struct err *e)
{
	const char *words[GLOSSES];
	size_t n = 0;

	for (size_t i = 0; i < GLOSSES; i++)
		if (g->has[i] && strcmp(glosses[i].tag, tag) == 0)
			words[n++] = glosses[i].words;
	return gloss_list(lead, words, n, out, start, e);
}

int
words_features(struct span expr, struct buf *out, struct err *e)
{
	struct gloss g = { .ndpi = 0 };
	const char *dpi[DPI_MAX];
	size_t start = out->n, open = 0;

	/* The innermost brackets hold the items. */
	for (size_t i = 0; i < expr.n; i++) {
		if (expr.p[i] == '(')
			open = i + 1;
		else if (expr.p[i] == ')' && open > 0) {
			gloss_item(&g, span_sub(expr, open, i));
			open = 0;
		}
	}
	for (size_t i = 0; i < g.ndpi; i++)
		dpi[i] = g.dpi[i];
	if (gloss_tag(&g, "color", "", out, start, e) == -1 ||
	    gloss_tag(&g, "image-coding", "coded as ", out, start, e) == -1 ||
	    gloss_list("dots per inch: ", dpi, g.ndpi, out, start, e) == -1 ||
	    gloss_tag(&g, "paper-size", "paper ", out, start, e) == -1)
		return -1;
	return 0;
}
