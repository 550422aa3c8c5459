package cluster_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cluster"
)

// departed is a line of the scheduler that has judged host h, about its eviction after a silence.
func departed(registration string, silence time.Duration) string {
	return lineOf(registration, silence, at(2.5).Add(-silence))
}

// mirrored is the line of another scheduler, to which the host counted as heard.
func mirrored(registration string, silence time.Duration) string {
	return lineOf(registration, silence, at(2.5))
}

func lineOf(registration string, silence time.Duration, lastContact time.Time) string {
	b, _ := json.Marshal(map[string]any{
		"msg": "departed", "host": "h", "kind": "evicted", "registration": registration, "at": at(2.5),
		"last_contact": lastContact, "silence": silence, "timeout": 2 * time.Second, "freed": 3,
	})
	return string(b)
}

func cleaned(registration string) string {
	return fmt.Sprintf(`{"msg":"shared cleanup","host":"h","registration":%q}`, registration)
}

func announced(registration string, seconds float64) string {
	b, _ := json.Marshal(map[string]any{"time": at(seconds), "msg": "announced", "host": "h", "registration": registration})
	return string(b)
}

// A departure that all schedulers have seen counts once. Its times are those of the
// scheduler that has judged the host, also if another one logs first.
func TestADepartureCountsOnce(t *testing.T) {
	r := cluster.NewRecorded(2)
	r.Read(0, mirrored("1", 2100*time.Millisecond))
	r.Read(1, departed("1", 2100*time.Millisecond))
	r.Read(1, cleaned("1"))
	n, problems := r.End()
	require.Empty(t, problems)
	require.Equal(t, cluster.Tally{Evictions: 1, Departures: []int{1, 1}, Shared: 1}, n)
	require.Equal(t, []time.Time{at(0.4)}, r.LastContacts())
}

// What a scheduler has not seen, what had no shared cleanup, and what departed twice is a problem.
func TestATallyFindsWhatIsMissing(t *testing.T) {
	for want, lines := range map[string][2][]string{
		"not all schedulers have seen all of 1 departures": {{departed("1", 2100*time.Millisecond), cleaned("1")}, nil},
		"1 departures have had no shared cleanup":          {{departed("1", 2100*time.Millisecond)}, {departed("1", 2100*time.Millisecond)}},
		"not all schedulers have seen all of 2 departures": {
			{departed("1", 2100*time.Millisecond), departed("1", 2100*time.Millisecond), cleaned("1")}, {departed("1", 2100*time.Millisecond)},
		},
	} {
		r := cluster.NewRecorded(2)
		for i := range lines {
			for _, l := range lines[i] {
				r.Read(i, l)
			}
		}
		_, problems := r.End()
		require.Equal(t, []string{want}, problems)
	}
}

// A cleanup that was done again is shown, and is no problem: an engine may lose that it was done.
func TestATallyCountsRepeatedCleanups(t *testing.T) {
	r := cluster.NewRecorded(2)
	for i := range 2 {
		r.Read(i, departed("1", 2100*time.Millisecond))
		r.Read(i, cleaned("1"))
	}
	n, problems := r.End()
	require.Empty(t, problems)
	require.Equal(t, 2, n.Shared)
	require.Equal(t, 1, n.Again)
}

// An eviction is wrong if it was too early by its own evidence, or by the log of the host. An attempt
// may take 250 ms.
func TestATallyFindsWrongEvictions(t *testing.T) {
	for name, c := range map[string]struct {
		silence time.Duration
		acked   string
		wrong   int
	}{
		"in time":                        {2100 * time.Millisecond, announced("1", 0.4), 0},
		"too early by the evidence":      {1900 * time.Millisecond, announced("1", 0.4), 1},
		"heard by another scheduler":     {2100 * time.Millisecond, announced("1", 0.8), 1},
		"perhaps heard before":           {2100 * time.Millisecond, announced("1", 0.7), 0},
		"heard in the next registration": {2100 * time.Millisecond, announced("2", 2.4), 0},
		"answered after the eviction":    {2100 * time.Millisecond, announced("1", 2.6), 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, line := range []func(string, time.Duration) string{departed, mirrored} {
				r := cluster.NewRecorded(1)
				r.Read(-1, c.acked)
				r.Read(0, line("1", c.silence))
				r.Read(0, cleaned("1"))
				n, problems := r.End()
				require.Equal(t, c.wrong, n.Wrong)
				require.Len(t, problems, c.wrong)
			}
		})
	}
}

// A host that only some schedulers list is not there for all, and is not gone.
func TestListsAreCompared(t *testing.T) {
	require.Equal(t, map[string]bool{"a": true, "b": false, "c": false},
		cluster.Intersect(map[string]bool{"a": true, "b": true}, map[string]bool{"a": true, "c": true}))
}
