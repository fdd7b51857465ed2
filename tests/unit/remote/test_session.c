/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* Whole sessions: what the hop hears, what convertd hears, what becomes of each recipient. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/plan.h"
#include "tests/unit/remote/peer.h"
#include "tests/unit/suites.h"

enum { RCPTS = 6 };
#define REL OUTCOME_RELAYED
#define DEF OUTCOME_DEFERRED
#define BAD OUTCOME_FAILED

struct want { uint8_t outcome; const char *dsn; uint8_t flags; const char *text; };
struct row {
	const char *name;
	bool conperm;
	const char *sender;		/* NULL: s@x */
	const char *rcpt[RCPTS];	/* NULL: none */
	uint8_t tries;
	uint16_t attempts;		/* earlier ones */
	bool last_try;
	const char *message;		/* NULL: peers_message */
	uint8_t body;			/* enum body_type */
	uint8_t notify;			/* of the first recipient; then ENVID is given too */
	uint8_t drucof[RCPTS];		/* enum drucof */
	const char *negotiation, *conneg;
	struct script script;
	const char *heard;
	struct want want[RCPTS];	/* outcomes by the recipients' order */
	const char *detail;		/* in some recipient's detail */
};

#define LIST(type, ...) (const type[]){ __VA_ARGS__ }, \
    sizeof (const type[]){ __VA_ARGS__ } / sizeof(type)
#define HOP(...) LIST(struct hop_rule, __VA_ARGS__)
#define PLAN(...) LIST(struct plan_rule, __VA_ARGS__)
#define CONV(...) LIST(struct convert_rule, __VA_ARGS__)
#define KNOWN(...) .caps = (const struct caps_rule[]){ __VA_ARGS__ }, \
    .ncaps = sizeof (const struct caps_rule[]){ __VA_ARGS__ } / sizeof(struct caps_rule)
#define NOTHING NULL, 0
#define BOTH { 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250-CONPERM\r\n250 CONNEG\r\n", false }
#define PERM { 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250 CONPERM\r\n", false }
#define NEG { 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250 CONNEG\r\n", false }
#define MUTE { 0, "EHLO", "250-hop\r\n250 PIPELINING\r\n", false }
#define SLOW { 0, "EHLO", "250 hop\r\n", false }
#define CAPS(list) "250-2.1.5 ok\r\n250 2.1.5 CONNEG " list "\r\n"
#define MH "(image-coding=MH)"
#define MR "(image-coding=MR)"
#define JUST(o, d) { { o, d, 0, NULL } }
#define EH(n) #n " EHLO client.example\n"
#define ORIG "T1JJR0lOQUw="
#define MDN "Content-Type: (an MDN)\r\n multipart/REPORT; boundary=x\r\nContent-Convert: ANY\r\n\r\n" ORIG "\r\n"
#define EIGHT "A: b\r\n\r\n\xe4\r\n"
#define DKIM "DKIM-Signature: d=x; s=y\r\n"
#define SIGNED DKIM "Content-Type: image/tiff\r\nContent-Transfer-Encoding: base64\r\nContent-Convert: ANY\r\n\r\n" \
    ORIG "\r\n"
#define RAW "A: b\r\n\r\na\nb\r\n"
#define CHUNKS(more) { 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n" \
    more "250 8BITMIME\r\n", false }
#define NOTIFIES { 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250 DSN\r\n", false }
#define DEL OUTCOME_DELIVERED
#define CAN(more) { 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n" more "250 HELP\r\n", false }
#define CN "250-CONNEG\r\n"
#define CP "250-CONPERM\r\n"
#define DR "250-DRUCOF PREFER\r\n"
#define REQ .drucof = { DRUCOF_REQUIRE, DRUCOF_REQUIRE, DRUCOF_REQUIRE }
#define PRE .drucof = { DRUCOF_PREFER }
#define PROBE(n) EH(n) #n " MAIL FROM:<s@x>\n" #n " RCPT TO:<a@x> CONNEG\n"
#define DPLAN "convertd PLAN drucof " MH "\n"
#define BPLAN "convertd PLAN " MH " | drucof " MH "\n"
#define THEN(n, words, body) #n " MAIL FROM:<s@x>\n" #n " RCPT TO:<a@x>" words "\n" #n " DATA\n" #n " . " body "\n"
#define DROP(n, good, bad) EH(n) #n " MAIL FROM:<s@x>\n" #n " RCPT TO:<" good "@x>\n" #n " RCPT TO:<" bad "@x>\n"
#define TO_MH CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false })

