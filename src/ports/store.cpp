// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/ports/store.hpp"

#include <charconv>

#include "multilink/core/text.hpp"

namespace multilink {
namespace {

std::string describe(const Reply& reply) {
  struct Visitor {
    std::string operator()(const Reply::Nil&) const { return "nothing"; }
    std::string operator()(std::int64_t number) const { return cat("the number ", number); }
    std::string operator()(const std::string& text) const { return cat("'", printable(text), "'"); }
    std::string operator()(const Reply::Array& array) const { return cat("an array of ", array.size()); }
    std::string operator()(const Reply::Failure& failure) const { return printable(failure.message, 200); }
  };
  return std::visit(Visitor{}, reply.value);
}

tl::unexpected<Error> wrong_type(std::string_view wanted, const Reply& reply) {
  return fail(cat("Redis: wanted ", wanted, ", got ", describe(reply)));
}

/// The array's strings, two by two.
Result<std::vector<std::pair<std::string, std::string>>> as_pairs(const Reply& reply) {
  const auto* array = std::get_if<Reply::Array>(&reply.value);
  if (array == nullptr || array->size() % 2 != 0) return wrong_type("an array of pairs", reply);
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(array->size() / 2);
  for (std::size_t i = 0; i < array->size(); i += 2) {
    auto first = as_string((*array)[i]);
    auto second = as_string((*array)[i + 1]);
    if (!first) return tl::unexpected<Error>(first.error());
    if (!second) return tl::unexpected<Error>(second.error());
    out.emplace_back(*std::move(first), *std::move(second));
  }
  return out;
}

/// As Redis writes scores: also "1e+30", "inf" and "-inf".
std::optional<double> parse_score(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

Result<std::string> as_string(const Reply& reply) {
  const auto* text = std::get_if<std::string>(&reply.value);
  if (text == nullptr) return wrong_type("a string", reply);
  return *text;
}

Result<std::int64_t> as_integer(const Reply& reply) {
  const auto* number = std::get_if<std::int64_t>(&reply.value);
  if (number == nullptr) return wrong_type("a whole number", reply);
  return *number;
}

Result<Fields> as_fields(const Reply& reply) {
  auto pairs = as_pairs(reply);
  if (!pairs) return tl::unexpected<Error>(pairs.error());
  Fields out;
  for (auto& [field, value] : *pairs) out.emplace(std::move(field), std::move(value));
  return out;
}

Result<std::vector<std::pair<std::string, double>>> as_scored(const Reply& reply) {
  auto pairs = as_pairs(reply);
  if (!pairs) return tl::unexpected<Error>(pairs.error());
  std::vector<std::pair<std::string, double>> out;
  out.reserve(pairs->size());
  for (auto& [member, text] : *pairs) {
    const auto score = parse_score(text);
    if (!score) return fail(cat("Redis: wanted a score, got '", printable(text), "'"));
    out.emplace_back(std::move(member), *score);
  }
  return out;
}

}  // namespace multilink
