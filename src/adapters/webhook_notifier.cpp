// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/adapters/webhook_notifier.hpp"

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "multilink/adapters/version.hpp"
#include "multilink/core/text.hpp"

namespace multilink {
namespace {

constexpr long kConnectMilliseconds = 10'000;
constexpr long kSuccess = 200;
constexpr long kAboveSuccess = 300;

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeList>;

void append(Headers& headers, const std::string& line) {
  auto* longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)headers.release();
  headers.reset(longer);
}

std::size_t drop_answer(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

/// Not 0: breaks the transfer off.
int is_over(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

Result<void> post(const std::string& url, const Notification& alert, std::atomic<bool>& over) {
  const std::unique_ptr<CURL, FreeHandle> handle(curl_easy_init());
  if (!handle) return fail("libcurl cannot be used");
  Headers headers;
  append(headers, "Content-Type: application/json");
  append(headers, cat("Idempotency-Key: ", alert.id));
  append(headers, "Expect:");
  std::array<char, CURL_ERROR_SIZE> words{};
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, cat("multilink/", version()).c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(alert.json.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, alert.json.c_str());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  curl_easy_setopt(
      curl, CURLOPT_TIMEOUT_MS,
      static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(Notifier::kPatience).count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_answer);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_over);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &over);
  const auto code = curl_easy_perform(curl);
  if (code != CURLE_OK) return fail(words[0] != '\0' ? words.data() : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= kSuccess && status < kAboveSuccess) return {};
  return fail(cat("the address answered with HTTP status ", status));
}

}  // namespace

/// What the thread and the loop share.
struct WebhookNotifier::Work {
  std::atomic<bool> over = false;
  std::thread thread;
  Done done;  ///< the loop's alone
};

WebhookNotifier::WebhookNotifier(EventLoop& loop, std::string url) : loop_(loop), url_(std::move(url)) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  if (!ready) throw std::bad_alloc();
}

WebhookNotifier::~WebhookNotifier() {
  if (!work_) return;
  work_->done = {};
  work_->over = true;  // libcurl looks each second at the latest
  work_->thread.join();
}

void WebhookNotifier::deliver(const Notification& notification, Done done) {
  if (work_ && work_->thread.joinable()) work_->thread.join();  // it has posted its last word
  work_ = std::make_shared<Work>();
  work_->done = std::move(done);
  work_->thread = std::thread([&loop = loop_, work = work_, url = url_, notification] {
    const auto outcome = post(url, notification, work->over);
    loop.post([work, outcome] {
      if (const auto report = std::exchange(work->done, {})) report(outcome);
    });
  });
}

}  // namespace multilink
