/*
 * Preloaded into a program, it does what a host with a user interface does first: it takes the user's locale. It ends the
 * program where that is not the Turkish that a test made, in which a decimal point is a comma and the capital of i has a dot.
 */

#include <locale.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#include <wctype.h>

enum { NOT_TURKISH = 97 };

__attribute__((constructor)) static void take_the_users_locale(void)
{
    if (!setlocale(LC_ALL, "") || strcmp(localeconv()->decimal_point, ",") != 0 || towupper(L'i') != 0x130 ||
        strtod("1,5", NULL) != 1.5)
        _exit(NOT_TURKISH);
}
