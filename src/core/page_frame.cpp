// SPDX-License-Identifier: GPL-2.0-or-later
#include "multilink/core/page_frame.hpp"

#include "multilink/core/html.hpp"
#include "multilink/core/text.hpp"

namespace multilink {

namespace {

// Changing this changes kStyleHash: the test of the page prints the new one.
constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --faint: #57606a; --line: #d0d7de;
  --ok: #116329; --attention: #7d4e00; --failed: #a40e26; --unknown: #4b535d; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --text: #e6edf3; --faint: #9198a1;
  --line: #3d444d; --ok: #56d364; --attention: #e3b341; --failed: #ff8177; --unknown: #b1bac4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 88rem; background: var(--page); color: var(--text);
  font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1rem; margin: 0; color: var(--faint); font-weight: 600; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { font-size: clamp(1.6rem, 1rem + 2vw, 3.5rem); line-height: 1.2; font-weight: 700; margin: .3rem 0 .6rem; padding-left: .7rem;
  border-left: .5rem solid currentColor; }
.ok { color: var(--ok); } .attention { color: var(--attention); }
.failed { color: var(--failed); } .unknown { color: var(--unknown); }
.state { font-weight: 700; } .faint { color: var(--faint); }
ul { margin: .3rem 0; padding-left: 1.3rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--faint); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th, td:not(:last-child) { overflow-wrap: normal; }
td { font-variant-numeric: tabular-nums; } time { white-space: nowrap; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
a { color: inherit; } nav { margin: .3rem 0; } nav > * { margin-right: .9rem; }
figure { margin: .3rem 0; } figcaption { font-size: .9rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: .2rem 1.5rem; }
svg { display: block; width: 100%; margin: .2rem 0; border-bottom: 1px solid var(--line); }
.strip { height: 1.4rem; } .chart { height: 4rem; } path { fill: currentColor; }
.line { fill: none; stroke: var(--text); stroke-width: 1.5px; vector-effect: non-scaling-stroke; }
.band { fill: var(--line); }
.axis { display: flex; justify-content: space-between; margin: 0; color: var(--faint); font-size: .8rem; }
footer { margin-top: 2rem; color: var(--faint); font-size: .9rem; }
@media (min-width: 50rem) {
  td[data-label="Loss"], td[data-label="RTT"], td[data-label="Jitter"], td[data-label="Ago"] { white-space: nowrap; }
}
@media (min-width: 100rem) { html { font-size: 125%; } }
@media (max-width: 50rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tr { display: block; }
  tr { border-bottom: 2px solid var(--line); padding: .4rem 0; }
  th, td, td:not(:last-child) { display: flex; gap: .8rem; border: 0; padding: .1rem 0; overflow-wrap: anywhere; }
  td::before { content: attr(data-label); flex: 0 0 6.5rem; color: var(--faint); }
}
)";
constexpr std::string_view kStyleHash = "'sha256-Yy9C+tSDax2MPDLClny2DW1zIPrOfXXsbiNJ/J9DgLU='";

// Each second it asks for the JSON, which is cheap; the page itself only when that tells of news, or every 10 s for the
// figures. So there is one renderer, on the server. Without '<' and '&', so that the page is well-formed XML as well.
// Changing this changes kScriptHash, as above.
constexpr std::string_view kScript = R"(
(() => {
  "use strict";
  const stale = document.getElementById("stale");
  let seen = "", shown = Date.now(), good = Date.now();
  const news = (s) => JSON.stringify([s.summary, s.events[0], s.routing, s.problems,
    s.daemons.map((d) => d.reports), s.uplinks.map((u) => [u.name, u.status, u.carrier, u.weight, u.precedence,
      Object.values(u.families).map((f) => [f.state, f.reason, f.since, f.carries_default, f.targets_set_aside])])]);
  const get = async (query) => {
    const answer = await fetch(query, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    return answer;
  };
  const show = async () => {
    const text = await (await get(location.search || "?")).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    for (const old of document.querySelectorAll("[data-part]")) {
      const fresh = page.getElementById(old.id);
      if (fresh ? fresh.innerHTML !== old.innerHTML : false) old.innerHTML = fresh.innerHTML;
    }
  };
  const tick = async () => {
    try {
      const now = Date.now(), state = news(await (await get("?format=json")).json());
      if (state !== seen || now - shown > 10000) { await show(); seen = state; shown = now; }
      good = Date.now();
      stale.hidden = true;
    } catch (error) {
      if (Date.now() - good > 3000) stale.hidden = false;
    }
    setTimeout(tick, document.hidden ? 5000 : 1000);
  };
  setTimeout(tick, 1000);
})();
)";
constexpr std::string_view kScriptHash = "'sha256-DNrX6A5J0nQhtaycFrXAbNwafdjkQQRQebDgaJuxP3c='";

// Of a page that could not be made: it tries again, and loads itself anew when that works. (Loading it anew at a fixed
// time would take the place in the page from who has it read out.)
constexpr std::string_view kRetryScript = R"(
setInterval(() => fetch("?format=json", { cache: "no-store" }).then((a) => a.ok ? location.reload() : 0, () => 0), 2000);
)";
constexpr std::string_view kRetryScriptHash = "'sha256-nSdC7MDCoo8uNCI+UahIjwR+mwjtxtyS2T8aNUsJX40='";

}  // namespace

std::string page_frame(std::string_view title, std::string_view content, PageLife life) {
  const auto refresh = cat("<meta http-equiv=\"refresh\" content=\"", kRefreshSeconds, "\"/>");
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n";
  if (life != PageLife::still) out += cat("<noscript>", refresh, "</noscript>\n");
  out += cat("<title>", html_text(title), "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n");
  out += content;
  if (life == PageLife::live) out += cat("<script>", kScript, "</script>\n");
  if (life == PageLife::retried) out += cat("<script>", kRetryScript, "</script>\n");
  out += "</body>\n</html>\n";
  return out;
}

std::string page_script_hashes() {
  return cat(kScriptHash, ' ', kRetryScriptHash);
}

std::string_view page_style_hash() {
  return kStyleHash;
}

}  // namespace multilink
