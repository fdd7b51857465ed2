/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/plan_make.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/msg.h"
#include "tests/unit/convertd/judge.h"
#include "tests/unit/convertd/letter.h"

#define TOP "From: a@example.com\nMIME-Version: 1.0\n"
#define MMR "Content-Type: image/tiff; name=a.tif\nContent-Transfer-Encoding: base64\n"
#define MMR_BODY "\n@fax/ccitt1-F-mmr-msb.tif@\n"
#define S_PART "Content-Type: image/tiff\nContent-Transfer-Encoding: base64\n\n@fax/ccitt1-S.tif@\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\n"
#define TEXT "--b\nContent-Type: text/plain\n\nhello\n"
#define RFC822 "Content-Type: message/rfc822\n\n"
#define ANY "Content-Convert: ANY\n"
#define PNG "Content-Type: image/png\n"
/* One pixel, grey with alpha. */
#define PNG_BODY "Content-Transfer-Encoding: base64\n\niVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8A" \
	"AQUBAScY42YAAAAASUVORK5CYII=\n"
#define ALTERNATIVE "Content-Type: multipart/alternative; boundary=b\n\n"
#define RELATED "Content-Type: multipart/related; boundary=c\n\n"
#define TO_S "MH/200x200/A4"

static const struct {
	const char *name, *message, *caps;
	enum plan_fate fate;
	const char *key;
	bool permission;
} cases[] = {
	{ "an image that fits", TOP ANY S_PART, TAKES_S, PLAN_FITS, "", true },
	{ "one that must be converted", TOP MMR ANY MMR_BODY, TAKES_S, PLAN_CONVERTS, "1=" TO_S,
	    true },
	{ "R18: without permission", TOP MMR MMR_BODY, TAKES_S, PLAN_EMPTY, "", false },
	{ "R18: NONE", TOP MMR "Content-Convert: NONE\n" MMR_BODY, TAKES_S, PLAN_EMPTY, "", false },
	{ "R18: none, any case", TOP MMR "content-convert: none\n" MMR_BODY, TAKES_S, PLAN_EMPTY, "",
	    false },
	{ "any, folded", TOP MMR "Content-Convert:\n any\n" MMR_BODY, TAKES_S, PLAN_CONVERTS,
	    "1=" TO_S, true },
	{ "a filter, folded, with what looks like a comment", TOP MMR "Content-Convert: (&\n"
	    " (image-coding=MH)\n (color=Binary);q=0.8)\n" MMR_BODY, TAKES_S, PLAN_CONVERTS,
	    "1=" TO_S, true },
	{ "a filter that permits another form", TOP MMR "Content-Convert: (image-coding=JBIG)\n"
	    MMR_BODY, TAKES_S, PLAN_EMPTY, "", true },
	{ "a field that is no filter", TOP MMR "Content-Convert: (image-coding=\n" MMR_BODY, TAKES_S,
	    PLAN_EMPTY, "", false },
	{ "two fields", TOP MMR ANY ANY MMR_BODY, TAKES_S, PLAN_EMPTY, "", false },
	{ "R11: the message's own field is for none of its parts", TOP ANY MIXED "\n" TEXT "--b\n" MMR MMR_BODY
	    "--b--\n", TAKES_S, PLAN_EMPTY, "", false },
	{ "R11: nor is that of a multipart", TOP MIXED "\n" TEXT "--b\n" ANY "Content-Type: multipart/related;"
	    " boundary=c\n\n--c\n" MMR MMR_BODY "--c--\n--b--\n", TAKES_S, PLAN_EMPTY, "", false },
	{ "R11: NONE outside takes nothing from the part's own", TOP "Content-Convert: NONE\n" MIXED "\n" TEXT "--b\n"
	    MMR ANY MMR_BODY "--b--\n", TAKES_S, PLAN_CONVERTS, "2=" TO_S, true },
	{ "R11: one part listed, the other NONE", TOP MIXED "\n--b\n" MMR ANY MMR_BODY "--b\n" MMR
	    "Content-Convert: NONE\n" MMR_BODY "--b--\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "R11: the one that is NONE fits", TOP MIXED "\n--b\n" MMR ANY MMR_BODY "--b\n"
	    "Content-Convert: NONE\n" S_PART "--b--\n", TAKES_S, PLAN_CONVERTS, "1=" TO_S, true },
	{ "nested", TOP MIXED "\n" TEXT "--b\nContent-Type: multipart/related; boundary=c\n\n"
	    "--c\n\nx\n--c\n" MMR ANY MMR_BODY "--c--\n--b\n" MMR ANY MMR_BODY "--b--\n", TAKES_S,
	    PLAN_CONVERTS, "2.2=" TO_S ";3=" TO_S, true },
	{ "application/octet-stream by its name", TOP ANY "Content-Type: application/octet-stream\n"
	    "Content-Disposition: attachment; filename=\"a.TFX\"\n"
	    "Content-Transfer-Encoding: base64\n" MMR_BODY, TAKES_S, PLAN_CONVERTS, "1=" TO_S, true },
	{ "several pages", TOP ANY MMR "\n@render/letter-J-multi.tif@\n", TAKES_S, PLAN_CONVERTS,
	    "1=MH/200x200/A4*2", true },
	{ "the resolution that the device names", TOP MMR ANY MMR_BODY, "(& (image-coding=MH)(dpi=204)"
	    "(dpi-xyratio=204/196))", PLAN_CONVERTS, "1=MH/204x196/A4", true },
	{ "the same, not permitted by name", TOP MMR "Content-Convert: (dpi=200)\n" MMR_BODY,
	    "(& (image-coding=MH)(dpi=204)(dpi-xyratio=204/196))", PLAN_CONVERTS, "1=MH/204x196/A4",
	    true },
	{ "to JBIG", TOP MMR ANY MMR_BODY, TAKES_J, PLAN_CONVERTS, "1=JBIG/200x200/A4", true },
	{ "a page shorter than is taken", TOP MMR ANY "\n@render/letter-J-a3-400.tif@\n",
	    "(& (image-coding=JBIG)(size-x<=3030/254)(size-y<=4200/254)(paper-size=[A4,A3]))", PLAN_FITS, "", true },
	{ "a longer one", TOP MMR ANY "\n@render/letter-J-a3-400.tif@\n",
	    "(& (image-coding=[MMR,JBIG])(size-x>=3030/254)(size-y<=3640/254))", PLAN_EMPTY, "", true },
	{ "one of another paper", TOP MMR "\n@render/letter-J-a3-400.tif@\n",
	    "(& (image-coding=JBIG)(paper-size=[A4,B4,letter,legal]))", PLAN_EMPTY, "", false },
	{ "a longer one that is shorter when it is as wide as is taken", TOP MMR ANY "\n@render/letter-J-a3-400.tif@\n",
	    "(& (image-coding=MMR)(size-y<=2970/254)(paper-size=A4))", PLAN_CONVERTS, "1=MMR/400x400/A4", true },
	{ "anything is taken", TOP MMR MMR_BODY, "(|(a=b)(!(a=b)))", PLAN_FITS, "", false },
	{ "text alone fits a fax machine", TOP "\nhello\n", "(type=\"image/tiff\")", PLAN_FITS, "",
	    false },
	{ "text beside an image", TOP MIXED "\n" TEXT "--b\n" MMR ANY MMR_BODY "--b--\n",
	    "(& (type=\"image/tiff\") " TAKES_S ")", PLAN_CONVERTS, "2=" TO_S, true },
	{ "another type that is not taken", TOP MIXED "\n--b\nContent-Type: text/html\n\nx\n--b\n" MMR
	    ANY MMR_BODY "--b--\n", "(type=\"image/tiff\")", PLAN_EMPTY, "", true },
	{ "another type that is", TOP "Content-Type: text/html\n\nx\n",
	    "(type=[\"image/tiff\",\"text/html\"])", PLAN_FITS, "", false },
	{ "who speaks of codings takes no other type", TOP "Content-Type: application/pdf\n\nx\n", "(image-coding=MH)",
	    PLAN_EMPTY, "", false },
	{ "nor who speaks of file structures", TOP "Content-Type: application/pdf\n\nx\n",
	    "(image-file-structure=TIFF-minimal)", PLAN_EMPTY, "", false },
	{ "unless it says so", TOP "Content-Type: application/pdf\n\nx\n",
	    "(| " TAKES_S "(type=\"application/pdf\"))", PLAN_FITS, "", false },
	{ "or speaks of neither", TOP "Content-Type: application/pdf\n\nx\n", "(& (dpi=200)(color=Binary))", PLAN_FITS,
	    "", false },
	{ "a signed part that is not taken, beside what was signed", TOP "Content-Type: multipart/signed; boundary=b\n\n"
	    "--b\nContent-Type: application/pdf\n\nx\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n",
	    TAKES_S, PLAN_EMPTY, "", false },
	{ "what we cannot read is what its Content-Features says", TOP PNG "Content-Features: (& (color=Full)\n"
	    " (dpi=300))\n\nx\n", "(& (type=\"image/png\")(color=[Binary,Full])(dpi=[200,300]))", PLAN_FITS, "", false },
	{ "and is not taken where that is not", TOP PNG "Content-Features: (& (color=Full)\n (dpi=300))\n\nx\n",
	    "(& (type=\"image/png\")(color=Binary))", PLAN_EMPTY, "", false },
	{ "of two Content-Features none is believed", TOP PNG "Content-Features: (color=Full)\nContent-Features:"
	    " (color=Full)\n\nx\n", "(& (type=\"image/png\")(color=Binary))", PLAN_FITS, "", false },
	{ "nor one that contradicts the type", TOP PNG "Content-Features: (& (type=\"image/tiff\")(color=Full))\n\nx\n",
	    "(& (type=\"image/png\")(color=Binary))", PLAN_FITS, "", false },
	{ "a Content-Features that names a type makes it no other", TOP PNG "Content-Features: (type=\"image/tiff\")\n\nx\n",
	    "(type=\"image/tiff\")", PLAN_EMPTY, "", false },
	{ "a TIFF that we do not know, but its Content-Features does", TOP MMR "Content-Features: (& (color=Full)"
	    "(image-coding=JBIG)(dpi=200))\n\n@fax/profile-L-stub.tif@\n", "(& (image-coding=JBIG)(color=Full))",
	    PLAN_FITS, "", false },
	{ "the same for a machine without colour", TOP MMR "Content-Features: (& (color=Full)(image-coding=JBIG)"
	    "(dpi=200))\n\n@fax/profile-L-stub.tif@\n", "(& (image-coding=JBIG)(color=Binary))", PLAN_EMPTY, "", false },
	{ "what we can read is what it is", TOP MMR "Content-Features: (image-coding=MH)\n" MMR_BODY, TAKES_S, PLAN_EMPTY,
	    "", false },
	{ "a picture becomes a fax by its permission", TOP PNG ANY PNG_BODY, TAKES_S, PLAN_CONVERTS, "1=" TO_S, true },
	{ "R18: and without one stays a picture", TOP PNG PNG_BODY, TAKES_S, PLAN_EMPTY, "", false },
	{ "R11: nor becomes what is not permitted", TOP PNG "Content-Convert: (image-coding=JBIG)\n" PNG_BODY, TAKES_S,
	    PLAN_EMPTY, "", true },
	{ "a picture that is taken", TOP PNG ANY PNG_BODY, "(& (type=\"image/png\")(color=grey)(pix-x<=100))", PLAN_FITS,
	    "", true },
	{ "one of other colours than are taken", TOP PNG PNG_BODY, "(& (type=\"image/png\")(color=Binary))", PLAN_EMPTY,
	    "", false },
	{ "what it is counts, not what a field says of it", TOP PNG "Content-Features: (color=Binary)\n" PNG_BODY,
	    "(& (type=\"image/png\")(color=Binary))", PLAN_EMPTY, "", false },
	{ "nor what its type says", TOP "Content-Type: image/jpeg\n" PNG_BODY, "(type=\"image/jpeg\")", PLAN_EMPTY, "",
	    false },
	{ "a picture that is known by its name", TOP "Content-Type: application/octet-stream; name=a.png\n" ANY PNG_BODY,
	    TAKES_S, PLAN_CONVERTS, "1=" TO_S, true },
	{ "an image that is no TIFF", TOP "Content-Type: image/png\n" ANY "\nx\n", TAKES_S, PLAN_EMPTY,
	    "", true },
	{ "alternatives: text fits, but the image converts", TOP ALTERNATIVE TEXT "--b\n" MMR ANY MMR_BODY "--b--\n",
	    TAKES_S, PLAN_CONVERTS, "2=" TO_S, true },
	{ "alternatives: text fits, and the image must not be converted", TOP ALTERNATIVE TEXT "--b\n" MMR MMR_BODY
	    "--b--\n", TAKES_S, PLAN_FITS, "", false },
	{ "alternatives: text is the richer", TOP ALTERNATIVE "--b\n" MMR ANY MMR_BODY TEXT "--b--\n", TAKES_S,
	    PLAN_FITS, "", true },
	{ "alternatives: a poorer one fits", TOP ALTERNATIVE "--b\n" S_PART "--b\n" MMR ANY MMR_BODY "--b--\n", TAKES_S,
	    PLAN_FITS, "", true },
	{ "alternatives: the poorest but text fits", TOP ALTERNATIVE "--b\n" S_PART TEXT "--b\n" MMR ANY MMR_BODY
	    "--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "alternatives: one converts", TOP ALTERNATIVE "--b\nContent-Type: image/png\n\nx\n--b\n" MMR ANY MMR_BODY
	    "--b--\n", TAKES_S, PLAN_CONVERTS, "2=" TO_S, true },
	{ "alternatives: two convert, the richer is enough", TOP ALTERNATIVE "--b\n" MMR ANY MMR_BODY "--b\n" MMR ANY
	    MMR_BODY "--b\nContent-Type: image/png\n\nx\n--b--\n", TAKES_S, PLAN_CONVERTS, "2=" TO_S, true },
	{ "alternatives: a branch of several parts", TOP ALTERNATIVE TEXT "--b\n" RELATED "--c\n\nx\n--c\n" MMR ANY
	    MMR_BODY "--c--\n--b--\n", TAKES_S, PLAN_CONVERTS, "2.2=" TO_S, true },
	{ "alternatives: one part of the branch does not fit", TOP ALTERNATIVE TEXT "--b\n" RELATED "--c\n"
	    "Content-Type: image/png\n\nx\n--c\n" MMR ANY MMR_BODY "--c--\n--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "alternatives: text alone in a branch of several parts", TOP ALTERNATIVE "--b\n" RELATED "--c\n\nx\n--c--\n"
	    "--b\n" MMR ANY MMR_BODY "--b--\n", TAKES_S, PLAN_CONVERTS, "2=" TO_S, true },
	{ "alternatives in alternatives", TOP ALTERNATIVE TEXT "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
	    "--c\n\nx\n--c\n" MMR ANY MMR_BODY "--c\n" MMR ANY MMR_BODY "--c--\n--b--\n", TAKES_S, PLAN_CONVERTS,
	    "2.3=" TO_S, true },
	{ "alternatives: none fits", TOP ALTERNATIVE "--b\n" MMR MMR_BODY "--b--\n", TAKES_S, PLAN_EMPTY, "", false },
	{ "a choice: what is taken stays, the rest goes", TOP ANY ALTERNATIVE TEXT "--b\n" PNG "\nx\n--b--\n", TAKES_S,
	    PLAN_CONVERTS, "1=only", true },
	{ "a choice: rather than a conversion", TOP ANY ALTERNATIVE "--b\n" S_PART "--b\n" MMR ANY MMR_BODY "--b--\n", TAKES_S,
	    PLAN_CONVERTS, "1=only", true },
	{ "a choice: not without a permission of its own", TOP ALTERNATIVE "--b\n" ANY S_PART "--b\n" MMR ANY MMR_BODY
	    "--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "a choice: nor by one from outside", TOP ANY "Content-Type: multipart/mixed; boundary=m\n\n--m\n" ALTERNATIVE
	    "--b\n" S_PART "--b\n" PNG "\nx\n--b--\n--m--\n", TAKES_S, PLAN_FITS, "", false },
	{ "a choice: NONE", TOP "Content-Convert: NONE\n" ALTERNATIVE TEXT "--b\n" PNG "\nx\n--b--\n", TAKES_S, PLAN_FITS,
	    "", false },
	{ "a choice: of what is permitted", TOP "Content-Convert: (image-coding=MH)\n" ALTERNATIVE "--b\n" S_PART "--b\n" PNG
	    "\nx\n--b--\n", TAKES_S, PLAN_CONVERTS, "1=only", true },
	{ "a choice: and of nothing else", TOP "Content-Convert: (image-coding=JBIG)\n" ALTERNATIVE "--b\n" S_PART "--b\n"
	    PNG "\nx\n--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "a choice: text is permitted by its type alone", TOP "Content-Convert: (image-coding=MH)\n" ALTERNATIVE TEXT "--b\n"
	    PNG "\nx\n--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "a choice: by its type", TOP "Content-Convert: (type=\"text/plain\")\n" ALTERNATIVE TEXT "--b\n" PNG
	    "\nx\n--b--\n", TAKES_S, PLAN_CONVERTS, "1=only", true },
	{ "a choice: nothing goes that must not change", TOP ANY ALTERNATIVE TEXT "--b\nContent-Convert: NONE\n" PNG
	    "\nx\n--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "a choice: nor what is signed", TOP ANY ALTERNATIVE TEXT "--b\nContent-Type: multipart/signed; boundary=c\n\n--c\n"
	    PNG "\nx\n--c\nContent-Type: application/pgp-signature\n\nx\n--c--\n--b--\n", TAKES_S, PLAN_FITS, "", false },
	{ "a choice: nor a branch of two types", TOP ANY ALTERNATIVE TEXT "--b\n" PNG PNG "\nx\n--b--\n", TAKES_S, PLAN_FITS,
	    "", false },
	{ "a choice: where all fit all stay", TOP ANY ALTERNATIVE TEXT "--b\n" S_PART "--b--\n", TAKES_S, PLAN_FITS, "",
	    true },
	{ "a choice: of one", TOP ANY ALTERNATIVE "--b\n" PNG "\nx\n--b--\n", TAKES_S, PLAN_EMPTY, "", false },
	{ "a choice: the richest that fits", TOP ANY ALTERNATIVE TEXT "--b\n" S_PART "--b\n" S_PART "--b\n" PNG
	    "\nx\n--b--\n", TAKES_S, PLAN_CONVERTS, "3=only", true },
	{ "a choice beside what converts", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n" MMR ANY MMR_BODY "--m\n" ANY
	    ALTERNATIVE TEXT "--b\n" PNG "\nx\n--b--\n--m\n" MMR ANY MMR_BODY "--m--\n", TAKES_S, PLAN_CONVERTS,
	    "1=" TO_S ";2.1=only;3=" TO_S, true },
	{ "a choice beside what fails", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n" PNG "\nx\n--m\n" ANY
	    ALTERNATIVE TEXT "--b\n" PNG "\nx\n--b--\n--m--\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "a choice in a branch that stays", TOP ANY "Content-Type: multipart/alternative; boundary=m\n\n--m\n" PNG "\nx\n--m\n"
	    ANY ALTERNATIVE TEXT "--b\n" PNG "\nx\n--b--\n--m--\n", TAKES_S, PLAN_CONVERTS, "2=only;2.1=only", true },
	{ "a choice in a branch that goes", TOP ANY "Content-Type: multipart/alternative; boundary=m\n\n--m\n" ANY ALTERNATIVE
	    TEXT "--b\n" PNG "\nx\n--b--\n--m\n" S_PART "--m\n" PNG "\nx\n--m--\n", TAKES_S, PLAN_CONVERTS, "2=only",
	    true },
	{ "a choice in an attached message", TOP RFC822 TOP ANY ALTERNATIVE TEXT "--b\n" PNG "\nx\n--b--\n", TAKES_S,
	    PLAN_CONVERTS, "1.1=only", true },
	{ "a choice in an attached message that must not change", TOP "Content-Convert: NONE\n" RFC822 TOP ANY ALTERNATIVE TEXT
	    "--b\n" PNG "\nx\n--b--\n", TAKES_S, PLAN_FITS, "", true },
	{ "an attached message whose image fits", TOP RFC822 TOP S_PART, TAKES_S, PLAN_FITS, "", false },
	{ "one whose image has a permission of its own", TOP RFC822 TOP ANY MMR MMR_BODY, TAKES_S, PLAN_CONVERTS,
	    "1.1=" TO_S, true },
	{ "one whose image has none: what is permitted outside does not reach in", TOP ANY RFC822 TOP MMR MMR_BODY,
	    TAKES_S, PLAN_EMPTY, "", true },
	{ "what is prohibited outside does", TOP "Content-Convert: NONE\n" RFC822 TOP ANY MMR MMR_BODY, TAKES_S,
	    PLAN_EMPTY, "", true },
	{ "so does a field that is no filter", TOP MIXED "\n" TEXT "--b\nContent-Convert: (((\n" RFC822 TOP ANY MMR
	    MMR_BODY "--b--\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "of a multipart around it that is for the multipart", TOP "Content-Convert: NONE\n" MIXED "\n" TEXT "--b\n" RFC822
	    TOP ANY MMR MMR_BODY "--b--\n", TAKES_S, PLAN_CONVERTS, "2.1=" TO_S, true },
	{ "several parts in an attached message", TOP "Content-Type: multipart/mixed; boundary=m\n\n--m\n" MMR ANY MMR_BODY
	    "--m\n" RFC822 TOP MIXED "\n" TEXT "--b\n" MMR "Content-Convert: (image-coding=MH)\n" MMR_BODY
	    "--b\n" MMR ANY MMR_BODY "--b--\n--m\n" MMR ANY MMR_BODY "--m--\n", TAKES_S, PLAN_CONVERTS,
	    "1=" TO_S ";2.2=" TO_S ";2.3=" TO_S ";3=" TO_S, true },
	{ "one in one, of a permission of its own", TOP RFC822 TOP RFC822 TOP MIXED "\n" TEXT "--b\n" MMR ANY MMR_BODY
	    "--b--\n", TAKES_S, PLAN_CONVERTS, "1.1.2=" TO_S, true },
	{ "deeper than is looked, of a permission of its own", TOP RFC822 RFC822 RFC822 RFC822 TOP ANY MMR MMR_BODY,
	    TAKES_S, PLAN_EMPTY, "", false },
	{ "as deep as is looked", TOP RFC822 RFC822 RFC822 TOP ANY MMR MMR_BODY, TAKES_S, PLAN_CONVERTS,
	    "1.1.1.1=" TO_S, true },
	{ "B12: attached to what is signed", TOP "Content-Type: multipart/signed; boundary=b\n\n--b\n" RFC822 TOP ANY MMR
	    MMR_BODY "--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "B12: signed in an attached message", TOP RFC822 TOP "Content-Type: multipart/signed; boundary=b\n\n--b\n" MMR
	    ANY MMR_BODY "--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n", TAKES_S, PLAN_EMPTY, "",
	    true },
	{ "an attached message as an alternative", TOP ALTERNATIVE TEXT "--b\n" RFC822 TOP ANY MMR MMR_BODY "--b--\n",
	    TAKES_S, PLAN_CONVERTS, "2.1=" TO_S, true },
	{ "one in a digest", TOP "Content-Type: multipart/digest; boundary=b\n\n--b\n\n" TOP MMR
	    MMR_BODY "--b--\n", TAKES_S, PLAN_EMPTY, "", false },
	{ "one in one", TOP RFC822 TOP RFC822 TOP MIXED "\n" TEXT "--b\n" MMR MMR_BODY "--b--\n",
	    TAKES_S, PLAN_EMPTY, "", false },
	{ "text in one in one", TOP RFC822 TOP RFC822 TOP "\nhello\n", TAKES_S, PLAN_FITS, "", false },
	{ "deeper than is looked", TOP RFC822 RFC822 RFC822 RFC822 RFC822 "\nhello\n", TAKES_S,
	    PLAN_EMPTY, "", false },
	{ "deeper, but anything is taken", TOP RFC822 RFC822 RFC822 RFC822 RFC822 MMR MMR_BODY,
	    "(|(a=b)(!(a=b)))", PLAN_FITS, "", false },
	{ "one in base64, which none may be", TOP "Content-Type: message/rfc822\n"
	    "Content-Transfer-Encoding: base64\n\nAAAA\n", TAKES_S, PLAN_EMPTY, "", false },
	{ "one whose type nobody names, and is no content", TOP RFC822 TOP "\nhello\n", "(type=\"image/tiff\")",
	    PLAN_FITS, "", false },
	{ "a type that is not taken in one", TOP RFC822 TOP "Content-Type: text/html\n\nx\n", "(type=\"image/tiff\")",
	    PLAN_EMPTY, "", false },

	{ "B12: unreadable", TOP ANY MMR "\n@malformed/bomb-length.tif@\n", TAKES_S, PLAN_EMPTY, "",
	    true },
	{ "B12: no image at all", TOP ANY MMR "\nAAAA\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "B12: base64 with data behind its end", TOP ANY MMR "\nAA==AAAA\n", TAKES_S, PLAN_EMPTY, "",
	    true },
	{ "B12: a profile that is only described", TOP ANY MMR "\n@fax/profile-L-stub.tif@\n", TAKES_S,
	    PLAN_EMPTY, "", true },
	{ "B12: signed", TOP "Content-Type: multipart/signed; boundary=b\n\n--b\n" MMR ANY MMR_BODY
	    "--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n", TAKES_S, PLAN_EMPTY, "",
	    true },
	{ "B12: signed, further out", TOP "Content-Type: multipart/signed; boundary=s\n\n--s\n"
	    MIXED "\n" TEXT "--b\n" MMR ANY MMR_BODY "--b--\n--s\nContent-Type: application/pkcs7-signature"
	    "\n\nx\n--s--\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "signed, but it fits", TOP "Content-Type: multipart/signed; boundary=b\n\n--b\n" ANY S_PART
	    "--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n", TAKES_S, PLAN_FITS, "",
	    true },
	{ "B12: a delimiter that two readers see differently", TOP MIXED "\n--b\n" MMR ANY MMR_BODY
	    "--bx\n--b--\n", TAKES_S, PLAN_EMPTY, "", true },
	{ "B12: two types", TOP ANY MMR "Content-Type: text/plain\n" MMR_BODY, TAKES_S, PLAN_EMPTY, "",
	    true },
	{ "B12: two encodings", TOP ANY MMR "Content-Transfer-Encoding: 7bit\n" MMR_BODY, TAKES_S,
	    PLAN_EMPTY, "", true },
	{ "in a report (B11)", TOP "Content-Type: multipart/report; boundary=b\n\n--b\n" MMR ANY MMR_BODY
	    "--b--\n", TAKES_S, PLAN_EMPTY, "", true },
};

START_TEST(verdicts)
{
	struct buf m = letter_make(cases[_i].message);
	struct letter_plan p;
	const struct plan_verdict *v;

	letter_plan(&m, cases[_i].caps, &p);
	v = &p.plan.verdict[0];
	ck_assert_msg(v->fate == cases[_i].fate && span_is(v->key, cases[_i].key),
	    "%s: %u '%.*s'\n%.*s", cases[_i].name, v->fate, (int)v->key.n, (const char *)v->key.p,
	    (int)v->detail.n, (const char *)v->detail.p);
	ck_assert_int_eq(strncmp(v->dsn, "5.6.", 4) == 0, v->fate == PLAN_EMPTY);
	ck_assert_msg(p.plan.has_permission == cases[_i].permission, "%s", cases[_i].name);
	ck_assert_msg((p.plan.nrange > 0) == (v->fate == PLAN_CONVERTS), "%s", cases[_i].name);
	ck_assert((v->detail.n > 0) == (v->fate != PLAN_FITS));
	letter_within_bounds(&m, &p);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

/* Why a message cannot be sent, on its way and where it ends. */
static const struct { const char *name, *message, *caps, *dsn, *final; } codes[] = {
	{ "permitted, but nothing that is taken", TOP MMR ANY MMR_BODY, "(image-coding=JPEG)", "5.6.5", "5.6.5" },
	{ "another form is permitted", TOP MMR "Content-Convert: (image-coding=JBIG)\n" MMR_BODY, TAKES_S, "5.6.5",
	    "5.6.5" },
	{ "nothing is permitted", TOP MMR MMR_BODY, TAKES_S, "5.6.3", "5.6.3" },
	{ "NONE", TOP MMR "Content-Convert: NONE\n" MMR_BODY, TAKES_S, "5.6.3", "5.6.3" },
	{ "unreadable", TOP ANY MMR "\nAAAA\n", TAKES_S, "5.6.3", "5.6.3" },
	{ "signed", TOP "Content-Type: multipart/signed; boundary=b\n\n--b\n" MMR ANY MMR_BODY "--b\n"
	    "Content-Type: application/pgp-signature\n\nx\n--b--\n", TAKES_S, "5.6.3", "5.6.3" },
	{ "no fax image", TOP "Content-Type: audio/basic\n" ANY "\nx\n", TAKES_S, "5.6.3", "5.6.1" },
	{ "one of each", TOP MIXED "\n--b\n" MMR ANY MMR_BODY "--b\n" MMR MMR_BODY "--b\nContent-Type: audio/basic\n\nx\n"
	    "--b--\n", "(image-coding=JPEG)", "5.6.3", "5.6.1" },
	{ "two of them", TOP MIXED "\n--b\n" MMR ANY MMR_BODY "--b\n" MMR MMR_BODY "--b--\n", "(image-coding=JPEG)",
	    "5.6.3", "5.6.3" },
	{ "an image in an attached message", TOP RFC822 TOP MMR MMR_BODY, TAKES_S, "5.6.3", "5.6.3" },
	{ "a message that cannot be looked into", TOP "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
	    "AAAA\n", TAKES_S, "5.6.3", "5.6.1" },
	{ "alternatives", TOP ALTERNATIVE "--b\n" MMR ANY MMR_BODY "--b\n" PNG "\nx\n--b--\n", "(image-coding=JPEG)",
	    "5.6.3", "5.6.1" },
	{ "no expression", TOP MMR ANY MMR_BODY, "(((", "5.6.5", "5.6.5" },
};

START_TEST(codes_for_reports)
{
	struct buf m = letter_make(codes[_i].message);
	struct letter_plan p;

	for (int final = 0; final < 2; final++) {
		letter_plan_at(&m, codes[_i].caps, final, &p);
		ck_assert_int_eq(p.plan.verdict[0].fate, PLAN_EMPTY);
		ck_assert_msg(strcmp(p.plan.verdict[0].dsn, final ? codes[_i].final : codes[_i].dsn) == 0,
		    "%s: %s", codes[_i].name, p.plan.verdict[0].dsn);
		letter_plan_free(&p);
	}
	buf_free(&m);
}
END_TEST

/* R10: bit 0 the sender permits X, bit 1 the device takes X, bit 2 we can make X. */
START_TEST(r10_all_subsets_of_three)
{
	const char *x = _i & 4 ? "MH" : "JPEG";
	char text[1000], caps[200];
	struct letter_plan p;
	struct buf m;

	snprintf(text, sizeof text, TOP MMR "Content-Convert: (image-coding=%s)\n" MMR_BODY,
	    _i & 1 ? x : "MR");
	snprintf(caps, sizeof caps, "(image-coding=%s)", _i & 2 ? x : "JBIG");
	m = letter_make(text);
	letter_plan(&m, caps, &p);
	ck_assert_int_eq(p.plan.verdict[0].fate, _i == 7 ? PLAN_CONVERTS : PLAN_EMPTY);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

START_TEST(details_for_people)
{
	struct buf m = letter_make(TOP MIXED "\n--b\n" MMR "Content-Convert:\n (image-coding=JBIG)\n"
	    "Content-Disposition: attachment; filename=\"o\\\"ffer\x01.tif\"\n" MMR_BODY "--b--\n");
	struct letter_plan p;

	letter_plan(&m, "(image-coding=MH)", &p);
	ck_assert_msg(span_is(p.plan.verdict[0].detail,
	    "part: 1 (image/tiff, \"o\"ffer?.tif\")\n"
	    "form: MMR, 200 by 200 dpi, A4\n"
	    "takes: (image-coding=MH)\n"
	    "permits: (image-coding=JBIG)\n"), "%.*s", (int)p.plan.verdict[0].detail.n,
	    (const char *)p.plan.verdict[0].detail.p);
	letter_plan_free(&p);
	letter_plan(&m, "(image-coding=JBIG)", &p);
	ck_assert_msg(span_is(p.plan.verdict[0].detail,
	    "part: 1 (image/tiff, \"o\"ffer?.tif\")\n"
	    "form: MMR, 200 by 200 dpi, A4\n"
	    "converted: JBIG, 200 by 200 dpi, A4\n"), "%.*s", (int)p.plan.verdict[0].detail.n,
	    (const char *)p.plan.verdict[0].detail.p);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

/* For who inquires: each part, what may and would become of it; the verdict is what it is without. */
START_TEST(details_of_all_parts)
{
	static const struct { const char *caps; enum plan_fate fate; const char *want; } rows[] = {
		{ "(image-coding=MH)", PLAN_EMPTY, "part: 1 (text/plain)\nform: nothing that is converted here\n"
		    "permits: nothing\nstays: it fits\n"
		    "part: 2 (image/tiff, \"a.tif\")\nform: MMR, 200 by 200 dpi, A4\npermits: ANY\n"
		    "converted: MH, 200 by 200 dpi, A4\n"
		    "part: 3 (image/tiff, \"a.tif\")\nform: MMR, 200 by 200 dpi, A4\npermits: nothing\nfails: 5.6.3\n" },
		{ "(image-coding=[MH,MMR])", PLAN_FITS, "part: 1 (text/plain)\nform: nothing that is converted here\n"
		    "permits: nothing\nstays: it fits\n"
		    "part: 2 (image/tiff, \"a.tif\")\nform: MMR, 200 by 200 dpi, A4\npermits: ANY\nstays: it fits\n"
		    "part: 3 (image/tiff, \"a.tif\")\nform: MMR, 200 by 200 dpi, A4\npermits: nothing\nstays: it fits\n" },
	};
	struct buf m = letter_make(TOP MIXED "\n" TEXT "--b\n" MMR "Content-Convert: ANY\n" MMR_BODY "--b\n" MMR
	    MMR_BODY "--b--\n");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct letter_plan p;

		letter_plan_all(&m, rows[i].caps, &p);
		ck_assert_int_eq(p.plan.verdict[0].fate, rows[i].fate);
		ck_assert_msg(span_is(p.plan.verdict[0].detail, rows[i].want), "%.*s", (int)p.plan.verdict[0].detail.n,
		    (const char *)p.plan.verdict[0].detail.p);
		letter_plan_free(&p);
	}
	buf_free(&m);
}
END_TEST

/* A page of 2376 rows is 12 inches long at 196 lines an inch, and 24 at 98. */
START_TEST(details_of_a_long_page)
{
	static const unsigned char fine[] = { 196, 0, 0, 0, 1, 0, 0, 0 };
	struct span file = file_read("tests/data/fax/ccitt1-S.tif");
	unsigned char *y = memmem(file.p, file.n, fine, sizeof fine);
	struct buf m = letter_make(TOP "Content-Type: image/tiff\nContent-Transfer-Encoding: base64\n\n");
	struct letter_plan p;
	struct err e = { 0 };

	ck_assert_ptr_nonnull(y);
	*y = 98;
	ck_assert_int_eq(transfer_base64(file, &m, &e), 0);
	letter_plan(&m, "(& (image-coding=MH)(size-y<=24))", &p);
	ck_assert_msg(span_is(p.plan.verdict[0].detail, "part: 1 (image/tiff)\n"
	    "form: MH, 204 by 98 dpi, A4 wide, 635 mm long\ntakes: (& (image-coding=MH)(size-y<=24))\n"
	    "permits: nothing\n"), "%.*s", (int)p.plan.verdict[0].detail.n,
	    (const char *)p.plan.verdict[0].detail.p);
	letter_plan_free(&p);
	buf_free(&m);
	free((void *)(uintptr_t)file.p);
}
END_TEST

/* Two sets that end in one form have one key; what is no expression spoils no other verdict. */
START_TEST(several_sets)
{
	static const char *const caps[] = { TAKES_S, "(& (image-coding=MH) (dpi=200) )", "(((",
	    "(image-coding=MMR)" };
	struct buf m = letter_make(TOP ANY MMR MMR_BODY), ask, coded;
	struct plan p;
	struct err e = { 0 };

	buf_init(&ask, 65536), buf_init(&coded, 65536);
	for (size_t i = 0; i < 4; i++) {
		struct plan_set set = { (uint32_t)strlen(caps[i]), (uint32_t)i };

		ck_assert_int_eq(buf_add(&ask, span_of(&set, sizeof set), &e), 0);
		ck_assert_int_eq(buf_add_str(&ask, caps[i], &e), 0);
	}
	ck_assert_int_eq(plan_make(buf_view(&m), buf_view(&ask), 4, 0, &fax_limits, &coded, &e), 0);
	ck_assert_int_eq(plan_decode(buf_view(&coded), &p, &e), 0);
	ck_assert(span_eq(p.verdict[0].key, p.verdict[1].key) && p.verdict[0].key.n > 0);
	ck_assert_int_eq(p.verdict[2].fate, PLAN_EMPTY);
	ck_assert_int_eq(p.verdict[3].fate, PLAN_FITS);
	plan_free(&p);
	buf_clear(&coded);
	ck_assert_int_eq(plan_make(buf_view(&m), buf_view(&ask), 5, 0, &fax_limits, &coded, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	ck_assert_int_eq(plan_make(buf_view(&m), buf_view(&ask), 3, 0, &fax_limits, &coded, &e), -1);
	ck_assert_int_eq(plan_make(buf_view(&m), span_of(ask.p, ask.n - 1), 4, 0, &fax_limits, &coded,
	    &e), -1);
	ask.p[sizeof(uint32_t)] = WISH_PREFER + 1;
	ck_assert_int_eq(plan_make(buf_view(&m), buf_view(&ask), 4, 0, &fax_limits, &coded, &e), -1);
	ck_assert_int_eq(e.kind, ERR_PROTO);
	buf_free(&ask), buf_free(&coded), buf_free(&m);
}
END_TEST

static const struct { const char *what, *text, *caps; enum plan_wish wish; enum plan_fate fate; } looks[] = {
	{ "what fits", TOP ANY MMR MMR_BODY, "(image-coding=MMR)", WISH_CONPERM, PLAN_FITS },
	{ "what could be converted", TOP ANY MMR MMR_BODY, TAKES_S, WISH_CONPERM, PLAN_EMPTY },
	{ "the same, not critical", TOP ANY "Content-DRUCOF: conversion-permitted; critical=no\n" MMR MMR_BODY, TAKES_S,
	    WISH_DRUCOF, PLAN_FITS },
	{ "the same, that may be left out", TOP MIXED "\n" TEXT "--b\n" ANY "Content-DRUCOF: omission-permitted\n" MMR
	    MMR_BODY "--b--\n", TAKES_S, WISH_DRUCOF, PLAN_EMPTY },
	{ "the same, as far as can be", TOP ANY MMR MMR_BODY, TAKES_S, WISH_PREFER, PLAN_FITS },
	{ "branches, of which one fits", TOP ANY ALTERNATIVE "--b\n" S_PART "--b\n" MMR MMR_BODY "--b--\n", TAKES_S,
	    WISH_CONPERM, PLAN_FITS },
	{ "text", TOP "\nhello\n", TAKES_S, WISH_DRUCOF, PLAN_FITS },
};

START_TEST(R40_where_nothing_is_made)
{
	struct buf m = letter_make(looks[_i].text), ask, coded;
	struct plan_set set = { (uint32_t)strlen(looks[_i].caps), looks[_i].wish };
	struct limits only = fax_limits;
	struct err e = { 0 };
	struct plan p;

	only.look_only = true;
	buf_init(&ask, 65536), buf_init(&coded, 65536);
	ck_assert_int_eq(buf_add(&ask, span_of(&set, sizeof set), &e), 0);
	ck_assert_int_eq(buf_add_str(&ask, looks[_i].caps, &e), 0);
	ck_assert_int_eq(plan_make(buf_view(&m), buf_view(&ask), 1, false, &only, &coded, &e), 0);
	ck_assert_int_eq(plan_decode(buf_view(&coded), &p, &e), 0);
	ck_assert_msg(p.verdict[0].fate == looks[_i].fate, "%s: %u", looks[_i].what, p.verdict[0].fate);
	if (p.verdict[0].fate == PLAN_EMPTY)
		ck_assert_str_eq(p.verdict[0].dsn, "5.6.3");
	ck_assert_uint_eq(p.nrange, 0);
	plan_free(&p);
	buf_free(&ask), buf_free(&coded), buf_free(&m);
}
END_TEST

/* A message over MIME's limits still has a plan: nothing of it is converted. */
START_TEST(a_message_that_cannot_be_walked)
{
	struct letter_plan p;
	struct err e = { 0 };
	struct buf m;

	buf_init(&m, 1 << 20);
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(buf_add_str(&m, "X: y\r\n", &e), 0);
	letter_plan(&m, TAKES_S, &p);
	ck_assert_int_eq(p.plan.verdict[0].fate, PLAN_EMPTY);
	ck_assert_uint_eq(p.plan.nrange, 0);
	letter_plan_free(&p);
	buf_free(&m);
}
END_TEST

Suite *suite_plan_make(void);
Suite *
suite_plan_make(void)
{
	Suite *s = suite_create("plan_make");
	TCase *tc = tcase_create("plan_make");

	tcase_add_loop_test(tc, verdicts, 0, sizeof cases / sizeof *cases);
	tcase_add_loop_test(tc, codes_for_reports, 0, sizeof codes / sizeof *codes);
	tcase_add_loop_test(tc, r10_all_subsets_of_three, 0, 8);
	tcase_add_test(tc, details_for_people);
	tcase_add_test(tc, details_of_all_parts);
	tcase_add_test(tc, details_of_a_long_page);
	tcase_add_test(tc, several_sets);
	tcase_add_loop_test(tc, R40_where_nothing_is_made, 0, sizeof looks / sizeof *looks);
	tcase_add_test(tc, a_message_that_cannot_be_walked);
	suite_add_tcase(s, tc);
	return s;
}
