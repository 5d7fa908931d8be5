// A section of memory that processes share by its name or through a file: what a file mapping is to the
// system.
#ifndef REMOTING_MAPPING_SECTION_H_
#define REMOTING_MAPPING_SECTION_H_

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "name_disposition.h"

namespace remoting {

enum class MappingAccess { kRead, kReadWrite, kCopyOnWrite };

/// What is to be created or opened.
struct SectionRequest {
  /// With its prefix, `Local\` or `Global\`; empty for one that only this process, or whoever opens the same
  /// file, has.
  std::string name;
  /// The file behind it; empty for memory.
  std::string file;
  /// In bytes; 0 takes the file's length.
  std::uint64_t size = 0;
  MappingAccess access = MappingAccess::kReadWrite;
  NameDisposition disposition = NameDisposition::kCreate;
};

/// A part of a section in this process's memory. Unmapped with this object.
class MappedRange {
 public:
  MappedRange(void* base, std::size_t mapped, std::size_t skipped) noexcept
      : base_(base), mapped_(mapped), skipped_(skipped) {}
  MappedRange(const MappedRange&) = delete;
  MappedRange& operator=(const MappedRange&) = delete;
  ~MappedRange();

  std::uint8_t* data() const noexcept { return static_cast<std::uint8_t*>(base_) + skipped_; }
  /// Has everything written to where the system keeps it; blocks. Returns the system's code.
  int Flush() const noexcept;

 private:
  void* base_;
  std::size_t mapped_;
  /// The system maps from certain offsets only: so many bytes lie before what was asked for.
  std::size_t skipped_;
};

/// See the head of this file. Holds its name as long as it lives.
class Section {
 public:
  /// Throws Napi::Error.
  static std::unique_ptr<Section> Acquire(Napi::Env env, const SectionRequest& request);
  virtual ~Section() = default;

  virtual std::uint64_t size() const noexcept = 0;
  /// Whether somebody else had created it.
  virtual bool existed() const noexcept = 0;
  /// The caller has checked the range against size(). Throws Napi::Error.
  virtual std::unique_ptr<MappedRange> Map(Napi::Env env, std::uint64_t offset, std::size_t length,
                                           MappingAccess access) = 0;
};

}  // namespace remoting

#endif  // REMOTING_MAPPING_SECTION_H_
