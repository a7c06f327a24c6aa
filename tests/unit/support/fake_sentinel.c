#include "support/fake_sentinel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void hang_up(struct fake_connection *c)
{
    loop_poll_free(c->poll);
    if (c->fd >= 0)
        close(c->fd);
    c->poll = NULL;
    c->fd = -1;
}

/* Questions come whole in these tests: they are short and leave in one write. */
static void on_question(void *arg, int events)
{
    (void)events;
    struct fake_connection *c = arg;
    struct fake_sentinel *f = c->owner;
    char text[4096];
    ssize_t n = read(c->fd, text, sizeof text - 1);
    if (n <= 0) {
        hang_up(c);
        return;
    }
    text[n] = '\0';
    if (!c->greeted)
        snprintf(f->first, sizeof f->first, "%s", text);
    c->greeted = true;
    if (strstr(text, "AUTH") && send(c->fd, "+OK\r\n", 5, MSG_NOSIGNAL) < 0)
        hang_up(c);
    for (const char *at = text; (at = strstr(at, "GET-MASTER-ADDR-BY-NAME")); at++) {
        f->asked++;
        if (!f->mute && c->fd >= 0 && send(c->fd, f->answer, strlen(f->answer), MSG_NOSIGNAL) < 0)
            hang_up(c);
    }
}

static void on_connection(void *arg, int events)
{
    (void)events;
    struct fake_sentinel *f = arg;
    int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct fake_connection *c = &f->connections[f->connected++ % FAKE_CONNECTIONS];
    hang_up(c);
    *c = (struct fake_connection){.owner = f, .fd = fd};
    c->poll = loop_poll_new(f->loop, fd, on_question, c, NULL);
    loop_poll_set(c->poll, LOOP_READABLE);
}

void fake_sentinel_start(struct fake_sentinel *f, struct loop *l)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    *f = (struct fake_sentinel){.loop = l};
    for (int i = 0; i < FAKE_CONNECTIONS; i++)
        f->connections[i].fd = -1;
    snprintf(f->answer, sizeof f->answer, "*-1\r\n-ERR No such master with that name\r\n");
    f->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&a, sizeof a) || listen(f->fd, 64) ||
        getsockname(f->fd, (struct sockaddr *)&a, &len))
        abort();
    f->port = ntohs(a.sin_port);
    f->poll = loop_poll_new(l, f->fd, on_connection, f, NULL);
    loop_poll_set(f->poll, LOOP_READABLE);
}

static int bulk(char *to, size_t size, const char *text)
{
    return snprintf(to, size, "$%zu\r\n%s\r\n", strlen(text), text);
}

void fake_sentinel_says(struct fake_sentinel *f, const char *host, int port, unsigned epoch)
{
    const char *words[] = {NULL, NULL, "name", "mymaster", "config-epoch", NULL};
    char port_text[16], epoch_text[16];
    size_t used = 0;
    snprintf(port_text, sizeof port_text, "%d", port);
    snprintf(epoch_text, sizeof epoch_text, "%u", epoch);
    words[0] = host;
    words[1] = port_text;
    words[5] = epoch_text;
    for (size_t i = 0; i < 6; i++) {
        if (i == 0 || i == 2)
            used += (size_t)snprintf(f->answer + used, sizeof f->answer - used, "*%d\r\n", i == 0 ? 2 : 4);
        used += (size_t)bulk(f->answer + used, sizeof f->answer - used, words[i]);
    }
}

void fake_sentinel_stop(struct fake_sentinel *f)
{
    for (int i = 0; i < FAKE_CONNECTIONS; i++)
        hang_up(&f->connections[i]);
    loop_poll_free(f->poll);
    f->poll = NULL;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}
