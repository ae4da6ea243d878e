// SPDX-License-Identifier: GPL-2.0-or-later
// The status as JSON is what docs/status.schema.json says. The validator knows the words that the schema uses, and refuses others.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "fakes/status_sample.hpp"
#include "multilink/core/status_json.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace status_schema_files_test {

using nlohmann::json;

class Schema {
 public:
  Schema() : root_(json::parse(std::ifstream(MULTILINK_SOURCE_DIR "/docs/status.schema.json"))) {}

  /// What is wrong first, with its place; empty: nothing. Members that the schema does not name are refused: it names all.
  std::string fault(const json& value) const { return fault(root_, value, "status"); }

 private:
  static bool has_type(const json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    return type == value.type_name();
  }

  static bool has_type_of(const json& types, const json& value) {
    if (types.is_string()) return has_type(value, types);
    return std::any_of(types.begin(), types.end(), [&](const json& type) { return has_type(value, type); });
  }

  std::string fault(const json& schema, const json& value, const std::string& where) const {
    static const std::set<std::string> kKnown{
        "$schema", "title",   "definitions", "$ref",  "anyOf",      "type",     "enum",
        "pattern", "minimum", "maximum",     "items", "properties", "required", "additionalProperties"};
    for (const auto& [word, rule] : schema.items()) {
      if (!kKnown.contains(word)) return cat(where, ": the schema says ", word, ", which is not checked");
    }
    if (schema.contains("$ref"))
      return fault(root_.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1))), value, where);
    if (schema.contains("anyOf")) return fault_of_all(schema["anyOf"], value, where);
    if (schema.contains("enum") && std::count(schema["enum"].begin(), schema["enum"].end(), value) == 0)
      return cat(where, ": ", value.dump(), " is not one of ", schema["enum"].dump());
    if (schema.contains("type") && !has_type_of(schema["type"], value))
      return cat(where, ": ", value.dump(), " is not ", schema["type"].dump());
    if (value.is_number()) return fault_of_number(schema, value, where);
    if (value.is_string() && schema.contains("pattern") &&
        !std::regex_search(value.get<std::string>(), std::regex(schema["pattern"].get<std::string>())))
      return cat(where, ": ", value.dump(), " does not match");
    if (value.is_array()) return fault_of_items(schema, value, where);
    return value.is_object() ? fault_of_members(schema, value, where) : "";
  }

  std::string fault_of_all(const json& schemas, const json& value, const std::string& where) const {
    std::string found;
    for (const auto& each : schemas) {
      const auto own = fault(each, value, where);
      if (own.empty()) return "";
      found += cat(found.empty() ? "" : "; or ", own);
    }
    return found;
  }

  static std::string fault_of_number(const json& schema, const json& value, const std::string& where) {
    const bool is_small = schema.contains("minimum") && value < schema["minimum"];
    const bool is_large = schema.contains("maximum") && value > schema["maximum"];
    return is_small || is_large ? cat(where, ": ", value.dump(), " is out of range") : "";
  }

  std::string fault_of_items(const json& schema, const json& value, const std::string& where) const {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto found = fault(schema.at("items"), value[i], cat(where, '[', i, ']'));
      if (!found.empty()) return found;
    }
    return "";
  }

  std::string fault_of_members(const json& schema, const json& value, const std::string& where) const {
    for (const auto& name : schema.value("required", json::array())) {
      if (!value.contains(name)) return cat(where, ": ", name.get<std::string>(), " is missing");
    }
    for (const auto& [name, member] : value.items()) {
      const auto place = cat(where, '.', name);
      const auto known = schema.value("properties", json::object());
      if (!known.contains(name) && !schema.contains("additionalProperties"))
        return cat(place, " is not in the schema");
      const auto found =
          fault(known.contains(name) ? known[name] : schema["additionalProperties"], member, place);
      if (!found.empty()) return found;
    }
    return "";
  }

  json root_;
};

std::string fault_of(const StatusSnapshot& snapshot) {
  return Schema().fault(json::parse(render_status_json(snapshot)));
}

/// With everything that may be there.
StatusSnapshot full_snapshot() {
  auto out = fakes::failed_over_snapshot();
  ProxyRecord proxy;
  proxy.share = 0.25;
  proxy.parent = ParentFigures{10, 1, 30'000};
  out.uplinks[0].proxy = proxy;
  out.uplinks[1].proxy = ProxyRecord();
  out.uplinks[0].health->admin = AdminMode::drained;
  out.uplinks[0].health->admin_until = fakes::kSampleTime;
  out.uplinks[0].health->families[Family::v4].aside = {*IpAddress::parse("192.0.2.1")};
  out.routing->drill = "fibre";
  out.routing->warnings = {"a warning"};
  out.routing->families[Family::v4].policies = {{"voice", "lte"}, {"backup", ""}};
  out.daemons[0].record = fail("it does not report");
  out.problems = {{"multilink:local:routing", "is no hash"}};
  return out;
}

TEST(StatusSchema, HoldsForWhatIsShown) {
  EXPECT_EQ(fault_of(fakes::sample_snapshot()), "");
  EXPECT_EQ(fault_of(full_snapshot()), "");
  auto bare = fakes::sample_snapshot();
  bare.routing = fail("no record yet");
  for (auto& uplink : bare.uplinks) uplink = {uplink.name, fail("none"), fail("none"), fail("none"), {}, {}};
  EXPECT_EQ(fault_of(bare), "");
  EXPECT_EQ(Schema().fault(json::parse(render_unavailable_json("Connection refused"))), "");
}

TEST(StatusSchema, RefusesWhatIsOtherwise) {
  const auto good = json::parse(render_status_json(full_snapshot()));
  const json absent = json::parse("{}"), wrong = json::parse("[true]");
  const Schema schema;
  for (const auto& [name, member] : good.items()) {
    auto bad = good;
    bad.erase(name);
    EXPECT_NE(schema.fault(bad), "") << name;
    bad[name] = wrong;
    EXPECT_NE(schema.fault(bad), "") << name;
  }
  auto bad = good;
  bad["uplinks"][0]["families"]["4"]["loss"] = 1.5;
  EXPECT_THAT(schema.fault(bad), testing::HasSubstr("loss: 1.5 is out of range"));
  bad = good;
  bad["at"] = "yesterday";
  EXPECT_THAT(schema.fault(bad), testing::HasSubstr("does not match"));
  bad = good;
  bad["news"] = absent;
  EXPECT_THAT(schema.fault(bad), testing::HasSubstr("status.news is not in the schema"));
}

}  // namespace status_schema_files_test
}  // namespace multilink
