/*
 * support/selfconnect.h: a TCP connection that has itself as its peer.
 *
 * While no server listens on a port of the range from which the kernel takes the ports of clients,
 * a connect to it on this machine now and then gets that very port for its own end: TCP calls it
 * connected, and whatever is sent comes back as if the server had said it. A client must treat that
 * as a refused connection.
 * Thread: any.
 */
#ifndef SUPPORT_SELFCONNECT_H
#define SUPPORT_SELFCONNECT_H

#define SELFCONNECT_TEXT "nobody listens there (the connection came back to its own port)"

/* Whether both ends of a connected socket are the same. 0 also for what is no connected TCP
 * socket. */
int socket_is_own_peer(int fd);

#endif
