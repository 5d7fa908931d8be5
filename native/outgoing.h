// What JavaScript gives to be sent: `write(memory, start, end, tail | undefined)` of pipes and of rings. This
// is the way of every message, so it is Node-API itself.
#ifndef REMOTING_OUTGOING_H_
#define REMOTING_OUTGOING_H_

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace remoting {

/// A message in one or two pieces, which stay valid and unchanged until it is taken.
struct Outgoing {
  const std::uint8_t* head = nullptr;
  std::size_t head_size = 0;
  const std::uint8_t* tail = nullptr;
  std::size_t tail_size = 0;

  std::size_t size() const noexcept { return head_size + tail_size; }
};

/// The arguments of `write`. Throws Napi::TypeError.
inline Outgoing OutgoingOf(const Napi::CallbackInfo& info) {
  napi_env env = info.Env();
  void* head = nullptr;
  std::size_t size = 0;
  std::uint32_t start = 0;
  std::uint32_t end = 0;
  if (napi_get_buffer_info(env, info[0], &head, &size) != napi_ok ||
      napi_get_value_uint32(env, info[1], &start) != napi_ok ||
      napi_get_value_uint32(env, info[2], &end) != napi_ok || start > end || end > size) {
    throw Napi::TypeError::New(env, "write takes a buffer, and where in it the message begins and ends");
  }
  Outgoing message;
  message.head = static_cast<const std::uint8_t*>(head) + start;
  message.head_size = end - start;
  if (info.Length() > 3 && !info[3].IsUndefined()) {
    void* tail = nullptr;
    if (napi_get_buffer_info(env, info[3], &tail, &message.tail_size) != napi_ok) {
      throw Napi::TypeError::New(env, "the tail of a message is a Uint8Array");
    }
    message.tail = static_cast<const std::uint8_t*>(tail);
  }
  return message;
}

}  // namespace remoting

#endif  // REMOTING_OUTGOING_H_
