/* attachload: any number of WebSocket connections to a hub on this machine, each with its own subscription, that read from
 * somewhere in the past until they are live, and further; then one more that reads everything, and says what the others should
 * have been given.
 *
 *   attachload PORT ENCODING CLIENTS STAGGER_MS LIVE_MS LIMIT_MS [stalled]  < subscriptions, one a line
 *
 * ENCODING is `json` or `binary`. A new client comes every STAGGER_MS / CLIENTS. All of them read on for LIVE_MS after the last
 * became live. Every client checks that positions only grow. With ENCODING `binary` a last client reads all trades from
 * `earliest` and each client's events are compared with it: as many, and the same ones by a sum of hashes of their positions.
 * So subscriptions are for trades of one stream each, with a start `{"after":N}`.
 *
 * With `stalled` the clients subscribe and never read; a line on standard input ends it.
 *
 * Prints one line of JSON; `others` are positions up to the last that the reference was not given, since they are no trades.
 * One process, one thread, bounded by LIMIT_MS.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64, TRADE = 1, ROOM = 4 << 20, TEXT = 8192, MOST = 4096 };

struct client {
    int fd, upgraded, live, failed;
    char *message;
    unsigned char *rest; /* what came of a message that is not whole yet */
    size_t filled, room;
    uint64_t after, first, last, count, sum;
    uint32_t stream;
    int64_t begun, became_live;
};

static unsigned char shared[ROOM];
static struct client clients[MOST], reference;
static int records, count, live, failed;
static uint64_t wanted; /* the reference reads up to here */
/* All trades by position, as the reference was given them. */
static uint64_t *positions;
static uint32_t *streams;
static size_t known, known_room;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void fail(const char *reason) {
    fprintf(stderr, "attachload: %s\n", reason);
    exit(1);
}

static uint64_t mixed(uint64_t number) {
    number ^= number >> 31;
    number *= UINT64_C(0x9e3779b97f4a7c15);
    return number ^ number >> 29;
}

static void lose(struct client *client, const char *reason) {
    if (client->failed) return;
    client->failed = 1;
    failed++;
    fprintf(stderr, "attachload: client %ld: %s\n", client == &reference ? -1L : (long)(client - clients), reason);
}

static void note(struct client *client, uint64_t seq, uint32_t stream) {
    if (seq <= client->last || seq <= client->after) return lose(client, "a position came again");
    if (!client->count) {
        client->first = seq;
        client->stream = stream;
    }
    client->last = seq;
    client->count++;
    client->sum += mixed(seq);
    if (client != &reference) return;
    if (known == known_room) {
        known_room = known_room ? known_room * 2 : 1 << 20;
        positions = realloc(positions, known_room * sizeof *positions);
        streams = realloc(streams, known_room * sizeof *streams);
        if (!positions || !streams) fail("no memory");
    }
    positions[known] = seq;
    streams[known++] = stream;
}

static void take_records(struct client *client, const unsigned char *at, size_t length) {
    const unsigned char *end = at + length;
    while (at < end && at[0] > 0) {
        if (at[1] == TRADE) {
            uint64_t seq;
            uint32_t stream;
            memcpy(&seq, at + 24, 8);
            memcpy(&stream, at + 4, 4);
            note(client, seq, stream);
        }
        at += (size_t)at[0] * LINE;
    }
}

static void take_text(struct client *client, const unsigned char *at, size_t length) {
    static const char key[] = "\"seq\":", event[] = "[{\"type\":\"trade\"";
    const unsigned char *end = at + length;
    if (length > sizeof event && !memcmp(at, event, sizeof event - 1)) {
        while ((at = memmem(at, (size_t)(end - at), key, sizeof key - 1))) {
            uint64_t seq = 0;
            for (at += sizeof key - 1; *at >= '0' && *at <= '9'; at++) seq = seq * 10 + (*at - '0');
            note(client, seq, 0);
            /* The smallest trade is longer than that. */
            at += end - at > 60 ? 60 : end - at;
        }
        return;
    }
    if (memmem(at, length, "\"type\":\"live\"", 13) && !client->live) {
        client->live = 1;
        client->became_live = now();
        live++;
    }
    if (memmem(at, length, "\"type\":\"hole\"", 13)) lose(client, "a hole");
    if (memmem(at, length, "\"type\":\"bye\"", 12) || memmem(at, length, "\"type\":\"error\"", 14))
        lose(client, "was refused or sent away");
}

