/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "remote/command.h"

#include "lib/clock.h"
#include "lib/xtext.h"

static const struct { const char *keyword; unsigned ext; } keywords[] = {
	{ "PIPELINING", HOP_PIPELINING }, { "SIZE", HOP_SIZE }, { "8BITMIME", HOP_8BITMIME },
	{ "DSN", HOP_DSN }, { "SMTPUTF8", HOP_SMTPUTF8 }, { "CONPERM", HOP_CONPERM },
	{ "CONNEG", HOP_CONNEG }, { "CHUNKING", HOP_CHUNKING }, { "BINARYMIME", HOP_BINARYMIME },
	{ "DRUCOF", HOP_DRUCOF }, { "STARTTLS", HOP_STARTTLS },
	{ "MT-PRIORITY", HOP_MT_PRIORITY }, { "DELIVERBY", HOP_DELIVERBY },
};

/* The value of a limit: one to six digits, the first not 0 (RFC 9422, 4); else there is none. */
static uint32_t
limit_value(struct span s)
{
	uint64_t v;

	return s.n >= 1 && s.n <= 6 && s.p[0] != '0' && span_u64(s, 999999, &v) ? (uint32_t)v : 0;
}

/* RFC 9422, 3.7: a limit that cannot be read is none; a parameter that cannot be read says nothing. */
static void
read_limits(struct span rest, struct hop *hop)
{
	struct span word;

	hop->rcpt_max = hop->mail_max = 0;
	for (size_t i = 0; i < rest.n; i++)
		if ((rest.p[i] != ' ' && (rest.p[i] < 0x21 || rest.p[i] > 0x7e)) || rest.p[i] == ';')
			return;
	while (span_word(&rest, &word)) {
		size_t is = span_find(word, '=');
		struct span name = span_sub(word, 0, is), value = span_sub(word, is + 1, word.n);

		if (span_isi(name, "RCPTMAX"))
			hop->rcpt_max = limit_value(value);
		else if (span_isi(name, "MAILMAX"))
			hop->mail_max = limit_value(value);
	}
}

/* min-by-time (RFC 2852, 2): 1*9DIGIT; what is none says nothing. */
static uint32_t
read_by_min(struct span rest)
{
	struct span word;
	uint64_t s;

	return span_word(&rest, &word) && span_u64(word, 999999999, &s) ? (uint32_t)s : 0;
}

/* The mechanisms of AUTH (RFC 4954, 3). */
static unsigned
read_mechanisms(struct span rest)
{
	unsigned ext = 0;
	struct span word;

	while (span_word(&rest, &word))
		ext |= span_isi(word, "PLAIN") ? HOP_AUTH_PLAIN : span_isi(word, "LOGIN") ? HOP_AUTH_LOGIN :
		    span_isi(word, "XOAUTH2") ? HOP_AUTH_XOAUTH2 : 0u;
	return ext;
}

/* Is it among the words of a keyword's line? */
static bool
has_word(struct span rest, const char *want)
{
	struct span word;

	while (span_word(&rest, &word))
		if (span_isi(word, want))
			return true;
	return false;
}

void
command_ehlo(const struct reply *r, struct hop *hop)
{
	struct span rest = buf_view(&r->text), line, word;

	*hop = (struct hop){ 0 };
	(void)reply_line(&rest, &line);		/* the greeting */
	while (reply_line(&rest, &line)) {
		line = span_trim(line);
		if (!span_word(&line, &word))
			continue;
		for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
			if (span_isi(word, keywords[i].keyword))
				hop->ext |= keywords[i].ext;
		if (span_isi(word, "SIZE") && !span_u64(span_trim(line), UINT64_MAX, &hop->size_max))
			hop->size_max = 0;
		if (span_isi(word, "DRUCOF") && has_word(line, "PREFER"))
			hop->ext |= HOP_DRUCOF_PREFER;
		if (span_isi(word, "DELIVERBY"))
			hop->by_min_s = read_by_min(line);
		if (span_isi(word, "AUTH"))
			hop->ext |= read_mechanisms(line);
		if (span_isi(word, "LIMITS"))
			read_limits(line, hop);
	}
}

/* " NAME=value" for a value that is xtext already (RFC 3461, 4); one that is not is left out. */
static int
add_xtext(struct buf *out, const char *name, struct span value, struct err *e)
{
	if (value.n == 0 || !xtext_ok(value))
		return 0;
	return buf_add_str(out, name, e) == -1 ? -1 : buf_add(out, value, e);
}

/* An ORCPT that has octets beyond ASCII, to a hop without SMTPUTF8: as utf-8-addr-xtext (RFC 6533, 3). */
static int
add_orcpt(struct buf *out, struct span orcpt, bool smtputf8, struct err *e)
{
	size_t semi = span_find(orcpt, ';');

	if (xtext_ok(orcpt) || !xtext_orcpt_ok(orcpt, true))
		return add_xtext(out, " ORCPT=", orcpt, e);
	if (buf_add_str(out, " ORCPT=", e) == -1)
		return -1;
	if (smtputf8)
		return buf_add(out, orcpt, e);
	if (buf_add(out, span_sub(orcpt, 0, semi + 1), e) == -1)
		return -1;
	return xtext_unitext(out, span_sub(orcpt, semi + 1, orcpt.n), XTEXT_ORCPT_MAX * 3, e);
}

