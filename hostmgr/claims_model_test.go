package hostmgr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hostlife/hostlife/hostmgr"
)

// A claimed is a naive registry of one id, with an interval of a second under Fixed(2).
type claimed struct {
	there             bool
	incarnation       uint64
	registration      uint64
	speaker, metadata string
	revision          uint64
	seen              time.Duration
	ended             modelEnd

	joins, replaced, conflicts, overtaken uint64
}

// announce returns the error of an announce, and applies it.
func (m *claimed) announce(a hostmgr.Announcement[string], now time.Duration) error {
	same := m.there && (a.Incarnation == 0 || a.Incarnation == m.incarnation)
	ended := a.Incarnation != 0 && a.Incarnation <= m.ended.incarnation && now <= m.ended.until
	other := m.speaker != "" && a.Speaker != "" && a.Speaker != m.speaker
	silent := now-m.seen > second*3/2 // it is suspect, or due
	switch {
	case !same && (ended || m.there && a.Incarnation < m.incarnation):
		return hostmgr.ErrStale
	case same && other && !silent:
		m.conflicts++
		return hostmgr.ErrConflict
	case same && !other && a.Revision != 0 && a.Revision < m.revision:
		m.overtaken++
		m.seen = now
		return nil
	case same && !other:
		m.revision = max(m.revision, a.Revision)
		if m.speaker == "" {
			m.speaker = a.Speaker
		}
	default:
		if m.there {
			m.replaced++
		}
		if m.there && !same {
			m.end(now)
		}
		m.joins++
		m.there, m.speaker, m.revision, m.registration = true, a.Speaker, a.Revision, 0
		if !same {
			m.incarnation = a.Incarnation
		}
	}
	m.seen, m.metadata = now, a.Metadata
	return nil
}

func (m *claimed) end(now time.Duration) {
	if now > m.ended.until || m.incarnation > m.ended.incarnation {
		m.ended = modelEnd{m.incarnation, now + 5*time.Minute}
	}
}

// Random announces of several speakers and incarnations, in any order, with leaves and evictions in
// between: the registry agrees with the model.
func TestClaimsAgainstAModel(t *testing.T) {
	for range times(1, 1000) {
		rapid.Check(t, func(rt *rapid.T) { checkClaims(t, rt) })
	}
}

func checkClaims(t *testing.T, rt *rapid.T) {
	s, m := newScript(t, hostmgr.Config[string]{}), &claimed{}
	start := s.clock.Now()
	now := func() time.Duration { return s.clock.Now().Sub(start) }
	rt.Repeat(map[string]func(*rapid.T){
		"announce": func(rt *rapid.T) {
			a := hostmgr.Announcement[string]{
				ID: "a", Interval: second,
				Incarnation: rapid.Uint64Range(0, 3).Draw(rt, "incarnation"),
				Speaker:     rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "speaker"),
				Revision:    rapid.Uint64Range(0, 4).Draw(rt, "revision"),
				Metadata:    rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "metadata"),
			}
			ack, err := s.Announce(a)
			require.Equal(rt, m.announce(a, now()), err)
			if err != nil {
				return
			}
			if m.incarnation == 0 {
				m.incarnation = ack.Incarnation
			}
			if m.registration == 0 {
				m.registration = ack.Registration
			}
			require.Equal(rt, hostmgr.Ack{Interval: second, Incarnation: m.incarnation, Registration: m.registration}, ack)
		},
		"leave": func(rt *rapid.T) {
			err := s.Leave(context.Background(), "a", 0)
			require.Equal(rt, m.there, !errors.Is(err, hostmgr.ErrUnknownHost))
			if m.there {
				m.end(now())
			}
			m.there = false
		},
		"forget": func(*rapid.T) {
			_ = s.Forget("a", 0)
			m.there = false
		},
		"sweep": func(*rapid.T) {
			s.after(0)
			m.there = m.there && now()-m.seen <= 2*second
		},
		"pass":      func(rt *rapid.T) { s.clock.Advance(time.Duration(rapid.IntRange(0, 8).Draw(rt, "d")) * second / 4) },
		"pass long": func(*rapid.T) { s.clock.Advance(3 * time.Minute) },
		"": func(rt *rapid.T) {
			h, there := s.Get("a")
			require.Equal(rt, m.there, there)
			if there {
				require.Equal(rt, m.metadata, h.Metadata)
				require.Equal(rt, m.seen, h.LastContact.Sub(start))
			}
			st := s.Stats()
			require.Equal(rt, [3]uint64{m.joins, m.replaced, m.overtaken}, [3]uint64{st.Joins, st.Departures.Replaced, st.Overtaken})
			require.GreaterOrEqual(rt, st.Conflicts, m.conflicts) // the others contradict each other
		},
	})
}
