/*
 * base/channel.h: framed JSON messages between the supervisor and one child, over a socketpair.
 *
 * What this is: a frame is a 4-byte little-endian length and that many bytes of compact JSON: one
 * object with a text member "type". Both sides use this codec. Frames keep their order.
 * Ownership: open takes the descriptor when it succeeds. send always takes its message, also when
 * it fails. A message handed to on_message is borrowed: copy, or detach by
 * cJSON_DetachItemViaPointer, what must outlive the call.
 * Threads: the loop's thread only.
 *
 *     sl_channel_open(loop, 3, &(sl_channel_callbacks_t){ on_message, on_end }, self, &channel);
 *     sl_channel_send(channel, sl_channel_message("alive"));
 */
#ifndef SL_BASE_CHANNEL_H
#define SL_BASE_CHANNEL_H

#include <stddef.h>
#include <cjson/cJSON.h>
#include <uv.h>

/* A longer frame is a broken peer. The largest honest ones are the start of a task and its
 * positions: some hundred bytes for each source partition and branch. */
#define SL_CHANNEL_FRAME_MAX (32u * 1024u * 1024u)

typedef struct sl_channel sl_channel_t;

typedef struct sl_channel_callbacks {
    /* One message; never called after close. Closing the channel in it is allowed. */
    void (*on_message)(void *user, const char *type, cJSON *message);
    /* The peer is gone (reason NULL) or broke the protocol (reason says how). At most once, never
     * after close; the channel must still be closed. NULL: not wanted. */
    void (*on_end)(void *user, const char *reason);
} sl_channel_callbacks_t;

/* SLUICE_OK, SLUICE_NO_MEMORY, or SLUICE_INVALID when the descriptor is no socket. */
int sl_channel_open(uv_loop_t *loop, int fd, const sl_channel_callbacks_t *callbacks, void *user,
                    sl_channel_t **out);

/* A new object whose "type" is `type`; NULL without memory, which send accepts and answers with
 * SLUICE_NO_MEMORY. */
cJSON *sl_channel_message(const char *type);

/* Queues one frame, writing as much as the socket takes at once. SLUICE_NOT_CONNECTED after the
 * end or close; SLUICE_INVALID: longer than SL_CHANNEL_FRAME_MAX, nothing was sent. */
int sl_channel_send(sl_channel_t *channel, cJSON *message);

/* Bytes that the socket has not taken yet: a sender of optional frames (log, metrics) drops them
 * above its own limit. */
size_t sl_channel_pending(const sl_channel_t *channel);

/* Ends the channel and frees it; no callback but `closed` comes after this call. Frames already
 * sent still go out as long as the peer reads. `closed` may be NULL; with a NULL channel it is
 * called at once. */
void sl_channel_close(sl_channel_t *channel, void (*closed)(void *user), void *user);

/* As close, but what is still queued is dropped. */
void sl_channel_abort(sl_channel_t *channel, void (*closed)(void *user), void *user);

#endif
