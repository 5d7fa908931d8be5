// Takes Node's functions from the executable that runs, whatever it is called: node.exe, electron.exe, a
// renamed copy. The import itself names node.exe, and is resolved at the first call (a delay-load import).
#include <windows.h>

// After windows.h, which it needs.
#include <delayimp.h>
#include <string.h>

namespace {

FARPROC WINAPI TakeFromHost(unsigned notification, DelayLoadInfo* info) {
  if (notification != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return nullptr;
  return reinterpret_cast<FARPROC>(GetModuleHandleW(nullptr));
}

}  // namespace

extern "C" {
PfnDliHook __pfnDliNotifyHook2 = TakeFromHost;
}
