package hostweb_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// leave does not wait for the cleanup.
func leave(t testing.TB, r *hostmgr.Registry[string], id string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Leave(ctx, id, 0), hostmgr.ErrCleanupPending)
}

// The page tells of a cleanup that hangs while it hangs: that it takes long, that its time limit is
// over, and that it is left behind.
func TestAlertsWhileACleanupHangs(t *testing.T) {
	var end chan struct{} // of the bubble
	cleanup := func(context.Context, hostmgr.Departure[string]) error {
		<-end
		return nil
	}
	live(t, hostmgr.Config[string]{Cleanup: cleanup}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		end = make(chan struct{})
		v := view(t, h)
		defer v.close()
		join(t, r, "a")
		leave(t, r, "a")
		go v.discard()
		const overLimit = "warn: Cleanups exceeded their time limit 1 time in the last 10 minutes."
		time.Sleep(4500 * time.Millisecond)
		require.Empty(t, alertsNow(t, h))
		time.Sleep(2 * second)
		require.Equal(t, []string{"bad: 1 cleanup is pending, the oldest for 6 s. 1 cleanup is under way, the oldest for 6 s."}, alertsNow(t, h))
		time.Sleep(25 * second)
		require.Equal(t, []string{"bad: 1 cleanup is pending, the oldest for 31 s. 1 cleanup is under way, the oldest for 31 s.", overLimit}, alertsNow(t, h))
		time.Sleep(10 * second)
		require.Equal(t, []string{
			"bad: 1 cleanup is pending, the oldest for 41 s. 1 cleanup is under way, the oldest for 41 s.",
			"bad: 1 cleanup is left behind: no return within 10 s after the context ended. Later cleanups of the same id wait.",
			overLimit,
		}, alertsNow(t, h))
		close(end)
		time.Sleep(second)
		require.Equal(t, []string{overLimit}, alertsNow(t, h))
	})
}

// The page tells of a call of Confirm that hangs, and of the hosts that wait for the next call.
func TestAlertsWhileConfirmHangs(t *testing.T) {
	var end chan struct{} // of the bubble
	confirm := func(_ context.Context, hosts []hostmgr.Host[string]) ([]hostmgr.Host[string], error) {
		<-end
		return hosts, nil
	}
	live(t, hostmgr.Config[string]{Confirm: confirm}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		end = make(chan struct{})
		v := view(t, h)
		defer v.close()
		go v.discard()
		join(t, r, "a")
		time.Sleep(2500 * time.Millisecond)
		require.Equal(t, []string{"bad: 1 host is due for eviction, but held."}, alertsNow(t, h))
		join(t, r, "b")
		join(t, r, "c")
		time.Sleep(6 * second)
		require.Equal(t, []string{
			"bad: 3 hosts are due for eviction, but held. 2 hosts wait for Confirm.",
			"warn: Confirm has not answered for 6 s. It is asked about 1 host.",
		}, alertsNow(t, h))
		time.Sleep(15 * second)
		require.Subset(t, alertsNow(t, h), []string{
			"bad: 1 call of Confirm is left behind: no return within 10 s after the context ended. At 8 such calls, no host that needs Confirm is evicted.",
			"warn: Confirm failed 1 time in the last 10 minutes, 1 time because of its time limit. The hosts of these calls are held.",
		})
		close(end)
		time.Sleep(3 * second)
		require.Zero(t, r.Len())
	})
}

// The page names the hosts that flap. Their ids are text, not HTML.
func TestFlappingHosts(t *testing.T) {
	const id = "<b>flaps</b>"
	s := newSite(t, hostmgr.Config[string]{})
	require.Contains(t, s.get("/").Body.String(), `<section id="flapping" class="panel" aria-labelledby="h-flapping" hidden>`)
	for range 3 {
		s.join(id, "", second)
		s.clock.Advance(3 * second)
		s.Sweep(t.Context())
	}
	s.join(id, "", second)
	require.Equal(t, []flappingAnswer{{id, 3, s.clock.Now()}}, read[struct{ Flapping []flappingAnswer }](t, s.web, "/api/stats").Flapping)
	body := s.get("/").Body.String()
	require.Contains(t, body, `<section id="flapping" class="panel" aria-labelledby="h-flapping">`)
	require.Contains(t, body, `<th scope="row"><a href="?host=%3cb%3eflaps%3c%2fb%3e#h-host">&lt;b&gt;flaps&lt;/b&gt;</a></th><td class="n">3</td>`)
	require.NotContains(t, body, id)
	require.Equal(t, 3, read[hostsAnswer](t, s.web, "/api/hosts").Hosts[0].Evictions)
}

type flappingAnswer struct {
	ID        string
	Evictions int
	Last      time.Time
}

func TestAlertOfTwoMachinesWithOneID(t *testing.T) {
	live(t, hostmgr.Config[string]{}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		defer v.close()
		for _, speaker := range []string{"first", "second", "second"} {
			_, _ = r.Announce(hostmgr.Announcement[string]{ID: "<i>clone", Interval: time.Hour, Speaker: speaker})
		}
		require.Equal(t, []string{
			"bad: Two machines seem to use one id: 2 conflicts in the last 10 minutes. The log names the id. Give each machine an id of its own.",
		}, v.alerts())
		require.Contains(t, do(h, http.MethodGet, "/api/history").Body.String(), `"conflicts":2`)
	})
}

func TestAlertOfAFullRegistry(t *testing.T) {
	live(t, hostmgr.Config[string]{MaxHosts: 1}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		defer v.close()
		for _, id := range []string{"a", "b", "c"} {
			_, _ = r.Announce(hostmgr.Announcement[string]{ID: id, Interval: time.Hour})
		}
		require.Equal(t, []string{
			"bad: The registry was full: 2 joins were refused in the last 10 minutes. MaxHosts is too low, or a client invents ids.",
		}, v.alerts())
		require.Contains(t, do(h, http.MethodGet, "/api/stats").Body.String(), `"refused":2`)
	})
}

func TestAlertOfCleanupsThatAreGivenUp(t *testing.T) {
	never := func(context.Context, hostmgr.Departure[string]) error { return errors.New("not now") }
	live(t, hostmgr.Config[string]{Cleanup: never}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		defer v.close()
		for range 18 {
			join(t, r, "a")
			leave(t, r, "a")
			synctest.Wait() // until the first try has failed
		}
		require.Contains(t, v.alerts(), "bad: 2 cleanups were given up in the last 10 minutes: too many of an id whose cleanup fails or hangs were pending.")
	})
}

// discard reads all updates.
func (v *viewer) discard() { _, _ = v.body.WriteTo(io.Discard) }
