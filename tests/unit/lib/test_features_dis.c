/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* T.30's DIS as a feature set and back: RFC 2880. */
#include "lib/features.h"

#include <check.h>
#include <stdio.h>
#include <time.h>

#define COUNT(a) (sizeof (a) / sizeof *(a))

struct dis { unsigned char o[FEAT_DIS_OCTETS]; };

static bool
has(const struct dis *d, unsigned bit)
{
	return (d->o[(bit - 1) / 8] >> (bit - 1) % 8 & 1) != 0;
}

static void
set(struct dis *d, unsigned bit, bool on)
{
	unsigned char mask = (unsigned char)(1u << (bit - 1) % 8);

	d->o[(bit - 1) / 8] = (unsigned char)(on ? d->o[(bit - 1) / 8] | mask : d->o[(bit - 1) / 8] & ~mask);
}

/* From numbers with blanks between. */
static struct dis
dis_of(const char *text)
{
	struct dis d = { { 0 } };
	struct span rest = span_str(text), word;
	uint64_t bit;

	while (span_word(&rest, &word)) {
		ck_assert(span_u64(word, 8 * FEAT_DIS_OCTETS, &bit) && bit > 0);
		set(&d, (unsigned)bit, true);
	}
	return d;
}

static const char *
say(const struct dis *d)
{
	static char text[500];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned bit = 1; bit <= 8 * FEAT_DIS_OCTETS; bit++)
		if (has(d, bit))
			n += (size_t)snprintf(text + n, sizeof text - n, n == 0 ? "%u" : " %u", bit);
	return text;
}

static struct feat *
parse(const char *text, unsigned flags)
{
	struct err e = { 0 };
	struct feat *f = NULL;

	ck_assert_msg(feat_parse(span_str(text), flags, &f, &e) == 0, "%s: %s", text, e.what);
	return f;
}

static struct feat *
from(const struct dis *d)
{
	struct err e = { 0 };
	struct feat *f;

	ck_assert_msg(feat_from_dis(span_of(d->o, sizeof d->o), &f, &e) == 0, "%s: %s", say(d), e.what);
	return f;
}

#define PLAIN "(& (color=binary) (image-coding=MH) (MRC-mode=0) (size-x<=2150/254) (size-y<=2970/254)" \
	" (paper-size=A4) (| (& (dpi=200) (dpi-xyratio=200/100)) (& (dpi=204) (dpi-xyratio=204/98))))"

/* Sets of bits whose whole expression is known. */
static const struct { const char *bits, *text; } whole[] = {
	{ "", PLAIN },
	{ "44 45", PLAIN },		/* preferred units */
	{ "9 10 11 12 24 32", PLAIN },	/* not of images */
	{ "37 69 71 73 74 75 95", PLAIN },	/* say nothing without others */
	/* RFC 2880, 6.1: verbatim, and simplified */
	{ "15 16 20 31 42 76", "(& (| (& (color=binary) (image-coding=[MH,MR,MMR]) ) ) (MRC-mode=0)"
	    " (| (| (& (color=binary) (| (& (dpi=204) (dpi-xyratio=204/98)  )"
	    " (& (dpi=204) (dpi-xyratio=204/196) ) (& (dpi=200) (dpi-xyratio=200/100) ) ) )"
	    " (& (dpi=200) (dpi-xyratio=1) ) ) (& (dpi=300) (dpi-xyratio=1) ) )"
	    " (& (size-x<=2150/254) (Paper-size=[A4,Letter]) ) )" },
	{ "15 16 20 31 42 76", "(& (color=binary) (image-coding=[MH,MR,MMR]) (MRC-mode=0)"
	    " (| (& (dpi=204) (dpi-xyratio=204/98)  ) (& (dpi=204) (dpi-xyratio=204/196) )"
	    " (& (dpi=200) (dpi-xyratio=200/100) ) (& (dpi=200) (dpi-xyratio=1) )"
	    " (& (dpi=300) (dpi-xyratio=1) ) ) (size-x<=2150/254) (Paper-size=[A4,Letter]) )" },
	/* 6.2, simplified */
	{ "15 16 20 31 41 43 68 69 73 76 94 95 97 98", "(| (& (color=binary) (image-coding=[MH,MR,MMR])"
	    " (MRC-mode<=1) (MRC-max-stripe-size>=0) (| (& (dpi=204) (dpi-xyratio=204/98) )"
	    " (& (dpi=204) (dpi-xyratio=204/196) ) (& (dpi=204) (dpi-xyratio=204/391) )"
	    " (& (dpi=408) (dpi-xyratio=408/391) ) (& (dpi=200) (dpi-xyratio=200/100) )"
	    " (& (dpi=200) (dpi-xyratio=1) ) (& (dpi=400) (dpi-xyratio=1) ) )"
	    " (size-x<=2150/254) (Paper-size=[A4,Letter]) )"
	    " (& (color=grey) (image-coding=JPEG) (image-coding-constraint=JPEG-T4E)"
	    " (MRC-mode<=1) (MRC-max-stripe-size>=0) (dpi=[100,200,400]) (dpi-xyratio=1)"
	    " (color-space=CIELAB) (color-levels<=256) (color-illuminant=D50)"
	    " (CIELAB-L-min>=0) (CIELAB-L-max<=100) (size-x<=2150/254) (Paper-size=[A4,Letter]) )"
	    " (& (color=full) (image-coding=JPEG) (image-coding-constraint=JPEG-T4E)"
	    " (color-subsampling=[\"1:1:1\",\"4:1:1\"]) (MRC-mode<=1) (MRC-max-stripe-size>=0)"
	    " (dpi=[100,200,400]) (dpi-xyratio=1) (color-space=CIELAB) (color-levels<=16777216)"
	    " (color-illuminant=D50) (CIELAB-L-min>=0) (CIELAB-L-max<=100)"
	    " (CIELAB-a-min>=-85) (CIELAB-a-max<=85) (CIELAB-b-min>=-75) (CIELAB-b-max<=125)"
	    " (size-x<=2150/254) (Paper-size=[A4,Letter]) ) )" },
};

