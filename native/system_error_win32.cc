#include <windows.h>

#include "system_error.h"
#include "wide_string.h"

namespace remoting {

namespace {

struct NamedCode {
  DWORD code;
  const char* name;
};

// What pipes, mailslots, file mappings and their synchronization can meet. Windows keeps no table of names.
constexpr NamedCode kNames[] = {
    {ERROR_INVALID_FUNCTION, "ERROR_INVALID_FUNCTION"},
    {ERROR_FILE_NOT_FOUND, "ERROR_FILE_NOT_FOUND"},
    {ERROR_PATH_NOT_FOUND, "ERROR_PATH_NOT_FOUND"},
    {ERROR_TOO_MANY_OPEN_FILES, "ERROR_TOO_MANY_OPEN_FILES"},
    {ERROR_ACCESS_DENIED, "ERROR_ACCESS_DENIED"},
    {ERROR_INVALID_HANDLE, "ERROR_INVALID_HANDLE"},
    {ERROR_NOT_ENOUGH_MEMORY, "ERROR_NOT_ENOUGH_MEMORY"},
    {ERROR_OUTOFMEMORY, "ERROR_OUTOFMEMORY"},
    {ERROR_GEN_FAILURE, "ERROR_GEN_FAILURE"},
    {ERROR_SHARING_VIOLATION, "ERROR_SHARING_VIOLATION"},
    {ERROR_HANDLE_EOF, "ERROR_HANDLE_EOF"},
    {ERROR_NOT_SUPPORTED, "ERROR_NOT_SUPPORTED"},
    {ERROR_BAD_NETPATH, "ERROR_BAD_NETPATH"},
    {ERROR_BAD_NET_NAME, "ERROR_BAD_NET_NAME"},
    {ERROR_INVALID_PARAMETER, "ERROR_INVALID_PARAMETER"},
    {ERROR_BROKEN_PIPE, "ERROR_BROKEN_PIPE"},
    {ERROR_SEM_TIMEOUT, "ERROR_SEM_TIMEOUT"},
    {ERROR_INSUFFICIENT_BUFFER, "ERROR_INSUFFICIENT_BUFFER"},
    {ERROR_INVALID_NAME, "ERROR_INVALID_NAME"},
    {ERROR_BAD_PATHNAME, "ERROR_BAD_PATHNAME"},
    {ERROR_BUSY, "ERROR_BUSY"},
    {ERROR_ALREADY_EXISTS, "ERROR_ALREADY_EXISTS"},
    {ERROR_FILENAME_EXCED_RANGE, "ERROR_FILENAME_EXCED_RANGE"},
    {ERROR_BAD_PIPE, "ERROR_BAD_PIPE"},
    {ERROR_PIPE_BUSY, "ERROR_PIPE_BUSY"},
    {ERROR_NO_DATA, "ERROR_NO_DATA"},
    {ERROR_PIPE_NOT_CONNECTED, "ERROR_PIPE_NOT_CONNECTED"},
    {ERROR_MORE_DATA, "ERROR_MORE_DATA"},
    {WAIT_TIMEOUT, "WAIT_TIMEOUT"},
    {ERROR_TOO_MANY_POSTS, "ERROR_TOO_MANY_POSTS"},
    {ERROR_INVALID_ADDRESS, "ERROR_INVALID_ADDRESS"},
    {ERROR_PIPE_CONNECTED, "ERROR_PIPE_CONNECTED"},
    {ERROR_PIPE_LISTENING, "ERROR_PIPE_LISTENING"},
    {ERROR_OPERATION_ABORTED, "ERROR_OPERATION_ABORTED"},
    {ERROR_IO_INCOMPLETE, "ERROR_IO_INCOMPLETE"},
    {ERROR_IO_PENDING, "ERROR_IO_PENDING"},
    {ERROR_NOACCESS, "ERROR_NOACCESS"},
    {ERROR_FILE_INVALID, "ERROR_FILE_INVALID"},
    {ERROR_NO_TOKEN, "ERROR_NO_TOKEN"},
    {ERROR_NOT_FOUND, "ERROR_NOT_FOUND"},
    {ERROR_PRIVILEGE_NOT_HELD, "ERROR_PRIVILEGE_NOT_HELD"},
    {ERROR_CANNOT_IMPERSONATE, "ERROR_CANNOT_IMPERSONATE"},
    {ERROR_BAD_IMPERSONATION_LEVEL, "ERROR_BAD_IMPERSONATION_LEVEL"},
    {ERROR_COMMITMENT_LIMIT, "ERROR_COMMITMENT_LIMIT"},
    {ERROR_NO_SYSTEM_RESOURCES, "ERROR_NO_SYSTEM_RESOURCES"},
    {ERROR_TIMEOUT, "ERROR_TIMEOUT"},
    // Not in every version of the headers.
    {3025, "ERROR_REMOTE_MAILSLOTS_DEPRECATED"},
};

}  // namespace

std::string NameOfSystemCode(SystemCode code) {
  for (const NamedCode& entry : kNames) {
    if (entry.code == static_cast<DWORD>(code)) return entry.name;
  }
  return "ERROR_" + std::to_string(code);
}

std::string DescriptionOfSystemCode(SystemCode code) {
  wchar_t text[512];
  DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
                                static_cast<DWORD>(code), 0, text, 512, nullptr);
  while (length > 0 && (text[length - 1] == L'\n' || text[length - 1] == L'\r' || text[length - 1] == L'.')) {
    --length;
  }
  return length == 0 ? "system error " + std::to_string(code) : FromWide(std::wstring(text, length));
}

SystemCode LastSystemCode() noexcept { return static_cast<SystemCode>(GetLastError()); }

}  // namespace remoting
