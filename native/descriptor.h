// A descriptor of POSIX that is closed with its owner.
#ifndef REMOTING_DESCRIPTOR_H_
#define REMOTING_DESCRIPTOR_H_

namespace remoting {

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int value) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Close(); }

  int get() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ >= 0; }
  int Release() noexcept;
  void Close() noexcept;

 private:
  int value_ = -1;
};

}  // namespace remoting

#endif  // REMOTING_DESCRIPTOR_H_
