/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * dist/font/rasterise.c - makes convertd/font_table.c from a monospaced font, by FreeType:
 *   cc -o rasterise dist/font/rasterise.c $(pkg-config --cflags --libs freetype2)
 *   ./rasterise /usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf > convertd/font_table.c
 * (Debian: libfreetype-dev, fonts-dejavu-core.)  Nothing that is built needs it: the table is kept.
 * Cells are 40 by 66 pixels, which is 10 characters and 6 lines an inch at 400 dpi.  The format is in
 * convertd/font.h.
 */
#include <ft2build.h>
#include FT_FREETYPE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH = 40, HEIGHT = 66, STRIDE = 5, REPEAT = 8,
	WIDTH_EM = 4252, HEIGHT_EM = 3648,	/* of the em, in 64ths of a pixel: 40 across, 66 from top to bottom */
	BASELINE = 53,
	GLYPHS = 4000, DATA = 1 << 20
};

/* Latin, Greek, Cyrillic, their marks; punctuation, signs, arrows, mathematics, boxes and shapes. */
static const struct { uint32_t first, last; } wanted[] = {
	{ 0x20, 0x7e }, { 0xa0, 0x24f }, { 0x2b0, 0x2ff }, { 0x300, 0x36f }, { 0x370, 0x3ff }, { 0x400, 0x52f },
	{ 0x1e00, 0x1fff }, { 0x2010, 0x2027 }, { 0x2030, 0x205e }, { 0x2070, 0x209f }, { 0x20a0, 0x20bf },
	{ 0x2100, 0x214f }, { 0x2150, 0x218f }, { 0x2190, 0x21ff }, { 0x2200, 0x22ff }, { 0x2300, 0x2335 },
	{ 0x2500, 0x259f }, { 0x25a0, 0x25ff }, { 0x2610, 0x2612 }, { 0x2630, 0x2667 }, { 0x2669, 0x266f },
	{ 0x2701, 0x2718 }, { 0x2776, 0x278b }, { 0xfb00, 0xfb06 }, { 0xfffd, 0xfffd },
};

static uint32_t code[GLYPHS], offset[GLYPHS + 1], n;
static unsigned char data[DATA];
static uint32_t size;

/* The glyph drawn in its cell; what runs over its edge is cut. */
static void
cell_draw(FT_GlyphSlot g, unsigned char cell[HEIGHT][STRIDE])
{
	memset(cell, 0, HEIGHT * STRIDE);
	for (int y = 0; y < (int)g->bitmap.rows; y++)
		for (int x = 0; x < (int)g->bitmap.width; x++) {
			int to_x = x + g->bitmap_left, to_y = BASELINE - g->bitmap_top + y;

			if ((g->bitmap.buffer[y * g->bitmap.pitch + x / 8] & 0x80 >> x % 8) == 0)
				continue;
			if (to_x < 0 && g->advance.x == 0)	/* a mark that stands back over its letter */
				to_x += WIDTH;
			if (to_x >= 0 && to_x < WIDTH && to_y >= 0 && to_y < HEIGHT)
				cell[to_y][to_x / 8] |= (unsigned char)(0x80 >> to_x % 8);
		}
}

static void
cell_pack(unsigned char cell[HEIGHT][STRIDE])
{
	unsigned char above[STRIDE] = { 0 };

	for (int y = 0, same; y < HEIGHT; y += same) {
		unsigned char *mask = &data[size++];

		for (same = 1; same < REPEAT && y + same < HEIGHT && memcmp(cell[y], cell[y + same], STRIDE) == 0;)
			same++;
		*mask = (unsigned char)((same - 1) << 5);
		for (int i = 0; i < STRIDE; i++)
			if (cell[y][i] != above[i]) {
				*mask |= (unsigned char)(1 << i);
				data[size++] = cell[y][i] ^ above[i];
			}
		memcpy(above, cell[y], STRIDE);
	}
}

static void
print_table(void)
{
	uint32_t runs = 0;

	printf("/* SPDX-License-Identifier: Bitstream-Vera */\n"
	    "/* Made by dist/font/rasterise.c from DejaVu Sans Mono; its licence is in dist/font/COPYING. */\n"
	    "#include \"convertd/font.h\"\n\nconst struct font_run font_runs[] = {\n");
	for (uint32_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && code[k] == code[k - 1] + 1;)
			k++;
		printf("\t{ 0x%x, %u, %u },\n", code[i], k - i, i);
		runs++;
	}
	printf("};\nconst uint32_t font_nruns = %u;\n\nconst uint32_t font_offsets[] = {", runs);
	for (uint32_t i = 0; i <= n; i++)
		printf("%s%u", i == 0 ? "\n" : i % 16 == 0 ? ",\n" : ",", offset[i]);
	printf("\n};\n\nconst unsigned char font_data[] = {");
	for (uint32_t i = 0; i < size; i++)
		printf("%s%u", i == 0 ? "\n" : i % 29 == 0 ? ",\n" : ",", data[i]);
	printf("\n};\n");
}

int
main(int argc, char **argv)
{
	unsigned char cell[HEIGHT][STRIDE];
	FT_Library lib;
	FT_Face face;

	if (argc != 2 || FT_Init_FreeType(&lib) != 0 || FT_New_Face(lib, argv[1], 0, &face) != 0 ||
	    FT_Set_Char_Size(face, WIDTH_EM, HEIGHT_EM, 72, 72) != 0) {
		fprintf(stderr, "usage: rasterise FONT.ttf\n");
		return 1;
	}
	for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++)
		for (uint32_t c = wanted[w].first; c <= wanted[w].last; c++) {
			if (FT_Get_Char_Index(face, c) == 0 || FT_Load_Char(face, c, FT_LOAD_RENDER | FT_LOAD_TARGET_MONO) != 0)
				continue;
			cell_draw(face->glyph, cell);
			code[n] = c;
			offset[n++] = size;
			cell_pack(cell);
		}
	offset[n] = size;
	print_table();
	fprintf(stderr, "%u glyphs, %u octets\n", n, size);
	return 0;
}
