#include <unistd.h>

#include "descriptor.h"

namespace remoting {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Close();
    value_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() noexcept {
  int value = value_;
  value_ = -1;
  return value;
}

void Descriptor::Close() noexcept {
  if (value_ >= 0) close(value_);
  value_ = -1;
}

}  // namespace remoting
