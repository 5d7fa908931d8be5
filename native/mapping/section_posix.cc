#include "mapping/section.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "named_memory.h"
#include "system_error.h"

namespace remoting {

namespace {

Descriptor CreateNameless(Napi::Env env, std::uint64_t size) {
  Descriptor file(memfd_create("remoting", MFD_CLOEXEC));
  if (!file) throw SystemError(env, errno, "memfd_create");
  int code = posix_fallocate(file.get(), 0, static_cast<off_t>(size));
  if (code != 0) throw SystemError(env, code, "fallocate");
  return file;
}

class PosixSection final : public Section {
 public:
  PosixSection(Napi::Env env, const SectionRequest& request) {
    // A mapping that is copied on write never writes to the file.
    bool read_only = request.access != MappingAccess::kReadWrite;
    if (!request.name.empty()) {
      named_.emplace(env, NamedMemory::Request{"map", request.name, request.file, request.size, "",
                                               request.disposition, read_only});
    } else if (request.file.empty()) {
      nameless_ = CreateNameless(env, request.size);
    } else {
      nameless_ = OpenMappedFile(env, request.file, request.size, read_only);
    }
    struct stat status;
    if (fstat(descriptor(), &status) != 0) throw SystemError(env, errno, "fstat");
    if (status.st_size == 0) throw FaultError(env, "invalid", "An empty file cannot be mapped: give a size");
    // A file may be longer than what is mapped of it.
    bool whole = request.size == 0 || existed();
    size_ = whole ? static_cast<std::uint64_t>(status.st_size) : request.size;
  }

  std::uint64_t size() const noexcept override { return size_; }
  bool existed() const noexcept override { return named_ && named_->existed(); }

  std::unique_ptr<MappedRange> Map(Napi::Env env, std::uint64_t offset, std::size_t length,
                                   MappingAccess access) override {
    // A file may have been cut since: reading beyond its end would end the process.
    struct stat status;
    if (fstat(descriptor(), &status) != 0) throw SystemError(env, errno, "fstat");
    if (static_cast<std::uint64_t>(status.st_size) < offset + length) {
      throw FaultError(env, "broken", "The file has become shorter than the mapping");
    }
    auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    auto skipped = static_cast<std::size_t>(offset % page);
    int protection = access == MappingAccess::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
    int sharing = access == MappingAccess::kCopyOnWrite ? MAP_PRIVATE : MAP_SHARED;
    void* base = mmap(nullptr, length + skipped, protection, sharing, descriptor(),
                      static_cast<off_t>(offset - skipped));
    if (base == MAP_FAILED) throw SystemError(env, errno, "mmap");
    return std::make_unique<MappedRange>(base, length + skipped, skipped);
  }

 private:
  int descriptor() const noexcept { return named_ ? named_->descriptor() : nameless_.get(); }

  std::optional<NamedMemory> named_;
  Descriptor nameless_;
  std::uint64_t size_ = 0;
};

}  // namespace

MappedRange::~MappedRange() { munmap(base_, mapped_); }

int MappedRange::Flush() const noexcept { return msync(base_, mapped_, MS_SYNC) == 0 ? 0 : errno; }

std::unique_ptr<Section> Section::Acquire(Napi::Env env, const SectionRequest& request) {
  return std::make_unique<PosixSection>(env, request);
}

}  // namespace remoting
