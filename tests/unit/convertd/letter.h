/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* letter.h - messages for the tests, their plans and what they are converted to. */
#ifndef TESTS_UNIT_CONVERTD_LETTER_H
#define TESTS_UNIT_CONVERTD_LETTER_H

#include "lib/edit.h"
#include "lib/mime.h"
#include "lib/msg.h"
#include "lib/plan.h"

/* Capabilities. */
#define TAKES_S "(& (color=Binary)(image-coding=MH)(image-file-structure=TIFF-minimal)" \
	"(MRC-mode=0)(| (& (dpi=204)(dpi-xyratio=[204/98,204/196])) (& (dpi=200)(dpi-xyratio=[200/100,1])))" \
	"(size-x<=2150/254)(paper-size=A4))"
#define TAKES_J "(& (color=Binary)(image-coding=JBIG)(image-coding-constraint=JBIG-T85)" \
	"(JBIG-stripe-size=128)(image-file-structure=TIFF-limited)(dpi=[200,400]))"

/* What converts and when, in Content-Previous. */
#define LETTER_ME "fax.example.net"

/* text with \n as CRLF and @NAME@ as tests/data/NAME in lines of base64.  Freed by buf_free. */
struct buf letter_make(const char *text);

/*
 * The plan for one set of capabilities, of who wishes CONPERM; checked by plan_decode.  Freed by both.  final: of
 * the last host; all: with details of every part.
 */
struct letter_plan { struct buf coded; struct plan plan; };
void letter_plan(const struct buf *message, const char *caps, struct letter_plan *out);
void letter_plan_at(const struct buf *message, const char *caps, bool final, struct letter_plan *out);
void letter_plan_all(const struct buf *message, const char *caps, struct letter_plan *out);
void letter_plan_wish(const struct buf *message, const char *caps, enum plan_wish wish, struct letter_plan *out);
void letter_within_bounds(const struct buf *message, const struct letter_plan *p);
void letter_plan_free(struct letter_plan *p);

/*
 * The message as converted by key; its list has passed edit_check with the plan's ranges.  err->
 * kind is ERR_NONE, or the conversion's error, and the result is empty.
 */
struct buf letter_convert(const struct buf *message, const struct plan *p, const char *key,
    struct err *err);

/* Plan and conversion; fails the test unless the fate is PLAN_CONVERTS. */
struct buf letter_through(const struct buf *message, const char *caps);

/* The part of that path in a message just parsed. */
const struct mime_part *letter_part(const struct mime *m, const char *path);

/* A field's unfolded value as text, "" if there is none, in a static buffer. */
const char *letter_field(const struct mime_part *p, const char *name);

/* The decoded octets of a part. */
struct buf letter_file(const struct mime_part *p);

#endif
