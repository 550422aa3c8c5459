package hostweb_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

const tooSlow = "(Describe is too slow)"

// withDescribe returns the page of a registry with so many hosts, in a bubble.
func withDescribe(t *testing.T, hosts int, describe func(string) string) (*hostmgr.Registry[string], *hostweb.Handler[string]) {
	t.Helper()
	r, err := hostmgr.New(hostmgr.Config[string]{})
	require.NoError(t, err)
	for i := range hosts {
		id := fmt.Sprintf("h-%03d", i)
		_, err = r.Announce(hostmgr.Announcement[string]{ID: id, Metadata: id, Interval: time.Hour})
		require.NoError(t, err)
	}
	return r, &hostweb.Handler[string]{Registry: r, Describe: describe}
}

// A Describe that hangs costs its texts. Each request is answered, and a bounded number of calls hang.
func TestADescribeThatHangsHoldsUpNoViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var calls atomic.Int64
		_, h := withDescribe(t, 100, func(id string) string {
			if id == "h-010" {
				calls.Add(1)
				<-free
			}
			return "text of " + id
		})
		ask := func() []hostAnswer { return read[hostsAnswer](t, h, "/api/hosts?sort=id&size=100").Hosts }
		begun := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				hosts := ask()
				require.Len(t, hosts, 100)
				require.Equal(t, "text of h-009", hosts[9].About)
				require.Equal(t, tooSlow, hosts[10].About)
				require.Equal(t, tooSlow, hosts[11].About)
			})
		}
		wg.Wait()
		require.LessOrEqual(t, time.Since(begun), 4*time.Second)
		for range 100 {
			time.Sleep(time.Minute)
			require.Equal(t, tooSlow, ask()[10].About)
		}
		require.EqualValues(t, 8, calls.Load())
		begun = time.Now()
		require.Equal(t, tooSlow, ask()[9].About, "not called while 8 hang")
		require.Zero(t, time.Since(begun))
		close(free)
		time.Sleep(time.Minute)
		require.Equal(t, "text of h-010", ask()[10].About)
	})
}

// A Describe that hangs at a departure costs one text, not the further departures.
func TestADescribeThatHangsKeepsNoDepartureBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		r, h := withDescribe(t, 20, func(id string) string {
			if id < "h-003" {
				<-free
			}
			return "text of " + id
		})
		v := view(t, h)
		defer v.close()
		v.next()
		for i := range 20 {
			require.NoError(t, r.Leave(t.Context(), fmt.Sprintf("h-%03d", i), 0))
		}
		var departures []departureAnswer
		for len(departures) < 20 {
			departures = append(departures, v.next().Departures...)
		}
		require.Equal(t, tooSlow, departures[2].About)
		for _, d := range departures[3:] {
			require.Equal(t, "text of "+d.ID, d.About)
		}
		close(free)
	})
}

// All texts of a scan have a common limit, however slow each of them is.
func TestASlowDescribeHasALimitForAllTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := withDescribe(t, 100, func(id string) string {
			time.Sleep(150 * time.Millisecond)
			return "text of " + id
		})
		begun := time.Now()
		body := do(h, http.MethodGet, "/api/hosts?sort=id&size=100").Body.String()
		require.Equal(t, 2*time.Second, time.Since(begun))
		require.Contains(t, body, "text of h-012")
		require.Equal(t, 100-13, strings.Count(body, tooSlow))
		time.Sleep(time.Minute)
	})
}

// A Describe that ends its goroutine ends no other one.
func TestADescribeThatExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := withDescribe(t, 3, func(id string) string {
			if id == "h-001" {
				runtime.Goexit()
			}
			return "text"
		})
		hosts := read[hostsAnswer](t, h, "/api/hosts?sort=id").Hosts
		require.Equal(t, "text", hosts[0].About)
		require.Equal(t, "(Describe panicked)", hosts[1].About)
	})
}
