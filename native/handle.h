// A handle of Windows that is closed with its owner.
#ifndef REMOTING_HANDLE_H_
#define REMOTING_HANDLE_H_

#include <windows.h>

#include <utility>

namespace remoting {

class Handle {
 public:
  Handle() noexcept = default;
  /// What failed (nullptr, or INVALID_HANDLE_VALUE for files and pipes) is held as nothing.
  explicit Handle(HANDLE value) noexcept : value_(value == INVALID_HANDLE_VALUE ? nullptr : value) {}
  Handle(Handle&& other) noexcept : value_(other.Release()) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      Close();
      value_ = other.Release();
    }
    return *this;
  }
  ~Handle() { Close(); }

  HANDLE get() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ != nullptr; }
  /// Closes what is held, and holds this instead.
  void Reset(HANDLE value) noexcept { *this = Handle(value); }
  HANDLE Release() noexcept { return std::exchange(value_, nullptr); }
  void Close() noexcept {
    HANDLE value = Release();
    if (value != nullptr) CloseHandle(value);
  }

 private:
  HANDLE value_ = nullptr;
};

}  // namespace remoting

#endif  // REMOTING_HANDLE_H_