/* RFC 6710, 4.2; RFC 2852, 4.1.4: the seconds that are left when this is said. */
static int
add_haste(struct buf *out, const struct envelope *env, const struct hop *hop, struct err *e)
{
	if (hop->ext & HOP_MT_PRIORITY && buf_addf(out, e, " MT-PRIORITY=%d", env->priority) == -1)
		return -1;
	if (env->by_us == 0 || !(hop->ext & HOP_DELIVERBY))
		return 0;
	return buf_addf(out, e, " BY=%lld;%c%s", (long long)envelope_by_s(env, clock_us()), env->by & BY_RETURN ? 'R' : 'N',
	    env->by & BY_TRACE ? "T" : "");
}

static int
mail_params(struct buf *out, const struct envelope *env, const struct hop *hop, struct err *e)
{
	/* MAY of RFC 6531, 3.2, where neither is needed: the client said so, and may know more */
	if (env->smtputf8 && hop->ext & HOP_SMTPUTF8 && buf_add_str(out, " SMTPUTF8", e) == -1)
		return -1;
	if (add_haste(out, env, hop, e) == -1)
		return -1;
	if (!(hop->ext & HOP_DSN))
		return 0;
	if (env->ret != RET_UNSET &&
	    buf_add_str(out, env->ret == RET_FULL ? " RET=FULL" : " RET=HDRS", e) == -1)
		return -1;
	return add_xtext(out, " ENVID=", env->envid, e);
}

int
command_mail(struct buf *out, const struct envelope *env, const struct hop *hop, bool conperm,
    uint64_t size, enum body_type body, struct err *e)
{
	bool binary = body == BODY_BINARYMIME;
	unsigned needs = binary ? HOP_BINARYMIME | HOP_CHUNKING : HOP_8BITMIME;

	if (buf_add_str(out, "MAIL FROM:<", e) == -1 ||
	    buf_add(out, hop->ext & HOP_SMTPUTF8 ? envelope_sender(env) : env->sender, e) == -1 ||
	    buf_add_byte(out, '>', e) == -1)
		return -1;
	if (conperm && buf_add_str(out, " CONPERM", e) == -1)
		return -1;
	if (size > 0 && hop->ext & HOP_SIZE &&
	    buf_addf(out, e, " SIZE=%llu", (unsigned long long)size) == -1)
		return -1;
	if ((body != BODY_7BIT || env->body == BODY_8BITMIME) && (hop->ext & needs) == needs &&
	    buf_add_str(out, binary ? " BODY=BINARYMIME" : " BODY=8BITMIME", e) == -1)
		return -1;
	if (mail_params(out, env, hop, e) == -1)
		return -1;
	return buf_add_str(out, "\r\n", e);
}

bool
command_mail_dsn(const struct envelope *env, const struct hop *hop)
{
	return hop->ext & HOP_DSN && (env->ret != RET_UNSET || env->envid.n > 0);
}

bool
command_rcpt_dsn(const struct rcpt *r, const struct hop *hop)
{
	return hop->ext & HOP_DSN && (r->notify != 0 || r->orcpt.n > 0);
}

static int
add_notify(struct buf *out, uint8_t notify, struct err *e)
{
	static const struct { uint8_t bit; const char *word; } words[] = {
		{ NOTIFY_SUCCESS, "SUCCESS" }, { NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	if (notify & NOTIFY_NEVER)
		return buf_add_str(out, " NOTIFY=NEVER", e);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(notify & words[i].bit))
			continue;
		if (buf_addf(out, e, "%s%s", before, words[i].word) == -1)
			return -1;
		before = ",";
	}
	return 0;
}

int
command_rcpt(struct buf *out, const struct rcpt *r, const struct hop *hop, const char *conneg,
    enum drucof drucof, struct err *e)
{
	static const char *const words[] = { [DRUCOF_NO] = "", [DRUCOF_REQUIRE] = " DRUCOF",
	    [DRUCOF_PREFER] = " DRUCOF=PREFER" };

	if (buf_add_str(out, "RCPT TO:<", e) == -1 ||
	    buf_add(out, hop->ext & HOP_SMTPUTF8 ? rcpt_spelled(r) : r->addr, e) == -1 ||
	    buf_add_byte(out, '>', e) == -1)
		return -1;
	if (conneg != NULL && (buf_add_byte(out, ' ', e) == -1 || buf_add_str(out, conneg, e) == -1))
		return -1;
	if (buf_add_str(out, words[drucof], e) == -1)
		return -1;
	if (hop->ext & HOP_DSN && (add_notify(out, r->notify, e) == -1 ||
	    add_orcpt(out, r->orcpt, hop->ext & HOP_SMTPUTF8, e) == -1))
		return -1;
	return buf_add_str(out, "\r\n", e);
}

const char *
command_conneg(unsigned dialect)
{
	static const char *const words[] = { [DIALECT_4141] = "CONNEG", [DIALECT_D03_REQUIRED] = "CONNEG=REQUIRED",
	    [DIALECT_D03_OPTIONAL] = "CONNEG=OPTIONAL", [DIALECT_D03_SPACED] = "CONNEG = REQUIRED" };

	return words[dialect < sizeof words / sizeof *words ? dialect : DIALECT_4141];
}
