// Strings as Windows has them.
#ifndef REMOTING_WIDE_STRING_H_
#define REMOTING_WIDE_STRING_H_

#include <string>

namespace remoting {

/// From UTF-8. What is no UTF-8 becomes U+FFFD.
std::wstring ToWide(const std::string& text);

/// To UTF-8.
std::string FromWide(const std::wstring& text);

}  // namespace remoting

#endif  // REMOTING_WIDE_STRING_H_
