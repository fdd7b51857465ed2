/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/*
 * man/generate.c - the manual pages that come from tables:
 *
 *	generate settings MAN OUT	one page a setting, accord-NAME.5, from conf_table and the text
 *					MAN/setting/NAME, which must be there; accord-settings.5
 *	generate log MAN OUT		accord-log.5 from MAN/log-events and MAN/log-keys
 *	generate figures MAN OUT	accord-stat.1 from the table of lib/figure.c
 *
 * MAN and OUT are folders.  A page NAME.in has the table put in at its line "@TABLE@".
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/figure.h"

#define PAGE_DATE "November 22, 2026"
enum { PATH_SIZE = 1024, LINE_SIZE = 1024 };

static _Noreturn void
die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("generate: ", stderr);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static FILE *
open_file(const char *mode, const char *format, ...)
{
	char path[PATH_SIZE];
	va_list ap;
	FILE *f;

	va_start(ap, format);
	vsnprintf(path, sizeof path, format, ap);
	va_end(ap);
	if ((f = fopen(path, mode)) == NULL)
		die("%s: %s", path, strerror(errno));
	return f;
}

static void
close_file(FILE *f)
{
	if (ferror(f) || fclose(f) == EOF)
		die("cannot write: %s", strerror(errno));
}

/* Text of the tables: what mdoc would take for its own is escaped, a sentence begins a line. */
static void
put_text(FILE *to, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", to);
	for (; *s != '\0'; s++)
		if (*s == '\\')
			fputs("\\e", to);
		else if (*s == '\xe2' && s[1] == '\x80' && s[2] == '\xa6')	/* an ellipsis */
			fputs("\\&...", to), s += 2;
		else if (*s == '.' && s[1] == ' ' && s[2] >= 'A' && s[2] <= 'Z')
			fputs(".\n", to), s++;
		else
			fputc(*s, to);
}

/* The same as an argument of a macro: its punctuation stays text. */
static void
put_word(FILE *to, const char *s)
{
	fputs("\\&", to);
	put_text(to, s);
}

static void
copy_page(FILE *from, FILE *to, void (*table)(FILE *, const char *), const char *man)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof line, from) != NULL)
		if (table != NULL && strcmp(line, "@TABLE@\n") == 0)
			table(to, man);
		else
			fputs(line, to);
	fclose(from);
}

/* MAN/NAME.in with its table becomes OUT/NAME. */
static void
table_page(const char *name, void (*table)(FILE *, const char *), const char *man, const char *out)
{
	FILE *to = open_file("w", "%s/%s", out, name);

	copy_page(open_file("r", "%s/%s.in", man, name), to, table, man);
	close_file(to);
}

/* --- settings --- */

static void
put_readers(FILE *to, const struct conf_decl *d)
{
	const char *sep = "";

	for (unsigned r = 0; r < ROLE_COUNT; r++)
		if (d->readers & 1u << r) {
			fprintf(to, "%s%s", sep, role_name((enum role)r));
			sep = ", ";
		}
}

static void
put_default(FILE *to, const struct conf_decl *d)
{
	const char *s = d->def;

	if (*s == '\0') {
		fputs("Default: none.\n", to);
		return;
	}
	if (strcmp(s, "@me") == 0 && strcmp(d->name, "me") == 0) {
		fputs("Default: the system's host name.\n", to);
		return;
	}
	fputs("Default:\n.Bd -literal -offset indent\n", to);
	for (; *s != '\0'; s++)
		if (strncmp(s, "@me", 3) == 0)
			fputs("ME", to), s += 2;
		else if (*s == '.' && (s == d->def || s[-1] == '\n'))
			fputs("\\&.", to);
		else
			fputc(*s, to);
	fputs("\n.Ed\n", to);
	if (strstr(d->def, "@me") != NULL)
		fputs(".Pp\nME stands for the value of\n.Xr accord-me 5 .\n", to);
}

static void
put_kind(FILE *to, const struct conf_decl *d)
{
	if (d->type == CONF_NUMBER)
		fprintf(to, "One line: a number from %llu to %llu.\n", (unsigned long long)d->min,
		    (unsigned long long)d->max);
	else if (d->type == CONF_STRING)
		fputs("One line.\n", to);
	else
		fputs("A line is an entry.\n", to);
}

