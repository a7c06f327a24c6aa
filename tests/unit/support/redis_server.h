/* redis_server.h - a real redis-server for a test: a free loopback port and a unix socket, in a folder of its own. */
#ifndef TVB_TEST_REDIS_SERVER_H
#define TVB_TEST_REDIS_SERVER_H

#include <stdbool.h>

struct redis_server;

/* Starts it and waits until it answers; aborts the test when it cannot. @args: more of its options, ends with NULL;
 * may be NULL itself. */
struct redis_server *redis_server_start(const char *const *args);
int redis_server_port(const struct redis_server *s);
const char *redis_server_unix_path(const struct redis_server *s);
/* A real Sentinel, by the same program: @monitor is "<name> <host> <port> <quorum>". It takes a master for dead after half a
 * second. The functions below go for it too, redis_server_again() aside. */
struct redis_server *redis_sentinel_start(const char *monitor);
/* Stops the process as it is (SIGSTOP), or lets it go on. */
void redis_server_freeze(struct redis_server *s, bool freeze);
/* Kills the process; redis_server_again() starts it anew on the same port, empty. */
void redis_server_kill(struct redis_server *s);
void redis_server_again(struct redis_server *s);
void redis_server_stop(struct redis_server *s); /* kills, removes the folder, frees */

/* One command and its answer's first line or bulk, for a test to look and to break things; "" for nil.
 * Valid until the next call. */
const char *redis_server_ask(struct redis_server *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