START_TEST(whole_expressions)
{
	struct dis d = dis_of(whole[_i].bits);
	struct feat *f = from(&d), *want = parse(whole[_i].text, FEAT_STRICT);
	struct err e = { 0 };

	ck_assert_int_eq(feat_equal(f, want, &e), 1);
	feat_free(f);
	feat_free(want);
}
END_TEST

#define BINARY "(& (color=Binary) "
#define T85 "(image-coding=JBIG) (image-coding-constraint=JBIG-T85) "
#define A4_204 " (dpi=204) (dpi-xyratio=204/98) (size-x=2150/254) (paper-size=A4)"

/* Does a machine with these bits take this? */
static const struct { const char *bits, *text; int takes; } one[] = {
	{ "", BINARY "(image-coding=MR)" A4_204 ")", 0 },
	{ "16", BINARY "(image-coding=MR)" A4_204 ")", 1 },
	{ "16", BINARY "(image-coding=MMR)" A4_204 ")", 0 },
	{ "31", BINARY "(image-coding=MMR)" A4_204 ")", 1 },
	{ "78", BINARY T85 "(JBIG-stripe-size=128)" A4_204 ")", 1 },
	{ "78", BINARY T85 "(JBIG-stripe-size=64)" A4_204 ")", 0 },
	{ "78 79", BINARY T85 "(JBIG-stripe-size=64)" A4_204 ")", 1 },
	{ "78", BINARY "(image-coding=MH) (image-coding-constraint=none)" A4_204 ")", 1 },
	{ "", BINARY "(dpi=204) (dpi-xyratio=204/196))", 0 },
	{ "15", BINARY "(dpi=204) (dpi-xyratio=204/196))", 1 },
	{ "15", BINARY "(dpi=200) (dpi-xyratio=1))", 1 },
	{ "15", BINARY "(dpi=204) (dpi-xyratio=204/391))", 0 },
	{ "41", BINARY "(dpi=204) (dpi-xyratio=204/391))", 1 },
	{ "42", BINARY "(dpi=300) (dpi-xyratio=1))", 1 },
	{ "43", BINARY "(dpi=400) (dpi-xyratio=1))", 1 },
	{ "43", BINARY "(dpi=408) (dpi-xyratio=408/391))", 1 },
	{ "15 68", "(color=Grey)", 1 },
	{ "15 68", "(color=Full)", 0 },
	{ "15 68 69", "(& (color=Full) (color-subsampling=\"4:1:1\"))", 1 },
	{ "15 68 69", "(& (color=Full) (color-subsampling=\"1:1:1\"))", 0 },
	{ "15 68 69 73", "(& (color=Full) (color-subsampling=\"1:1:1\"))", 1 },
	{ "15 68 69", "(color=Grey)", 1 },	/* which 5.1.2 as printed loses */
	{ "15 68 69", "(color=Limited)", 0 },
	{ "15 36 68 69", "(& (color=Limited) (color-space=Device-RGB) (color-levels=8))", 1 },
	{ "15 36 68 69", "(& (color=Limited) (color-space=Device-RGB) (color-levels=16))", 0 },
	{ "15 36 68 69", "(& (color=Limited) (color-space=Device-CMYK) (color-levels=16))", 1 },
	{ "15 36 68 69", "(& (color=Limited) (image-coding=JPEG))", 0 },
	{ "15 36 68", "(& (color=Grey) (image-coding=JBIG) (image-interleave=Stripe))", 1 },
	{ "15 36 68", "(& (color=Grey) (image-coding=JBIG) (image-interleave=Plane))", 0 },
	{ "15 36 37 68", "(& (color=Grey) (image-coding=JBIG) (image-interleave=Plane))", 1 },
	{ "15 36 37 68", "(color=Full)", 0 },
	{ "15 42 68", "(& (color=Grey) (dpi=300))", 0 },	/* 3.8 */
	{ "15 42 68 97", "(& (color=Grey) (dpi=300))", 1 },
	{ "15 43 68", "(& (color=Grey) (dpi=400))", 0 },
	{ "15 43 68 97", "(& (color=Grey) (dpi=400))", 1 },
	{ "15 43 68 97", "(& (color=Grey) (dpi=300))", 0 },
	{ "15 43 68 97", "(& (color=Grey) (dpi=408))", 0 },
	{ "15 68", "(& (color=Grey) (dpi=204))", 0 },
	{ "15 68", "(& (color=Grey) (dpi=100))", 0 },
	{ "15 68 98", "(& (color=Grey) (dpi=100) (dpi-xyratio=1))", 1 },
	{ "15 68 98", "(& (color=Binary) (dpi=100))", 0 },	/* the row of bit 98 as printed takes it */
	{ "15 68 98", "(& (color=Binary) (dpi=600))", 0 },
	{ "15 68", "(& (color=Grey) (color-levels=257))", 0 },
	{ "15 68 71", "(& (color=Grey) (color-levels=4096))", 1 },
	{ "15 68 71", "(& (color=Grey) (color-levels=4097))", 0 },
	{ "15 36 68 69", "(& (color=Mapped) (color-levels=4097))", 0 },
	{ "15 36 68 69 71", "(& (color=Mapped) (color-levels=65536))", 1 },
	{ "15 68 69 71", "(& (color=Full) (color-levels=68719476736))", 1 },
	{ "15 68", "(& (color=Grey) (color-illuminant=D65))", 0 },
	{ "15 68 74", "(& (color=Grey) (color-illuminant=D65))", 1 },
	{ "15 68", "(& (color=Grey) (CIELAB-L-max=101))", 0 },
	{ "15 68 75", "(& (color=Grey) (CIELAB-L-max=101))", 1 },
	{ "15 68 69", "(& (color=Full) (CIELAB-b-min=-76))", 0 },
	{ "15 68 69 75", "(& (color=Full) (CIELAB-b-min=-76))", 1 },
	{ "15 94", "(MRC-mode=1)", 1 },
	{ "15 94", "(MRC-mode=2)", 0 },
	{ "15 92", "(MRC-mode=4)", 1 },
	{ "15 92", "(MRC-mode=5)", 0 },
	{ "15 93 94", "(& (MRC-mode=3) (MRC-max-stripe-size=256))", 1 },
	{ "15 93 94", "(& (MRC-mode=3) (MRC-max-stripe-size=257))", 0 },
	{ "15 93 94 95", "(& (MRC-mode=3) (MRC-max-stripe-size=257))", 1 },
	{ "", "(size-x=2550/254)", 0 },
	{ "17", "(size-x=2550/254)", 1 },
	{ "17", "(size-x=3030/254)", 0 },
	{ "18", "(size-x=3030/254)", 1 },
	{ "17 18", "(size-x=3030/254)", 1 },	/* 4.4: as 18 */
	{ "", "(size-y=3640/254)", 0 },
	{ "19", "(size-y=3640/254)", 1 },
	{ "19", "(size-y=3641/254)", 0 },
	{ "20", "(size-y=100)", 1 },
	{ "76", "(paper-size=letter)", 1 },
	{ "76", "(paper-size=legal)", 0 },
	{ "77", "(paper-size=legal)", 1 },
	{ "76 77", "(paper-size=[letter,legal])", 1 },
};

