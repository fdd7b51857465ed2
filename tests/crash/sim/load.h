/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The accord authors */
#ifndef TESTS_CRASH_SIM_LOAD_H
#define TESTS_CRASH_SIM_LOAD_H

/*
 * Sends messages to 127.0.0.1:port from so many clients at once, for so long or until there are `most`, and
 * notes in the ledger (ledger.h) what came of each; the clock goes on for `settle` seconds more.  0, or an
 * exit status.
 */
int load_run(int port, const char *record, const char *ledger, unsigned clients, double seconds,
    double settle, unsigned most);

#endif
