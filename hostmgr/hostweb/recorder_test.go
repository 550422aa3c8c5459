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

// A writeFunc is a writer that does as it likes.
type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

// notices waits for those of a tick to come.
func (v *viewer) notices() (texts []string) {
	v.t.Helper()
	now := time.Now()
	for {
		if u := v.next(); u.Stats != nil && u.Stats.Now.After(now) {
			for _, n := range u.Stats.Notices {
				texts = append(texts, n.Level+": "+n.Text)
			}
			return texts
		}
	}
}

// What the flight recorder loses while somebody looks is noticed for as long as it is in the history.
func TestNoticeOfAFlightRecorderThatFails(t *testing.T) {
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
		comeAndGo(true)
		v := view(t, h)
		defer func() { v.close() }()
		require.Empty(t, v.notices(), "that was before")
		comeAndGo(false)
		require.Empty(t, v.notices())
		comeAndGo(true)
		want := []string{"warn: Writes of the flight recorder failed 2 times lately: 2 records lost."}
		require.Equal(t, want, v.notices())
		comeAndGo(false)
		require.Equal(t, want, v.notices())
		require.Contains(t, do(h, http.MethodGet, "/api/history").Body.String(), `"recordsLost":2,"recorderFailures":2`)
		v.close()
		for _, want := range [][]string{want, nil} {
			time.Sleep(5 * time.Minute)
			v = view(t, h)
			require.Equal(t, want, v.notices())
			v.close()
		}
	})
}

// One that takes its time loses what finds no room meanwhile.
func TestNoticeOfAFlightRecorderThatCannotKeepUp(t *testing.T) {
	write := writeFunc(func(b []byte) (int, error) {
		time.Sleep(time.Hour)
		return len(b), nil
	})
	live(t, hostmgr.Config[string]{Recorder: write}, func(t *testing.T, r *hostmgr.Registry[string], h *hostweb.Handler[string]) {
		v := view(t, h)
		defer v.close()
		for i := 0; r.Stats().RecordsLost == 0; i++ {
			id := strings.Repeat("\xff", 1000) + strconv.Itoa(i)
			join(t, r, id)
			require.NoError(t, r.Forget(id, 0))
		}
		join(t, r, "a")
		want := fmt.Sprintf("warn: The flight recorder can't keep up: %d records lost lately.", r.Stats().RecordsLost)
		require.Equal(t, []string{want}, v.notices())
		time.Sleep(3 * time.Hour) // the Write under way, the one of what was left, and that of the end
	})
}
