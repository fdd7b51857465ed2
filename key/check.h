/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
/* key/check.h - accord-key -n: are the files of tlscert right?  For `accord check`. */
#ifndef KEY_CHECK_H
#define KEY_CHECK_H

/* The setting in the folder control, files below state.  Errors and warnings go to stderr; exit status. */
int check_files(const char *control, const char *state);

#endif
