package hostweb_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const second = time.Second

// A site is a registry and its page, on a fake clock.
type site struct {
	*hostmgr.Registry[string]
	web   *hostweb.Handler[string]
	clock *clockwork.FakeClock
	t     testing.TB
}

func newSite(t testing.TB, cfg hostmgr.Config[string]) *site {
	t.Helper()
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	cfg.Clock = clock
	r, err := hostmgr.New(cfg)
	require.NoError(t, err)
	web := &hostweb.Handler[string]{Registry: r, Title: "test", Clock: clock, Describe: func(s string) string { return s }}
	return &site{r, web, clock, t}
}

func (s *site) join(id, zone string, interval time.Duration) {
	s.t.Helper()
	_, err := s.Announce(hostmgr.Announcement[string]{ID: id, Zone: zone, Interval: interval, Metadata: "data of " + id})
	require.NoError(s.t, err)
}

func (s *site) get(target string) *httptest.ResponseRecorder {
	return do(s.web, http.MethodGet, target)
}

func do(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// read gets a JSON answer, which must exist.
func read[T any](t testing.TB, h http.Handler, target string) (answer T) {
	t.Helper()
	w := do(h, http.MethodGet, target)
	require.Equal(t, http.StatusOK, w.Code, "%s: %s", target, w.Body)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer
}

// The answers, as a client would declare them.
type (
	hostsAnswer struct {
		At, Took          any
		Total, Matched    int
		Page, Pages, Size int
		Counts            map[string]int
		Zones             []map[string]any
		Hosts             []hostAnswer
	}
	hostAnswer struct {
		ID, State, Zone, Hold, About, Incarnation string
		Interval                                  float64
		Evictions                                 int
		Registration                              uint64 `json:",string"`
		Joined, LastContact, SuspectAt, EvictAt   *time.Time
	}
	statsAnswer struct {
		Now            time.Time
		Viewers, Hosts int
		Suspects, Held int
		Joins          int
		Departures     struct{ Left, Evicted int }
		Summary, Hold  string
		Alerts         []struct{ Level, Text string }
		Zones          []map[string]any
		Latency        struct{ Detection map[string]float64 }
		Cleanup        struct {
			OldestPending *time.Time
			Pending       int
		}
	}
	departureAnswer struct {
		ID, Kind, Zone, Hold, About, Reason            string
		Seq                                            uint64
		At, LastContact                                time.Time
		Silence, Interval, Timeout, StallTime, HeldFor float64
	}
	pointAnswer struct {
		At                   time.Time
		Hosts, Left, Evicted int
	}
)
