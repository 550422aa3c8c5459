package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"text/tabwriter"

	"github.com/hostlife/hostlife/examples/internal/replay/outage"
	"github.com/hostlife/hostlife/hostmgr/flight"
)

// verdicts count how a policy judges the silences of a log.
type verdicts struct {
	Silences int `json:"silences"`
	Changed  int `json:"changed"`
	Kept     int `json:"kept"`    // of those, evictions that would not have happened
	Evicted  int `json:"evicted"` // of those, hosts that were heard again and would have been evicted
	Unjudged int `json:"unjudged,omitempty"`
}

// judge judges the silences of the log again by each chosen policy, and prints which verdicts change.
func (c *config) judge(ctx context.Context, stdout, stderr io.Writer, chosen []played) error {
	var judged atomic.Int64
	defer watch(stderr, func() string { return fmt.Sprintf("%d silences judged", judged.Load()) })()
	for i := range chosen {
		v, err := c.judgeBy(ctx, stdout, stderr, chosen[i].contender, &judged)
		if err != nil {
			return err
		}
		chosen[i].verdicts = v
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "verdicts\tsilences\tchanged\tevicted, would be kept\theard again, would be evicted\t")
	for i := range chosen {
		v := chosen[i].verdicts
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", chosen[i].name, v.Silences, v.Changed, v.Kept, v.Evicted)
	}
	_ = w.Flush()
	_, _ = fmt.Fprintln(stdout)
	return nil
}

func (c *config) judgeBy(ctx context.Context, stdout, stderr io.Writer, p contender, judged *atomic.Int64) (*verdicts, error) {
	f, err := open(ctx, c.trace, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	v := &verdicts{}
	for verdict, err := range flight.Replay(outage.Log(f), p.policy) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			v.failed(stderr, p.name, verdict.Kind, err)
			continue
		}
		judged.Add(1)
		v.add(verdict)
		if c.verdicts && verdict.Change != "" {
			_, _ = fmt.Fprintf(stdout, "%s: %v\n", p.name, verdict)
		}
	}
	return v, nil
}

// failed counts a silence that could not be judged, and prints the reason of the first one. Lines that are
// not records are counted by the reader of the trace.
func (v *verdicts) failed(stderr io.Writer, policy, kind string, err error) {
	if kind == "" || errors.Is(err, flight.ErrLine) {
		return
	}
	if v.Unjudged++; v.Unjudged == 1 {
		_, _ = fmt.Fprintf(stderr, "replay: %s: %v (further errors are only counted)\n", policy, err)
	}
}

func (v *verdicts) add(f flight.Verdict) {
	v.Silences++
	if f.Change == "" {
		return
	}
	v.Changed++
	switch {
	case f.Kind == "evicted" && f.Due.IsZero():
		v.Kept++
	case f.Kind == "late" && f.Record.Due.IsZero():
		v.Evicted++
	}
}
