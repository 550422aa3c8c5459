// Package hostweb shows a registry of hosts live in the browser:
//
//	http.Handle("/", &hostweb.Handler[Meta]{Registry: hosts, Title: "scheduler"})
//
// The page is for an operator who opens it after an incident. It first says in red what was lost:
// how many hosts were evicted in the last 5 minutes, and of which zones. The rule is that of the
// alert on mass eviction in contrib/hostprom, and it also applies when no host is left, however few
// there were. Then come the other alerts, if there are any: suspect or held hosts, an active
// eviction limit and until when it holds them, evicted hosts that rejoined, two machines that seem
// to use one id, cleanups or calls of Confirm that fail or hang, a flight recorder that loses
// records. A call that hangs is shown while it hangs: after 5 s, when it exceeds its time limit, and
// when it is left behind. A line below the title says what is configured.
//
// Below are the hosts and departures of the last 10 minutes, the latest 200 departures with their
// reasons, the zones, the latencies, and a table of all hosts. The server searches, sorts and pages
// the table. The departures can be searched, and copied as text, JSON or CSV. The page of one host
// has its deadlines and exact times. A zone that has lost all its hosts stays for an hour. Hosts
// that flap, if there are any, have a table of their own. With pacing the page shows the advised
// interval. With a second policy (Config.Shadow) the page compares the evictions and rejoins of
// both policies, once the second policy would have evicted a host.
//
// If no update comes for 3 s, the page says since when, and its figures turn grey. All tabs of a
// browser share one stream of updates, if the browser has shared workers. The page loads nothing
// from other sites. It is read-only unless [Handler.Actions] is set. The package has no
// authentication: see Security.
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
// Without viewers and requests the package has no goroutine and no watcher, but for calls of
// Describe that hang. What happened before the first viewer came is kept by the registry, which
// costs no heartbeat anything: see [hostmgr.Registry.Trend], which takes 120 KB, and
// [hostmgr.Registry.Departures], which takes 100 KB and the ids, zones and metadata of 200 hosts.
// Departures have no text of Describe if the registry has not kept their metadata: see
// [hostmgr.Config].KeepMetadata.
//
// The first viewer starts two goroutines that all viewers share: one watches departures, and one
// reads Stats each second. They end when the last viewer leaves. A tab in the background is not a
// viewer. The same goes for a page that is paused.
//
// A page of the table costs one scan of all hosts, however many clients ask for it. Its answers are
// reused for half a second, or for ten times the duration of the scan if that is longer. One scan
// runs at a time, answers up to 16 queries, and is followed by a pause of the same length. A scan
// keeps only the sort keys of hosts. For pages that end beyond the first 1,000 hosts of a list, a
// scan keeps the keys of at most 100,000 hosts in total, twice. Further pages of this kind wait for
// a later scan. A search calls Describe for each host whose id and zone do not match; after 2 s,
// the other hosts are searched by id and zone only, and the answer says how many they are. The scan
// is chosen when a query comes: the first one that has room. No later query takes that place. A
// host that departs between scan and answer is missing from its page.
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
// With [Handler.Actions], a form of the page evicts or forgets one host. It is sent by POST, with a
// token that belongs to a cookie of the browser, and names the registration that the page showed. A
// form of another site is refused. Each form is logged, with its reason. GET and HEAD change
// nothing.
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
//   - api/stats is [hostmgr.Stats] in lower camel case. Its distributions have count, min, mean,
//     p50, p90, p99, p999 and max. It also has now, viewers (their number), summary (a sentence),
//     replica, settings (each with a name and a text) and alerts, each with a level, "bad" or
//     "warn", a text and a link. The bad ones come first. In a shared registry it has sharing,
//     which is [share.Stats] in lower camel case, with a summary (a line). Its members are the
//     first 100, and memberCount is the number of all. Otherwise sharing is null.
//   - api/hosts is a page of the table: at, took (of the scan), total, matched, page, pages, size,
//     counts and zones (of all hosts, by state), and hosts. A host of a shared registry has the
//     keeper (its name, or its id if it has no name) and the keeperId. They are empty if no member
//     that is alive keeps the host. The parameters are optional: search
//     (a part of the id, the zone or the text of Describe, without regard to case), state (one or
//     more of alive, late, suspect, offline and held, separated by commas), zone, sort (id,
//     zone, state, contact, evict or joined), order (asc or desc), page (from 1) and size (1 to
//     200; default 50). By default the worst states come first. Late counts as alive there, because
//     it is usually brief. Among equals the lower id comes first. Only the first 100,000 hosts of
//     an order can be reached by page: use search or the other order for the rest. A page number
//     above the last page shows the last page.
//     The page itself has the same parameters, and ignores others.
//   - api/host is all that is known of the host with the parameter id: host (null if it is not
//     registered), facts (the same in words) and departures.
//   - api/departures has departures, the latest first, each with its evidence and its reason (a
//     sentence, with durations that are rounded up), and missed, the number of events that viewers
//     did not get. The parameters are optional: search, kind (left, evicted, replaced or
//     forgotten), zone, and format (json, csv or text). In CSV, a text that a spreadsheet would
//     take for a formula begins with an apostrophe.
//   - api/history has the points of the chart, about one a second. A count covers the time since
//     the previous point, and is left out if it is 0.
//
// events is a stream of server-sent events named update. An update has the new stats, points and
// departures. The first update has everything, and its field all is true.
package hostweb
