#ifndef TORTURE_EDGES_H
#define TORTURE_EDGES_H

#include <stdint.h>
#include <sys/epoll.h>

/*
 * What is registered with epoll, for those who lie about descriptors.
 *
 * With EPOLLET the system promises an event whenever more can be done after it
 * has said that nothing can. A wrapper that says EAGAIN, or does a part, where
 * the system would have gone on, has to keep that promise: EPOLL_CTL_MOD makes
 * epoll look at the descriptor again, and report what is ready.
 */

/* Notes what an EPOLL_CTL_ADD, _MOD or _DEL has done. */
void fault_edges_note(int epfd, int op, int fd,
                      const struct epoll_event *event);

/* Notes that `to` is now what `from` was. */
void fault_edges_move(int from, int to);

/* Has the descriptor reported again if it is ready. Keeps errno. */
void fault_edges_renew(int fd);

/* One of the registrations of `epfd`, by the number `pick`, as an event of all
 * that it asks for; 0 if there is none, else 1. */
int fault_edges_spurious(int epfd, uint64_t pick, struct epoll_event *event);

#endif
