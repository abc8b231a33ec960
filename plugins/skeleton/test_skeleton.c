/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol in the harness of <postern/test.h>: all of the server but its
 * sockets, threads and clock. Output is TAP.
 */
#include <postern/test.h>
#include <stdio.h>

extern const struct ptn_module skeleton_LTX_postern_module;

static const struct ptn_module *const modules[] = {&skeleton_LTX_postern_module,
                                                   NULL};

/* A configuration as an operator would write it; server and load are made. */
static const struct ptn_test_params params = {
    .modules = modules,
    .config = "listeners: { lab: {"
              " protocol = \"skeleton\"; listen = [ \"127.0.0.1:7000\" ];"
              " limits: { idle_timeout = \"5m\"; };"
              " tls: { mode = \"explicit\"; }; }; };",
};

static int count, failed;

static void
check(const char *title, bool good)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++count, title);
    failed += !good;
}

/* One that shows what came when it fails. */
static void
answers(struct ptn_test_peer *peer, const char *line, const char *expected)
{
    const char *answer = ptn_test_say(peer, line);

    check(expected, strcmp(answer, expected) == 0);
    if (strcmp(answer, expected) != 0)
        printf("# it said: %s\n", answer);
}

int
main(void)
{
    struct ptn_test *t = ptn_test_new(&params, NULL);
    struct ptn_test_peer *peer = ptn_test_connect(t, "lab");
    struct ptn_buf answer = PTN_BUF_INIT;

    answers(peer, "", "220 mail.example.test says everything twice\r\n");
    answers(peer, "hello\r\nyou\r\n", "1 hello\r\n2 you\r\n");
    answers(peer, "hal", ""); /* half a line is none */
    answers(peer, "lo\r\n", "3 hallo\r\n");
    answers(peer, "a\0b\r\n", ""); /* the text ends at the NUL */
    ptn_test_feed(peer, "\0\r\n", 3);
    answers(peer, "STARTTLS\r\nevil\r\n", "220 go ahead\r\n");
    check("it begins TLS", ptn_test_start_tls(peer));
    answers(peer, "hello\r\n", "1 hello\r\n");
    answers(peer, "STARTTLS\r\n", "503 not here\r\n");
    ptn_test_sleep(t, 10 * 60 * 1000); /* ten minutes, at once */
    answers(peer, "", "421 good bye\r\n");
    check("it has closed", ptn_test_is_closed(peer));
    ptn_test_free(t);

    ptn_test_replay(&params, "lab", PTN_SLICE("a\r\nSTARTTLS\r\n"), &answer);
    ptn_test_replay(&params, "lab", PTN_SLICE("a\r\nb\r\nQUIT\r\n"), &answer);
    check("pieces of any size make no difference", answer.len > 0);
    ptn_buf_free(&answer);
    printf("1..%d\n", count);
    return failed > 0;
}
