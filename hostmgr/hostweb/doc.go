// Package hostweb shows a registry of hosts in the browser, live:
//
//	http.Handle("/", &hostweb.Handler[Meta]{Registry: hosts, Title: "scheduler"})
//
// The page says first what is wrong, if anything is: hosts that are suspect or held, a guard that
// grips, cleanups that fail, evictions of hosts that came back, a flight recorder that loses
// records. Below are the hosts and departures
// of the last 10 minutes, why each host went, the zones, the percentiles, and a table of all hosts
// that is searched, sorted and paged on the server. With a Cadence it shows the interval that is
// advised; with a Shadow, once the two would have done something, what that would have done beside
// what the policy did. It reads only, and needs nothing from elsewhere: no other script, font or
// image.
//
// While nobody looks it costs nothing: no goroutine, no watcher. The first viewer starts two
// goroutines that all viewers share, one that watches the registry and one that asks for its Stats
// each second; they end when the last viewer goes. So what the page counts over time it counts
// while it is looked at; what it has counted, up to 600 points and 200 departures, is kept for the
// next viewer. A tab in the background is no viewer. With a viewer
// the registry pays for one watcher: it hands it all hosts once, and then each announce.
//
// There may be 64 viewers at a time. A further one takes the place of the one that has been there for
// longest, if that is 10 seconds or more. A stream ends after 2 minutes, with an event named again, and
// the page opens another one: so a viewer that is dead, or does not read, is gone by then, even if the
// kernel takes all that is written to it.
//
// An answer or update that is not taken within 10 seconds is given up; for an answer the WriteTimeout
// of the http.Server goes before, if it has one. All of them together hold no
// more than 64 MiB; beyond that the answer is 503, and a stream ends. Four answers are made at a time: 512 requests
// wait for their turn, 5 seconds at most, and the others are answered 503. A request with a body is refused,
// since net/http would wait for the body before it answers.
//
// A page of the table is one pass over all hosts, whoever asks: its answers are shared for half a
// second, or ten times as long as the pass took. One pass runs at a time, and answers all who
// wait, 16 questions at most; after it, as long again is none. Of a host a pass keeps what orders it,
// and of no more than 100,000 hosts twice, for all pages together that end beyond the first 1,000 of a
// list; the other pages wait for the next pass. A host that goes between the pass and the answer is
// left out of its page.
//
// Whoever can reach the handler sees all hosts. Put authentication around it, and check the Host
// header if the address is one of your own network only. A stream ends when its request's context
// does, for which http.Server.Shutdown waits: give http.Server.BaseContext one that ends.
//
// # JSON
//
// The same under api/, read with GET. Times are RFC 3339 with nanoseconds, or null if there is
// none; durations are seconds, as numbers; incarnations and lives are strings, for they need all 64 bits. Bytes
// of an id that are not UTF-8 show as U+FFFD.
// An error is {"error": "what is wrong"} with status 400 for a parameter or a body, 404, 405, 503 with
// Retry-After where viewers or answers are too many, or 500 if the Registry is nil.
//
//   - api/stats is [hostmgr.Stats], in lower camel case; its distributions have count, min, mean,
//     p50, p90, p99, p999 and max. Besides it has now, the number of viewers, summary (one
//     sentence), notices (what is wrong, each with a level, "bad" or "warn", and a text), and
//     comparison: the policy beside its shadow, as text and as lines of what, hint, policy and
//     shadow, all of them texts; null as long as there is nothing to compare. In it what both would
//     have done counts for both; in shadow, as in [hostmgr.ShadowStats], only what differs.
//   - api/hosts is a page of the table: at, took (of the pass), total, matched, page, pages, size,
//     counts and zones (of all hosts, by state), and hosts. Parameters, all of them optional:
//     search (bytes that the id contains), state (alive, late, suspect, offline or held), zone,
//     sort (id, zone, state, seen, evict or joined), order (asc or desc), page (from 1) and size
//     (1 to 200, else 50). Without a sort the worst states come first. In that order late is as
//     good as alive, for it passes. Of equals the lower id is first. No more than the first
//     100,000 hosts of an order can be paged to: search, or turn the order around. A page behind
//     the last one is the last one.
//   - api/departures is the latest departures while there were viewers, the latest first, each
//     with its evidence and why, a sentence; and missed: how many events the page did not get.
//   - api/history is the points of the chart, one a second while there were viewers; what was lost
//     or gained is since the point before, and left out if it is 0.
//
// events is a stream of server-sent events named update: what is new of the stats, points and
// departures, or with all set, at first, everything.
package hostweb
