#include "ring/ring_memory.h"

#include <windows.h>
// After windows.h, on which it depends; this version of it needs no library of its own.
#define PSAPI_VERSION 2
#include <psapi.h>

#include <initializer_list>

#include "ring/failpoint.h"

namespace remoting {

namespace {

RingMemoryError Failed(const char* system_call) noexcept {
  return {static_cast<int>(GetLastError()), system_call};
}

HANDLE HandleOf(MemoryHandle handle) noexcept { return reinterpret_cast<HANDLE>(handle); }

unsigned char* MapAt(HANDLE section, std::size_t offset, std::size_t length, void* address) noexcept {
  return static_cast<unsigned char*>(MapViewOfFileEx(section, FILE_MAP_READ | FILE_MAP_WRITE, 0,
                                                     static_cast<DWORD>(offset), length, address));
}

/// A ring twice in a row. Windows has no reservation that views can be put into (before placeholders, which
/// not every version has), so a free place is looked for, and somebody else may take it first: then it is
/// tried again.
unsigned char* MapTwice(HANDLE section, std::size_t offset, std::size_t length) noexcept {
  for (int attempt = 0; attempt < 16; ++attempt) {
    void* place = VirtualAlloc(nullptr, 2 * length, MEM_RESERVE, PAGE_NOACCESS);
    if (place == nullptr) return nullptr;
    VirtualFree(place, 0, MEM_RELEASE);
    unsigned char* first = MapAt(section, offset, length, place);
    if (first == nullptr) continue;
    if (MapAt(section, offset, length, first + length) != nullptr) return first;
    UnmapViewOfFile(first);
  }
  return nullptr;
}

/// Whether a view is of the paging file and committed. Of a section that is only reserved, or of a file that
/// cannot be read, the first touch would be an exception.
bool IsThereInFull(const unsigned char* view, std::size_t length) noexcept {
  for (std::size_t offset = 0; offset < length;) {
    MEMORY_BASIC_INFORMATION region;
    if (VirtualQuery(view + offset, &region, sizeof(region)) == 0 || region.State != MEM_COMMIT) return false;
    offset = static_cast<std::size_t>(static_cast<const unsigned char*>(region.BaseAddress) +
                                      region.RegionSize - view);
  }
  wchar_t name[MAX_PATH];
  if (GetMappedFileNameW(GetCurrentProcess(), const_cast<unsigned char*>(view), name, MAX_PATH) != 0) {
    return false;
  }
  // A name that is too long for the buffer is one, too.
  DWORD why_not = GetLastError();
  return why_not != ERROR_INSUFFICIENT_BUFFER && why_not != ERROR_MORE_DATA;
}

}  // namespace

void CloseMemory(MemoryHandle handle) noexcept {
  if (handle != kNoMemory) CloseHandle(HandleOf(handle));
}

RingMemoryError RingMemory::Create(std::uint32_t capacity, MemoryHandle* handle) noexcept {
  ReachFailPoint("memory-create");
  // Without a name and of the paging file: committed at once, and gone with its last handle and view.
  HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE | SEC_COMMIT, 0,
                                      static_cast<DWORD>(SizeOfRings(capacity)), nullptr);
  if (section == nullptr) return Failed("CreateFileMapping");
  ReachFailPoint("memory-created");
  RingMemoryError error = Map(capacity, reinterpret_cast<MemoryHandle>(section));
  if (error) {
    CloseHandle(section);
    return error;
  }
  *handle = reinterpret_cast<MemoryHandle>(section);
  return {};
}

RingMemoryError RingMemory::Adopt(std::uint32_t capacity, MemoryHandle handle) noexcept {
  if (!IsCapacity(capacity)) return {0, "the size of a ring is not a power of two within bounds"};
  // A section that is smaller cannot be mapped at these offsets, and no section can be shrunk.
  if (RingMemoryError error = Map(capacity, handle)) return error;
  if (IsThereInFull(reinterpret_cast<unsigned char*>(indexes_), kIndexesSize) &&
      IsThereInFull(client_bytes_, capacity) && IsThereInFull(server_bytes_, capacity)) {
    return {};
  }
  Unmap();
  return {0, "the memory is not a section of the paging file that is committed in full"};
}

RingMemoryError RingMemory::Map(std::uint32_t capacity, MemoryHandle handle) noexcept {
  HANDLE section = HandleOf(handle);
  std::size_t ring = capacity;
  unsigned char* indexes = MapAt(section, 0, kIndexesSize, nullptr);
  if (indexes == nullptr) return Failed("MapViewOfFile");
  unsigned char* client = MapTwice(section, kIndexesSize, ring);
  unsigned char* server = client == nullptr ? nullptr : MapTwice(section, kIndexesSize + ring, ring);
  mirrored_ = server != nullptr;
  if (!mirrored_) {
    if (client != nullptr) {
      UnmapViewOfFile(client);
      UnmapViewOfFile(client + ring);
    }
    client = MapAt(section, kIndexesSize, ring, nullptr);
    server = client == nullptr ? nullptr : MapAt(section, kIndexesSize + ring, ring, nullptr);
    if (server == nullptr) {
      RingMemoryError error = Failed("MapViewOfFile");
      if (client != nullptr) UnmapViewOfFile(client);
      UnmapViewOfFile(indexes);
      return error;
    }
  }
  indexes_ = reinterpret_cast<RingIndexes*>(indexes);
  client_bytes_ = client;
  server_bytes_ = server;
  capacity_ = capacity;
  return {};
}

void RingMemory::Unmap() noexcept {
  if (indexes_ == nullptr) return;
  UnmapViewOfFile(indexes_);
  for (unsigned char* bytes : {client_bytes_, server_bytes_}) {
    UnmapViewOfFile(bytes);
    if (mirrored_) UnmapViewOfFile(bytes + capacity_);
  }
  indexes_ = nullptr;
}

}  // namespace remoting