static void
setting_page(const struct conf_decl *d, const char *man, const char *out)
{
	FILE *to = open_file("w", "%s/accord-%s.5", out, d->name);

	fprintf(to, ".\\\" SPDX-License-Identifier: ISC\n.Dd %s\n.Dt ACCORD-", PAGE_DATE);
	for (const char *s = d->name; *s != '\0'; s++)
		fputc(*s >= 'a' && *s <= 'z' ? *s - 32 : *s, to);
	fprintf(to, " 5\n.Os accord\n.Sh NAME\n.Nm accord-%s\n.Nd ", d->name);
	put_text(to, d->help);
	fprintf(to, "\n.Sh SYNOPSIS\n.Pa /etc/accord/%s\n.Sh DESCRIPTION\n", d->name);
	copy_page(open_file("r", "%s/setting/%s", man, d->name), to, NULL, man);
	fputs(".Sh VALUE\n", to);
	put_kind(to, d);
	put_default(to, d);
	fputs(".Pp\nRead by: ", to);
	put_readers(to, d);
	fputs(".\n.Sh SEE ALSO\n.Xr accord-conf 1 ,\n.Xr accord-settings 5\n", to);
	close_file(to);
}

static void
settings_table(FILE *to, const char *man)
{
	(void)man;
	fputs(".Bl -tag -width Ds\n", to);
	for (unsigned i = 0; i < CONF_COUNT; i++) {
		const struct conf_decl *d = &conf_table[i];

		fprintf(to, ".It Xr accord-%s 5\n", d->name);
		put_text(to, d->help);
		fputs(".\n", to);
	}
	fputs(".El\n", to);
}

static void
settings(const char *man, const char *out)
{
	for (unsigned i = 0; i < CONF_COUNT; i++)
		setting_page(&conf_table[i], man, out);
	table_page("accord-settings.5", settings_table, man, out);
}

/* --- log lines --- */

/*
 * log-events, sorted by event: "EVENT LEVEL[|LEVEL] PROCESS[,PROCESS]: KEY KEY", then lines of text
 * behind a tab.  log-keys: "KEY" and text likewise.
 */
static void
event_head(FILE *to, char *line)
{
	char *event = strtok(line, " "), *level = strtok(NULL, " "), *who = strtok(NULL, ":\n"),
	    *keys = strtok(NULL, "\n");

	if (event == NULL || level == NULL || who == NULL)
		die("log-events: %s", line);
	fprintf(to, ".It Cm %s\n.Pq %s; %s", event, level, who);
	while (keys != NULL && *keys == ' ')
		keys++;
	if (keys != NULL && *keys != '\0')
		fprintf(to, "; %s", keys);
	fputs("\n.br\n", to);
}

static void
put_entries(FILE *to, const char *man, const char *file, void (*head)(FILE *, char *))
{
	FILE *from = open_file("r", "%s/%s", man, file);
	char line[LINE_SIZE];

	fputs(".Bl -tag -width Ds\n", to);
	while (fgets(line, sizeof line, from) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\t') {
			put_text(to, line + 1);
			fputc('\n', to);
		} else if (line[0] != '#' && line[0] != '\0') {
			head(to, line);
		}
	}
	fputs(".El\n", to);
	fclose(from);
}

static void
key_head(FILE *to, char *line)
{
	fputs(".It Cm ", to);
	put_word(to, line);
	fputc('\n', to);
}

static void
log_table(FILE *to, const char *man)
{
	fputs(".Sh KEYS\n", to);
	put_entries(to, man, "log-keys", key_head);
	fputs(".Sh EVENTS\nBehind each event: its levels; who says it; its keys.\n", to);
	put_entries(to, man, "log-events", event_head);
}

/* --- figures --- */

static void
figures_table(FILE *to, const char *man)
{
	const struct figure_decl *d;

	(void)man;
	fputs(".Bl -tag -width Ds\n", to);
	for (size_t i = 0; (d = figure_at(i)) != NULL; i++) {
		fprintf(to, ".It Cm %s\n.Pq %s\n", d->name,
		    d->type == FIGURE_COUNTER ? "counter" : "gauge");
		put_text(to, d->help);
		fputs(".\n", to);
	}
	fputs(".El\n", to);
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		die("usage: generate settings|log|figures MAN OUT");
	if (strcmp(argv[1], "settings") == 0)
		settings(argv[2], argv[3]);
	else if (strcmp(argv[1], "log") == 0)
		table_page("accord-log.5", log_table, argv[2], argv[3]);
	else if (strcmp(argv[1], "figures") == 0)
		table_page("accord-stat.1", figures_table, argv[2], argv[3]);
	else
		die("what is %s?", argv[1]);
	return 0;
}
