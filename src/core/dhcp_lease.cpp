// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/dhcp_lease.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

using Words = std::vector<std::string>;

bool is_host_address(const IpAddress& address) {
  return address.family() == Family::v4 && address.bytes()[0] != 0 && address.bytes()[0] < 224 &&
         !address.is_loopback();
}

std::optional<IpAddress> host_address(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address && is_host_address(*address) ? address : std::nullopt;
}

/// The text in words: what stands between blanks, commas and line ends.
Words words_of(std::string_view text) {
  Words out;
  std::string word;
  for (const char c : text) {
    const bool between = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
    if (!between) word += c;
    if (between && !word.empty()) out.push_back(std::exchange(word, {}));
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

std::optional<IpAddress> first_address(const Words& words) {
  return words.empty() ? std::nullopt : host_address(words.front());
}

/// RFC 3442 in bytes, each a decimal number: width of the destination, its significant bytes, router.
std::optional<IpAddress> default_in_bytes(const Words& words) {
  std::vector<std::uint8_t> bytes;
  for (const auto& word : words) {
    const auto byte = parse_number<std::uint8_t>(word);
    if (!byte) return std::nullopt;
    bytes.push_back(*byte);
  }
  constexpr std::size_t kRouter = 4;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint8_t width = bytes[at];
    const std::size_t router = at + 1 + (width + 7U) / 8;
    if (width > 32 || router + kRouter > bytes.size()) return std::nullopt;
    const auto address =
        IpAddress::from_v4({bytes[router], bytes[router + 1], bytes[router + 2], bytes[router + 3]});
    if (width == 0) return is_host_address(address) ? std::optional(address) : std::nullopt;
    at = router + kRouter;
  }
  return std::nullopt;
}

/// The same as destination, router, destination, router …
std::optional<IpAddress> default_in_pairs(const Words& words) {
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    if (words[i] == "0.0.0.0/0") return host_address(words[i + 1]);
  }
  return std::nullopt;
}

// --- dhclient

struct Token {
  enum class Kind : std::uint8_t { end, word, text, open, close, semicolon } kind = Kind::end;
  std::string value{};
};

/// dhclient's file as tokens: words, texts between quotes, and { } ;. Commas and comments are blanks.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  Token next() {
    skip_blanks();
    if (rest_.empty()) return {};
    const char first = rest_.front();
    if (first == '"') return quoted_text();
    constexpr std::string_view kMarks = "{};";
    constexpr std::array kKinds{Token::Kind::open, Token::Kind::close, Token::Kind::semicolon};
    if (const auto mark = kMarks.find(first); mark != std::string_view::npos) {
      rest_.remove_prefix(1);
      return {kKinds.at(mark)};
    }
    const auto end = std::min(rest_.find_first_of(" \t\r\n,{};\"#"), rest_.size());
    Token word{Token::Kind::word, std::string(rest_.substr(0, end))};
    rest_.remove_prefix(end);
    return word;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty()) {
      const auto begin = rest_.find_first_not_of(" \t\r\n,");
      rest_.remove_prefix(std::min(begin, rest_.size()));
      if (rest_.empty() || rest_.front() != '#') return;
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    }
  }

  /// It ends with its line in any case: dhclient writes line ends as \012.
  Token quoted_text() {
    Token out{Token::Kind::text};
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"' && rest_[i] != '\n'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size() && rest_[i + 1] != '\n') ++i;
      out.value += rest_[i];
    }
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
    return out;
  }

  std::string_view rest_;
};

/// "4 2026/11/05 12:34:56" (in UTC), "epoch 1793881234" or "never".
std::optional<std::optional<WallTime>> parse_expiry(const Words& words) {
  using std::chrono::seconds;
  if (words.size() == 1 && words[0] == "never") return std::optional<WallTime>();
  if (words.size() == 2 && words[0] == "epoch") {
    const auto epoch = parse_number<std::uint32_t>(words[1]);
    if (!epoch) return std::nullopt;
    return WallTime(seconds(*epoch));
  }
  if (words.size() != 3) return std::nullopt;
  std::array<unsigned, 6> numbers{};
  const auto date = split(words[1], '/');
  const auto time = split(words[2], ':');
  if (date.size() != 3 || time.size() != 3) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = parse_number<std::uint16_t>(i < 3 ? date[i] : time[i - 3]);
    if (!number) return std::nullopt;
    numbers[i] = *number;
  }
  const auto [year, month, day, hour, minute, second] = numbers;
  const std::chrono::year_month_day on{std::chrono::year(static_cast<int>(std::min(year, 9999U))),
                                       std::chrono::month(month), std::chrono::day(day)};
  if (!on.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return WallTime(std::chrono::sys_days(on) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                  seconds(second));
}

