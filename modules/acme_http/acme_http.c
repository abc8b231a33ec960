/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * As much of HTTP/1.1 (RFC 9112) as an ACME authority needs who checks that a
 * name is ours (RFC 8555 section 8.3), and one answer for everybody else:
 *
 *     C: GET /.well-known/acme-challenge/TOKEN HTTP/1.1
 *     C: Host: mail.example.org
 *     C:
 *     S: HTTP/1.1 200 OK ...       what STATE/acme/http/TOKEN says
 *
 * One request a connection: each answer says "Connection: close", which
 * section 9.6 allows at any time. A request's body is never read. A token is
 * the name of a file only when it has no character that paths are made of.
 */
#include <fcntl.h>
#include <limits.h>
#include <postern/arena.h>
#include <postern/session.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINES_MAX = 100,  /* of a request's header */
    TOKEN_MAX = 128,  /* RFC 8555 asks for at least 22 */
    ANSWER_MAX = 512, /* TOKEN "." and 43 characters */
};

#define CHALLENGE "/.well-known/acme-challenge/"

struct acme_http_options {
    const char *redirect;
};

/* Of a session; of its request, once the first line was read. */
struct acme_http {
    char *target; /* as a path; NULL: there is no request yet */
    uint8_t lines, hosts;
    bool is_head, is_1_1;
};

/* A file that is read on a lane. */
struct acme_http_file {
    struct ptn_job job;
    char path[PATH_MAX];
    char text[ANSWER_MAX];
    ssize_t len; /* -1: there is none */
};

static const struct ptn_option listener_options[] = {
    PTN_OPTION(struct acme_http_options, redirect, .type = PTN_OPT_STRING,
               .doc = "where all other requests are sent (301): "
                      "\"https://www.example.org\", which the path follows; "
                      "the default is to know nothing else (404)"),
    PTN_OPTION_END,
};

/* --- answers --- */

static const char not_allowed[] = "405 Method Not Allowed";
static const char allow[] = "Allow: GET, HEAD\r\n"; /* RFC 9110 sect. 10.2.1 */

static enum ptn_result
answer(struct ptn_session *s, const char *status, struct ptn_slice body)
{
    const struct acme_http *h = ptn_session_state(s);

    ptn_session_printf(s,
                       "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n%s"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                       status, status == not_allowed ? allow : "", body.len);
    if (!h->is_head) /* RFC 9110 section 9.3.2 */
        ptn_session_write(s, body);
    return PTN_CLOSE;
}

/* The status stands in the body, too, for who looks with a browser. */
static enum ptn_result
refuse(struct ptn_session *s, const char *status)
{
    return answer(s, status, ptn_slice_of(status));
}

/* RFC 9110 section 15.4.2 */
static enum ptn_result
redirect(struct ptn_session *s, const char *to, const char *target)
{
    size_t len = strlen(to);

    while (len > 0 && to[len - 1] == '/')
        len--;
    ptn_session_printf(s,
                       "HTTP/1.1 301 Moved Permanently\r\n"
                       "Location: %.*s%s\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n",
                       (int)len, to, target);
    return PTN_CLOSE;
}

/* --- the file --- */

/* Lane thread. Whoever writes the folder is trusted, but no link of his. */
static void
read_file(struct ptn_job *job)
{
    struct acme_http_file *f = PTN_CONTAINER(job, struct acme_http_file, job);
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    f->len = -1;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ANSWER_MAX)
        f->len = read(fd, f->text, sizeof f->text);
    close(fd);
}

static enum ptn_result
file_done(struct ptn_session *s, struct ptn_job *job)
{
    struct acme_http_file *f = PTN_CONTAINER(job, struct acme_http_file, job);
    enum ptn_result result = PTN_CLOSE;

    if (!job->cancelled)
        result = f->len < 0
                     ? refuse(s, "404 Not Found")
                     : answer(s, "200 OK",
                              (struct ptn_slice){f->text, (size_t)f->len});
    ptn_free(f);
    return result;
}

