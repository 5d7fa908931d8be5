#include <windows.h>

#include "handle.h"
#include "mapping/section.h"
#include "system_error.h"
#include "wide_string.h"

namespace remoting {

namespace {

DWORD ProtectionOf(MappingAccess access) {
  switch (access) {
    case MappingAccess::kRead:
      return PAGE_READONLY;
    case MappingAccess::kCopyOnWrite:
      return PAGE_WRITECOPY;
    default:
      return PAGE_READWRITE;
  }
}

DWORD ViewAccessOf(MappingAccess access) {
  switch (access) {
    case MappingAccess::kRead:
      return FILE_MAP_READ;
    case MappingAccess::kCopyOnWrite:
      return FILE_MAP_COPY;
    default:
      return FILE_MAP_READ | FILE_MAP_WRITE;
  }
}

/// @param size_to_map Becomes the file's length, if none was asked for.
Handle OpenFileFor(Napi::Env env, const SectionRequest& request, std::uint64_t& size_to_map) {
  bool writes = request.access == MappingAccess::kReadWrite;
  Handle file(CreateFileW(ToWide(request.file).c_str(), writes ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ,
                          FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                          writes && request.size > 0 ? OPEN_ALWAYS : OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL,
                          nullptr));
  if (!file) throw SystemError(env, LastSystemCode(), ("CreateFile " + request.file).c_str());
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file.get(), &size)) throw SystemError(env, LastSystemCode(), "GetFileSizeEx");
  if (size.QuadPart == 0 && request.size == 0) {
    throw FaultError(env, "invalid", "An empty file cannot be mapped: give a size");
  }
  if (!writes && static_cast<std::uint64_t>(size.QuadPart) < request.size) {
    throw FaultError(env, "invalid",
                     request.file + " has " + std::to_string(size.QuadPart) +
                         " bytes and is opened to be read only: it cannot grow to " +
                         std::to_string(request.size));
  }
  if (request.size == 0) size_to_map = static_cast<std::uint64_t>(size.QuadPart);
  return file;
}

class Win32Section final : public Section {
 public:
  Win32Section(Napi::Env env, const SectionRequest& request) {
    std::wstring name = ToWide(request.name);
    if (request.disposition == NameDisposition::kOpen) {
      mapping_ = Handle(OpenFileMappingW(ViewAccessOf(request.access), FALSE, name.c_str()));
      if (!mapping_) throw SystemError(env, LastSystemCode(), ("OpenFileMapping " + request.name).c_str());
      existed_ = true;
    } else {
      Create(env, request, name);
    }
    if (existed_) size_ = MeasuredSize(env, request.access);
  }

  std::uint64_t size() const noexcept override { return size_; }
  bool existed() const noexcept override { return existed_; }

  std::unique_ptr<MappedRange> Map(Napi::Env env, std::uint64_t offset, std::size_t length,
                                   MappingAccess access) override {
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    auto skipped = static_cast<std::size_t>(offset % system.dwAllocationGranularity);
    std::uint64_t start = offset - skipped;
    // Of a file, less than the whole pages that were measured may be there: then all there is, which is what
    // 0 means.
    SIZE_T asked = existed_ && offset + length == size_ ? 0 : length + skipped;
    void* base = MapViewOfFile(mapping_.get(), ViewAccessOf(access), static_cast<DWORD>(start >> 32),
                               static_cast<DWORD>(start), asked);
    if (base == nullptr) throw SystemError(env, LastSystemCode(), "MapViewOfFile");
    return std::make_unique<MappedRange>(base, length + skipped, skipped);
  }

 private:
  void Create(Napi::Env env, const SectionRequest& request, const std::wstring& name) {
    Handle file;
    size_ = request.size;
    if (!request.file.empty()) file = OpenFileFor(env, request, size_);
    HANDLE backing = file ? file.get() : INVALID_HANDLE_VALUE;
    mapping_ = Handle(CreateFileMappingW(
        backing, nullptr, ProtectionOf(request.access), static_cast<DWORD>(request.size >> 32),
        static_cast<DWORD>(request.size), name.empty() ? nullptr : name.c_str()));
    // Asked before anything else can change it.
    SystemCode code = LastSystemCode();
    if (!mapping_) throw SystemError(env, code, ("CreateFileMapping " + request.name).c_str());
    existed_ = code == ERROR_ALREADY_EXISTS;
    if (existed_ && request.disposition == NameDisposition::kCreate) {
      throw SystemError(env, code, ("CreateFileMapping " + request.name).c_str());
    }
  }

  /// The system does not tell the size of a mapping, but that of a view of all of it, in whole pages.
  std::uint64_t MeasuredSize(Napi::Env env, MappingAccess access) const {
    void* base = MapViewOfFile(mapping_.get(), ViewAccessOf(access), 0, 0, 0);
    if (base == nullptr) throw SystemError(env, LastSystemCode(), "MapViewOfFile");
    MEMORY_BASIC_INFORMATION region;
    SIZE_T told = VirtualQuery(base, &region, sizeof(region));
    SystemCode code = LastSystemCode();
    UnmapViewOfFile(base);
    if (told == 0) throw SystemError(env, code, "VirtualQuery");
    return region.RegionSize;
  }

  Handle mapping_;
  std::uint64_t size_ = 0;
  bool existed_ = false;
};

}  // namespace

MappedRange::~MappedRange() { UnmapViewOfFile(base_); }

int MappedRange::Flush() const noexcept {
  return FlushViewOfFile(base_, 0) ? 0 : static_cast<int>(GetLastError());
}

std::unique_ptr<Section> Section::Acquire(Napi::Env env, const SectionRequest& request) {
  return std::make_unique<Win32Section>(env, request);
}

}  // namespace remoting
