package hostmgr_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

// codings are ways to store what All and Pending yield.
var codings = map[string]func(t *testing.T, from, to any){
	"json": func(t *testing.T, from, to any) {
		text, err := json.Marshal(from)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, to))
	},
	"gob": func(t *testing.T, from, to any) {
		var b bytes.Buffer
		require.NoError(t, gob.NewEncoder(&b).Encode(from))
		require.NoError(t, gob.NewDecoder(&b).Decode(to))
	},
}

// Each hold reason is the same after it was stored and read, and so is an empty one.
func TestAHoldReasonSurvivesAnEncoding(t *testing.T) {
	share, rate := hostmgr.EvictionLimit{MaxFraction: 0.5}, hostmgr.EvictionLimit{PerSecond: 0.1}
	for want, cfg := range map[string]hostmgr.Config[string]{
		"":                   {Policy: hostmgr.Fixed(5)},
		"refused by Confirm": {Confirm: refuseAll},
		"eviction limit: at most 0.1 evictions a second":             {EvictionLimit: rate},
		`eviction limit: 3 of 3 hosts of zone "z \"1\"" are missing`: {EvictionLimit: share},
	} {
		for how, coded := range codings {
			s := newScript(t, cfg)
			for _, id := range []string{"a", "b", "c"} {
				s.announce(hostmgr.Announcement[string]{ID: id, Interval: second, Zone: `z "1"`})
			}
			s.after(2*second + 1)
			s.after(0)
			hosts := slices.Collect(s.All())
			var got []hostmgr.Host[string]
			coded(t, hosts, &got)
			require.Len(t, got, len(hosts))
			for i, h := range hosts {
				require.Equal(t, want, h.Hold.String())
				require.Equal(t, h.Hold, got[i].Hold, how)
			}
		}
	}
}

// A host was held before its eviction, and the process was restarted before its cleanup. The
// cleanup still gets the hold reason.
func TestAnEvictionIsExplainedAfterARestart(t *testing.T) {
	for how, coded := range codings {
		broken := func(context.Context, hostmgr.Departure[string]) error { return errors.New("database is down") }
		s := newScript(t, hostmgr.Config[string]{EvictionLimit: hostmgr.EvictionLimit{PerSecond: 0.5}, Cleanup: broken})
		s.join("a")
		s.join("b")
		for range 5 {
			s.after(2 * second)
		}
		owed := slices.Collect(s.Pending())
		require.Len(t, owed, 2)
		require.Contains(t, owed[1].Reason(), "eviction limit: at most 0.5 evictions a second")
		var stored []hostmgr.Departure[string]
		coded(t, owed, &stored)

		log := &cleanupLog{}
		next := s.next(hostmgr.Config[string]{Cleanup: log.cleanup}, stored...)
		next.after(0)
		require.Len(t, log.departures, 2)
		for i, d := range log.departures {
			require.Equal(t, owed[i].Reason(), d.Reason(), how)
			require.Equal(t, owed[i].Evidence, d.Evidence, how)
		}
	}
}

// A text of another version is kept.
func TestAHoldReasonTakesAnyText(t *testing.T) {
	for _, text := range []string{
		"", "the moon is full", "the moon is full; then refused by Confirm", "; then refused by Confirm",
		"refused by Confirm; then refused by Confirm", "awaiting the eviction limit; then awaiting Confirm",
	} {
		var h hostmgr.HoldReason
		require.NoError(t, h.UnmarshalText([]byte(text)))
		require.Equal(t, text, h.String())
		require.Equal(t, text == "", h == hostmgr.HoldReason{})
	}
}
