/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passwords are read from the terminal or from standard input, never from
 * the command line, which every user of the machine can see.
 */
#include "posternctl/ctl.h"
#include <termios.h>
#include <unistd.h>

/* A line without its end; -1 when there is none or it is too long. */
static int
read_line(FILE *from, char *out)
{
    size_t len;

    if (!fgets(out, CTL_PASSWORD_MAX, from))
        return -1;
    len = strlen(out);
    if (len > 0 && out[len - 1] == '\n')
        out[--len] = '\0';
    else if (len == CTL_PASSWORD_MAX - 1)
        return -1;
    if (len > 0 && out[len - 1] == '\r')
        out[len - 1] = '\0';
    return 0;
}

static int
prompt(FILE *terminal, const char *text, char *out)
{
    struct termios old, quiet;
    int fd = fileno(terminal), result;

    if (tcgetattr(fd, &old) != 0)
        return -1;
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fd, TCSAFLUSH, &quiet);
    fputs(text, terminal);
    fflush(terminal);
    result = read_line(terminal, out);
    tcsetattr(fd, TCSAFLUSH, &old);
    fputs("\n", terminal);
    return result;
}

int
ctl_ask_secret(const char *what, bool confirm, char *out)
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    char again[CTL_PASSWORD_MAX], text[CTL_PASSWORD_MAX];
    int result;

    if (!terminal)
        return -1;
    setvbuf(terminal, NULL, _IONBF, 0);
    snprintf(text, sizeof text, "%s: ", what);
    result = prompt(terminal, text, out);
    if (result == 0 && confirm) {
        result = prompt(terminal, "Again: ", again);
        if (result == 0 && strcmp(out, again) != 0) {
            fputs("posternctl: these are two different ones\n", stderr);
            result = -1;
        }
        ptn_wipe(again, sizeof again);
    }
    fclose(terminal);
    return result;
}

int
ctl_read_password(bool confirm, char *out)
{
    int result;

    if (isatty(STDIN_FILENO)) {
        result = ctl_ask_secret("Password", confirm, out);
    } else {
        setvbuf(stdin, NULL, _IONBF, 0);
        result = read_line(stdin, out);
    }
    if (result != 0 || !*out) {
        fputs("posternctl: no password was given\n", stderr);
        return -1;
    }
    return 0;
}