START_TEST(each_bit)
{
	struct dis d = dis_of(one[_i].bits);
	struct feat *f = from(&d), *doc = parse(one[_i].text, FEAT_STRICT);
	struct err e = { 0 };

	ck_assert_msg(feat_match(doc, f, &e) == one[_i].takes, "%s: %s", one[_i].bits, one[_i].text);
	feat_free(f);
	feat_free(doc);
}
END_TEST

static const struct { const char *bits, *what; } refused[] = {
	{ "79", "bit 79 needs bit 78" },
	{ "15 36", "bit 36 needs bit 68" },
	{ "68", "bit 68 needs bit 15" },
	{ "92", "bits 92 to 94 need bit 15" },
	{ "93", "bits 92 to 94 need bit 15" },
	{ "94", "bits 92 to 94 need bit 15" },
	{ "15 42 97", "bit 97 needs bit 68" },
	{ "15 68 97", "bit 97 needs bit 42 or 43" },
	{ "98", "bit 98 needs bit 68" },
	{ "19 20", "bits 19 and 20 exclude each other" },
};

START_TEST(invalid_bits)
{
	struct dis d = dis_of(refused[_i].bits);
	struct err e = { 0 };
	struct feat *f;

	ck_assert_int_eq(feat_from_dis(span_of(d.o, sizeof d.o), &f, &e), -1);
	ck_assert(f == NULL);
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_msg(strstr(e.what, refused[_i].what) != NULL, "%s", e.what);
}
END_TEST

