package recent_test

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr/internal/recent"
)

// So many checks, unless the command line says otherwise.
func init() { _ = flag.Set("rapid.checks", "3000") }

// A naive Evictions is a list in order of time.
type naive []eviction

type eviction struct {
	hash         uint64
	at, shadowAt int64
	hidden       bool // by a later one of the same hash
}

func (m *naive) add(hash uint64, now, shadowAt int64) {
	for i := range *m {
		if v := &(*m)[i]; v.hash == hash {
			v.hidden = true
		}
	}
	*m = append(*m, eviction{hash, now, shadowAt, false})
}

func (m *naive) rejoined(hash uint64, now int64) (at, shadowAt int64, ok bool) {
	i := slices.IndexFunc(*m, func(v eviction) bool { return v.hash == hash && !v.hidden })
	if i < 0 || now-(*m)[i].at > window {
		return 0, 0, false
	}
	v := (*m)[i]
	*m = slices.Delete(*m, i, i+1)
	return v.at, v.shadowAt, true
}

func (m *naive) expire(now int64) (forgotten []int64) {
	for len(*m) > 0 && now-(*m)[0].at > window {
		forgotten = append(forgotten, (*m)[0].shadowAt)
		*m = (*m)[1:]
	}
	return forgotten
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e recent.Evictions
		var m naive
		now := int64(0)
		hashes := rapid.Uint64Range(0, rapid.SampledFrom([]uint64{3, 30, 300}).Draw(t, "hosts"))
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.SampledFrom([]int{1, 3, 50}).Draw(t, "evictions") {
					hash, shadowAt := hashes.Draw(t, "hash"), rapid.Int64().Draw(t, "shadowAt")
					_, ok := e.Add(hash, now, shadowAt)
					require.False(t, ok)
					m.add(hash, now, shadowAt)
				}
			},
			"rejoined": func(t *rapid.T) {
				hash := hashes.Draw(t, "hash")
				at, shadowAt, ok := e.Rejoined(hash, now, now)
				wantAt, wantShadow, want := m.rejoined(hash, now)
				require.Equal(t, want, ok)
				require.Equal(t, wantAt, at)
				require.Equal(t, wantShadow, shadowAt)
			},
			"expire, and tell nothing": func(*rapid.T) {
				e.Expire(now, nil)
				m.expire(now)
				if len(m) == 0 {
					require.Equal(t, recent.Evictions{}, e, "released")
				}
			},
			"expire": func(*rapid.T) {
				var forgotten []int64
				e.Expire(now, func(shadowAt int64) { forgotten = append(forgotten, shadowAt) })
				require.Equal(t, m.expire(now), forgotten)
				if len(m) == 0 {
					require.Equal(t, recent.Evictions{}, e, "released")
				}
			},
			"pass": func(t *rapid.T) {
				now += rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "d")
			},
			"passExactly": func(*rapid.T) {
				if len(m) > 0 {
					now = max(now, m[0].at+window)
				}
			},
			"": func(*rapid.T) { require.Equal(t, len(m), e.Len()) },
		})
	})
}