/* Takes whole messages; answers how many bytes they had. */
static size_t take(struct client *client, const unsigned char *bytes, size_t filled) {
    size_t at = 0;
    while (filled - at >= 2) {
        size_t header = 2, length = bytes[at + 1] & 127;
        if (length == 126) {
            header = 4;
            if (filled - at < header) break;
            length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        } else if (length == 127) {
            header = 10;
            if (filled - at < header) break;
            length = 0;
            for (int index = 2; index < 10; index++) length = length << 8 | bytes[at + index];
        }
        if (filled - at < header + length) break;
        int kind = bytes[at] & 15;
        if (kind == 2) take_records(client, bytes + at + header, length);
        if (kind == 1) take_text(client, bytes + at + header, length);
        if (kind == 8) lose(client, "was closed");
        at += header + length;
    }
    return at;
}

/* Puts what is over at the end of the shared bytes, or of the client's own, where more will come behind it. */
static void keep(struct client *client, const unsigned char *bytes, size_t length) {
    if (client->room < length || !client->rest) {
        size_t room = length < 1024 ? 2048 : length * 2;
        unsigned char *rest = malloc(room);
        if (!rest) fail("no memory");
        memcpy(rest, bytes, length);
        free(client->rest);
        client->rest = rest;
        client->room = room;
    } else {
        memmove(client->rest, bytes, length);
    }
    client->filled = length;
}

static void send_message(struct client *client) {
    size_t size = strlen(client->message);
    unsigned char bytes[TEXT + 8] = {0x81, 0x80 | 126, (unsigned char)(size >> 8), (unsigned char)size};
    memcpy(bytes + 8, client->message, size);
    if (send(client->fd, bytes, size + 8, MSG_NOSIGNAL) != (ssize_t)(size + 8)) lose(client, "the subscription was not taken");
}

/* Reads what there is, at most a few times: others want to be read too. */
static void readable(struct client *client) {
    for (int times = 0; times < 4 && !client->failed; times++) {
        /* What is over goes in front, so that messages lie in one piece. */
        size_t kept = client->filled;
        if (kept > ROOM / 2) fail("a message is larger than it may be");
        if (kept) memcpy(shared, client->rest, kept);
        ssize_t more = recv(client->fd, shared + kept, kept + (256 << 10) > ROOM ? ROOM - kept : 256 << 10, MSG_DONTWAIT);
        if (more < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (more <= 0) return lose(client, "the connection ended");
        size_t filled = kept + (size_t)more, at = 0;
        if (!client->upgraded) {
            unsigned char *end = memmem(shared, filled, "\r\n\r\n", 4);
            if (end) {
                if (!memmem(shared, filled, " 101 ", 5)) return lose(client, "the upgrade was refused");
                client->upgraded = 1;
                at = (size_t)(end + 4 - shared);
                send_message(client);
            }
        }
        if (client->upgraded) at += take(client, shared + at, filled - at);
        if (filled > at) {
            keep(client, shared + at, filled - at);
        } else {
            client->filled = 0;
        }
        if (more < 256 << 10) return;
    }
}

static void begin(struct client *client, int port, int poll, int is_small) {
    int one = 1, small = 4096;
    char text[512];
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (is_small) setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client->begun = now();
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address)) return lose(client, "no connection");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int length = snprintf(text, sizeof text,
                          "GET /v1/stream?encoding=%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          records ? "binary" : "json");
    if (send(client->fd, text, (size_t)length, MSG_NOSIGNAL) != length) return lose(client, "the request was not taken");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(poll, EPOLL_CTL_ADD, client->fd, &event);
}

static void wait_some(int poll, int milliseconds) {
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, milliseconds);
    for (int index = 0; index < ready; index++) {
        struct client *client = events[index].data.ptr;
        readable(client);
        if (client->failed) epoll_ctl(poll, EPOLL_CTL_DEL, client->fd, NULL);
    }
}