/* RFC 8555 section 8.3: the alphabet of base64url. */
static bool
is_token(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                              "qrstuvwxyz0123456789-_");

    return len > 0 && len <= TOKEN_MAX && text[len] == '\0';
}

static enum ptn_result
show(struct ptn_session *s, const char *token)
{
    struct acme_http_file *f = ptn_alloc(sizeof *f);

    snprintf(f->path, sizeof f->path, "%s/acme/http/%s",
             ptn_host_state_dir(ptn_session_host(s)), token);
    f->job.run = read_file;
    f->job.done = file_done;
    if (ptn_session_run(s, PTN_LANE_DISK, &f->job) == 0)
        return PTN_PENDING;
    ptn_free(f);
    return refuse(s, "503 Service Unavailable");
}

/* --- the request --- */

/* All of its header is there. */
static enum ptn_result
serve(struct ptn_session *s)
{
    const struct acme_http_options *options = ptn_session_options(s);
    const struct acme_http *h = ptn_session_state(s);
    const char *path = h->target;

    if (h->hosts != 1 && (h->is_1_1 || h->hosts > 1)) /* RFC 9112 sect. 3.2 */
        return refuse(s, "400 Bad Request");
    if (strncmp(path, CHALLENGE, strlen(CHALLENGE)) == 0)
        return is_token(path + strlen(CHALLENGE))
                   ? show(s, path + strlen(CHALLENGE))
                   : refuse(s, "404 Not Found");
    return options->redirect ? redirect(s, options->redirect, path)
                             : refuse(s, "404 Not Found");
}

/* The next word of the line, up to a blank. */
static struct ptn_slice
word(struct ptn_slice *rest)
{
    const char *blank = rest->len ? memchr(rest->data, ' ', rest->len) : NULL;
    size_t len = blank ? (size_t)(blank - rest->data) : rest->len;
    struct ptn_slice word = {rest->data, len};

    len += blank != NULL;
    *rest = ptn_slice_sub(*rest, len, rest->len - len);
    return word;
}

/* RFC 9112 section 3.2.2: of "http://host/path", what this server is asked. */
static struct ptn_slice
path_of(struct ptn_slice target)
{
    const size_t scheme = sizeof "http://" - 1;
    const char *slash;

    if (target.len < scheme ||
        !ptn_slice_caseeq(ptn_slice_sub(target, 0, scheme),
                          PTN_SLICE("http://")))
        return target;
    slash = memchr(target.data + scheme, '/', target.len - scheme);
    if (!slash)
        return PTN_SLICE("/");
    return (struct ptn_slice){slash,
                              target.len - (size_t)(slash - target.data)};
}

/* What may stand in a Location as it came. */
static bool
is_path(struct ptn_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.len > 0 && text.data[0] == '/';
}

/* RFC 9112 section 3: "GET /path HTTP/1.1". */
static enum ptn_result
read_request(struct ptn_session *s, struct ptn_slice line)
{
    struct acme_http *h = ptn_session_state(s);
    struct ptn_slice method = word(&line);
    struct ptn_slice target = path_of(word(&line));

    if (line.len != 8 || memcmp(line.data, "HTTP/", 5) != 0 ||
        line.data[6] != '.')
        return refuse(s, "400 Bad Request");
    if (line.data[5] != '1')
        return refuse(s, "505 HTTP Version Not Supported");
    h->is_head = ptn_slice_eq(method, PTN_SLICE("HEAD"));
    h->is_1_1 = line.data[7] != '0';
    if (!h->is_head && !ptn_slice_eq(method, PTN_SLICE("GET")))
        return refuse(s, not_allowed);
    if (!is_path(target))
        return refuse(s, "400 Bad Request");
    h->target = ptn_alloc(target.len + 1);
    memcpy(h->target, target.data, target.len);
    return PTN_DONE;
}

