/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* tests/fuzz/replay.c - runs a fuzz target over every file of the folders named: the kept corpus. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPLAY_MAX = 4 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *all = malloc(REPLAY_MAX), *exact;
	size_t n;

	if (f == NULL || all == NULL)
		return -1;
	n = fread(all, 1, REPLAY_MAX, f);
	fclose(f);
	/* Exactly as large as the input, so that a sanitizer sees the first octet too many. */
	if ((exact = malloc(n == 0 ? 1 : n)) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		exact[i] = all[i];
	free(all);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int
main(int argc, char **argv)
{
	int done = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *d;

		if (dir == NULL) {
			fprintf(stderr, "%s: no corpus\n", argv[i]);
			return 1;
		}
		while ((d = readdir(dir)) != NULL) {
			char path[4096];

			if (d->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], d->d_name);
			if (replay_file(path) == -1) {
				fprintf(stderr, "%s: cannot be read\n", path);
				return 1;
			}
			done++;
		}
		closedir(dir);
	}
	printf("%s: %d seeds\n", argc > 1 ? argv[1] : "", done);
	return done == 0;
}
