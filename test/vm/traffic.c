// SPDX-License-Identifier: Apache-2.0
/*
 * traffic.c - sends and receives a known number of packets in a guest without an interpreter.
 *
 *   traffic usend ADDRESS PORT COUNT SIZE SOCKETS   COUNT datagrams of SIZE bytes, from SOCKETS sockets in turn
 *   traffic usink PORT                              reads datagrams until killed
 *   traffic tsend ADDRESS PORT COUNT SIZE [HOW]     COUNT connections of SIZE bytes. HOW they are closed:
 *                                                     fin    by FIN; waits for the peer's FIN (default)
 *                                                     early  at once: the peer's FIN finds no process
 *                                                     late   after the peer's FIN
 *                                                     rst    by RST
 *   traffic tserve PORT [MS]                        accepts, reads to the end, closes MS milliseconds later, until killed
 *   traffic tfirst PORT SIZE                        accepts, reads SIZE bytes, closes, until killed
 *   traffic tleave PORT [MS]                        the same without reading
 *   traffic get ADDRESS PORT PATH                   prints an HTTP body; 0 if the status is 200
 */
#define _GNU_SOURCE /* POLLRDHUP */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[65536];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(int type)
{
	int fd = socket(AF_INET6, type, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

/* An IPv4 address is mapped into IPv6, so that one kind of socket does for both. */
static struct sockaddr_in6 address(const char *ip, const char *port)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(port))};
	char mapped[64];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(ip, ':') ? "" : "::ffff:", ip);
	if (inet_pton(AF_INET6, mapped, &at.sin6_addr) != 1)
		fail(ip);
	return at;
}

static int bound(int type, const char *port)
{
	struct sockaddr_in6 at = address("::", port);
	int one = 1, fd = open_socket(type);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&at, sizeof(at)))
		fail("bind");
	if (type == SOCK_STREAM && listen(fd, 4096))
		fail("listen");
	return fd;
}

static int connected(const struct sockaddr_in6 *to)
{
	int fd = open_socket(SOCK_STREAM);

	if (connect(fd, (const void *)to, sizeof(*to)))
		fail("connect");
	return fd;
}

static void send_all(int fd, long size)
{
	while (size > 0) {
		size_t wanted = size < (long)sizeof(buffer) ? (size_t)size : sizeof(buffer);
		ssize_t sent = send(fd, buffer, wanted, 0);

		if (sent < 0)
			fail("send");
		size -= sent;
	}
}

static int send_datagrams(const struct sockaddr_in6 *to, int count, int size, int sockets)
{
	int *fds = calloc(sockets, sizeof(*fds));

	for (int i = 0; i < sockets; i++)
		fds[i] = open_socket(SOCK_DGRAM);
	for (int i = 0; i < count; i++) {
		/* a refusal is the answer to an earlier datagram, and takes the place of this one: send it again */
		while (sendto(fds[i % sockets], buffer, size, 0, (const void *)to, sizeof(*to)) <
		       0) {
			if (errno == EPERM)
				break;
			if (errno != ENOBUFS && errno != ECONNREFUSED)
				fail("sendto");
			usleep(100);
		}
	}
	return 0;
}

/* An ACK that arrives after a reset is a real drop: NO_SOCKET. */
static void wait_for_ack(int fd)
{
	int unacknowledged = 1;

	while (!ioctl(fd, SIOCOUTQ, &unacknowledged) && unacknowledged)
		usleep(100);
}

static int send_streams(const struct sockaddr_in6 *to, int count, long size, const char *how)
{
	struct linger abort = {.l_onoff = 1};
	int reset = !strcmp(how, "rst"), early = !strcmp(how, "early");

	for (int i = 0; i < count; i++) {
		int fd = connected(to);

		send_all(fd, size);
		wait_for_ack(fd);
		if (reset)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		else if (strcmp(how, "late"))
			shutdown(fd, SHUT_WR);
		while (!reset && !early && recv(fd, buffer, sizeof(buffer), 0) > 0)
			;
		close(fd);
	}
	return 0;
}

#define UNREAD 0L
#define TO_THE_END -1L

/* Reads `size` bytes of each connection. */
static void serve(int listener, long size, int delay_ms)
{
	if (delay_ms) /* several at once */
		for (int i = 0; i < 5; i++)
			fork();
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		struct pollfd end = {.fd = fd, .events = POLLRDHUP};

		if (size == UNREAD)
			poll(&end, 1, -1); /* all data and the FIN are here */
		else if (size == TO_THE_END)
			while (recv(fd, buffer, sizeof(buffer), 0) > 0)
				;
		else
			recv(fd, buffer, size, MSG_WAITALL);
		usleep(1000 * delay_ms);
		close(fd);
	}
}

static int get(const struct sockaddr_in6 *to, const char *path)
{
	int fd = connected(to), size = 0, got;
	static char page[8 << 20];
	char *body;

	size = snprintf(buffer, sizeof(buffer), "GET %s HTTP/1.0\r\nHost: weir\r\n\r\n", path);
	send_all(fd, size);
	for (size = 0; (got = recv(fd, page + size, sizeof(page) - 1 - size, 0)) > 0;)
		size += got;
	page[size] = 0;
	body = strstr(page, "\r\n\r\n");
	if (!body)
		return 1;
	fwrite(body + 4, 1, page + size - body - 4, stdout);
	return strncmp(page + 9, "200", 3) != 0;
}

int main(int count, char **argument)
{
	const char *command = count > 1 ? argument[1] : "";
	struct sockaddr_in6 to;
	int delay_ms;

	if (!strcmp(command, "usink") && count == 3) {
		int fd = bound(SOCK_DGRAM, argument[2]), room = 8 << 20;

		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		for (;;)
			recv(fd, buffer, sizeof(buffer), 0);
	}
	delay_ms = count > 3 ? atoi(argument[3]) : 0;
	if (!strcmp(command, "tserve") && count >= 3)
		serve(bound(SOCK_STREAM, argument[2]), TO_THE_END, delay_ms);
	if (!strcmp(command, "tfirst") && count == 4)
		serve(bound(SOCK_STREAM, argument[2]), atol(argument[3]), 0);
	if (!strcmp(command, "tleave") && count >= 3)
		serve(bound(SOCK_STREAM, argument[2]), UNREAD, delay_ms);
	if (count < 5) {
		fprintf(stderr, "traffic: see traffic.c\n");
		return 2;
	}
	to = address(argument[2], argument[3]);
	if (!strcmp(command, "get"))
		return get(&to, argument[4]);
	if (!strcmp(command, "usend") && count == 7)
		return send_datagrams(&to, atoi(argument[4]), atoi(argument[5]), atoi(argument[6]));
	if (!strcmp(command, "tsend") && count >= 6)
		return send_streams(&to, atoi(argument[4]), atol(argument[5]),
				    count > 6 ? argument[6] : "fin");
	fprintf(stderr, "traffic: unknown command '%s'\n", command);
	return 2;
}
