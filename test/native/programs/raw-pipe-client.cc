// A client of a pipe's socket that keeps to no protocol: each argument is a packet in hexadecimal, "empty" a packet of
// no bytes (and "00*5" one followed by five zeros), "read" waits for a packet, "hold" waits until standard input ends. Prints a line when it is done.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

int main(int count, char** arguments) {
  int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, arguments[1], sizeof(address.sun_path) - 1);
  if (connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 1;
  for (int index = 2; index < count; ++index) {
    std::string word = arguments[index];
    if (word == "read") {
      char packet[65600];
      if (recv(client, packet, sizeof(packet), 0) <= 0) break;
    } else if (word == "hold") {
      std::puts("holding");
      std::fflush(stdout);
      char byte;
      while (read(0, &byte, 1) > 0) {
      }
    } else {
      std::vector<char> packet;
      for (std::size_t at = 0; word != "empty" && at + 1 < word.find('*') && at + 1 < word.size(); at += 2) {
        packet.push_back(static_cast<char>(std::stoi(word.substr(at, 2), nullptr, 16)));
      }
      std::size_t star = word.find('*');
      if (star != std::string::npos) packet.resize(packet.size() + std::stoul(word.substr(star + 1)));
      send(client, packet.data(), packet.size(), MSG_NOSIGNAL);
    }
  }
  std::puts("done");
  return 0;
}
