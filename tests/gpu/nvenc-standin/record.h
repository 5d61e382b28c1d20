// What the stand-in tells: lines on standard error for people, JSON lines in $NVENC_STANDIN_LOG for tests.
#ifndef NVENC_STANDIN_RECORD_H
#define NVENC_STANDIN_RECORD_H

// Writes "nvenc stand-in: ..." to standard error.
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

// Appends a line to $NVENC_STANDIN_LOG, where that is set. A line is written at once and whole.
__attribute__((format(printf, 1, 2))) void record(const char *format, ...);

#endif
