/* wireload: one WebSocket connection to a hub on this machine, its events counted and their latencies taken, in an encoding
 * that no line of text shows: records or MessagePack.
 *
 *   wireload PORT PATH ENCODING SECONDS WARMUP MESSAGE
 *
 * ENCODING is `binary` or `msgpack`; MESSAGE is sent after the handshake. Latency is from `received` to here. Prints one
 * line of JSON with the names that shared/tools/wsload.c uses.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64, TRADE = 1, ROOM = 8 << 20, MOST = 50 * 1000 * 1000 };

static unsigned char buffer[ROOM];
static uint32_t *latencies; /* microseconds */
static size_t events;
static int counting;

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void note(int64_t received, int64_t arrived) {
    if (!counting || events == MOST) return;
    int64_t microseconds = (arrived - received) / 1000;
    latencies[events++] = microseconds < 0 ? 0 : (uint32_t)microseconds;
}

/* A sequence of whole records. */
static void take_records(const unsigned char *at, size_t length, int64_t arrived) {
    const unsigned char *end = at + length;
    while (at < end && at[0] > 0) {
        if (at[1] == TRADE) {
            int64_t received;
            memcpy(&received, at + 16, 8);
            note(received, arrived);
        }
        at += (size_t)at[0] * LINE;
    }
}

/* Only events have `received`; it is a 64-bit integer in microseconds. */
static void take_maps(const unsigned char *at, size_t length, int64_t arrived) {
    static const char key[] = "\xa8received\xcf";
    const unsigned char *end = at + length;
    while ((at = memmem(at, (size_t)(end - at), key, sizeof key - 1))) {
        uint64_t microseconds;
        memcpy(&microseconds, at + sizeof key - 1, 8);
        note((int64_t)(__builtin_bswap64(microseconds) * 1000), arrived);
        at += sizeof key + 7;
    }
}

static int by_size(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void fail(const char *reason) {
    fprintf(stderr, "wireload: %s\n", reason);
    exit(1);
}

/* Opens the WebSocket; leaves what came behind the handshake in the buffer and answers how much that is. */
static size_t begin(int fd, const char *path, const char *message) {
    char text[4096];
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          path);
    if (send(fd, text, (size_t)length, MSG_NOSIGNAL) != length) fail("the request was not taken");
    size_t filled = 0;
    unsigned char *end = NULL;
    while (!end) {
        ssize_t count = recv(fd, buffer + filled, 4096, 0);
        if (count <= 0) fail("no answer to the handshake");
        filled += (size_t)count;
        end = memmem(buffer, filled, "\r\n\r\n", 4);
    }
    if (!memmem(buffer, filled, " 101 ", 5)) fail("the upgrade was refused");
    size_t size = strlen(message);
    if (size > 65535) fail("the message is too long");
    unsigned char header[8] = {0x81, 0x80 | 126, (unsigned char)(size >> 8), (unsigned char)size, 0, 0, 0, 0};
    if (send(fd, header, 8, MSG_NOSIGNAL) != 8 || send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size)
        fail("the subscription was not taken");
    size_t rest = filled - (size_t)(end + 4 - buffer);
    memmove(buffer, end + 4, rest);
    return rest;
}

int main(int count, char **arguments) {
    if (count != 7) fail("usage: wireload PORT PATH ENCODING SECONDS WARMUP MESSAGE");
    int records = !strcmp(arguments[3], "binary");
    double seconds = atof(arguments[4]);
    latencies = malloc(sizeof *latencies * MOST);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!latencies || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("no connection");
    size_t filled = begin(fd, arguments[2], arguments[6]);
    int64_t start = now(CLOCK_MONOTONIC) + (int64_t)(atof(arguments[5]) * 1e9), stop = start + (int64_t)(seconds * 1e9);
    uint64_t bytes = 0, frames = 0;
    int failed = 0;
    for (int64_t time = 0; time < stop; time = now(CLOCK_MONOTONIC)) {
        counting = time >= start;
        if (filled == ROOM) fail("a message is larger than it may be");
        ssize_t more = recv(fd, buffer + filled, ROOM - filled, 0);
        if (more <= 0) {
            failed = 1;
            break;
        }
        int64_t arrived = now(CLOCK_REALTIME);
        filled += (size_t)more;
        if (counting) bytes += (uint64_t)more;
        size_t at = 0;
        while (filled - at >= 2) {
            size_t header = 2, length = buffer[at + 1] & 127;
            if (length == 126) {
                header = 4;
                if (filled - at < header) break;
                length = (size_t)buffer[at + 2] << 8 | buffer[at + 3];
            } else if (length == 127) {
                header = 10;
                if (filled - at < header) break;
                length = 0;
                for (int index = 2; index < 10; index++) length = length << 8 | buffer[at + index];
            }
            if (filled - at < header + length) break;
            if ((buffer[at] & 15) == 2) {
                if (counting) frames++;
                (records ? take_records : take_maps)(buffer + at + header, length, arrived);
            }
            at += header + length;
        }
        memmove(buffer, buffer + at, filled - at);
        filled -= at;
    }
    qsort(latencies, events, sizeof *latencies, by_size);
    printf("{\"conns\":1,\"failed\":%d,\"events_per_s\":%.0f,\"frames_per_s\":%.0f,\"mb_per_s\":%.3f,\"p50_us\":%u,\"p99_us\":%u}\n",
           failed, (double)events / seconds, (double)frames / seconds, (double)bytes / seconds / 1e6,
           events ? latencies[events / 2] : 0, events ? latencies[events * 99 / 100] : 0);
    return 0;
}
