#include "redis_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

enum { ARGS_MAX = 32 };

struct redis_server {
    pid_t pid;
    int port;
    char dir[64], unix_path[96];
    char sentinel_file[96]; /* "": an ordinary server */
    const char *extra[ARGS_MAX];
    redisContext *ctx;
    char answer[64 * 1024];
};

/* Below 55536: a server in cluster mode takes port + 10000 as well. */
static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || getsockname(fd, (struct sockaddr *)&a, &len))
        abort();
    close(fd);
    int port = ntohs(a.sin_port);
    return port < 55536 ? port : free_port();
}

static void run_sentinel(const struct redis_server *s)
{
    const char *argv[] = {"redis-server", s->sentinel_file, "--sentinel", NULL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static void run(const struct redis_server *s)
{
    char port[16];
    const char *argv[ARGS_MAX + 20] = {"redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket",
                                       s->unix_path, "--dir", s->dir, "--save", "", "--logfile", "redis.log",
                                       "--enable-debug-command", "yes"};
    size_t n = 15;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashed leaves no server behind */
    snprintf(port, sizeof(port), "%d", s->port);
    for (size_t i = 0; s->extra[i]; i++)
        argv[n++] = s->extra[i];
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static void await(struct redis_server *s)
{
    for (int i = 0; i < 1000; i++) {
        redisFree(s->ctx);
        s->ctx = redisConnectUnix(s->unix_path);
        if (s->ctx && !s->ctx->err)
            return;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            break;
        usleep(10000);
    }
    fprintf(stderr, "redis-server did not start; its log is in %s\n", s->dir);
    abort();
}

void redis_server_again(struct redis_server *s)
{
    s->pid = fork();
    if (s->pid == 0 && s->sentinel_file[0])
        run_sentinel(s);
    else if (s->pid == 0)
        run(s);
    await(s);
}

static struct redis_server *make(void)
{
    struct redis_server *s = calloc(1, sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "/tmp/tvb-redis-XXXXXX");
    if (!mkdtemp(s->dir))
        abort();
    snprintf(s->unix_path, sizeof(s->unix_path), "%s/sock", s->dir);
    signal(SIGPIPE, SIG_IGN); /* hiredis writes to connections that have ended */
    return s;
}

struct redis_server *redis_sentinel_start(const char *monitor)
{
    struct redis_server *s = make();
    s->port = free_port();
    snprintf(s->sentinel_file, sizeof(s->sentinel_file), "%s/sentinel.conf", s->dir);
    FILE *f = fopen(s->sentinel_file, "w");
    if (!f)
        abort();
    fprintf(f,
            "port %d\nbind 127.0.0.1\nunixsocket %s\ndir %s\nlogfile redis.log\n"
            "sentinel monitor %s\nsentinel down-after-milliseconds %.*s 500\n"
            "sentinel failover-timeout %.*s 4000\n",
            s->port, s->unix_path, s->dir, monitor, (int)strcspn(monitor, " "), monitor,
            (int)strcspn(monitor, " "), monitor);
    fclose(f);
    redis_server_again(s);
    return s;
}

void redis_server_freeze(struct redis_server *s, bool freeze)
{
    kill(s->pid, freeze ? SIGSTOP : SIGCONT);
}

struct redis_server *redis_server_start(const char *const *args)
{
    struct redis_server *s = make();
    for (size_t i = 0; args && args[i] && i < ARGS_MAX - 1; i++)
        s->extra[i] = args[i];
    s->port = free_port();
    redis_server_again(s);
    return s;
}

int redis_server_port(const struct redis_server *s)
{
    return s->port;
}

const char *redis_server_unix_path(const struct redis_server *s)
{
    return s->unix_path;
}

void redis_server_kill(struct redis_server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
    unlink(s->unix_path);
}

void redis_server_stop(struct redis_server *s)
{
    static const char *const files[] = {"redis.log", "dump.rdb", "nodes.conf", "sentinel.conf"};
    char path[128];
    redis_server_kill(s);
    redisFree(s->ctx);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", s->dir, files[i]);
        unlink(path);
    }
    rmdir(s->dir);
    free(s);
}

static void keep(struct redis_server *s, const redisReply *r)
{
    s->answer[0] = '\0';
    if (!r)
        snprintf(s->answer, sizeof(s->answer), "%s", s->ctx->errstr);
    else if (r->type == REDIS_REPLY_INTEGER)
        snprintf(s->answer, sizeof(s->answer), "%lld", r->integer);
    else if (r->str)
        snprintf(s->answer, sizeof(s->answer), "%s", r->str);
}

const char *redis_server_ask(struct redis_server *s, const char *fmt, ...)
{
    char line[4096], *argv[64], *save = NULL;
    int n = 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    for (char *w = strtok_r(line, " ", &save); w && n < 64; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    redisReply *r = redisCommandArgv(s->ctx, n, (const char **)argv, NULL);
    if (!r) { /* Sentinel ends all connections to whom it promotes or demotes */
        redisFree(s->ctx);
        s->ctx = redisConnectUnix(s->unix_path);
        r = redisCommandArgv(s->ctx, n, (const char **)argv, NULL);
    }
    keep(s, r);
    freeReplyObject(r);
    return s->answer;
}
