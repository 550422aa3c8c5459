package hostmgr_test

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/hostmgr"
)

func (s *script) allMetadata() map[string]string { return maps.Collect(s.AllMetadata()) }

// Metadata are those of the last Announce or Update, until a sweep evicts the host.
func TestMetadataAreThoseOfTheHost(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	m, ok := s.Metadata("a")
	require.False(t, ok)
	require.Empty(t, m)
	require.Empty(t, s.allMetadata())

	s.join("a")
	s.join("b")
	require.NoError(t, s.Update("a", 0, func(string) string { return "new" }))
	m, ok = s.Metadata("a")
	require.True(t, ok)
	require.Equal(t, "new", m)
	require.Equal(t, map[string]string{"a": "new", "b": "data of b"}, s.allMetadata())

	s.clock.Advance(3 * second)
	require.Equal(t, hostmgr.StateOffline, s.get("a").State)
	_, ok = s.Metadata("a")
	require.True(t, ok)
	require.Len(t, s.allMetadata(), 2)
	s.Sweep(context.Background())
	_, ok = s.Metadata("a")
	require.False(t, ok)
	require.Empty(t, s.allMetadata())
}

// AllMetadata yields the ids and metadata that All yields, for long ids too.
func TestAllMetadataYieldsAllHosts(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	want := map[string]string{}
	for i := range 5000 {
		id := strconv.Itoa(i) + strings.Repeat("x", i%100)
		s.join(id)
		want[id] = "data of " + id
	}
	require.Equal(t, want, s.allMetadata())
	for id := range s.AllMetadata() {
		if len(id)%2 == 0 {
			require.NoError(t, s.Leave(context.Background(), id, 0))
			delete(want, id)
		}
	}
	require.Equal(t, want, s.allMetadata())
}

func TestALoopOverAllMetadataMayCallTheRegistryAndStop(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 2000 {
		s.join(strconv.Itoa(i))
	}
	seen := map[string]bool{}
	for id := range s.AllMetadata() {
		require.False(t, seen[id])
		seen[id] = true
		require.NoError(t, s.Leave(context.Background(), id, 0))
		s.join("new " + id)
		if len(seen) == 1500 {
			break
		}
	}
	require.Len(t, seen, 1500)
	require.Equal(t, 2000, s.Len())
}

// Large metadata are stored elsewhere.
func TestLargeMetadataAreFound(t *testing.T) {
	r, err := hostmgr.New(hostmgr.Config[large]{})
	require.NoError(t, err)
	for i := range 200 {
		a := hostmgr.Announcement[large]{ID: strconv.Itoa(i)}
		a.Metadata[128] = i
		_, err := r.Announce(a)
		require.NoError(t, err)
	}
	found := 0
	for id, all := range r.AllMetadata() {
		one, ok := r.Metadata(id)
		require.True(t, ok)
		require.Equal(t, id, strconv.Itoa(one[128]))
		require.Equal(t, one, all)
		found++
	}
	require.Equal(t, 200, found)
}

// While hosts come, go and change, Metadata and AllMetadata find those of the right host. An id
// that AllMetadata yielded stays the same.
func TestMetadataWhileHostsComeAndGo(t *testing.T) {
	s := newScript(t, hostmgr.Config[string]{})
	for i := range 100 {
		s.join(fmt.Sprint("steady ", i))
	}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		kept := map[string]string{} // an id, and a clone of it
		for {
			steady := 0
			for id, m := range s.AllMetadata() {
				kept[id] = strings.Clone(id)
				if strings.HasPrefix(id, "steady") {
					steady++
				}
				again, ok := s.Metadata(id)
				if m != "data of "+id || ok && again != m {
					t.Errorf("%s has %q, then %q", id, m, again)
					return
				}
			}
			if steady != 100 {
				t.Errorf("%d of 100", steady)
			}
			select {
			case <-done:
				for id, was := range kept {
					if id != was {
						t.Errorf("%q became %q", was, id)
					}
				}
				return
			default:
			}
		}
	})
	for range 3 {
		for i := range 2000 {
			s.join(strconv.Itoa(i))
		}
		for i := range 2000 {
			require.NoError(t, s.Update(strconv.Itoa(i), 0, func(m string) string { return strings.Clone(m) }))
			require.NoError(t, s.Leave(context.Background(), strconv.Itoa(i), 0))
		}
	}
	close(done)
	reader.Wait()
}