/* Of the recipients asked about in a session, the last one takes another form than it said before. */
#define CHANGING { HOP(BOTH, { 0, "RCPT TO:<e@x>", CAPS(MR), false }, { 1, "RCPT", CAPS(MH), false }, \
    { 0, "RCPT TO:<d@x>", CAPS(MR), false }, { 2, "RCPT", CAPS(MH), false }, \
    { 0, "RCPT TO:<c@x>", CAPS(MR), false }, { 4, "RCPT", CAPS(MH), false }, \
    { 0, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT", CAPS(MH), false }), \
    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_CONVERTS, "1=MR", 0, NULL }), \
    CONV({ "1=MR", 0, NULL, "TVI=\r\n", 0, false }) }

/* Rows say what matters to them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static const struct row rows[] = {
	/* plain mail */
	{ .name = "plain, pipelined", .rcpt = { "a@x" }, .script = { HOP(MUTE), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "one command at a time", .rcpt = { "a@x", "b@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<a@x>", "550 5.1.1 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { BAD, "5.1.1", 0, "550 5.1.1 no" }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "HELO", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "EHLO", "502 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 HELO client.example\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG
	    "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "nobody is taken, yet 354", .rcpt = { "a@x" },
	    .script = { HOP(MUTE, { 0, "RCPT", "550 5.1.1 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . \n",
	    .want = JUST(BAD, "5.1.1") },
	{ .name = "250 to RCPT is not acceptance", .rcpt = { "a@x" },
	    .script = { HOP(MUTE, { 0, ".", "554 5.6.0 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(BAD, "5.6.0") },
	{ .name = "lost after the final dot", .rcpt = { "a@x" },
	    .script = { HOP(MUTE, { 0, ".", NULL, false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { DEF, "4.4.2", 0, "no answer to the whole message" } } },
	{ .name = "421 to MAIL", .rcpt = { "a@x" },
	    .script = { HOP(SLOW, { 0, "MAIL", "421 4.3.2 closing\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n", .want = { { DEF, "4.3.2", 0, "421 4.3.2 closing" } } },
	{ .name = "banner 554", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "banner", "554 5.7.1 go away\r\n", false }), NOTHING, NOTHING },
	    .heard = "1 QUIT\n", .want = { { DEF, "4.7.1", RESULT_HOST, "554 5.7.1 go away" } } },
	{ .name = "banner 521", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "banner", "521 5.3.2 no mail here\r\n", false }), NOTHING, NOTHING },
	    .heard = "1 QUIT\n", .want = { { BAD, "5.3.2", RESULT_HOST, NULL } } },
	{ .name = "no SMTP", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "banner", "HTTP/1.1 400 Bad\r\n", false }), NOTHING, NOTHING },
	    .heard = "", .want = { { DEF, "4.5.0", RESULT_HOST, "without a code" } } },
	{ .name = "classes mixed in a reply", .rcpt = { "a@x" },
	    .script = { HOP(SLOW, { 0, "MAIL", "250-a\r\n550 b\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n", .want = JUST(DEF, "4.5.0") },
	{ .name = "250 to DATA is no acceptance", .rcpt = { "a@x" },
	    .script = { HOP(SLOW, { 0, "DATA", "250 2.0.0 ok\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n",
	    .want = { { DEF, "4.5.0", 0, "a reply that makes no sense here: 250 2.0.0 ok" } } },
	{ .name = "354 to RCPT is no acceptance", .rcpt = { "a@x" },
	    .script = { HOP(SLOW, { 0, "RCPT", "354 go on\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n", .want = { { DEF, "4.5.0", 0, "354 go on" } } },
	{ .name = "354 to EHLO", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "EHLO", "354 go on\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 QUIT\n", .want = { { DEF, "4.5.0", RESULT_HOST, "354 go on" } } },
	{ .name = "a hostile text", .rcpt = { "a@x" },
	    .script = { HOP(MUTE, { 0, "RCPT", "550-5.1.1 a\x1b[2Jb\r\n550 \x80\r\n", false }), NOTHING,
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . \n",
	    .want = { { BAD, "5.1.1", 0, "550-5.1.1 a?[2Jb 550 ?" } } },
	{ .name = "a drop over one recipient", .rcpt = { "a@x", "b@x", "c@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<b@x>", NULL, false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 RCPT TO:<c@x>\n2 DATA\n2 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { DEF, "4.4.2", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "patience ends: who was taken before goes alone", .rcpt = { "a@x", "b@x", "c@x", "d@x", "e@x", "f@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<a@x>", "250 ok\r\n", false }, { 0, "RCPT", NULL, false }),
		NOTHING, NOTHING },
	    .heard = DROP(1, "a", "b") DROP(2, "a", "c") DROP(3, "a", "d") DROP(4, "a", "e") DROP(5, "a", "f")
	    EH(6) THEN(6, "", ORIG),
	    .want = { { REL, "2.0.0", 0, NULL }, { DEF, "4.4.2", 0, NULL }, { DEF, "4.4.2", 0, NULL },
		{ DEF, "4.4.2", 0, NULL }, { DEF, "4.4.2", 0, NULL }, { DEF, "4.4.2", 0, NULL } } },
	{ .name = "patience, at the next attempt: who stood behind goes", .attempts = 1,
	    .rcpt = { "a@x", "b@x", "c@x", "d@x", "e@x", "f@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<f@x>", "250 ok\r\n", false }, { 0, "RCPT", NULL, false }),
		NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<d@x>\n" EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<e@x>\n"
	    DROP(3, "f", "a") DROP(4, "f", "b") DROP(5, "f", "c")
	    EH(6) "6 MAIL FROM:<s@x>\n6 RCPT TO:<f@x>\n6 DATA\n6 . " ORIG "\n",
	    .want = { { DEF, "4.4.2", 0, NULL }, { DEF, "4.4.2", 0, NULL }, { DEF, "4.4.2", 0, NULL },
		{ DEF, "4.4.2", 0, NULL }, { DEF, "4.4.2", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "a drop in a group: once more, one by one", .rcpt = { "a@x", "b@x" },
	    .script = { HOP(MUTE, { 0, "RCPT TO:<b@x>", NULL, false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 RCPT TO:<b@x>\n"
	    EH(3) "3 MAIL FROM:<s@x>\n3 RCPT TO:<a@x>\n3 DATA\n3 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { DEF, "4.4.2", 0, NULL } } },
	{ .name = "555 over one recipient", .rcpt = { "a@x", "b@x" },
	    .script = { HOP(MUTE, { 0, "RCPT TO:<a@x>", "555 5.5.4 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { BAD, "5.5.4", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "too many recipients: the rest goes next", .rcpt = { "a@x", "b@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<b@x>", "452 4.5.3 too many\r\n", true }), NOTHING,
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . "
	    ORIG "\n1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "too many recipients, as RFC 821 said it", .rcpt = { "a@x", "b@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<b@x>", "552 Too many recipients\r\n", true }), NOTHING,
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . "
	    ORIG "\n1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "552 over one recipient alone", .rcpt = { "a@x" },
	    .script = { HOP(SLOW, { 0, "RCPT TO:<a@x>", "552 full\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n", .want = JUST(BAD, "5.0.0") },
	{ .name = "greylisted", .rcpt = { "a@x" },
	    .script = { HOP(MUTE, { 0, "RCPT", "450 4.2.0 later\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . \n",
	    .want = JUST(DEF, "4.2.0") },
	{ .name = "SIZE over the hop's limit", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 SIZE 10\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1), .want = { { BAD, "5.3.4", 0, "takes 10 at most" } } },
	{ .name = "SIZE of just the hop's limit", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 SIZE 165\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> SIZE=165\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "SIZE is declared", .rcpt = { "a@x" },
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250-SIZE\r\n250-DSN\r\n250 8BITMIME\r\n", false }),
	    NOTHING, NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> SIZE=165\n1 RCPT TO:<a@x>\n1 DATA\n1 . "
	    ORIG "\n", .want = JUST(OUTCOME_DELIVERED, "2.0.0") },
	{ .name = "a quoted local part as it came; an injection is none", .rcpt = { "\"a>b\"@x", "a> CONNEG@x" },
	    .script = { HOP(MUTE), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<\"a>b\"@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { BAD, "5.1.3", 0, NULL } } },

	/* a hop without CONNEG */
	{ .name = "R1 R3 R4 R35 neither", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .script = { HOP(MUTE), NOTHING, NOTHING }, .heard = EH(1) "1 QUIT\n",
	    .want = { { BAD, "5.6.3", 0, "neither" }, { BAD, "5.6.3", 0, NULL } } },
	{ .name = "R1 HELO hops offer nothing", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP({ 0, "EHLO", "500 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 HELO client.example\n1 QUIT\n", .want = JUST(BAD, "5.6.3") },
	{ .name = "R2 R22 CONPERM alone: the original under CONPERM", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(PERM), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "B8 offered, not taken", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(PERM, { 0, "MAIL", "504 5.3.3 CONPERM no\r\n", false },
	    { 0, "RCPT", "503 no\r\n", false }, { 0, "DATA", "503 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x>\n1 DATA\n1 QUIT\n",
	    .want = { { BAD, "5.6.3", 0, "does not take it" } } },
	{ .name = "B8 in an asking session", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "MAIL", "555 no\r\n", false }, { 0, "RCPT", "503 no\r\n", false }),
	    NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 QUIT\n",
	    .want = JUST(BAD, "5.6.3") },
	{ .name = "B11 null reverse-path", .conperm = true, .sender = "", .rcpt = { "a@x" },
	    .script = { HOP(BOTH), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },

	/* both */
	{ .name = "R7 B5b it fits", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n"
	    "1 RCPT TO:<b@x> CONNEG\nconvertd PLAN " MH "\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R9 R10 B5c converted", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n", .want = JUST(REL, "2.0.0"),
	    .detail = "part: 1 (image/tiff)\nform: MMR\nconverted: as it was asked\n" },
	{ .name = "R19 three recipients, two forms", .conperm = true, .rcpt = { "a@x", "b@x", "c@x" },
	    .script = { HOP(BOTH, { 0, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_CONVERTS, "1=MR", 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }, { "1=MR", 0, NULL, "TVI=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "1 RCPT TO:<c@x> CONNEG\nconvertd PLAN " MR " | " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\n2 RCPT TO:<c@x> CONNEG\n"
	    "convertd CONVERT 1=MH\n2 DATA\n2 . TUg=\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x> CONPERM\n3 RCPT TO:<b@x> CONNEG\nconvertd CONVERT 1=MR\n3 DATA\n3 . TVI=\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R1 R35 a session by HELO offers nothing, whatever the one before did", .conperm = true,
	    .rcpt = { "a@x", "b@x" },
	    .script = { HOP({ 2, "EHLO", "502 what\r\n", false }, { 3, "EHLO", "502 what\r\n", false }, BOTH,
	    { 0, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_CONVERTS, "1=MR", 0, NULL }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MR " | " MH "\n1 QUIT\n" EH(2) "2 HELO client.example\n2 QUIT\n"
	    EH(3) "3 HELO client.example\n3 QUIT\n",
	    .want = { { BAD, "5.6.3", 0, NULL }, { BAD, "5.6.3", 0, NULL } } },
	{ .name = "R20 one common copy", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .negotiation = "* batch=common\n",
	    .script = { HOP(BOTH, { 0, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "(&", PLAN_CONVERTS, "1=S", 0, NULL }, { "MH", PLAN_CONVERTS, "1=MH", 0, NULL },
	    { "MR", PLAN_CONVERTS, "1=MR", 0, NULL }), CONV({ "1=S", 0, NULL, "Uw==\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MR " | " MH "\nconvertd PLAN (& " MH " " MR ")\nconvertd CONVERT 1=S\n1 DATA\n"
	    "1 . Uw==\n", .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R19 batch_max: the rest in the next attempt", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .negotiation = "* batch_max=1\n",
	    .script = { HOP(BOTH, { 0, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_CONVERTS, "1=MR", 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MR " | " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\nconvertd CONVERT 1=MH\n2 DATA\n"
	    "2 . TUg=\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { DEF, "4.6.5", RESULT_SOON, NULL } } },
	{ .name = "batch_max is about forms, not about those who get the original", .conperm = true,
	    .rcpt = { "a@x", "b@x", "c@x" }, .negotiation = "* batch_max=1\n",
	    .script = { HOP(BOTH, { 0, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT TO:<a@x>", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_FITS, NULL, 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "1 RCPT TO:<c@x> CONNEG\nconvertd PLAN " MR " | " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\nconvertd CONVERT 1=MH\n2 DATA\n"
	    "2 . TUg=\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x> CONPERM\n3 RCPT TO:<b@x> CONNEG\n3 DATA\n3 . " ORIG "\n3 QUIT\n"
	    EH(4) "4 MAIL FROM:<s@x> CONPERM\n4 RCPT TO:<c@x>\n4 DATA\n4 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R19 batch=single", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .negotiation = "* batch=single batch_max=1\n",
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\nconvertd CONVERT 1=MH\n2 DATA\n"
	    "2 . TUg=\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x> CONPERM\n3 RCPT TO:<b@x> CONNEG\n3 DATA\n3 . TUg=\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "options by the recipient's domain", .conperm = true, .rcpt = { "a@x", "b@y" },
	    .negotiation = "y conperm_null=fail\n",
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 DATA\n1 . " ORIG "\n1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<b@y> CONNEG\n1 QUIT\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { BAD, "5.6.5", 0, NULL } } },
	{ .name = "the last answer counts", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .script = { HOP(BOTH, { 1, "RCPT TO:<b@x>", CAPS(MR), false }, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_FITS, NULL, 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MR " | " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\nconvertd CONVERT 1=MH\n2 DATA\n"
	    "2 . TUg=\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x> CONPERM\n3 RCPT TO:<b@x> CONNEG\n3 DATA\n3 . TUg=\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R21 B5a none given: apart, bare", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .script = { HOP(BOTH, { 0, "RCPT TO:<a@x>", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\n2 DATA\n2 . " ORIG "\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x> CONPERM\n3 RCPT TO:<b@x>\n3 DATA\n3 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R21 conperm_unknown=fail", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .negotiation = "* conperm_unknown=fail\n",
	    .script = { HOP(BOTH, { 0, "RCPT TO:<a@x>", CAPS(MH), false }),
	    PLAN({ "MH", PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\n2 DATA\n2 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { BAD, "5.6.5", 0, NULL } } },
	{ .name = "half a list is no list", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS("(& (image-coding=MH)"), false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x>\n2 DATA\n2 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "R23 B5d empty, relayed", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "R23 conperm_null=fail", .conperm = true, .rcpt = { "a@x" },
	    .negotiation = "* conperm_null=fail\n",
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 QUIT\n", .want = { { BAD, "5.6.5", 0, "no form" } }, .detail = "part: 1 (image/tiff)\n" },
	{ .name = "R12 B5e the converter fails", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 QUIT\n", .want = { { BAD, "5.6.5", 0, "as the script says" } } },
	{ .name = "an edit list that strays is a failed conversion", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, true }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 QUIT\n", .want = JUST(BAD, "5.6.5") },
	{ .name = "B5f busy", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", ERR_TEMP, "4.6.5", NULL, 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 QUIT\n", .want = JUST(DEF, "4.6.5") },
	{ .name = "B5f busy for the last time", .conperm = true, .rcpt = { "a@x" }, .last_try = true,
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, 0, NULL, ERR_TEMP, "4.6.5" }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 QUIT\n", .want = JUST(BAD, "5.6.5") },
	{ .name = "B5f no convertd at all", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), NOTHING, NOTHING, .no_convertd = true },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 QUIT\n",
	    .want = JUST(DEF, "4.6.5") },
	{ .name = "not ready in time: QUIT, then asked again", .conperm = true, .rcpt = { "a@x" },
	    .negotiation = "* wait=1\n",
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 1400, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 QUIT\nconvertd CONVERT 1=MH\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\n2 DATA\n2 . TUg=\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "R38 conperm_after=drop", .conperm = true, .rcpt = { "a@x" },
	    .negotiation = "* conperm_after=drop\n",
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x> CONNEG\nconvertd CONVERT 1=MH\n2 DATA\n2 . TUg=\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "B11 an MDN with a sender", .conperm = true, .rcpt = { "a@x" }, .message = MDN,
	    .script = { HOP(BOTH), NOTHING, NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "B11 an MDN with a sender to a hop with neither", .conperm = true, .rcpt = { "a@x" }, .message = MDN,
	    .script = { HOP(MUTE), NOTHING, NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "B11 an MDN that permits conversion is not asked about", .rcpt = { "a@x" }, .message = MDN,
	    .script = { HOP(NEG), NOTHING, NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },

	/* CONNEG alone */
	{ .name = "B6a fits: without CONPERM", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(NEG, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "B6c none given", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(NEG), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\n1 QUIT\n",
	    .want = JUST(BAD, "5.6.3") },
	{ .name = "B6c R23 empty: never the unfit original", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(NEG, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 QUIT\n", .want = JUST(BAD, "5.6.5") },
	{ .name = "conperm_strict", .conperm = true, .rcpt = { "a@x" }, .negotiation = "x conperm_strict=yes\n",
	    .script = { HOP(NEG), NOTHING, NOTHING }, .heard = EH(1) "1 QUIT\n", .want = JUST(BAD, "5.6.3") },

	/* neither, but we have promised that it is converted here (mode ensure of conneg) */
	{ .name = "ENS it fits", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "capd ASK a@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd PLAN " MH "\n1 DATA\n1 . "
	    ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "ENS converted", .conperm = true, .rcpt = { "a@x", "b@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0,
	    false }), KNOWN({ "a@x", CAP_KNOWN, MH }, { "b@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "capd ASK a@x\ncapd ASK b@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n"
	    "convertd PLAN " MH "\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } },
	    .detail = "converted: as it was asked\nrow: ENSb\n" },
	{ .name = "ENS two forms: each a session of its own, and nobody is looked up again", .conperm = true,
	    .rcpt = { "a@x", "b@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_FITS, NULL, 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }), KNOWN({ "a@x", CAP_KNOWN, MH }, { "b@x", CAP_KNOWN, MR }) },
	    .heard = EH(1) "capd ASK a@x\ncapd ASK b@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n"
	    "convertd PLAN " MR " | " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n2 DATA\n2 . TUg=\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x>\n3 RCPT TO:<b@x>\n3 DATA\n3 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "ENS for some, B3 for the others", .conperm = true, .rcpt = { "a@y", "b@x", "c@x", "d@x" },
	    .conneg = "x ensure\n",
	    .script = { HOP(MUTE), PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0,
	    false }), KNOWN({ "b@x", CAP_KNOWN, MH }, { "d@x", CAP_TEMP, "" }) },
	    .heard = EH(1) "capd ASK b@x\ncapd ASK c@x\ncapd ASK d@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x>\n"
	    "convertd PLAN " MH "\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n1 QUIT\n",
	    .want = { { BAD, "5.6.3", 0, "neither" }, { REL, "2.0.0", 0, NULL }, { BAD, "5.6.3", 0, "neither" },
	    { DEF, "4.3.3", 0, "capability directory" } } },
	{ .name = "ENS who takes anything gets it as it is", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), NOTHING, NOTHING, KNOWN({ "a@x", CAP_ANY, "" }) },
	    .heard = EH(1) "capd ASK a@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "ENS nothing fits: never the unfit original", .conperm = true, .rcpt = { "a@x" },
	    .conneg = "x ensure\n", .script = { HOP(MUTE), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }), NOTHING,
	    KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "capd ASK a@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd PLAN " MH "\n1 QUIT\n",
	    .want = JUST(BAD, "5.6.5"), .detail = "row: ENSc\n" },
	{ .name = "ENS the converter fails", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0,
	    false }), KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "capd ASK a@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 QUIT\n", .want = JUST(BAD, "5.6.5") },
	{ .name = "ENS the converter is busy", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), PLAN({ NULL, 0, NULL, ERR_TEMP, "4.6.5" }), NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "capd ASK a@x\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd PLAN " MH "\n1 QUIT\n",
	    .want = JUST(DEF, "4.6.5") },
	{ .name = "ENS capd is not there", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), NOTHING, NOTHING }, .heard = EH(1), .want = JUST(DEF, "4.3.3") },
	{ .name = "ENS the hop's own offers count first: B4, B6", .conperm = true, .rcpt = { "a@x" },
	    .conneg = "x ensure\n", .script = { HOP(PERM), NOTHING, NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "ENS a hop with CONNEG is asked", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(NEG, { 0, "RCPT", CAPS(MR), false }), PLAN({ "MR", PLAN_FITS, NULL, 0, NULL }), NOTHING,
	    KNOWN({ "a@x", CAP_KNOWN, MH }) }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN "
	    MR "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "ENS not without CONPERM", .rcpt = { "a@x" },
	    .conneg = "x ensure\n", .script = { HOP(MUTE), NOTHING, NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "ENS not a report", .conperm = true, .rcpt = { "a@x" }, .message = MDN, .conneg = "x ensure\n",
	    .script = { HOP(MUTE), NOTHING, NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "ENS not under conperm_strict", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .negotiation = "* conperm_strict=yes\n",
	    .script = { HOP(MUTE), NOTHING, NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 QUIT\n", .want = JUST(BAD, "5.6.3") },

	/* a hop that is asked, and says nothing of a recipient: apart, unasked, by our directory */
	{ .name = "ENS none given by a hop with both", .conperm = true, .rcpt = { "a@x", "b@x", "c@y" },
	    .conneg = "x ensure\n",
	    .script = { HOP(BOTH, { 0, "RCPT TO:<a@x>", CAPS(MH), false }), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }), KNOWN({ "a@x", CAP_KNOWN, MR }, { "b@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "1 RCPT TO:<c@y> CONNEG\ncapd ASK b@x\nconvertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG\nconvertd CONVERT 1=MH\n2 DATA\n2 . TUg=\n2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x> CONPERM\n3 RCPT TO:<b@x>\n3 DATA\n3 . TUg=\n3 QUIT\n"
	    EH(4) "4 MAIL FROM:<s@x> CONPERM\n4 RCPT TO:<c@y>\n4 DATA\n4 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "ENS none given by a hop with CONNEG alone", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .conneg = "x ensure\n",
	    .script = { HOP(NEG), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }), KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\ncapd ASK a@x\n"
	    "capd ASK b@x\nconvertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n2 DATA\n2 . TUg=\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { BAD, "5.6.3", 0, "says nothing" } },
	    .detail = "converted: as it was asked\nrow: ENSb\n" },
	{ .name = "ENS none given, and nothing fits", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(BOTH), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }), NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\ncapd ASK a@x\nconvertd PLAN " MH
	    "\n1 QUIT\n" EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x>\n2 DATA\n2 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "ENS none given to who takes anything", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(NEG), NOTHING, NOTHING, KNOWN({ "a@x", CAP_ANY, "" }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\ncapd ASK a@x\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 DATA\n2 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "ENS none given, and capd cannot say now", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .conneg = "x ensure\n", .script = { HOP(BOTH, { 0, "RCPT TO:<b@x>", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING, KNOWN({ "a@x", CAP_TEMP, "" }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\ncapd ASK a@x\n"
	    "convertd PLAN " MH "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<b@x> CONNEG\n2 DATA\n2 . " ORIG "\n",
	    .want = { { DEF, "4.3.3", 0, "looked up" }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "ENS none given: not without CONPERM", .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    .script = { HOP(BOTH), NOTHING, NOTHING, KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },

	/* without CONPERM */
	{ .name = "R8 ask=never", .rcpt = { "a@x" }, .negotiation = "* ask=never\n",
	    .script = { HOP(BOTH), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "R9 B2c a Content-Convert is asked about", .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n", .want = JUST(REL, "2.0.0") },
	{ .name = "B2f permission alone converts nothing that is signed as a whole", .rcpt = { "a@x" },
	    .message = SIGNED, .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "R24 B2d empty: the original, no failure", .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "R24 B2d the converter fails", .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "R24 B2d answers that change with each session: the original, unasked", .rcpt = { "a@x", "b@x", "c@x", "d@x", "e@x" },
	    .script = CHANGING,
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n" "1 RCPT TO:<a@x> CONNEG\n" "1 RCPT TO:<b@x> CONNEG\n"
	    "1 RCPT TO:<c@x> CONNEG\n" "1 RCPT TO:<d@x> CONNEG\n" "1 RCPT TO:<e@x> CONNEG\n"
	    "convertd PLAN " MR " | " MH "\n1 QUIT\n" EH(2) "2 MAIL FROM:<s@x>\n" "2 RCPT TO:<a@x> CONNEG\n"
	    "2 RCPT TO:<b@x> CONNEG\n" "2 RCPT TO:<c@x> CONNEG\n" "2 RCPT TO:<d@x> CONNEG\n" "2 QUIT\n"
	    EH(3) "3 MAIL FROM:<s@x>\n" "3 RCPT TO:<e@x> CONNEG\n"
	    "convertd CONVERT 1=MR\n3 DATA\n3 . TVI=\n3 QUIT\n" EH(4) "4 MAIL FROM:<s@x>\n"
	    "4 RCPT TO:<a@x> CONNEG\n" "4 RCPT TO:<b@x> CONNEG\n" "4 RCPT TO:<c@x> CONNEG\n" "4 QUIT\n"
	    EH(5) "5 MAIL FROM:<s@x>\n" "5 RCPT TO:<d@x> CONNEG\n" "5 DATA\n5 . TVI=\n5 QUIT\n"
	    EH(6) "6 MAIL FROM:<s@x>\n" "6 RCPT TO:<a@x> CONNEG\n" "6 RCPT TO:<b@x> CONNEG\n" "6 QUIT\n"
	    EH(7) "7 MAIL FROM:<s@x>\n" "7 RCPT TO:<c@x> CONNEG\n" "7 DATA\n7 . TVI=\n7 QUIT\n"
	    EH(8) "8 MAIL FROM:<s@x>\n" "8 RCPT TO:<a@x>\n" "8 DATA\n8 . " ORIG "\n8 QUIT\n"
	    EH(9) "9 MAIL FROM:<s@x>\n" "9 RCPT TO:<b@x>\n" "9 DATA\n9 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "answers that change with each session, under CONPERM", .conperm = true, .rcpt = { "a@x", "b@x", "c@x", "d@x", "e@x" },
	    .script = CHANGING,
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n" "1 RCPT TO:<a@x> CONNEG\n" "1 RCPT TO:<b@x> CONNEG\n"
	    "1 RCPT TO:<c@x> CONNEG\n" "1 RCPT TO:<d@x> CONNEG\n" "1 RCPT TO:<e@x> CONNEG\n"
	    "convertd PLAN " MR " | " MH "\n1 QUIT\n" EH(2) "2 MAIL FROM:<s@x> CONPERM\n"
	    "2 RCPT TO:<a@x> CONNEG\n" "2 RCPT TO:<b@x> CONNEG\n" "2 RCPT TO:<c@x> CONNEG\n"
	    "2 RCPT TO:<d@x> CONNEG\n" "2 QUIT\n" EH(3) "3 MAIL FROM:<s@x> CONPERM\n" "3 RCPT TO:<e@x> CONNEG\n"
	    "convertd CONVERT 1=MR\n3 DATA\n3 . TVI=\n3 QUIT\n" EH(4) "4 MAIL FROM:<s@x> CONPERM\n"
	    "4 RCPT TO:<a@x> CONNEG\n" "4 RCPT TO:<b@x> CONNEG\n" "4 RCPT TO:<c@x> CONNEG\n" "4 QUIT\n"
	    EH(5) "5 MAIL FROM:<s@x> CONPERM\n" "5 RCPT TO:<d@x> CONNEG\n" "5 DATA\n5 . TVI=\n5 QUIT\n"
	    EH(6) "6 MAIL FROM:<s@x> CONPERM\n" "6 RCPT TO:<a@x> CONNEG\n" "6 RCPT TO:<b@x> CONNEG\n" "6 QUIT\n"
	    EH(7) "7 MAIL FROM:<s@x> CONPERM\n" "7 RCPT TO:<c@x> CONNEG\n" "7 DATA\n7 . TVI=\n",
	    .want = { { DEF, "4.6.5", 0, "changes with each session" }, { DEF, "4.6.5", 0, "changes with each session" }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "R18 B2e plan finds no permission", .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING, .no_permission = true },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },

	/* refusals of CONNEG itself */
	{ .name = "B9 504 to CONNEG: bare in the same transaction", .conperm = true, .rcpt = { "a@x", "b@x" },
	    .script = { HOP(BOTH, { 0, "RCPT TO:<a@x> CONNEG", "504 5.3.3 CONNEG\r\n", false },
	    { 0, "RCPT TO:<b@x> CONNEG", "555 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "B10 404 defers this one, the others are delivered", .conperm = true,
	    .rcpt = { "a@x", "b@x" },
	    .script = { HOP(BOTH, { 0, "RCPT TO:<a@x>", "404 4.3.3 CONNEG later\r\n", false },
	    { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 RCPT TO:<b@x> CONNEG\n"
	    "convertd PLAN " MH "\n1 DATA\n1 . " ORIG "\n",
	    .want = { { DEF, "4.3.3", RESULT_CONNEG_TRY, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "B10 the tries are spent: bare", .conperm = true, .rcpt = { "a@x" }, .tries = 3,
	    .script = { HOP(BOTH), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "B10 greylisting is no answer to CONNEG", .conperm = true, .rcpt = { "a@x" },
	    .script = { HOP(BOTH, { 0, "RCPT", "450 4.2.0 later\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n",
	    .want = JUST(DEF, "4.2.0") },
	/* RFC 6152, 3: without 8BITMIME nothing of 8 bits goes, by no means */
	{ .name = "8 bits to a hop of 7", .rcpt = { "a@x" }, .message = EIGHT, .body = BODY_8BITMIME,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250 SIZE\r\n", false }), NOTHING,
	    CONV({ "", 0, NULL, NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n1 MAIL FROM:<s@x> SIZE=68\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 . 5A0K\n", .want = JUST(REL, "2.0.0") },
	{ .name = "what a broken signature makes be said is part of the size", .rcpt = { "a@x" }, .message = DKIM EIGHT,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250-PIPELINING\r\n250 SIZE\r\n", false }), NOTHING,
	    CONV({ "", 0, NULL, NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n1 MAIL FROM:<s@x> SIZE=223\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 . 5A0K\n", .want = JUST(REL, "2.0.0") },
	{ .name = "8 bits to a hop of 8", .rcpt = { "a@x" }, .message = EIGHT,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 8BITMIME\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> BODY=8BITMIME\n1 RCPT TO:<a@x>\n1 DATA\n1 . \xe4\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "no encoding helps", .rcpt = { "a@x" }, .message = EIGHT,
	    .script = { HOP(MUTE), NOTHING, CONV({ "", ERR_PERM, "5.6.3", NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n", .want = JUST(BAD, "5.6.3") },
	{ .name = "the converter is busy", .rcpt = { "a@x" }, .message = EIGHT,
	    .script = { HOP(MUTE), NOTHING, CONV({ "", ERR_TEMP, "4.6.5", NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n", .want = JUST(DEF, "4.6.5") },
	{ .name = "the converter changes content", .rcpt = { "a@x" }, .message = EIGHT,
	    .script = { HOP(MUTE), NOTHING, CONV({ "", 0, NULL, NULL, 0, true }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n",
	    .want = { { BAD, "5.6.5", 0, "not what it stands for" } } },
	{ .name = "nobody is kept waiting for an encoding", .rcpt = { "a@x" }, .message = EIGHT,
	    .negotiation = "* wait=1\n",
	    .script = { HOP(MUTE), NOTHING, CONV({ "", 0, NULL, NULL, 1400, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n1 QUIT\nconvertd CONVERT  to 7bit\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 DATA\n2 . 5A0K\n", .want = JUST(REL, "2.0.0") },
	{ .name = "more than the hop takes, once encoded", .rcpt = { "a@x" }, .message = EIGHT,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 SIZE 67\r\n", false }), NOTHING,
	    CONV({ "", 0, NULL, NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n", .want = { { BAD, "5.3.4", 0, "of 68 octets" } } },
	{ .name = "asked about, and of 8 bits", .conperm = true, .rcpt = { "a@x" }, .message = EIGHT,
	    .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }),
	    CONV({ "", 0, NULL, NULL, 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT  to 7bit\n1 DATA\n1 . 5A0K\n", .want = JUST(REL, "2.0.0") },
	{ .name = "asked about, and no encoding helps", .conperm = true, .rcpt = { "a@x" },
	    .message = EIGHT, .script = { HOP(BOTH, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), CONV({ "", ERR_PERM, "5.6.3", NULL, 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT  to 7bit\n1 QUIT\n", .want = JUST(BAD, "5.6.3") },

	/* RFC 3030: binary goes by BDAT to who offers both, else as lines */
	{ .name = "binary in one chunk", .rcpt = { "a@x", "b@x" }, .message = RAW, .body = BODY_BINARYMIME,
	    .script = { HOP(CHUNKS("250-SIZE\r\n"), { 0, "RCPT TO:<b@x>", "550 5.1.1 no\r\n", false }),
	    NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> SIZE=13 BODY=BINARYMIME\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n"
	    "1 BDAT 13 LAST\n", .want = { { REL, "2.0.0", 0, NULL }, { BAD, "5.1.1", 0, NULL } } },
	{ .name = "converted, and what is said of its signature is in the chunk", .conperm = true, .rcpt = { "a@x" },
	    .message = SIGNED, .body = BODY_BINARYMIME,
	    .script = { HOP(CHUNKS("250-CONPERM\r\n250-CONNEG\r\n"), { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM BODY=BINARYMIME\n1 RCPT TO:<a@x> CONNEG\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 BDAT 246 LAST\n", .want = JUST(REL, "2.0.0") },
	{ .name = "nobody is taken: no chunk", .rcpt = { "a@x" }, .message = RAW, .body = BODY_BINARYMIME,
	    .script = { HOP(CHUNKS(""), { 0, "RCPT", "550 5.1.1 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> BODY=BINARYMIME\n1 RCPT TO:<a@x>\n",
	    .want = JUST(BAD, "5.1.1") },
	{ .name = "a chunk refused for ever", .rcpt = { "a@x" }, .message = RAW, .body = BODY_BINARYMIME,
	    .script = { HOP(CHUNKS(""), { 0, "BDAT", "554 5.6.0 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> BODY=BINARYMIME\n1 RCPT TO:<a@x>\n1 BDAT 13 LAST\n",
	    .want = JUST(BAD, "5.6.0") },
	{ .name = "354 is no acceptance of a chunk", .rcpt = { "a@x" }, .message = RAW,
	    .body = BODY_BINARYMIME,
	    .script = { HOP(CHUNKS(""), { 0, "BDAT", "354 go on\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> BODY=BINARYMIME\n1 RCPT TO:<a@x>\n1 BDAT 13 LAST\n",
	    .want = JUST(DEF, "4.5.0") },
	{ .name = "lost after the last chunk: unknown", .rcpt = { "a@x" }, .message = RAW,
	    .body = BODY_BINARYMIME, .script = { HOP(CHUNKS(""), { 0, "BDAT", NULL, false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> BODY=BINARYMIME\n1 RCPT TO:<a@x>\n1 BDAT 13 LAST\n",
	    .want = { { DEF, "4.4.2", 0, "no answer to the whole message" } } },
	{ .name = "binary to a hop without CHUNKING", .rcpt = { "a@x" }, .message = RAW,
	    .body = BODY_BINARYMIME,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250-BINARYMIME\r\n250 8BITMIME\r\n", false }), NOTHING,
	    CONV({ "", 0, NULL, NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 8bit\n1 MAIL FROM:<s@x> BODY=8BITMIME\n1 RCPT TO:<a@x>\n"
	    "1 DATA\n1 . YQpiDQo=\n", .want = JUST(REL, "2.0.0") },
	{ .name = "binary to a hop of 7 bits", .rcpt = { "a@x" }, .message = RAW, .body = BODY_BINARYMIME,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 CHUNKING\r\n", false }), NOTHING,
	    CONV({ "", 0, NULL, NULL, 0, false }) },
	    .heard = EH(1) "convertd CONVERT  to 7bit\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n"
	    "1 . YQpiDQo=\n", .want = JUST(REL, "2.0.0") },

	/* RFC 3461, 5.2: a hop that offers DSN and refuses its parameters is one without */
	{ .name = "DSN is passed on", .rcpt = { "a@x" }, .notify = NOTIFY_SUCCESS,
	    .script = { HOP(NOTIFIES), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x> NOTIFY=SUCCESS\n1 DATA\n1 . "
	    ORIG "\n", .want = JUST(DEL, "2.0.0") },
	{ .name = "555 to ENVID: once more without", .rcpt = { "a@x", "b@x" }, .notify = NOTIFY_SUCCESS,
	    .script = { HOP(NOTIFIES, { 0, "MAIL FROM:<s@x> ENVID", "555 5.5.4 what\r\n", false }), NOTHING,
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x> NOTIFY=SUCCESS\n"
	    "1 RCPT TO:<b@x>\n1 DATA\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<a@x>\n2 RCPT TO:<b@x>\n2 DATA\n2 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "555 to NOTIFY: that recipient once more without", .rcpt = { "a@x", "b@x" },
	    .notify = NOTIFY_SUCCESS,
	    .script = { HOP(NOTIFIES, { 0, "RCPT TO:<a@x> NOTIFY", "555 5.5.4 what\r\n", false }), NOTHING,
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x> NOTIFY=SUCCESS\n"
	    "1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x>\n"
	    "1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { DEL, "2.0.0", 0, NULL } } },
	{ .name = "555 to a recipient without them is its own", .rcpt = { "a@x", "b@x" },
	    .notify = NOTIFY_SUCCESS,
	    .script = { HOP(NOTIFIES, { 0, "RCPT TO:<b@x>", "555 5.5.4 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x> NOTIFY=SUCCESS\n"
	    "1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { DEL, "2.0.0", 0, NULL }, { BAD, "5.5.4", 0, NULL } } },
	{ .name = "555 again, without them", .rcpt = { "a@x" }, .notify = NOTIFY_SUCCESS,
	    .script = { HOP(NOTIFIES, { 0, "RCPT", "555 5.5.4 what\r\n", false }, { 0, "DATA",
	    "503 5.5.1 no\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x> NOTIFY=SUCCESS\n1 DATA\n"
	    "1 RSET\n1 MAIL FROM:<s@x> ENVID=QQ314159\n1 RCPT TO:<a@x>\n1 DATA\n", .want = JUST(BAD, "5.5.4") },

	/* RFC 9422 */
	{ .name = "two recipients in a transaction", .rcpt = { "a@x", "b@x", "c@x" },
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 LIMITS RCPTMAX=2\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<c@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "one transaction in a session", .rcpt = { "a@x", "b@x" },
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 LIMITS MAILMAX=1 RCPTMAX=1\r\n", false }), NOTHING,
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x>\n2 RCPT TO:<b@x>\n2 DATA\n2 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },

	{ .name = "dialect", .conperm = true, .rcpt = { "a@x" }, .negotiation = "* dialect=d03-spaced\n",
	    .script = { HOP(NEG, { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG = REQUIRED\nconvertd PLAN "
	    MH "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },

	/* DRUCOF alone: one session asks, and sends in a transaction that asks nothing */
	{ .name = "D1 it fits", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) DPLAN "1 RSET\n" THEN(1, "", ORIG), .want = JUST(REL, "2.0.0") },
	{ .name = "D1 converted, though the hop takes DRUCOF", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_CONVERTS, "1=MH", 0, NULL }), TO_MH },
	    .heard = PROBE(1) DPLAN "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n1 DATA\n"
	    "1 . TUg=\n", .want = JUST(REL, "2.0.0"), .detail = "converted: as it was asked\nrow: D1\n" },
	{ .name = "D1 D2 two forms and one who takes none, in one session", .rcpt = { "a@x", "b@x", "c@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false },
	    { 0, "RCPT TO:<b@x> CONNEG", CAPS(MR), false }, { 0, "RCPT TO:<c@x> CONNEG", CAPS("(color=grey)"), false }),
	    PLAN({ "MH", PLAN_CONVERTS, "1=MH", 0, NULL }, { "MR", PLAN_CONVERTS, "1=MR", 0, NULL },
	    { NULL, PLAN_EMPTY, NULL, 0, NULL }), CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false },
	    { "1=MR", 0, NULL, "TVI=\r\n", 0, false }) },
	    .heard = PROBE(1) "1 RCPT TO:<b@x> CONNEG\n1 RCPT TO:<c@x> CONNEG\n"
	    "convertd PLAN drucof (color=grey) | drucof " MR " | drucof " MH "\n"
	    "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x>\nconvertd CONVERT 1=MR\n1 DATA\n1 . TVI=\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<c@x> DRUCOF\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "D2 the conversion failed", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0, false }) },
	    .heard = PROBE(1) DPLAN "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n1 QUIT\n"
	    PROBE(2) "2 RSET\n" THEN(2, " DRUCOF", ORIG), .want = JUST(REL, "2.0.0") },
	{ .name = "D3 the verdict's code", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_EMPTY, NULL, 0, "5.6.2" }), NOTHING }, .heard = PROBE(1) DPLAN,
	    .want = { { BAD, "5.6.2", 0, "cannot use the content" } }, .detail = "form: MMR\nrow: D3\n" },
	{ .name = "D3 the conversion failed", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_CONVERTS, "1=MH", 0, NULL }), CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0, false }) },
	    .heard = PROBE(1) DPLAN "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n1 QUIT\n",
	    .want = { { BAD, "5.6.5", 0, "failed: as the script says" } } },
	{ .name = "D3 no converter: waits", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", 0, NULL, ERR_TEMP, "4.6.5" }), NOTHING }, .heard = PROBE(1) DPLAN,
	    .want = JUST(DEF, "4.6.5") },
	{ .name = "D3 no converter, the last time", .rcpt = { "a@x" }, REQ, .last_try = true,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), false }),
	    PLAN({ "drucof", 0, NULL, ERR_TEMP, "4.6.5" }), NOTHING }, .heard = PROBE(1) DPLAN,
	    .want = JUST(BAD, "5.6.5") },
	{ .name = "D4 none, not taken, or not now: with DRUCOF", .rcpt = { "a@x", "b@x", "c@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT TO:<b@x> CONNEG", "504 5.3.3 CONNEG\r\n", false },
	    { 0, "RCPT TO:<c@x> CONNEG", "404 4.3.3 CONNEG\r\n", false }), NOTHING, NOTHING },
	    .heard = PROBE(1) "1 RCPT TO:<b@x> CONNEG\n1 RCPT TO:<c@x> CONNEG\n1 RSET\n1 MAIL FROM:<s@x>\n"
	    "1 RCPT TO:<a@x> DRUCOF\n1 RCPT TO:<b@x> DRUCOF\n1 RCPT TO:<c@x> DRUCOF\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "D5 none, not taken, or not now: no try of CONNEG", .rcpt = { "a@x", "b@x", "c@x" }, REQ, .tries = 9,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<b@x> CONNEG", "555 5.5.4 what\r\n", false },
	    { 0, "RCPT TO:<c@x> CONNEG", "404 4.3.3 CONNEG\r\n", false }), NOTHING, NOTHING },
	    .heard = PROBE(1) "1 RCPT TO:<b@x> CONNEG\n1 RCPT TO:<c@x> CONNEG\n",
	    .want = { { BAD, "5.6.3", 0, "does not say" }, { BAD, "5.6.3", 0, NULL },
	    { DEF, "4.6.3", 0, "cannot say now" } }, .detail = "row: D5\n" },
	{ .name = "D6 no CONNEG", .rcpt = { "a@x" }, REQ, .script = { HOP(CAN(DR)), NOTHING, NOTHING },
	    .heard = EH(1) THEN(1, " DRUCOF", ORIG), .want = JUST(REL, "2.0.0") },
	{ .name = "D6 late", .rcpt = { "a@x" }, REQ, .negotiation = "* drucof_late=yes\n",
	    .script = { HOP(CAN(CN DR)), NOTHING, NOTHING }, .heard = EH(1) THEN(1, " DRUCOF", ORIG),
	    .want = JUST(REL, "2.0.0") },
	{ .name = "D6 never asked", .rcpt = { "a@x" }, REQ, .negotiation = "* ask=never\n",
	    .script = { HOP(CAN(CN DR)), NOTHING, NOTHING }, .heard = EH(1) THEN(1, " DRUCOF", ORIG),
	    .want = JUST(REL, "2.0.0") },
	{ .name = "D7 neither", .rcpt = { "a@x" }, REQ, .script = { HOP(CAN(CP)), NOTHING, NOTHING },
	    .heard = EH(1) "1 QUIT\n", .want = { { BAD, "5.6.3", 0, "neither" } }, .detail = "row: D7\n" },
	{ .name = "D12 a recipient is refused", .rcpt = { "a@x", "b@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT TO:<b@x>", "550 5.1.1 no\r\n", false },
	    { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) "1 RCPT TO:<b@x> CONNEG\n" DPLAN "1 RSET\n" THEN(1, "", ORIG),
	    .want = { { REL, "2.0.0", 0, NULL }, { BAD, "5.1.1", 0, NULL } } },
	{ .name = "D12 refused only where it is to be sent to", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<a@x> CONNEG", CAPS(MH), true }, { 0, "RCPT", "450 4.2.1 no\r\n",
	    false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) DPLAN "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n", .want = JUST(DEF, "4.2.1") },
	{ .name = "D1 too many recipients, in either transaction", .rcpt = { "a@x", "b@x", "c@x" }, REQ,
	    .script = { HOP(CAN(CN), { 0, "RCPT TO:<c@x> CONNEG", "452 4.5.3 too many\r\n", true },
	    { 0, "RCPT TO:<b@x> CONNEG", CAPS(MH), false }, { 0, "RCPT TO:<b@x>", "452 4.5.3 too many\r\n", true },
	    { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) "1 RCPT TO:<b@x> CONNEG\n1 RCPT TO:<c@x> CONNEG\n" DPLAN
	    "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<c@x> CONNEG\n1 RSET\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<c@x>\n1 DATA\n1 . " ORIG "\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x> CONNEG\n1 RSET\n"
	    "1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "D1 a hop that says one transaction", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN "250-LIMITS MAILMAX=1\r\n"), { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) DPLAN "1 QUIT\n" EH(2) THEN(2, "", ORIG), .want = JUST(REL, "2.0.0") },
	{ .name = "D1 a hop that hangs up over the second one", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN), { 1, "RSET", NULL, false }, { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ NULL, PLAN_FITS, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) DPLAN "1 RSET\n" EH(2) THEN(2, "", ORIG), .want = JUST(REL, "2.0.0") },
	{ .name = "D1 nobody is kept waiting", .rcpt = { "a@x" }, REQ, .negotiation = "* wait=1\n",
	    .script = { HOP(CAN(CN), { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 1400, false }) },
	    .heard = PROBE(1) DPLAN "1 RSET\n1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n1 QUIT\n"
	    "convertd CONVERT 1=MH\n" PROBE(2) "2 RSET\n" THEN(2, "", "TUg="), .want = JUST(REL, "2.0.0") },
	{ .name = "D6 one wants it, the other not", .rcpt = { "a@x", "b@x" }, .drucof = { DRUCOF_REQUIRE },
	    .script = { HOP(CAN(DR)), NOTHING, NOTHING },
	    .heard = EH(1) THEN(1, " DRUCOF", ORIG) "1 MAIL FROM:<s@x>\n1 RCPT TO:<b@x>\n1 DATA\n1 . " ORIG "\n",
	    .want = { { REL, "2.0.0", 0, NULL }, { REL, "2.0.0", 0, NULL } } },
	{ .name = "D7 offered, not taken", .rcpt = { "a@x" }, REQ,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 DRUCOF\r\n", false }, { 0, "RCPT TO:<a@x> DRUCOF",
	    "555 5.5.4 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> DRUCOF\n1 QUIT\n", .want = JUST(BAD, "5.6.3") },
	{ .name = "B11 null reverse-path, and DRUCOF", .sender = "", .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN DR)), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<>\n1 RCPT TO:<a@x>\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "B11 an MDN with a sender, and DRUCOF, to a hop with nothing", .rcpt = { "a@x" }, REQ,
	    .message = MDN, .script = { HOP(MUTE), NOTHING, NOTHING }, .heard = EH(1) THEN(1, "", ORIG),
	    .want = JUST(REL, "2.0.0") },

	/* PREFER: rows B2 without Content-Convert */
	{ .name = "B2c PREFER", .rcpt = { "a@x" }, PRE,
	    .script = { HOP(CAN(CN), { 0, "RCPT", CAPS(MH), false }), PLAN({ "prefer", PLAN_CONVERTS, "1=MH", 0, NULL }),
	    TO_MH, .no_permission = true },
	    .heard = PROBE(1) "convertd PLAN prefer " MH "\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "B2d PREFER passed on", .rcpt = { "a@x" }, PRE,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT", CAPS(MH), false }), PLAN({ "prefer", PLAN_EMPTY, NULL, 0, "5.6.2" }),
	    NOTHING, .no_permission = true },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> CONNEG DRUCOF=PREFER\nconvertd PLAN prefer " MH
	    "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
	{ .name = "B2d PREFER the conversion failed", .rcpt = { "a@x" }, PRE,
	    .script = { HOP(CAN(CN), { 0, "RCPT", CAPS(MH), false }), PLAN({ "prefer", PLAN_CONVERTS, "1=MH", 0, NULL }),
	    CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0, false }) },
	    .heard = PROBE(1) "convertd PLAN prefer " MH "\nconvertd CONVERT 1=MH\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "B1 PREFER to who knows REQUIRE alone: dropped", .rcpt = { "a@x" }, PRE,
	    .script = { HOP(CAN("250-DRUCOF\r\n")), NOTHING, NOTHING }, .heard = EH(1) THEN(1, "", ORIG),
	    .want = JUST(REL, "2.0.0") },
	{ .name = "B1 PREFER offered, not taken: once more without", .rcpt = { "a@x" }, PRE,
	    .script = { HOP({ 0, "EHLO", "250-hop\r\n250 DRUCOF PREFER\r\n", false }, { 0, "RCPT TO:<a@x> DRUCOF",
	    "501 5.5.4 what\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x>\n1 RCPT TO:<a@x> DRUCOF=PREFER\n1 RSET\n" THEN(1, "", ORIG),
	    .want = JUST(REL, "2.0.0") },

	/* under CONPERM too (c.5): the first row that fails counts, and mail goes as rows B have it */
	{ .name = "c.5 B5c both", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN), { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    TO_MH }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n" BPLAN
	    "convertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n", .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 D1 converts what CONPERM alone would not", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN), { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_CONVERTS, "1=MH", 0, NULL }, { NULL, PLAN_EMPTY, NULL, 0, NULL }), TO_MH },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n" BPLAN
	    "convertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n", .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 D2 in a session with both", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN DR), { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_EMPTY, NULL, 0, NULL }, { NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n" BPLAN "1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> CONNEG DRUCOF\n2 DATA\n2 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 D3 fails, though B5d would not", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN), { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, "5.6.2" }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n" BPLAN "1 QUIT\n",
	    .want = JUST(BAD, "5.6.2") },
	{ .name = "c.5 D3 a hop without CONPERM is passed nothing on", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_EMPTY, NULL, 0, "5.6.2" }, { NULL, PLAN_CONVERTS, "1=MH", 0, NULL }), NOTHING },
	    .heard = PROBE(1) BPLAN "1 QUIT\n", .want = JUST(BAD, "5.6.2") },
	{ .name = "c.5 B6c fails, though D1 would not", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CN DR), { 0, "RCPT", CAPS(MH), false }),
	    PLAN({ "drucof", PLAN_CONVERTS, "1=MH", 0, NULL }, { NULL, PLAN_EMPTY, NULL, 0, NULL }), NOTHING },
	    .heard = PROBE(1) BPLAN "1 QUIT\n", .want = JUST(BAD, "5.6.5") },
	{ .name = "c.5 B5e the conversion failed", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN DR), { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    CONV({ "1=MH", ERR_PERM, "5.6.5", NULL, 0, false }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n" BPLAN
	    "convertd CONVERT 1=MH\n1 QUIT\n", .want = JUST(BAD, "5.6.5") },
	{ .name = "c.5 B5a D4 none given", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN DR)), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n1 QUIT\n"
	    EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x> DRUCOF\n2 DATA\n2 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 ENSb none given, and our directory knows", .conperm = true, .rcpt = { "a@x" }, .conneg = "x ensure\n",
	    REQ, .script = { HOP(CAN(CP CN DR)), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    CONV({ "1=MH", 0, NULL, "TUg=\r\n", 0, false }), KNOWN({ "a@x", CAP_KNOWN, MH }) },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\ncapd ASK a@x\n" BPLAN
	    "1 QUIT\n" EH(2) "2 MAIL FROM:<s@x> CONPERM\n2 RCPT TO:<a@x>\nconvertd CONVERT 1=MH\n2 DATA\n2 . TUg=\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 B10 a try of CONNEG, as under CONPERM", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP CN DR), { 0, "RCPT", "404 4.3.3 CONNEG\r\n", false }), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG\n",
	    .want = { { DEF, "4.3.3", RESULT_CONNEG_TRY, NULL } } },
	{ .name = "c.5 B4 D6", .conperm = true, .rcpt = { "a@x" }, REQ, .script = { HOP(CAN(CP DR)), NOTHING, NOTHING },
	    .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> DRUCOF\n1 DATA\n1 . " ORIG "\n",
	    .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 D7 CONPERM is not enough", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(CP)), NOTHING, NOTHING }, .heard = EH(1) "1 QUIT\n",
	    .want = { { BAD, "5.6.3", 0, "DRUCOF" } }, .detail = "row: D7\n" },
	{ .name = "c.5 B3 DRUCOF is not enough", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .script = { HOP(CAN(DR)), NOTHING, NOTHING }, .heard = EH(1) "1 QUIT\n",
	    .want = JUST(BAD, "5.6.3"), .detail = "row: B3\n" },
	{ .name = "c.5 late: rows B, and DRUCOF with every RCPT", .conperm = true, .rcpt = { "a@x" }, REQ,
	    .negotiation = "* drucof_late=yes\n",
	    .script = { HOP(CAN(CP CN DR), { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_CONVERTS, "1=MH", 0, NULL }),
	    TO_MH }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG DRUCOF\nconvertd PLAN " MH
	    "\nconvertd CONVERT 1=MH\n1 DATA\n1 . TUg=\n", .want = JUST(REL, "2.0.0") },
	{ .name = "c.5 PREFER under CONPERM", .conperm = true, .rcpt = { "a@x" }, PRE,
	    .script = { HOP(CAN(CP CN DR), { 0, "RCPT", CAPS(MH), false }), PLAN({ NULL, PLAN_EMPTY, NULL, 0, NULL }),
	    NOTHING }, .heard = EH(1) "1 MAIL FROM:<s@x> CONPERM\n1 RCPT TO:<a@x> CONNEG DRUCOF=PREFER\nconvertd PLAN "
	    MH "\n1 DATA\n1 . " ORIG "\n", .want = JUST(REL, "2.0.0") },
};

/* The settings of a test. */
static void
settings(struct conf *c, const char *negotiation, const char *conneg)
{
	struct err e = { 0 };

	ck_assert_int_eq(conf_init(c, &e), 0);
	ck_assert_msg(conf_set(c, CONF_ME, span_str("client.example\n"), &e) == 0, "%s", e.what);
	if (negotiation != NULL)
		ck_assert_msg(conf_set(c, CONF_NEGOTIATION, span_str(negotiation), &e) == 0, "%s", e.what);
	if (conneg != NULL)
		ck_assert_msg(conf_set(c, CONF_CONNEG, span_str(conneg), &e) == 0, "%s", e.what);
}

static int
row_file(const struct row *row, uint32_t *n)
{
	struct rcpt rcpt[RCPTS] = { 0 };
	struct envelope env = { .sender = span_str(row->sender == NULL ? "s@x" : row->sender),
	    .conperm = row->conperm, .body = row->body, .arrival_us = 1, .rcpt = rcpt };
	const char *message = row->message != NULL ? row->message : peers_message;
	struct slot slot = { .conneg_tries = row->tries, .attempts = row->attempts };
	struct qfile q;
	struct err e = { 0 };
	int fd;

	for (*n = 0; *n < RCPTS && row->rcpt[*n] != NULL; ++*n)
		rcpt[*n] = (struct rcpt){ .addr = span_str(row->rcpt[*n]), .drucof = row->drucof[*n] };
	env.nrcpt = *n;
	rcpt[0].notify = row->notify;
	if (row->notify != 0)
		env.envid = span_str("QQ314159");
	fd = peers_file(message, strlen(message), &env);
	ck_assert_int_eq(qfile_open(fd, &q, &e), 0);
	for (uint32_t i = 0; i < *n && (row->tries > 0 || row->attempts > 0); i++)
		ck_assert_int_eq(qfile_mark(fd, &q, i, &slot, &e), 0);
	return fd;
}

/* The code is the hop's, and then its reply is all of the text; our own reasons have none. */
static bool
code_is_true(const struct rcpt_result *res)
{
	struct span t = span_str(res->text);
	uint64_t code = 0;

	if (t.n < 3 || (t.n > 3 && t.p[3] != ' ' && t.p[3] != '-') || !span_u64(span_sub(t, 0, 3), 599, &code))
		code = 0;
	return code == res->code;
}

static void
check_results(const struct row *row, const struct job *job)
{
	bool detail = row->detail == NULL;

	for (uint32_t i = 0; i < job->ntarget; i++) {
		const struct target *t = &job->target[i];
		const struct want *w = &row->want[i];
		char lines[RESULT_DETAIL_MAX + 1];

		ck_assert_msg(t->done, "%s: %u is not done", row->name, i);
		ck_assert_msg(t->res.outcome == w->outcome && strcmp(t->res.dsn, w->dsn) == 0 &&
		    t->res.flags == w->flags, "%s: %u: outcome %u dsn %s flags %u text %s", row->name, i,
		    t->res.outcome, t->res.dsn, t->res.flags, t->res.text);
		ck_assert_msg(w->text == NULL || strstr(t->res.text, w->text) != NULL, "%s: %s", row->name,
		    t->res.text);
		ck_assert_msg(code_is_true(&t->res), "%s: %u: %s", row->name, t->res.code, t->res.text);
		memcpy(lines, t->detail.n > 0 ? (char *)t->detail.p : "", t->detail.n);
		lines[t->detail.n] = '\0';
		detail |= row->detail != NULL && strstr(lines, row->detail) != NULL;
	}
	ck_assert_msg(detail, "%s: no detail", row->name);
}

static void
quiet(void)
{
	int fd = open("/dev/null", O_WRONLY);

	if (getenv("TEST_LOG") == NULL)
		dup2(fd, 2);
	close(fd);
}

START_TEST(session_goes_so)
{
	const struct row *row = &rows[_i];
	struct peers p;
	struct conf conf;
	struct session s;
	struct job job;
	struct err e = { 0 };
	uint32_t n;
	size_t len;
	int fd = row_file(row, &n);
	struct msg_job *m;

	quiet();
	peers_start(&p, &row->script);
	m = peers_job(p.dest, n, &len);
	m->last_try = row->last_try;
	settings(&conf, row->negotiation, row->conneg);
	session_init(&s, &conf, -1, p.convertd_fd);
	s.capd = p.capd_fd;
	ck_assert_int_eq(job_take(&job, m, len, fd, &e), 0);
	session_job(&s, &job);
	p.convertd_fd = s.convertd;		/* the session may have dropped them */
	p.capd_fd = s.capd;
	ck_assert_msg(strcmp(peers_heard(&p), row->heard) == 0, "%s: heard\n%s\nnot\n%s", row->name,
	    peers_heard(&p), row->heard);
	check_results(row, &job);
	job_free(&job);
	session_free(&s);
	peers_stop(&p);
	conf_free(&conf);
	free(m);
}
END_TEST

Suite *suite_session(void);

Suite *
suite_session(void)
{
	Suite *s = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_add_loop_test(tc, session_goes_so, 0, (int)(sizeof rows / sizeof *rows));
	suite_add_tcase(s, tc);
	return s;
}
