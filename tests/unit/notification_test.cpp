// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/notification.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace multilink {
namespace notification_test {

using testing::HasSubstr;
using testing::Not;

EventRecord went_down() {
  EventRecord event;
  event.id = "0123abcd-1f";
  event.at = WallTime(std::chrono::milliseconds(1'793'872'800'000));
  event.source = "healthd";
  event.kind = "health";
  event.uplink = "fibre";
  event.family = Family::v4;
  event.from = "up";
  event.to = "down";
  event.reason = "no carrier";
  return event;
}

TEST(Notification, SaysWhatHappenedWhyAndWhen) {
  const auto alert = make_notification("local", "1793872800000-0", went_down());
  EXPECT_EQ(alert.id, "local/1793872800000-0");
  EXPECT_EQ(alert.subject, "multilink local: fibre is down (IPv4)");
  EXPECT_EQ(alert.text,
            "fibre is down (IPv4).\n\nWhy:  no carrier\nWhen: 2026-11-05T10:00:00.000Z\nIt was up before.\n"
            "The event's id is 0123abcd-1f; 'multilinkctl status' shows how it goes on.\n");
  EXPECT_EQ(nlohmann::json::parse(alert.json), nlohmann::json::parse(R"json({"version": 1, "site": "local",
    "entry": "1793872800000-0", "about": "down", "text": "fibre is down (IPv4)", "id": "0123abcd-1f",
    "at": "2026-11-05T10:00:00.000Z", "source": "healthd", "kind": "health", "uplink": "fibre", "family": "4",
    "from": "up", "to": "down", "reason": "no carrier"})json"));
}

TEST(Notification, LetsNothingBeSmuggledIntoAHeader) {
  auto event = went_down();
  event.uplink = "x\r\nBcc: somebody@example.org";
  event.reason = "y\n.\nMAIL FROM:<z>" + std::string(5000, 'x');
  const auto alert = make_notification("local", "1-0", event);
  EXPECT_THAT(alert.subject, Not(HasSubstr("\n")));
  EXPECT_THAT(alert.text, Not(HasSubstr("\n.\n")));
  EXPECT_LE(alert.subject.size(), 130U);
  EXPECT_LE(alert.text.size(), 2000U);
  EXPECT_TRUE(nlohmann::json::accept(alert.json));
}

TEST(Notification, KnowsWhatIsWorthOne) {
  auto event = went_down();
  EXPECT_EQ(subject_of(event), NotifyOn::down);
  event.from = "unknown";
  EXPECT_EQ(subject_of(event), NotifyOn::down);
  event.to = "up";
  EXPECT_EQ(subject_of(event), std::nullopt) << "a start";
  event.from = "suspect";
  EXPECT_EQ(subject_of(event), NotifyOn::up);
  event.to = "suspect";
  EXPECT_EQ(subject_of(event), NotifyOn::suspect);
  event.to = "unknown";
  EXPECT_EQ(subject_of(event), std::nullopt);
  event.kind = "route";
  event.from = "lte";
  event.to = "";
  EXPECT_EQ(subject_of(event), NotifyOn::route);
}

TEST(Notification, ARouteThatComesOrGoesIsToldInWords) {
  EventRecord event;
  event.kind = "route";
  event.family = Family::v4;
  const auto subject = [&](const char* from, const char* to) {
    event.from = from;
    event.to = to;
    EXPECT_EQ(subject_of(event), NotifyOn::route);
    return make_notification("local", "1-0", event).subject;
  };
  EXPECT_EQ(subject("fibre", "lte"), "multilink local: traffic goes by lte (IPv4), no longer by fibre");
  EXPECT_EQ(subject("fibre", "none"),
            "multilink local: traffic goes by no uplink (IPv4), no longer by fibre");
  EXPECT_EQ(subject("none", "lte"), "multilink local: traffic goes by lte (IPv4), before by no uplink");
}

TEST(Notification, TellsWhatTheAdministratorHasDone) {
  EventRecord event;
  event.kind = "admin";
  event.uplink = "fibre";
  event.from = "in use";
  event.to = "drained";
  event.reason = "drained by root with multilinkctl";
  EXPECT_EQ(subject_of(event), NotifyOn::admin);
  EXPECT_EQ(make_notification("local", "1-0", event).subject,
            "multilink local: fibre is drained by order of its administrator");
  event.from = "drained";
  event.to = "in use";
  event.reason = "its time is over";
  EXPECT_EQ(make_notification("local", "1-0", event).subject, "multilink local: fibre is in use again")
      << "nobody need have ordered it";
}

TEST(Notification, TellsOfADrillInASentence) {
  EventRecord event;
  event.kind = "drill";
  event.uplink = "fibre";
  const auto subject = [&](std::string to) {
    event.to = std::move(to);
    EXPECT_EQ(subject_of(event), NotifyOn::admin);
    return make_notification("local", "1-0", event).subject;
  };
  EXPECT_EQ(subject("drilled"), "multilink local: a drill of fibre has begun");
  EXPECT_EQ(subject("refused"), "multilink local: a drill of fibre was refused");
  EXPECT_EQ(subject("in use"), "multilink local: the drill of fibre has ended");
}

}  // namespace notification_test
}  // namespace multilink