/* Whether a client was given just what the reference says. */
static int is_complete(const struct client *client) {
    if (client->failed || !client->live) return 0;
    uint64_t number = 0, sum = 0, last = 0;
    size_t first = 0, end = known;
    while (first < end) {
        size_t middle = (first + end) / 2;
        if (positions[middle] <= client->after) first = middle + 1;
        else end = middle;
    }
    for (size_t index = first; index < known && positions[index] <= client->last; index++) {
        if (streams[index] != client->stream) continue;
        number++;
        sum += mixed(positions[index]);
        last = positions[index];
    }
    return client->count > 0 && number == client->count && sum == client->sum && last == client->last;
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void stall(int port, int poll) {
    for (int index = 0; index < count; index++) {
        begin(&clients[index], port, poll, 1);
        for (int turn = 0; turn < 1000 && !clients[index].upgraded && !clients[index].failed; turn++) wait_some(poll, 10);
        epoll_ctl(poll, EPOLL_CTL_DEL, clients[index].fd, NULL);
    }
    printf("{\"clients\":%d,\"failed\":%d}\n", count, failed);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') {}
}

int main(int argc, char **arguments) {
    if (argc < 7) fail("usage: attachload PORT ENCODING CLIENTS STAGGER_MS LIVE_MS LIMIT_MS [stalled] < subscriptions");
    int port = atoi(arguments[1]), poll = epoll_create1(0);
    records = !strcmp(arguments[2], "binary");
    count = atoi(arguments[3]);
    int64_t stagger = atoll(arguments[4]) * 1000000, more = atoll(arguments[5]) * 1000000;
    int64_t start = now(), limit = start + atoll(arguments[6]) * 1000000;
    if (count < 1 || count > MOST) fail("1 to 4096 clients");
    static char text[TEXT];
    for (int index = 0; index < count; index++) {
        /* Byte by byte: what follows belongs to whoever reads standard input next. */
        size_t length = 0;
        while (length < TEXT - 1 && read(STDIN_FILENO, text + length, 1) == 1 && text[length] != '\n') length++;
        text[length] = 0;
        if (!length) fail("a subscription is missing");
        clients[index].message = strdup(text);
        char *after = strstr(text, "\"after\":");
        if (after) clients[index].after = strtoull(after + 8, NULL, 10);
    }
    if (argc > 7) {
        stall(port, poll);
        return 0;
    }
    int begun = 0;
    int64_t last_live = 0;
    while (now() < limit) {
        while (begun < count && now() - start >= stagger / count * begun) begin(&clients[begun++], port, poll, 0);
        wait_some(poll, begun < count ? 1 : 10);
        if (begun < count || live + failed < count) continue;
        if (!last_live) last_live = now();
        if (now() - last_live >= more) break;
    }
    int64_t end = now();
    double *waits = calloc((size_t)count, sizeof *waits);
    uint64_t events = 0;
    int timed = 0;
    for (int index = 0; index < count; index++) {
        struct client *client = &clients[index];
        close(client->fd);
        events += client->count;
        if (client->last > wanted) wanted = client->last;
        if (client->live) waits[timed++] = (double)(client->became_live - client->begun) / 1e6;
    }
    qsort(waits, (size_t)timed, sizeof *waits, by_size);
    int complete = 0;
    if (records) {
        reference.message = "{\"op\":\"subscribe\",\"symbols\":[\"*\"],\"types\":[\"trade\"],\"from\":\"earliest\"}";
        begin(&reference, port, poll, 0);
        while (reference.last < wanted && !reference.failed && now() < end + 60000000000) wait_some(poll, 10);
        for (int index = 0; index < count; index++) complete += is_complete(&clients[index]);
    }
    printf("{\"clients\":%d,\"failed\":%d,\"live\":%d,\"complete\":%d,\"events\":%llu,\"events_per_s\":%.0f,\"seconds\":%.3f,"
           "\"live_p50_ms\":%.1f,\"live_p99_ms\":%.1f,\"live_max_ms\":%.1f,\"read_back\":%zu,\"others\":%llu}\n",
           count, failed, live - reference.live, complete, (unsigned long long)events,
           (double)events / ((double)(end - start) / 1e9), (double)(end - start) / 1e9, timed ? waits[timed / 2] : 0,
           timed ? waits[timed * 99 / 100] : 0, timed ? waits[timed - 1] : 0, known,
           (unsigned long long)(known ? positions[known - 1] - known : 0));
    return 0;
}
