/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/fax_code.h"

#include <stdbool.h>
#include <stddef.h>

/* Runs of 0 to 63, then of 64, 128 and so on to 1728; words as T.4 prints them, the first bit first. */
static const char white[] =
    "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 "
    "110101 101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 "
    "0010011 0100100 0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 "
    "00010101 00010110 00010111 00101000 00101001 00101010 00101011 00101100 00101101 00000100 "
    "00000101 00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101 01011000 "
    "01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100 11011 10010 010111 "
    "0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 "
    "011010010 011010011 011010100 011010101 011010110 011010111 011011000 011011001 011011010 "
    "011011011 010011000 010011001 010011010 011000 010011011";
static const char black[] =
    "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 "
    "00000111 000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 "
    "00000110111 00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 "
    "000011001101 000001101000 000001101001 000001101010 000001101011 000011010010 000011010011 "
    "000011010100 000011010101 000011010110 000011010111 000001101100 000001101101 000011011010 "
    "000011011011 000001010100 000001010101 000001010110 000001010111 000001100100 000001100101 "
    "000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 "
    "000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111 "
    "0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 "
    "0000001101100 0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 "
    "0000001110010 0000001110011 0000001110100 0000001110101 0000001110110 0000001110111 "
    "0000001010010 0000001010011 0000001010100 0000001010101 0000001011010 0000001011011 "
    "0000001100100 0000001100101";
/* Of both colours: 1792 to 2560. */
static const char more[] =
    "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 "
    "000000010110 000000010111 000000011100 000000011101 000000011110 000000011111";

/* T.4 table 4, T.6 table 1. */
static const struct { const char *word; enum fax_mode mode; int delta; } modes[] = {
	{ "0001", MODE_PASS, 0 }, { "001", MODE_HORIZONTAL, 0 }, { "1", MODE_VERTICAL, 0 },
	{ "011", MODE_VERTICAL, 1 }, { "000011", MODE_VERTICAL, 2 }, { "0000011", MODE_VERTICAL, 3 },
	{ "010", MODE_VERTICAL, -1 }, { "000010", MODE_VERTICAL, -2 }, { "0000010", MODE_VERTICAL, -3 } };

/* The word at text, whose bits end at a space or the text; *up: the same, the first bit highest. */
static struct fax_word
word_of(const char *text, unsigned *up)
{
	struct fax_word w = { 0, 0 };

	*up = 0;
	for (; *text == '0' || *text == '1'; text++, w.bits++) {
		*up = *up << 1 | (*text == '1');
		w.code = (uint16_t)(w.code | (*text == '1') << w.bits);
	}
	return w;
}

static void
runs_add(struct fax_code *t, int colour, const char *text, unsigned run)
{
	while (*text != '\0') {
		unsigned up, spare;
		struct fax_word w = word_of(text, &up);

		spare = 1U << (FAX_RUN_BITS - w.bits);
		for (unsigned i = 0; i < spare; i++)
			t->run[colour][up * spare + i] = (fax_run)(run << 4 | w.bits);
		if (run < 64)
			t->ends[colour][run] = w;
		else
			t->make_up[colour][run / 64] = w;
		run += run < 64 ? 1 : 64;
		text += w.bits;
		text += *text == ' ';
	}
}

static void
modes_add(struct fax_code *t)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		unsigned up, spare;
		struct fax_word w = word_of(modes[i].word, &up);

		spare = 1U << (FAX_MODE_BITS - w.bits);
		for (unsigned k = 0; k < spare; k++)
			t->mode[up * spare + k] = (struct fax_mode_code){ (uint8_t)modes[i].mode, w.bits,
			    (int8_t)modes[i].delta };
		if (modes[i].mode == MODE_PASS)
			t->pass = w;
		else if (modes[i].mode == MODE_HORIZONTAL)
			t->horizontal = w;
		else
			t->vertical[modes[i].delta + FAX_DELTA_MAX] = w;
	}
}

const struct fax_code *
fax_code(void)
{
	static struct fax_code table;
	static bool made;

	if (!made) {
		runs_add(&table, WHITE, white, 0);
		runs_add(&table, BLACK, black, 0);
		runs_add(&table, WHITE, more, 1792);
		runs_add(&table, BLACK, more, 1792);
		modes_add(&table);
		made = true;
	}
	return &table;
}
