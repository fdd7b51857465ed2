/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/settings.c - accord start, check, conf. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/capsdb.h"

int
verb_start(struct common *c, int argc, char **argv)
{
	char program[600];
	char *args[16] = { program };
	struct err e = { 0 };
	int n = 1;

	if (cmd_program("accord-start", program, sizeof program, &e) == -1)
		return cmd_fail(&e);
	if (c->home.given != NULL) {
		args[n++] = (char *)(uintptr_t)"-H";
		args[n++] = (char *)(uintptr_t)c->home.given;
	}
	for (int i = 1; i < argc && n < 15; i++)
		args[n++] = argv[i];
	execv(program, args);
	err_sys(&e, "%s", program);
	return cmd_fail(&e);
}

int
verb_check(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct err e = { 0 };

	(void)argv;
	if (argc != 1)
		return cmd_usage("accord check [-H HOME]");
	if (cmd_settings(&c->home, &conf, &e) == -1)
		return cmd_fail(&e);
	conf_free(&conf);
	printf("all settings are right\n");
	return EXIT_DONE;
}

static void
print_setting(const struct conf *conf, enum conf_id id, bool json)
{
	const struct span *lines;
	uint32_t n = conf_lines(conf, id, &lines);

	if (json) {
		printf("{\"name\":\"%s\",\"set\":%s,\"value\":[", conf_table[id].name,
		    conf->v[id].set ? "true" : "false");
		for (uint32_t i = 0; i < n; i++) {
			printf("%s", i > 0 ? "," : "");
			json_string(stdout, lines[i]);
		}
		printf("],\"help\":");
		json_string(stdout, span_str(conf_table[id].help));
		printf("}\n");
		return;
	}
	if (n == 0)
		printf("%s:%s\n", conf_table[id].name, conf->v[id].set ? "" : " (none)");
	for (uint32_t i = 0; i < n; i++)
		printf("%s: %.*s%s\n", conf_table[id].name, (int)lines[i].n,
		    (const char *)lines[i].p, conf->v[id].set ? "" : " (default)");
}

/* A setting is written only when it is right; the file's former text is replaced whole. */
static int
set_setting(const struct home *h, struct conf *conf, enum conf_id id, const char *value,
    struct err *e)
{
	struct buf text;
	char path[640];
	int r;

	buf_init(&text, 1024 * 1024);
	snprintf(path, sizeof path, "%s/%s", h->control, conf_table[id].name);
	r = buf_addf(&text, e, "%s\n", value);
	if (r == 0)
		r = conf_set(conf, id, buf_view(&text), e);
	if (r == 0 && mkdir(h->control, 0755) == -1 && errno != EEXIST)
		r = err_sys(e, "%s", h->control);
	if (r == 0)
		r = cmd_write_file(path, buf_view(&text), e);
	buf_free(&text);
	return r;
}

int
verb_conf(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct err e = { 0 };
	enum conf_id id;

	if (argc > 3)
		return cmd_usage("accord conf [-H HOME] [--json] [NAME [VALUE]]");
	if (cmd_settings(&c->home, &conf, &e) == -1 && argc < 3)
		return cmd_fail(&e);
	if (argc == 1) {
		for (int i = 0; i < CONF_COUNT; i++)
			print_setting(&conf, i, c->json);
		return EXIT_DONE;
	}
	if ((id = conf_find(argv[1])) == CONF_COUNT) {
		fprintf(stderr, "accord: no setting is named %s\n", argv[1]);
		return EXIT_NO;
	}
	if (argc == 3 && set_setting(&c->home, &conf, id, argv[2], &e) == -1)
		return cmd_fail(&e);
	print_setting(&conf, id, c->json);
	return EXIT_DONE;
}
