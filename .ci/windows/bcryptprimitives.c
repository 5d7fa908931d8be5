/* Wine 8 lacks bcryptprimitives.dll, of which rollup's binary needs one function. setup.sh puts this in its place. */
#include <windows.h>

/* RtlGenRandom: exported by advapi32 under this name only. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T size) {
  return SystemFunction036(buffer, (ULONG)size);
}
