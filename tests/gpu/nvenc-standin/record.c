#include "record.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int log_file = -1;

static void open_log(void)
{
    const char *const path = getenv("NVENC_STANDIN_LOG");
    if (!path)
        return;
    log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log_file < 0)
        say("NVENC_STANDIN_LOG: %s cannot be written", path);
}

void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "nvenc stand-in: %s\n", line);
}

void record(const char *format, ...)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char line[512];
    va_list arguments;
    pthread_once(&once, open_log);
    if (log_file < 0)
        return;
    va_start(arguments, format);
    const int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line - 1) {
        say("a line of the log is too long");
        return;
    }
    line[length] = '\n';
    if (write(log_file, line, (size_t)length + 1) != length + 1)
        say("NVENC_STANDIN_LOG cannot be written");
}