/* RFC 9112 section 5: a name, and a colon with no blank before it. */
static enum ptn_result
read_field(struct ptn_session *s, struct ptn_slice line)
{
    struct acme_http *h = ptn_session_state(s);
    const char *colon = memchr(line.data, ':', line.len);
    struct ptn_slice name = {line.data, 0};

    if (colon)
        name.len = (size_t)(colon - line.data);
    if (name.len == 0 || memchr(name.data, ' ', name.len) ||
        memchr(name.data, '\t', name.len))
        return refuse(s, "400 Bad Request");
    if (++h->lines > LINES_MAX)
        return refuse(s, "431 Request Header Fields Too Large");
    if (ptn_slice_caseeq(name, PTN_SLICE("Host")))
        h->hosts++;
    return PTN_DONE;
}

static enum ptn_result
acme_http_line(struct ptn_session *s, struct ptn_slice line)
{
    const struct acme_http *h = ptn_session_state(s);

    if (!h->target) /* RFC 9112 section 2.2: empty lines before it are none */
        return line.len == 0 ? PTN_DONE : read_request(s, line);
    return line.len == 0 ? serve(s) : read_field(s, line);
}

static enum ptn_result
acme_http_fault(struct ptn_session *s, enum ptn_fault fault,
                struct ptn_slice head)
{
    const struct acme_http *h = ptn_session_state(s);

    (void)head;
    if (fault != PTN_FAULT_LONG_LINE)
        return refuse(s, "400 Bad Request");
    return refuse(s, h->target ? "431 Request Header Fields Too Large"
                               : "414 URI Too Long");
}

static enum ptn_result
acme_http_event(struct ptn_session *s, enum ptn_event event)
{
    return refuse(s, event == PTN_EVENT_TIMEOUT ? "408 Request Timeout"
                                                : "503 Service Unavailable");
}

/* It is the client who speaks first. */
static enum ptn_result
acme_http_open(struct ptn_session *s)
{
    (void)s;
    return PTN_DONE;
}

static void
acme_http_close(struct ptn_session *s)
{
    ptn_free(((struct acme_http *)ptn_session_state(s))->target);
}

static int
acme_http_check(const void *options, struct ptn_error *err)
{
    const char *to = ((const struct acme_http_options *)options)->redirect;

    if (!to || (strncmp(to, "http", 4) == 0 && strstr(to, "://") &&
                is_path(ptn_slice_of(strchr(to, '/')))))
        return 0;
    return ptn_error_set(err, PTN_ERR_CONFIG,
                         "redirect: \"%s\" is no URL; write it as "
                         "\"https://www.example.org\"",
                         to);
}

static const struct ptn_protocol acme_http_protocol = {
    .size = sizeof acme_http_protocol,
    .name = "acme_http",
    .default_port = 80,
    .options = listener_options,
    .options_size = sizeof(struct acme_http_options),
    .state_size = sizeof(struct acme_http),
    .check = acme_http_check,
    .open = acme_http_open,
    .line = acme_http_line,
    .fault = acme_http_fault,
    .event = acme_http_event,
    .close = acme_http_close,
};

static int
acme_http_init(struct ptn_host *host, const void *options, void **instance,
               struct ptn_error *err)
{
    char folder[PATH_MAX + sizeof "/http"];

    (void)options, (void)instance, (void)err;
    snprintf(folder, PATH_MAX, "%s/acme", ptn_host_state_dir(host));
    ptn_host_allow_path(host, folder, PTN_ACCESS_FOLDER);
    strcat(folder, "/http");
    ptn_host_allow_path(host, folder, PTN_ACCESS_READ | PTN_ACCESS_FOLDER);
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &acme_http_protocol, NULL);
    return 0;
}

PTN_MODULE_NOTE(acme_http, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION));

extern const struct ptn_module acme_http_LTX_postern_module;
PTN_API const struct ptn_module acme_http_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "acme_http",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "what an ACME authority looks for on port 80",
    .provides =
        (const struct ptn_contract[]){
            {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION}, {NULL, 0}},
    .init = acme_http_init,
};
