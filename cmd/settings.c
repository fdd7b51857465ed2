/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* cmd/settings.c - accord start, check, conf. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/authline.h"
#include "lib/capsdb.h"
#include "lib/confcheck.h"
#include "lib/confline.h"
#include "lib/known.h"
#include "lib/routeauth.h"
#include "lib/userfile.h"

enum { SETTING_MAX = 64 * 1024 * 1024 };

static const char conf_usage[] = "accord conf [-H HOME] [--json] [NAME [LINE... | - | --unset]]";

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

/* Its lines are checked where they are compiled. */
static int
check_caps(const struct home *h, struct err *e)
{
	struct buf text;
	char path[640];
	int r = 0;

	buf_init(&text, SETTING_MAX);
	snprintf(path, sizeof path, "%s/caps", h->control);
	if (access(path, F_OK) == 0)
		r = cmd_read_file(path, &text, e);
	if (r == 0 && capsdb_check(buf_view(&text), path, e) == -1)
		r = -1;
	buf_free(&text);
	return r;
}

/* The files that recipients names, as a start would read them. */
static int
check_known(const struct home *h, const struct conf *conf, struct err *e)
{
	int dir = open(h->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = memfd_create("known", MFD_CLOEXEC), r = -1;
	struct err inner = { 0 }, ignored;
	struct known_make m;

	if (fd == -1 || known_make_start(&m, fd, &inner) == -1) {
		err_sys(&inner, "recipients");
	} else {
		r = known_make_recipients(&m, conf, dir, &inner);
		if (r == 0)
			r = known_make_aliases(&m, conf, dir, &inner);
		(void)known_make_end(&m, &ignored);
	}
	if (dir != -1)
		close(dir);
	if (fd != -1)
		close(fd);
	return r == 0 ? 0 : err_set(e, inner.kind, inner.dsn, "%s/%s", h->control, inner.what);
}

static int
check_together(const struct home *h, const struct conf *conf, struct err *e)
{
	struct err inner = { 0 };

	return conf_together(conf, &inner) == 0 ? 0 :
	    err_set(e, inner.kind, inner.dsn, "%s/%s", h->control, inner.what);
}

/* A misspelt setting is no error, since admins keep their notes there, but they are told. */
static void
check_names(const struct home *h)
{
	DIR *d = opendir(h->control);
	struct dirent *ent;

	while (d != NULL && (ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.' && strcmp(ent->d_name, "passwd") != 0 &&
		    conf_find(ent->d_name) == CONF_COUNT)
			fprintf(stderr, "accord: %s/%s: no setting has this name; it has no effect\n",
			    h->control, ent->d_name);
	if (d != NULL)
		closedir(d);
}

/* Sources are asked in the order of their lines; another than from whom the administrator trusts most to
 * whom least (the numbers of enum cap_source) is right, but hardly what was meant. */
static void
check_sources(const struct home *h, const struct conf *conf)
{
	struct capsource before = { SOURCE_NONE, { NULL, 0 } }, s;
	const struct span *lines, *caps;
	uint32_t n = conf_lines(conf, CONF_CAPSOURCES, &lines);
	bool compiled = false;
	struct err e;

	for (uint32_t i = 0; i < n && capsource_parse(lines[i], &s, &e) == 0; before = s, i++) {
		if (s.source < before.source)
			fprintf(stderr, "accord: %s/capsources:%u: %s is asked before %s: what it knows "
			    "counts instead of the other\n", h->control, conf->v[CONF_CAPSOURCES].lineno[i],
			    capsource_name(before.source), capsource_name(s.source));
		compiled = compiled || span_is(lines[i], "cdb:caps.cdb");
	}
	if (conf_lines(conf, CONF_CAPS, &caps) > 0 && !compiled)
		fprintf(stderr, "accord: %s/caps: it has no effect: capsources has no line cdb:caps.cdb\n",
		    h->control);
}

/* What the files of tlscert hold is read by the program that has OpenSSL, and that has its errors on stderr.  */
static int
check_certs(const struct home *h, const struct conf *conf, struct err *e)
{
	char program[600];
	const struct span *lines;
	pid_t pid;
	int status;

	if (conf_lines(conf, CONF_TLSCERT, &lines) == 0)
		return 0;
	if (cmd_program("accord-key", program, sizeof program, e) == -1)
		return -1;
	fflush(stdout);
	if ((pid = fork()) == -1)
		return err_sys(e, "fork");
	if (pid == 0) {
		execl(program, program, "-n", h->control, h->state, (char *)NULL);
		_exit(1);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return err_sys(e, "%s", program);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 :
	    err_set(e, ERR_PERM, NULL, "%s/tlscert: not every file is right", h->control);
}

/* Passwords of next hops, as the supervisor reads them. */
static int
check_credentials(const struct home *h, const struct conf *conf, struct err *e)
{
	int at = open(h->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (at == -1)
		return 0;		/* it was never started */
	r = routeauth_files(conf, at, e);
	close(at);
	return r == 0 ? 0 : err_in(e, "%s", h->control);
}

/* The file passwd, where auth wants it. */
static int
check_users(const struct home *h, const struct conf *conf, struct err *e)
{
	struct buf all;
	int dir, r;

	if (!authline_have(conf, AUTH_PASSWD))
		return 0;
	if ((dir = open(h->control, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return err_sys(e, "%s", h->control);
	buf_init(&all, PASSWD_FILE_MAX);
	if ((r = userfile_read(dir, &all, e)) == 0 && all.n == 0)
		fprintf(stderr, "accord: %s/passwd: there is no user: accord passwd makes one\n", h->control);
	buf_free(&all);
	close(dir);
	return r == 0 ? 0 : err_in(e, "%s", h->control);
}

int
verb_check(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct err e = { 0 };

	(void)argv;
	if (argc != 1)
		return cmd_usage("accord check [-H HOME]");
	if (cmd_settings(&c->home, &conf, &e) == -1 || check_together(&c->home, &conf, &e) == -1 ||
	    check_caps(&c->home, &e) == -1 || check_known(&c->home, &conf, &e) == -1 ||
	    check_certs(&c->home, &conf, &e) == -1 || check_credentials(&c->home, &conf, &e) == -1 ||
	    check_users(&c->home, &conf, &e) == -1)
		return cmd_fail(&e);
	check_names(&c->home);
	check_sources(&c->home, &conf);
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

/* Whose file it is stays so, and who may read it; a new one is for all.  By descriptor: the folder may be
 * another's, who could put a link in the name's place. */
static int
like_before(int fd, const char *path, struct err *e)
{
	mode_t mask = umask(0);
	struct stat st;

	umask(mask);
	if (stat(path, &st) == -1) {
		if (errno != ENOENT)
			return err_sys(e, "%s", path);
		return fchmod(fd, 0644 & ~mask) == -1 ? err_sys(e, "%s: its mode", path) : 0;
	}
	if (fchown(fd, st.st_uid, st.st_gid) == -1 && (st.st_uid != geteuid() || st.st_gid != getegid()))
		return err_sys(e, "%s: its owner", path);
	return fchmod(fd, st.st_mode & 0777) == -1 ? err_sys(e, "%s: its mode", path) : 0;
}

int
cmd_write_setting(const struct home *h, struct conf *conf, enum conf_id id, struct span text,
    struct err *e)
{
	char path[640];

	snprintf(path, sizeof path, "%s/%s", h->control, conf_table[id].name);
	if (conf_set(conf, id, text, e) == -1 || (id == CONF_CAPS && capsdb_check(text, "caps", e) == -1))
		return -1;
	if (mkdir(h->control, 0755) == -1 && errno != EEXIST)
		return err_sys(e, "%s", h->control);
	return cmd_replace_file(path, text, like_before, e);
}

/* The lines that were given as words, or standard input's for "-". */
static int
given_text(char *const *lines, int n, struct buf *text, struct err *e)
{
	if (n == 1 && strcmp(lines[0], "-") == 0)
		return cmd_read_fd(0, text, e);
	for (int i = 0; i < n; i++)
		if (buf_addf(text, e, "%s\n", lines[i]) == -1)
			return -1;
	return 0;
}

static int
set_setting(const struct home *h, struct conf *conf, enum conf_id id, char *const *lines, int n,
    struct err *e)
{
	struct buf text;
	int r;

	buf_init(&text, SETTING_MAX);
	r = given_text(lines, n, &text, e);
	if (r == 0)
		r = cmd_write_setting(h, conf, id, buf_view(&text), e);
	buf_free(&text);
	return r;
}

/* Back to the default: the file goes. */
static int
unset_setting(const struct home *h, struct conf *conf, enum conf_id id, struct err *e)
{
	char path[640];

	snprintf(path, sizeof path, "%s/%s", h->control, conf_table[id].name);
	if (unlink(path) == -1 && errno != ENOENT)
		return err_sys(e, "%s", path);
	conf_free(conf);
	return conf_init(conf, e);
}

int
verb_conf(struct common *c, int argc, char **argv)
{
	static struct conf conf;
	struct err e = { 0 };
	enum conf_id id;
	int r;

	if (argc == 1) {
		if (cmd_settings(&c->home, &conf, &e) == -1)
			return cmd_fail(&e);
		for (int i = 0; i < CONF_COUNT; i++)
			print_setting(&conf, i, c->json);
		return EXIT_DONE;
	}
	if (argv[1][0] == '-')
		return cmd_usage(conf_usage);
	if ((id = conf_find(argv[1])) == CONF_COUNT) {
		fprintf(stderr, "accord: no setting is named %s\n", argv[1]);
		return EXIT_NO;
	}
	if (argc == 2)
		r = cmd_setting(&c->home, &conf, id, &e);
	else if (conf_init(&conf, &e) == -1)
		r = -1;
	else if (strcmp(argv[2], "--unset") == 0)
		r = argc == 3 ? unset_setting(&c->home, &conf, id, &e) : 1;
	else if (strcmp(argv[2], "--") == 0)
		r = set_setting(&c->home, &conf, id, argv + 3, argc - 3, &e);
	else if (argv[2][0] == '-' && argv[2][1] == '-')
		r = 1;
	else
		r = set_setting(&c->home, &conf, id, argv + 2, argc - 2, &e);
	if (r == 1)
		return cmd_usage(conf_usage);
	if (r == -1)
		return cmd_fail(&e);
	print_setting(&conf, id, c->json);
	return EXIT_DONE;
}
