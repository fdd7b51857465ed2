/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "convertd/bih.h"

#include "convertd/raster.h"
#include "lib/cur.h"

enum { OPT_LRLTWO = 0x40, OPT_VLENGTH = 0x20, OPT_TPBON = 0x08 };

/* Octets 0 to 19 in their order. */
struct fields { int dl, d, planes, fill, mx, my, order, options; uint32_t x, y, l0; };

static struct fields
fields_read(const unsigned char octets[BIH_OCTETS])
{
	struct cur c = cur_of(span_of(octets, BIH_OCTETS));
	struct fields f;

	f.dl = cur_byte(&c);
	f.d = cur_byte(&c);
	f.planes = cur_byte(&c);
	f.fill = cur_byte(&c);
	f.x = cur_u32be(&c);
	f.y = cur_u32be(&c);
	f.l0 = cur_u32be(&c);
	f.mx = cur_byte(&c);
	f.my = cur_byte(&c);
	f.order = cur_byte(&c);
	f.options = cur_byte(&c);
	return f;
}

int
bih_read(struct span strip, bool lsb, uint32_t width_px, uint32_t rows, struct bih *out,
    struct err *e)
{
	unsigned char octets[BIH_OCTETS];
	struct fields f[2];
	int use;

	if (strip.n <= BIH_OCTETS)
		return err_set(e, ERR_PERM, "5.6.1", "JBIG: %zu octets hold no image", strip.n);
	memcpy(octets, strip.p, BIH_OCTETS);
	f[0] = fields_read(octets);
	raster_reverse(octets, BIH_OCTETS);
	f[1] = fields_read(octets);
	use = lsb;
	if ((f[use].fill != 0 || f[use].x != width_px) &&
	    f[!use].fill == 0 && f[!use].x == width_px)
		use = !use;
	if (f[use].dl != 0 || f[use].d != 0 || f[use].planes != 1 || f[use].fill != 0)
		return err_set(e, ERR_PERM, "5.6.1",
		    "JBIG: layers %d to %d, %d planes: not one bi-level image", f[use].dl, f[use].d,
		    f[use].planes);
	if (f[use].x != width_px || (f[use].y != rows &&
	    !((f[use].options & OPT_VLENGTH) != 0 && f[use].y > rows)))
		return err_set(e, ERR_PERM, "5.6.1",
		    "JBIG: header says %u by %u pixels, the IFD %u by %u", f[use].x, f[use].y,
		    width_px, rows);
	if (f[use].l0 == 0)
		return err_set(e, ERR_PERM, "5.6.1", "JBIG: stripes of 0 lines");
	*out = (struct bih){ .width_px = f[use].x, .length_px = f[use].y, .stripe = f[use].l0,
	    .reversed = use == 1 };
	out->t85 = f[use].order == 0 && f[use].mx <= 127 && f[use].my == 0 &&
	    (f[use].options & ~(OPT_LRLTWO | OPT_VLENGTH | OPT_TPBON)) == 0;
	return 0;
}