/// The statements of one lease as dhclient writes them.
class DhclientLease {
 public:
  void take(const Words& words) {
    if (words.empty()) return;
    const Words rest(words.begin() + 1, words.end());
    if (words[0] == "interface" && rest.size() == 1) lease_.device = rest[0];
    if (words[0] == "fixed-address" && rest.size() == 1) address_ = host_address(rest[0]);
    if (words[0] == "expire") expires_ = parse_expiry(rest);
    if (words[0] != "option" || rest.empty()) return;
    const Words value(rest.begin() + 1, rest.end());
    if (rest[0] == "routers") router_ = first_address(value);
    if (rest[0] == "dhcp-server-identifier") lease_.server = first_address(value);
    if (rest[0] == "rfc3442-classless-static-routes") classless_ = default_in_bytes(value);
  }

  std::optional<DhcpLease> finish() {
    if (lease_.device.empty() || !address_ || !expires_) return std::nullopt;
    lease_.address = *address_;
    lease_.gateway = classless_ ? *classless_ : router_;
    lease_.expires = *expires_;
    return lease_;
  }

 private:
  DhcpLease lease_;
  std::optional<IpAddress> address_, router_;
  std::optional<std::optional<IpAddress>> classless_;
  std::optional<std::optional<WallTime>> expires_;
};

// --- files of KEY=VALUE

using Values = std::map<std::string, std::string, std::less<>>;

Values parse_values(std::string_view text) {
  Values out;
  for (const auto line : split(text, '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || line.front() == '#') continue;
    out.emplace(trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
  }
  return out;
}

const std::string* value_of(const Values& values, std::string_view key) {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

struct KeyNames {
  std::string_view address, router, classless, server;
};

std::optional<DhcpLease> make_lease(const Values& values, const KeyNames& names, unsigned link_index) {
  const auto* address = value_of(values, names.address);
  const auto leased = address == nullptr ? std::nullopt : host_address(*address);
  if (!leased || link_index == 0) return std::nullopt;
  DhcpLease lease;
  lease.link_index = link_index;
  lease.address = *leased;
  if (const auto* classless = value_of(values, names.classless)) {
    lease.gateway = default_in_pairs(words_of(*classless));
  } else if (const auto* router = value_of(values, names.router)) {
    lease.gateway = first_address(words_of(*router));
  }
  if (const auto* server = value_of(values, names.server)) lease.server = host_address(*server);
  return lease;
}

}  // namespace

std::vector<DhcpLease> in_force(std::vector<DhcpLease> leases, WallTime now) {
  std::erase_if(leases, [&](const DhcpLease& lease) { return lease.expires && *lease.expires <= now; });
  return leases;
}

std::vector<DhcpLease> parse_dhclient_leases(std::string_view text, std::size_t most) {
  std::vector<DhcpLease> out;
  Tokens tokens(text);
  unsigned depth = 0;
  std::optional<DhclientLease> lease;  ///< the one that is open
  Words statement;
  for (Token token = tokens.next(); token.kind != Token::Kind::end; token = tokens.next()) {
    switch (token.kind) {
      case Token::Kind::open:
        if (depth++ == 0 && statement == Words{"lease"}) lease.emplace();
        statement.clear();
        break;
      case Token::Kind::close:
        if (depth > 0) --depth;
        statement.clear();
        if (depth > 0 || !lease) break;
        if (auto finished = lease->finish()) out.push_back(*std::move(finished));
        if (out.size() > most) out.erase(out.begin());
        lease.reset();
        break;
      case Token::Kind::semicolon:
        if (depth == 1 && lease) lease->take(statement);
        statement.clear();
        break;
      default:
        statement.push_back(std::move(token.value));
    }
  }
  return out;
}

std::optional<DhcpLease> parse_networkd_lease(std::string_view text, unsigned link_index) {
  return make_lease(parse_values(text), {"ADDRESS", "ROUTER", "CLASSLESS_ROUTES", "SERVER_ADDRESS"},
                    link_index);
}

std::optional<DhcpLease> parse_networkmanager_device(std::string_view text, unsigned link_index) {
  constexpr std::string_view kGroup = "[dhcp4]\n";
  if (!text.starts_with(kGroup)) {
    const auto begin = text.find(cat('\n', kGroup));
    if (begin == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begin + 1);
  }
  text.remove_prefix(kGroup.size());
  const auto values = parse_values(text.substr(0, text.find("\n[")));
  auto lease = make_lease(values,
                          {"dhcp4.ip_address", "dhcp4.routers", "dhcp4.rfc3442_classless_static_routes",
                           "dhcp4.dhcp_server_identifier"},
                          link_index);
  const auto* expiry = value_of(values, "dhcp4.expiry");
  const auto expires = expiry == nullptr ? std::nullopt : parse_number<std::uint32_t>(*expiry);
  if (lease && expires) lease->expires = WallTime(std::chrono::seconds(*expires));
  return lease;
}

}  // namespace multilink
