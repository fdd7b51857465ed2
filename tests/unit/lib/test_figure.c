/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#include "lib/figure.h"

#include <check.h>

#include "lib/conf.h"

static const struct { const char *line; const char *name, *labels; uint64_t value; } lines[] = {
	{ "accord_settings 1", "accord_settings", "", 1 },
	{ "a1_b 18446744073709551615", "a1_b", "", UINT64_MAX },
	{ "a{role=\"x\"} 2", "a", "role=\"x\"", 2 },
	{ "a{role=\"x \\\"}{\\\\\",b=\"\"} 3", "a", "role=\"x \\\"}{\\\\\",b=\"\"", 3 },
	{ "a{} 4", "a", "", 4 },
	{ "", NULL, "", 0 },
	{ "a", NULL, "", 0 },
	{ "a ", NULL, "", 0 },
	{ "a -1", NULL, "", 0 },
	{ "a 1.5", NULL, "", 0 },
	{ "a 18446744073709551616", NULL, "", 0 },
	{ "1a 1", NULL, "", 0 },
	{ "A 1", NULL, "", 0 },
	{ "# HELP 1", NULL, "", 0 },
	{ "a{role=\"x} 2", NULL, "", 0 },
	{ "a{role=\"x\\\"} 2", NULL, "", 0 },
	{ "a{role=x} 2", NULL, "", 0 },
	{ "a{role=\"x\" 2", NULL, "", 0 },
	{ "a{role=\"x\ty\"} 2", NULL, "", 0 },
};

START_TEST(lines_are_read_or_refused)
{
	struct figure f;
	bool ok = figure_read(span_str(lines[_i].line), &f);

	ck_assert_int_eq(ok, lines[_i].name != NULL);
	if (!ok)
		return;
	ck_assert(span_is(f.name, lines[_i].name));
	ck_assert(span_is(f.labels, lines[_i].labels));
	ck_assert_uint_eq(f.value, lines[_i].value);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	struct figure f;
	struct buf out;
	struct span rest, line, labels, name, text;

	buf_init(&out, 200);
	figure_add(&out, "accord_settings", 7);
	figure_of(&out, "accord_restarts_total", "role", "a\"b\\c\nd", 8);
	rest = buf_view(&out);
	ck_assert(span_line(&rest, &line) && figure_read(line, &f));
	ck_assert(span_is(f.name, "accord_settings") && f.value == 7);
	ck_assert(span_line(&rest, &line) && figure_read(line, &f) && f.value == 8);
	labels = f.labels;
	ck_assert(figure_label(&labels, &name, &text));
	ck_assert(span_is(name, "role") && span_is(text, "a\\\"b\\\\c?d"));
	ck_assert(!figure_label(&labels, &name, &text));
	/* a full buffer keeps whole lines only */
	for (int i = 0; i < 20; i++)
		figure_add(&out, "accord_settings", 1);
	ck_assert_uint_eq(out.p[out.n - 1], '\n');
	buf_free(&out);
}
END_TEST

START_TEST(names_are_declared)
{
	const struct figure_decl *d;
	size_t n;

	ck_assert_int_eq(figure_find(span_str("accord_reloads_total"))->type, FIGURE_COUNTER);
	ck_assert_int_eq(figure_find(span_str("accord_smtpd_sessions"))->type, FIGURE_GAUGE);
	ck_assert_ptr_null(figure_find(span_str("accord_smtpd_sessionsx")));
	ck_assert_ptr_null(figure_find(span_str("accord_smtpd_session")));
	for (n = 0; (d = figure_at(n)) != NULL; n++)
		ck_assert_ptr_eq(figure_find(span_str(d->name)), d);	/* no name twice */
	ck_assert_uint_gt(n, 50);
}
END_TEST

/* What a reload compares, and how it says who this host is. */
START_TEST(settings_are_compared)
{
	struct conf a, b;
	struct err e = { 0 };

	ck_assert_int_eq(conf_init_as(&a, "one.example", &e), 0);
	ck_assert_int_eq(conf_init_as(&b, "two.example", &e), 0);
	ck_assert_str_eq(conf_string(&a, CONF_ME), "one.example");
	ck_assert(!conf_same(&a, &b, CONF_ME) && !conf_same(&a, &b, CONF_LOCALS));
	ck_assert(conf_same(&a, &b, CONF_SMTPROUTES) && conf_same(&a, &b, CONF_MAXERRORS));
	ck_assert_int_eq(conf_set(&a, CONF_SMTPROUTES, span_str("x.example:h:1 # c\n"), &e), 0);
	ck_assert(!conf_same(&a, &b, CONF_SMTPROUTES));
	ck_assert_int_eq(conf_set(&b, CONF_SMTPROUTES, span_str("\nx.example:h:1\n"), &e), 0);
	ck_assert(conf_same(&a, &b, CONF_SMTPROUTES));
	ck_assert_int_eq(conf_set(&b, CONF_SMTPROUTES, span_str("x.example:h:2\n"), &e), 0);
	ck_assert(!conf_same(&a, &b, CONF_SMTPROUTES));
	conf_free(&a);
	conf_free(&b);
}
END_TEST

Suite *suite_figure(void);
Suite *
suite_figure(void)
{
	Suite *s = suite_create("figure");
	TCase *tc = tcase_create("figure");

	tcase_add_loop_test(tc, lines_are_read_or_refused, 0, sizeof lines / sizeof *lines);
	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, names_are_declared);
	tcase_add_test(tc, settings_are_compared);
	suite_add_tcase(s, tc);
	return s;
}
