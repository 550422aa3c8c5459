// Package hostweb shows a registry of hosts live in the browser:
//
//	http.Handle("/", &hostweb.Handler[Meta]{Registry: hosts, Title: "scheduler"})
//
// The page first shows alerts, if there are any: suspect or held hosts, an active eviction limit,
// evicted hosts that rejoined, two machines that seem to use one id, cleanups or calls of Confirm
// that fail or hang, a flight recorder that loses records. A call that hangs is shown while it
// hangs: after 5 s, when it exceeds its time limit, and when it is left behind. Below are the
// hosts and departures of the last 10 minutes, the reason for each departure, the zones, the
// latencies, and a table of all hosts. The server searches, sorts and pages the table. Hosts that
// flap, if there are any, have a table of their own. With pacing the page shows the advised
// interval. With a second policy (Config.Shadow) the page compares the evictions and rejoins of
// both policies, once the second policy would have evicted a host. The page is read-only, and
// loads nothing from other sites. The package has no authentication: see Security.
//
// In a shared registry (Handler.Member) the page lists the members, how many hosts each one keeps,
// and the keeper of each host. If this member is out of touch with the table, the first alert says
// since when the view is stale, and that no host is evicted. If hosts are due but held, an alert
// says what their eviction waits for. The figures of the page are those of this registry: each
// registry counts each join and each departure.
//
// A Handler is safe for concurrent use.
//
// # Cost
//
// Without viewers and requests the package has no goroutine and no watcher, but for calls of Describe
// that hang. The first viewer starts two goroutines that all viewers share: one watches the
// registry, and one reads its Stats each second. They end when the last viewer leaves. So the chart
// and the departures cover only the time while there were viewers. The Handler keeps up to 600
// points and 200 departures for the next viewer. A tab in the background is not a viewer. With
// viewers the registry has one watcher: the watcher gets all hosts once, and then each announce.
//
// A page of the table costs one scan of all hosts, however many clients ask for it. Its answers are
// reused for half a second, or for ten times the duration of the scan if that is longer. One scan
// runs at a time, answers up to 16 queries, and is followed by a pause of the same length. A scan
// keeps only the sort keys of hosts. For pages that end beyond the first 1,000 hosts of a list, a
// scan keeps the keys of at most 100,000 hosts in total, twice. Further pages of this kind wait for
// a later scan. The scan is chosen when a query comes: the first one that has room. No later query
// takes that place. A host that departs between scan and answer is missing from its page.
//
// # Limits
//
// At most 64 viewers are served at a time. A further viewer replaces the oldest viewer, if the
// oldest has been there for 10 seconds. A stream ends after 2 minutes with an event named "again",
// and the page opens a new stream. So a viewer that is dead or does not read is gone by then, even
// if the kernel buffers everything that is written to it.
//
// A client has 10 seconds to read an answer or an update; for an answer the WriteTimeout of the
// http.Server takes precedence, if it has one. All unread answers and updates together hold at most
// 64 MiB; beyond that the answer is 503, and a stream ends. Four answers are made at a time, and up
// to 512 requests wait for a slot, for at most 5 seconds. Up to 512 requests wait for a scan. The
// answer to further requests is 503. A request with a body is refused, because net/http would wait
// for the body before it answers.
//
// [Handler.Describe] is the only callback. It has 2 seconds for the texts of a scan. A call that
// hangs is left behind, and its page shows the hosts without further texts.
//
// # Security
//
// Each client that can reach the handler sees all hosts. Put authentication in front of the
// handler, and check the Host header if the address belongs to a private network. A stream ends
// when its request's context ends. http.Server.Shutdown waits for all streams, so give
// http.Server.BaseContext a context that ends.
//
// # JSON
//
// The same data is under api/, read with GET. Times are RFC 3339 with nanoseconds, or null if there
// is none. Durations are numbers of seconds, and the
// interval [hostmgr.Never] is null. Incarnations and registrations are strings, because
// they need all 64 bits. Bytes of an id that are not UTF-8 become U+FFFD. An error is {"error":
// "what is wrong"} with a status: 400 for a parameter or a body; 404; 405; 503, with Retry-After,
// if there are too many viewers or answers; or 500 if the Registry is nil.
//
//   - api/stats is [hostmgr.Stats] in lower camel case. Its distributions have count, min, mean, p50,
//     p90, p99, p999 and max. It also has now, viewers (their number), summary (a sentence) and alerts,
//     each with a level, "bad" or "warn", and a text. The bad ones come first. In a shared registry
//     it has sharing, which is [share.Stats] in lower camel case, with a summary (a line). Its
//     members are the first 100, and memberCount is the number of all. Otherwise sharing is null.
//   - api/hosts is a page of the table: at, took (of the scan), total, matched, page, pages, size,
//     counts and zones (of all hosts, by state), and hosts. A host of a shared registry has the
//     keeper (its name, or its id if it has no name) and the keeperId. They are empty if no member
//     that is alive keeps the host. The parameters are optional: search
//     (bytes that the id contains), state (alive, late, suspect, offline or held), zone, sort (id,
//     zone, state, contact, evict or joined), order (asc or desc), page (from 1) and size (1 to
//     200; default 50). By default the worst states come first. Late counts as alive there, because
//     it is usually brief. Among equals the lower id comes first. Only the first 100,000 hosts of
//     an order can be reached by page: use search or the other order for the rest. A page number
//     above the last page shows the last page.
//   - api/departures has departures, the latest first, each with its evidence and its reason (a
//     sentence), and missed, the number of events that the page did not get. It covers the time while
//     there were viewers.
//   - api/history has the points of the chart, one a second while there were viewers. A count
//     covers the time since the previous point, and is left out if it is 0.
//
// events is a stream of server-sent events named update. An update has the new stats, points and
// departures. The first update has everything, and its field all is true.
package hostweb