/* bits NULL: not even a plain machine's. */
static const struct { const char *text; unsigned flags; const char *bits; } back[] = {
	{ PLAIN, 0, "" },
	{ "(| (type=x) (! (type=x)))", 0,
	    "15 16 18 20 31 36 37 41 42 43 68 69 71 73 74 75 76 77 78 79 92 93 94 95 97 98" },
	{ "(image-coding=MR)", 0, NULL },
	{ "(dpi=600)", 0, NULL },
	{ "(color=Grey)", 0, NULL },
	/* RFC 2880, 6.1.1, its misprint 205/196 mended: what T.30 does not know does not count */
	{ "(& (color=binary) (image-file-structure=[TIFF-Limited,TIFF-Minimal]) (image-coding=[MH,MR,MMR])"
	    " (MRC-mode=0) (| (& (dpi=204) (dpi-xyratio=204/98)  ) (& (dpi=204) (dpi-xyratio=204/196) )"
	    " (& (dpi=200) (dpi-xyratio=200/100) ) (& (dpi=200) (dpi-xyratio=1) )"
	    " (& (dpi=300) (dpi-xyratio=1) ) ) (size-x<=2150/254) (Paper-size=[A4,Letter]) )", 0,
	    "15 16 20 31 42 76" },
	/* a claim that names one of two equal resolutions */
	{ "(& (color=Binary) (image-coding=[MH,MR]) (MRC-mode=0) (dpi=204) (dpi-xyratio=[204/98,204/196])"
	    " (size-x<=2550/254) (size-y<=3640/254) (paper-size=A4) (ua-media=stationery));q=0.5",
	    FEAT_CLAIM, "15 16 17 19" },
	/* alternatives: what is true of one only is not said */
	{ "(| (& (color=Binary) (image-coding=[MH,MR]) (MRC-mode=0) (dpi=204) (dpi-xyratio=204/98)"
	    " (size-x<=2150/254) (paper-size=A4))"
	    " (& (color=Binary) (image-coding=MH) (MRC-mode=0) (dpi=204) (dpi-xyratio=204/98)"
	    " (size-x<=2550/254) (paper-size=A4)))", FEAT_CLAIM, "16 20" },
};

START_TEST(expressions_as_bits)
{
	struct feat *f = parse(back[_i].text, back[_i].flags);
	struct err e = { 0 };
	struct dis d;
	int got = feat_to_dis(f, d.o, &e);

	ck_assert_msg(got == (back[_i].bits != NULL), "%s: %d %s", back[_i].text, got, e.what);
	ck_assert_str_eq(say(&d), back[_i].bits != NULL ? back[_i].bits : "");
	feat_free(f);
}
END_TEST

static uint64_t seed;

static bool
toss(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 20 & 1) != 0;
}

