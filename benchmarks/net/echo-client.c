// Sends messages of one size over several connections. A connection sends its next message when the whole last one is back.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
  int fd;
  size_t sent, received;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int port = atoi(argv[1]), count = atoi(argv[2]);
  size_t size = atol(argv[3]);
  double seconds = atof(argv[4]);
  char *message = malloc(size), *buffer = malloc(1 << 20);
  for (size_t i = 0; i < size; i++) message[i] = (char)(i * 31);
  message[size - 1] = '\n';
  struct connection *all = calloc(count, sizeof *all);
  struct pollfd *polls = calloc(count, sizeof *polls);
  for (int i = 0; i < count; i++) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    all[i].fd = polls[i].fd = fd;
    polls[i].events = POLLIN | POLLOUT;
  }
  double start = now(), measured = 0;
  long done = 0, total = 0;
  double warm = start + seconds / 4, ended = 0;
  // When the time is over, the loop still waits until each message that is on its way is back, so that no server sees a reset.
  for (int left = count; left > 0;) {
    double t = now();
    if (measured == 0 && t >= warm) measured = t, done = 0;
    if (ended == 0 && t >= start + seconds) ended = t, total = done;
    poll(polls, count, 100);
    for (int i = 0; i < count; i++) {
      struct connection *c = &all[i];
      if (polls[i].revents & POLLOUT) {
        ssize_t n = send(c->fd, message + c->sent, size - c->sent, MSG_DONTWAIT);
        if (n > 0) c->sent += n;
        if (c->sent == size) polls[i].events = POLLIN;
      }
      if (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) {
        ssize_t n = recv(c->fd, buffer, size - c->received < 1 << 20 ? size - c->received : 1 << 20, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return 4;
        if (n < 0) continue;
        if (memcmp(buffer, message + c->received, n) != 0) return 5;
        c->received += n;
        if (c->received == size) {
          c->sent = c->received = 0;
          polls[i].events = POLLIN | POLLOUT;
          done++;
          if (ended != 0) polls[i].fd = -1, left--;
        }
      }
    }
  }
  printf("%.0f\n", total / (ended - measured));
  return 0;
}
