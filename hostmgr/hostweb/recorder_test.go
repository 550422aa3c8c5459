package hostweb_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// A writeFunc is an io.Writer.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

// alerts waits for those of the next tick.
func (v *viewer) alerts() (texts []string) {
	v.t.Helper()
	now := time.Now()
	for {
		if u := v.next(); u.Stats != nil && u.Stats.Now.After(now) {
			for _, n := range u.Stats.Alerts {
				texts = append(texts, n.Level+": "+n.Text)
			}
			return texts
		}
	}
}

// Records that are lost while there is a viewer are an alert for as long as they are in the
// history.
func TestAlertOfAFlightRecorderThatFails(t *testing.T) {
	var failing atomic.Bool
	write := writeFunc(func(b []byte) (int, error) {
		if failing.Load() {
			return 0, errors.New("no space left")
		}
		return len(b), nil
	})
	live(t, hostmgr.Config[string]{Recorder: write}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		comeAndGo := func(fail bool) {
			failing.Store(fail)
			join(t, r, "a")
			synctest.Wait()
			require.NoError(t, r.Leave(t.Context(), "a", 0))
			synctest.Wait()
		}
		comeAndGo(false)
		v := view(t, h)
		defer func() { v.close() }()
		require.Empty(t, v.alerts())
		comeAndGo(true)
		want := []string{"warn: Writes of the flight recorder failed 2 times in the last 10 minutes: 2 records lost."}
		require.Equal(t, want, v.alerts())
		comeAndGo(false)
		require.Equal(t, want, v.alerts())
		require.Contains(t, do(h, http.MethodGet, "/api/history").Body.String(), `"recordsLost":2,"recorderFailures":2`)
		v.close()
		for _, want := range [][]string{want, nil} {
			time.Sleep(5 * time.Minute)
			v = view(t, h)
			require.Equal(t, want, v.alerts())
			v.close()
		}
	})
}

// A slow recorder loses the records that find no room.
func TestAlertOfASlowFlightRecorder(t *testing.T) {
	write := writeFunc(func(b []byte) (int, error) {
		time.Sleep(time.Hour)
		return len(b), nil
	})
	live(t, hostmgr.Config[string]{Recorder: write}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		defer v.close()
		for i := 0; r.Stats().Recorder.Lost == 0; i++ {
			id := strings.Repeat("\xff", 1000) + strconv.Itoa(i)
			join(t, r, id)
			require.NoError(t, r.Forget(id, 0))
		}
		join(t, r, "a")
		want := fmt.Sprintf("warn: The flight recorder is too slow: %d records lost in the last 10 minutes.", r.Stats().Recorder.Lost)
		require.Equal(t, []string{want}, v.alerts())
		time.Sleep(3 * time.Hour) // the Write under way, the one of what was left, and that of the end
	})
}
