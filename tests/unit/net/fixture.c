/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server of the fixture, and its clients' calls.
 */
#include "tests/unit/net/fixture.h"
#include "auth/desk.h"
#include "auth/remote.h"
#include "log/log.h"
#include "tests/unit/net/fake_protocol.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static enum ptn_status
fake_verify(void *instance, struct ptn_slice name, struct ptn_slice password,
            struct ptn_user *out)
{
    (void)instance;
    if (ptn_slice_eq(name, PTN_SLICE("broken")))
        return PTN_TEMPFAIL;
    if (!ptn_slice_eq(name, PTN_SLICE("ann")))
        return PTN_NOTFOUND;
    if (!ptn_slice_eq(password, PTN_SLICE("secret")))
        return PTN_DENIED;
    strcpy(out->name, "ann@example.test");
    out->quota = 1000;
    return PTN_OK;
}

void
fixture_init(struct fixture *f)
{
    *f = (struct fixture){.listening = -1};
    f->conf.name = "test";
    f->conf.protocol = &fake_protocol;
    f->conf.protocol_instance = f;
    f->conf.limits = (struct ptn_limits_conf){
        .connections = 1000,
        .connections_per_address = 1000,
        .max_line = 200,
        .max_errors = 1000,
        .idle_timeout = 60000,
        .login_timeout = 60000,
        .handshake_timeout = 60000,
        .command_timeout = 60000,
        .output_high = 16384,
        .output_low = 4096,
        .auth_attempts = 3,
    };
    f->server.auth = (struct ptn_auth_conf){
        .free_failures = 10,
        .delay = 50,
        .max_delay = 200,
        .forget = 600000,
        .remember = 100,
    };
    f->directory.size = sizeof f->directory;
    f->directory.verify = fake_verify;
}

static void
on_drained(void *arg)
{
    struct fixture *f = arg;

    atomic_store(&f->drained, 1);
}

/* In the server's thread: a number is a drain, 0 the end, -1 retiring. */
static void
on_command(void *arg)
{
    struct fixture *f = arg;
    int milliseconds;

    assert_int_equal(read(f->command[0], &milliseconds, sizeof milliseconds),
                     sizeof milliseconds);
    if (milliseconds > 0) {
        ptn_net_drain(f->net, (uint64_t)milliseconds, on_drained, f);
        return;
    }
    if (milliseconds < 0) {
        ptn_net_retire(f->net, on_drained, f);
        return;
    }
    ptn_host_unwatch_fd(f->watch);
    ptn_net_free(f->net);
    ptn_auth_remote_free(f->remote);
    ptn_engine_free(f->engine);
    ptn_loop_stop(f->loop);
}

static void *
serve(void *arg)
{
    struct fixture *f = arg;

    ptn_loop_run(f->loop);
    ptn_loop_free(f->loop);
    return NULL;
}

static void
listen_somewhere(struct fixture *f)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    socklen_t len = sizeof sin;

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listening, (struct sockaddr *)&sin, len), 0);
    assert_int_equal(listen(f->listening, 1024), 0);
    getsockname(f->listening, (struct sockaddr *)&sin, &len);
    f->port = ntohs(sin.sin_port);
}

/* As in a worker, but the warden has the same loop. */
static struct ptn_auth_service *
go_far(struct fixture *f)
{
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(ptn_auth_desk_open(f->engine, ends[0]), 0);
    f->remote = ptn_auth_remote_new(f->loop);
    ptn_auth_remote_connect(f->remote, ends[1]);
    assert_int_equal(ptn_auth_remote_wait(f->remote, 10000), 0);
    return f->remote;
}

