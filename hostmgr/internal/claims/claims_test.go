package claims_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/claims"
)

const interval = int64(time.Second)

var (
	a = claims.Key{Hash: 1, Registration: 1}
	b = claims.Key{Hash: 1, Registration: 2}
)

func TestNoClaims(t *testing.T) {
	var c *claims.Claims
	require.Zero(t, c.Of(a))
	c = new(claims.Claims)
	require.Nil(t, c.Forget(a))
	require.Nil(t, c.Expire(0))
}

func TestTheFirstSpeakerAndTheGreatestRevision(t *testing.T) {
	c := new(claims.Claims)
	for _, said := range []claims.Claim{{Revision: 2}, {Speaker: 7}, {Speaker: 8, Revision: 1}, {}} {
		c.Add(a, said)
	}
	require.Equal(t, claims.Claim{Speaker: 7, Revision: 2}, c.Of(a))
	require.Zero(t, c.Of(b))
	c.Add(b, claims.Claim{Speaker: 8})
	require.Same(t, c, c.Forget(b))
	require.Zero(t, c.Of(b))
	require.Nil(t, c.Forget(a))
}

func TestContradictsAndOvertook(t *testing.T) {
	had := claims.Claim{Speaker: 7, Revision: 2}
	require.True(t, had.Contradicts(claims.Claim{Speaker: 8}))
	require.False(t, had.Contradicts(claims.Claim{Speaker: 7}))
	require.False(t, had.Contradicts(claims.Claim{}))
	require.False(t, claims.Claim{}.Contradicts(had))
	require.True(t, had.Overtook(claims.Claim{Revision: 1}))
	require.False(t, had.Overtook(claims.Claim{Revision: 2}))
	require.False(t, had.Overtook(claims.Claim{Revision: 0}))
	require.False(t, claims.Claim{}.Overtook(had))
}

// So many registrations are remembered, and the latest is one of them.
func TestChangesAreBounded(t *testing.T) {
	c := new(claims.Claims)
	remembered := 0
	for i := range uint64(10_000) {
		c.Changed(claims.Key{Hash: i}, interval, true, 0)
		require.True(t, c.Changed(claims.Key{Hash: i}, interval, true, 0))
	}
	for i := range uint64(10_000) {
		if c.Changed(claims.Key{Hash: i}, interval, false, 0) {
			remembered++
		}
	}
	require.Equal(t, 4096, remembered)
	require.Same(t, c, c.Expire(2*interval))
	require.Same(t, c, c.Expire(10*interval-1), "10 s after the last look")
	require.Nil(t, c.Expire(20*interval))
}

func TestAnnouncesOnceAnIntervalAreNotRemembered(t *testing.T) {
	c := new(claims.Claims)
	require.False(t, c.Changed(a, interval, false, 0))
	require.Nil(t, c.Expire(0))
	require.False(t, c.Changed(a, interval, true, 0))
	require.Same(t, c, c.Expire(0))
	require.False(t, c.Changed(a, interval, false, interval*3/4))
	require.False(t, c.Changed(a, interval, false, interval*6/4))
	require.Nil(t, c.Expire(0), "it has returned to its interval")
}

// A naive memory of changes is the list of all of them.
func TestChangesAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := new(claims.Claims)
		now, quiet := int64(0), false
		var all []int64 // since it is remembered
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				d := rapid.Int64Range(0, 3*interval/2).Draw(t, "d")
				now += d
				early := rapid.Bool().Draw(t, "early")
				n, want := len(all), false
				if n > 0 {
					want = now-all[n-1] < interval*3/4 || n > 1 && now-all[n-2] < interval*5/4
				}
				require.Equal(t, want, c.Changed(a, interval, early, now))
				switch was := quiet; {
				case early || want:
					quiet, all = false, append(all, now)
				case n > 0 && was:
					quiet, all = false, nil
				case n > 0:
					quiet, all = true, append(all, now)
				}
			},
			"forget": func(*rapid.T) {
				require.Nil(t, c.Forget(a))
				quiet, all = false, nil
			},
		})
	})
}
