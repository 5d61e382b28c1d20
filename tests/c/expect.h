/*
 * Checks for programs that misuse RAVE on purpose. A check that fails prints where it stands, what it found and what
 * RAVE said, and the program goes on; expect_result() is what main() returns.
 */

#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rave.h>

static _Atomic int expect_failures;

static inline void expect_failed(const char *file, int line, const char *what)
{
    expect_failures++;
    fprintf(stderr, "%s:%d: %s\n    last error: %s\n", file, line, what, rave_last_error(NULL));
}

static inline void expect_status(const char *file, int line, const char *call, int32_t found, int32_t expected)
{
    if (found == expected)
        return;
    expect_failed(file, line, call);
    fprintf(stderr, "    status %d (%s), expected %d (%s)\n", (int)found, rave_error_message(found), (int)expected,
            rave_error_message(expected));
}

static inline void expect_said(const char *file, int line, const char *word)
{
    if (strstr(rave_last_error(NULL), word))
        return;
    expect_failed(file, line, "the message lacks a word");
    fprintf(stderr, "    expected \"%s\"\n", word);
}

/* That `condition` holds. */
#define CHECK(condition)                                   \
    do {                                                   \
        if (!(condition))                                  \
            expect_failed(__FILE__, __LINE__, #condition); \
    } while (0)

/* That `call` returns the status `expected`. */
#define CHECK_STATUS(call, expected) expect_status(__FILE__, __LINE__, #call, (call), (expected))

/* That the last message on this thread has `word` in it. */
#define CHECK_SAID(word) expect_said(__FILE__, __LINE__, (word))

/* Ends the program where it cannot go on. */
#define REQUIRE(condition)                                 \
    do {                                                   \
        if (!(condition)) {                                \
            expect_failed(__FILE__, __LINE__, #condition); \
            exit(1);                                       \
        }                                                  \
    } while (0)

static inline int expect_result(void)
{
    if (expect_failures)
        fprintf(stderr, "%d checks failed\n", expect_failures);
    return expect_failures ? 1 : 0;
}

#endif
