// What a client on Windows maps of what a server hands over, and what it refuses. Run under Wine, too.
#include <windows.h>

#include <cstdio>

#include "ring/ring_layout.h"
#include "ring/ring_memory.h"

namespace {

using remoting::kSmallestCapacity;

/// Whether a section is taken exactly if it should be.
bool Adopts(const char* name, HANDLE section, bool expected) {
  remoting::RingMemory memory;
  remoting::RingMemoryError error =
      memory.Adopt(kSmallestCapacity, reinterpret_cast<remoting::MemoryHandle>(section));
  bool taken = !error;
  std::printf("%s: %s%s\n", name, taken ? "taken" : error.reason, taken == expected ? "" : ", WRONG");
  CloseHandle(section);
  return taken == expected;
}

HANDLE Section(HANDLE file, DWORD attributes, std::size_t size) {
  return CreateFileMappingW(file, nullptr, PAGE_READWRITE | attributes, 0, static_cast<DWORD>(size), nullptr);
}

}  // namespace

int main() {
  const std::size_t size = remoting::SizeOfRings(kSmallestCapacity);
  HANDLE file = CreateFileW(L"adopt-win32.tmp", GENERIC_READ | GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS,
                            FILE_FLAG_DELETE_ON_CLOSE, nullptr);
  bool right = Adopts("committed", Section(INVALID_HANDLE_VALUE, SEC_COMMIT, size), true);
  right &= Adopts("larger", Section(INVALID_HANDLE_VALUE, SEC_COMMIT, 2 * size), true);
  right &= Adopts("smaller", Section(INVALID_HANDLE_VALUE, SEC_COMMIT, size - 65536), false);
  right &= Adopts("reserved only", Section(INVALID_HANDLE_VALUE, SEC_RESERVE, size), false);
  right &= Adopts("of a file", Section(file, SEC_COMMIT, size), false);
  CloseHandle(file);
  return right ? 0 : 1;
}