void
fixture_start(struct fixture *f)
{
    struct ptn_loop_params lanes = {2, 2, 4};
    struct ptn_error err = PTN_ERROR_INIT;

    ptn_log_set_level(getenv("VERBOSE") ? PTN_LOG_DEBUG : PTN_LOG_ERROR);
    f->loop = ptn_loop_new(&lanes, &err);
    assert_non_null(f->loop);
    struct ptn_net_params params = {
        .loop = f->loop,
        .pki = (struct ptn_pki *)f,
        .counters = &f->counters,
    };
    if (!f->no_directory) {
        f->engine = ptn_engine_new(&(struct ptn_engine_params){
            f->loop, &f->server, &f->directory, f, f->sasl, f->sasl_instance});
        params.auth = f->far ? go_far(f) : ptn_engine_service(f->engine);
    }
    f->net = ptn_net_new(&params);
    listen_somewhere(f);
    assert_int_equal(ptn_net_listen(f->net, &f->conf, &f->listening, 1, &err),
                     0);
    assert_int_equal(pipe(f->command), 0);
    f->watch = ptn_loop_watch_fd(f->loop, f->command[0], on_command, f);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

void
fixture_drain(struct fixture *f, int milliseconds)
{
    f->draining = true;
    assert_int_equal(write(f->command[1], &milliseconds, sizeof milliseconds),
                     sizeof milliseconds);
}

void
fixture_retire(struct fixture *f)
{
    fixture_drain(f, -1);
}

void
fixture_stop(struct fixture *f)
{
    int zero = 0;

    if (!f->draining)
        fixture_drain(f, 1);
    for (int i = 0; i < 5000 && !atomic_load(&f->drained); i++)
        usleep(1000);
    assert_true(atomic_load(&f->drained));
    assert_int_equal(write(f->command[1], &zero, sizeof zero), sizeof zero);
    pthread_join(f->thread, NULL);
    assert_int_equal(atomic_load(&f->counters.sessions_open), 0);
    close(f->command[0]);
    close(f->command[1]);
    close(f->listening);
}

void
client_connect_as(struct fixture *f, int fd)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    int one = 1;

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((uint16_t)f->port);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int
connect_with(struct fixture *f, int receive_buffer)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                   sizeof receive_buffer);
    client_connect_as(f, fd);
    return fd;
}

int
client_connect(struct fixture *f)
{
    return connect_with(f, 0);
}

int
client_connect_narrow(struct fixture *f)
{
    return connect_with(f, 32768);
}

void
client_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the server has closed: what it says is expected */
        data += n;
        len -= (size_t)n;
    }
}

void
client_say(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

static ssize_t
read_some(int fd, char *into, size_t room, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (poll(&p, 1, ms) != 1)
        return -2;
    return recv(fd, into, room, 0);
}

static void
expect_octets(int fd, const char *want, size_t len)
{
    char got[4096];
    size_t have = 0;
    ssize_t n;

    assert_true(len < sizeof got);
    while (have < len &&
           (n = read_some(fd, got + have, len - have, PATIENCE_MS)) > 0)
        have += (size_t)n;
    got[have] = '\0';
    if (have != len || memcmp(got, want, len) != 0)
        fail_msg("expected \"%s\", got \"%s\"", want, got);
}

void
client_expect(int fd, const char *text)
{
    expect_octets(fd, text, strlen(text));
}

void
client_expect_end(int fd)
{
    char c;
    ssize_t n = read_some(fd, &c, 1, PATIENCE_MS);

    assert_true(n == 0 || n == -1);
}

size_t
client_read_all(int fd, char *into, size_t room, int ms)
{
    size_t have = 0;
    ssize_t n;

    while (have < room && (n = read_some(fd, into + have, room - have, ms)) > 0)
        have += (size_t)n;
    return have;
}

void
wait_counter(_Atomic uint64_t *counter, uint64_t value)
{
    for (int i = 0; i < PATIENCE_MS * 10; i++) {
        if (atomic_load(counter) >= value)
            return;
        usleep(100);
    }
    fail_msg("a counter stays at %llu, not %llu",
             (unsigned long long)atomic_load(counter),
             (unsigned long long)value);
}

/* In pieces of `first` octets, and then the rest in pieces of `then`. */
static void
play_cut(struct fixture *f, struct ptn_slice in, size_t first, size_t then,
         const char *out)
{
    int fd = client_connect(f);
    uint64_t before = atomic_load(&f->counters.octets_in);
    size_t at = 0, piece = first;

    client_expect(fd, "HI\r\n");
    while (at < in.len) {
        size_t n = piece < in.len - at ? piece : in.len - at;
        client_send(fd, in.data + at, n);
        at += n;
        piece = then;
        if (at < in.len)
            wait_counter(&f->counters.octets_in, before + at);
    }
    client_expect(fd, out);
    client_expect_end(fd);
    close(fd);
}

void
play(struct fixture *f, const char *in, size_t len, const char *out)
{
    struct ptn_slice all = {in, len};

    play_cut(f, all, len, len, out);
    play_cut(f, all, 1, 1, out);
    for (size_t cut = 1; cut < len; cut++)
        play_cut(f, all, cut, len, out);
}

size_t
fake_tls_record(const char *plain, size_t len, char *out)
{
    out[0] = (char)(len >> 8);
    out[1] = (char)len;
    for (size_t i = 0; i < len; i++)
        out[i + 2] = (char)(plain[i] ^ 0x55);
    return len + 2;
}

void
client_say_tls(int fd, const char *text)
{
    char record[1024];

    client_send(fd, record, fake_tls_record(text, strlen(text), record));
}

void
client_expect_tls(int fd, const char *text)
{
    char record[1024];

    expect_octets(fd, record, fake_tls_record(text, strlen(text), record));
}
