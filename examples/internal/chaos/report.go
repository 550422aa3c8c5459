package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hostlife/hostlife/examples/internal/chaos/verify"
)

// A tally is the sum of the rounds of a scenario.
type tally struct {
	Scenario    string        `json:"scenario"`
	Rounds      int           `json:"rounds"`
	Contacts    int           `json:"contacts"`
	Joins       int           `json:"joins"`
	Left        int           `json:"left"`
	Replaced    int           `json:"replaced"`
	Evictions   int           `json:"evictions"`
	Alive       int           `json:"alive"`     // hosts that were alive, but silent, when they were evicted
	InWindow    int           `json:"in_window"` // of them, those that were heard after the question
	Wrong       int           `json:"wrong"`
	Away        int           `json:"away"`
	Lost        int           `json:"lost"`
	Late        int           `json:"late"`
	Doubles     int           `json:"doubles"`
	Excused     int           `json:"excused"`
	HandedOver  int           `json:"handed_over"`
	Buried      int           `json:"buried"`
	WritesLost  int           `json:"writes_lost"`
	Stalls      int           `json:"stalls"` // of the machine
	Other       int           `json:"other"`  // views that differ, histories with gaps, rounds without their fault
	Longest     time.Duration `json:"-"`
	LongestMS   float64       `json:"longest_ms"`
	Latest      time.Duration `json:"-"`
	LatestMS    float64       `json:"latest_ms"`
	FailedIn    []string      `json:"failed_in,omitempty"` // folders
	BreachTexts []string      `json:"breaches,omitempty"`
}

// add adds a round, and returns its breaches.
func (t *tally) add(r *verify.Report, dir string) []string {
	t.Rounds++
	t.Contacts += r.Contacts
	t.Joins += r.Joins
	t.Left += r.Left
	t.Replaced += r.Replaced
	t.Evictions += r.Evictions
	t.Alive += r.Alive
	t.Away += len(r.Away)
	t.InWindow += r.InWindow
	t.Wrong += len(r.Wrong)
	t.Lost += len(r.Lost)
	t.Late += len(r.Late)
	t.Doubles += len(r.Doubles)
	t.Excused += r.Excused
	t.HandedOver += r.HandedOver
	t.Buried += r.Buried
	t.WritesLost += r.WritesLost
	t.Stalls += r.Stalls
	t.Other += len(r.Views) + len(r.Gaps)
	t.Longest = max(t.Longest, r.Longest)
	t.Latest = max(t.Latest, r.Latest)
	t.LatestMS = float64(t.Latest) / float64(time.Millisecond)
	t.LongestMS = float64(t.Longest) / float64(time.Millisecond)
	breaches := r.Breaches()
	if len(breaches) > 0 {
		t.FailedIn = append(t.FailedIn, dir)
		t.BreachTexts = append(t.BreachTexts, breaches[:min(len(breaches), 20)]...)
	}
	return breaches
}

func (t *tally) ok() bool { return len(t.FailedIn) == 0 }

const legend = `
alive: evicted hosts whose process went on. window: of them, those that were heard between the
question and the eviction.
longest: from the end of a host until the last scheduler showed its eviction.
latest: the same, from the end of the last fault or stall that came in between. stalls: a scheduler
or this program did not run for 0.3 s or more, although it was not frozen: the machine was busy.
`

// report prints the table, and fails if there was a breach.
func report(w io.Writer, tallies []tally, asJSON bool) error {
	ok := true
	_, _ = fmt.Fprintf(w, "\n%-21s %6s %9s %9s %5s %6s %5s %4s %4s %4s %7s %7s %6s %6s %6s %6s %8s %8s\n", "scenario", "rounds",
		"contacts", "evictions", "alive", "window", "wrong", "away", "lost", "late", "doubles", "excused", "other", "handed", "writes", "stalls", "longest", "latest")
	for i := range tallies {
		t := &tallies[i]
		_, _ = fmt.Fprintf(w, "%-21s %6d %9d %9d %5d %6d %5d %4d %4d %4d %7d %7d %6d %6d %6d %6d %7.2fs %7.2fs\n", t.Scenario, t.Rounds,
			t.Contacts, t.Evictions, t.Alive, t.InWindow, t.Wrong, t.Away, t.Lost, t.Late, t.Doubles, t.Excused, t.Other,
			t.HandedOver, t.WritesLost, t.Stalls, t.Longest.Seconds(), t.Latest.Seconds())
		ok = ok && t.ok()
	}
	_, _ = fmt.Fprint(w, legend)
	if asJSON {
		if err := json.NewEncoder(w).Encode(map[string]any{"ok": ok, "scenarios": tallies}); err != nil {
			return err
		}
	}
	if !ok {
		return errBreach
	}
	return nil
}