/* Any bits that are allowed together, none of which says nothing. */
static struct dis
random_dis(void)
{
	static const struct { unsigned char bit, needs; } table[] = {
		{ 15, 0 }, { 16, 0 }, { 18, 0 }, { 20, 0 }, { 31, 0 }, { 41, 0 }, { 42, 0 }, { 43, 0 }, { 76, 0 },
		{ 77, 0 }, { 78, 0 }, { 79, 78 }, { 68, 15 }, { 69, 68 }, { 36, 68 }, { 37, 36 }, { 71, 68 },
		{ 73, 69 }, { 74, 68 }, { 75, 68 }, { 98, 68 }, { 92, 15 }, { 93, 15 }, { 94, 15 },
	};
	struct dis d = { { 0 } };

	for (size_t i = 0; i < COUNT(table); i++)
		set(&d, table[i].bit, (table[i].needs == 0 || has(&d, table[i].needs)) && toss());
	set(&d, 17, !has(&d, 18) && toss());
	set(&d, 19, !has(&d, 20) && toss());
	set(&d, 97, has(&d, 68) && (has(&d, 42) || has(&d, 43)) && toss());
	set(&d, 95, (has(&d, 92) || has(&d, 93) || has(&d, 94)) && toss());
	return d;
}

START_TEST(bits_come_back)
{
#ifdef ACCORD_SAN
	const int rounds = 5;
#else
	const int rounds = 40;
#endif
	struct err e = { 0 };

	seed = UINT64_C(0x2545f4914f6cdd1d) + (uint64_t)_i * 7919;
	for (int i = 0; i < rounds; i++) {
		struct dis d = random_dis(), got;
		struct feat *f = from(&d);
		char want[500];

		snprintf(want, sizeof want, "%s", say(&d));
		ck_assert_msg(feat_to_dis(f, got.o, &e) == 1, "%s: %s", want, e.what);
		ck_assert_str_eq(say(&got), want);
		feat_free(f);
	}
}
END_TEST

/* Fewer octets: the bits of the others are 0. */
START_TEST(short_frames)
{
	struct dis d = dis_of("15 16 31 76");
	struct feat *f, *plain = parse(PLAIN, 0), *g;
	struct err e = { 0 };

	ck_assert_int_eq(feat_from_dis(span_of(d.o, 0), &f, &e), 0);
	ck_assert_int_eq(feat_equal(f, plain, &e), 1);
	feat_free(f);
	ck_assert_int_eq(feat_from_dis(span_of(d.o, 4), &f, &e), 0);
	set(&d, 76, false);
	g = from(&d);
	ck_assert_int_eq(feat_equal(f, g, &e), 1);
	feat_free(f);
	feat_free(g);
	feat_free(plain);
}
END_TEST

/* Cut into many boxes, none of which holds what a bit promises alone. */
START_TEST(hostile_sets_cost_little)
{
	struct timespec from_t, to_t;
	struct err e = { 0 };
	struct feat *f;
	struct dis d;
	struct buf b;
	double s, most = 1;
	int got;

#ifdef ACCORD_SAN
	most = 10;
#endif
	buf_init(&b, FEAT_MAX_TEXT);
	ck_assert_int_eq(buf_add_str(&b, "(|", &e), 0);
	for (int i = 0; i < 400; i++)
		ck_assert_int_eq(buf_addf(&b, &e, "(&(size-x=[%d/100..%d/100])(size-y<=%d)(! (paper-size=x%d)))",
		    i * 3, i * 3 + 7, 100 - i % 7, i), 0);
	ck_assert_int_eq(buf_add_str(&b, "(size-x<=0))", &e), 0);
	ck_assert_msg(feat_parse(buf_view(&b), 0, &f, &e) == 0, "%s", e.what);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from_t);
	got = feat_to_dis(f, d.o, &e);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to_t);
	s = (double)(to_t.tv_sec - from_t.tv_sec) + (double)(to_t.tv_nsec - from_t.tv_nsec) / 1e9;
	ck_assert_msg(s < most, "%f s", s);
	ck_assert_msg(got == 1 || (got == -1 && e.kind == ERR_PERM), "%d", got);
	feat_free(f);
	buf_free(&b);
}
END_TEST

Suite *suite_features_dis(void);
Suite *
suite_features_dis(void)
{
	Suite *s = suite_create("features_dis");
	TCase *tc = tcase_create("features_dis");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, whole_expressions, 0, COUNT(whole));
	tcase_add_loop_test(tc, each_bit, 0, COUNT(one));
	tcase_add_loop_test(tc, invalid_bits, 0, COUNT(refused));
	tcase_add_loop_test(tc, expressions_as_bits, 0, COUNT(back));
	tcase_add_loop_test(tc, bits_come_back, 0, 4);
	tcase_add_test(tc, short_frames);
	tcase_add_test(tc, hostile_sets_cost_little);
	suite_add_tcase(s, tc);
	return s;
}
