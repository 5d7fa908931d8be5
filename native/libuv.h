// The few functions of libuv that are used here, declared by hand: npm's node-api-headers do not have uv.h.
//
// Node exports them, and libuv keeps its binary interface within 1.x, which every Node from 10 on has.
// Nothing of a handle's layout is assumed: handles are allocated by uv_handle_size and seen through functions
// only. POSIX only.
#ifndef REMOTING_LIBUV_H_
#define REMOTING_LIBUV_H_

#include <cstddef>

extern "C" {

struct uv_loop_s;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;
typedef void (*uv_poll_cb)(uv_poll_t* handle, int status, int events);
typedef void (*uv_close_cb)(uv_handle_t* handle);

std::size_t uv_handle_size(int type);
void* uv_handle_get_data(const uv_handle_t* handle);
void uv_handle_set_data(uv_handle_t* handle, void* data);
void uv_ref(uv_handle_t* handle);
void uv_unref(uv_handle_t* handle);
void uv_close(uv_handle_t* handle, uv_close_cb callback);

int uv_poll_init(struct uv_loop_s* loop, uv_poll_t* handle, int descriptor);
int uv_poll_start(uv_poll_t* handle, int events, uv_poll_cb callback);
int uv_poll_stop(uv_poll_t* handle);

char* uv_err_name_r(int error, char* buffer, std::size_t size);
}

namespace remoting {

/// UV_POLL of uv_handle_type, and uv_poll_event: numbers that are part of the binary interface.
constexpr int kUvPoll = 8;
constexpr int kUvReadable = 1;
constexpr int kUvWritable = 2;

}  // namespace remoting

#endif  // REMOTING_LIBUV_H_
