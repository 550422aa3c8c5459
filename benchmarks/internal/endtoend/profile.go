package endtoend

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
)

// shareRows are the shares of processor time that went into the registry: all of
// it, and by what was called.
func shareRows(file string, log io.Writer) ([]report.Row, error) {
	if !interruptible {
		_, _ = fmt.Fprintln(log, "endtoend: the registry's share is left out: this system can't ask the scheduler to end")
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	p, err := profile.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("profile of the scheduler: %w", err)
	}
	total, calls, err := registry(p)
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(log, "endtoend: the scheduler took %.1f s of processor time, sampled every %v\n",
		time.Duration(total).Seconds(), time.Duration(p.Period))
	row := func(peer string, ns int64) report.Row {
		return report.Row{Measure: "grpc_registry_share", Peer: peer, Value: 100 * float64(ns) / float64(total), Unit: "%"}
	}
	var all int64
	for _, ns := range calls {
		all += ns
	}
	return []report.Row{
		row("scheduler", all), row("scheduler, Announce", calls["Announce"]), row("scheduler, sweep", calls["Run"]),
	}, nil
}

// registry sums up the processor time of a profile, and that of the samples with a
// frame in the registry, by the method that was called from outside.
func registry(p *profile.Profile) (total int64, calls map[string]int64, err error) {
	cpu := -1
	for i, t := range p.SampleType {
		if t.Type == "cpu" {
			cpu = i
		}
	}
	if cpu < 0 {
		return 0, nil, errors.New("profile of the scheduler: it has no processor time")
	}
	calls = map[string]int64{}
	for _, s := range p.Sample {
		total += s.Value[cpu]
		if method := called(s); method != "" {
			calls[method] += s.Value[cpu]
		}
	}
	if total == 0 {
		return 0, nil, errors.New("profile of the scheduler: it has no samples")
	}
	return total, calls, nil
}

// called is the outermost function of the registry in a stack, without package and
// receiver: frames come with the innermost first, and so do the lines of one frame
// that were inlined into each other.
func called(s *profile.Sample) (method string) {
	for _, frame := range s.Location {
		for _, line := range frame.Line {
			if line.Function == nil {
				continue
			}
			if name, ok := strings.CutPrefix(line.Function.Name, library+"/hostmgr."); ok {
				method = name[strings.LastIndexByte(name, '.')+1:]
			}
		}
	}
	return method
}
