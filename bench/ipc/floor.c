/* What the classes of remoting/ipc are measured against: the same system calls, in C, between two processes.
 *
 *   floor pipe stream|round-trips MESSAGES
 *   floor mailslot stream MESSAGES
 *
 * Prints messages, or round trips, a second. Messages have 64 bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { message_size = 64, most_size = 65536 };

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void send_message(int socket, const char* message) {
  if (send(socket, message, message_size, MSG_NOSIGNAL) != message_size) fail("send");
}

static void receive_message(int socket, char* buffer) {
  if (recv(socket, buffer, most_size, 0) != message_size) fail("recv");
}

int main(int count, char** arguments) {
  if (count != 4) return 2;
  int is_pipe = strcmp(arguments[1], "pipe") == 0;
  int is_stream = strcmp(arguments[2], "stream") == 0;
  long messages = atol(arguments[3]);
  int ends[2];
  if (socketpair(AF_UNIX, is_pipe ? SOCK_SEQPACKET : SOCK_DGRAM, 0, ends) != 0) fail("socketpair");
  char message[message_size];
  static char buffer[most_size];
  memset(message, 'x', sizeof message);

  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    for (long index = 0; index < messages; index++) {
      receive_message(ends[1], buffer);
      if (!is_stream) send_message(ends[1], message);
    }
    send_message(ends[1], message);
    _exit(0);
  }
  double begin = now();
  for (long index = 0; index < messages; index++) {
    send_message(ends[0], message);
    if (!is_stream) receive_message(ends[0], buffer);
  }
  /* The last one was received when its reader says so. */
  receive_message(ends[0], buffer);
  printf("%.0f\n", (double)messages / (now() - begin));
  return waitpid(child, NULL, 0) == child ? 0 : 1;
}
