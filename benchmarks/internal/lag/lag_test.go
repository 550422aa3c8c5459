package lag

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/hostlife/hostlife/benchmarks/internal/report"
	"github.com/hostlife/hostlife/hostmgr"
)

// small leaves the harness 600 ms of slack on a machine that is busy with other
// tests.
var small = plan{living: 200, dying: 20, interval: 200 * time.Millisecond, multiple: 4}

func TestMeasure(t *testing.T) {
	var log bytes.Buffer
	rows, err := measure(t.Context(), small, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	values := map[string]report.Row{}
	for _, r := range rows {
		if r.Value < 0 {
			t.Errorf("%+v", r)
		}
		if r.Peer == peer {
			values[r.Measure] = r
		}
	}
	p50, p99, most := values["lag_p50"], values["lag_p99"], values["lag_max"]
	if p50.Unit != "us" || p50.Value > p99.Value || p99.Value > most.Value || most.Value == 0 {
		t.Errorf("%+v", rows)
	}
	if !slices.ContainsFunc(rows, func(r report.Row) bool { return r.Measure == "lag_p99" && r.Peer == timer }) {
		t.Errorf("nothing to hold the lags against: %+v", rows)
	}
	cpu, ok := values["run_cpu"]
	if ok != (runtime.GOOS == "linux") || ok && cpu.Unit != "us/s" { // it may be 0 in so short a time
		t.Errorf("%+v\n%s", rows, &log)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := measure(ctx, small, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A host that departs without having died, or dies without departing, is not a figure but an
// error.
func TestJudgeRefuses(t *testing.T) {
	heartbeat := time.Now().Add(-small.timeout())
	dead := func() departure {
		return departure{
			Departure: hostmgr.Departure[*mortal]{
				Kind: hostmgr.DepartureEvicted,
				Host: hostmgr.Host[*mortal]{ID: "id", Metadata: &mortal{lastHeartbeat: heartbeat}, EvictAt: time.Now()},
			},
			cleaned: time.Now(),
		}
	}
	for name, change := range map[string]func(tr *trial){
		"none departed": func(tr *trial) { tr.gone = nil },
		"twice":         func(tr *trial) { tr.gone = append(tr.gone, tr.gone[0]) },
		"alive":         func(tr *trial) { tr.gone[0].Host.Metadata = nil },
		"left":          func(tr *trial) { tr.gone[0].Kind = hostmgr.DepartureLeft },
		"missing":       func(tr *trial) { tr.crowd = make([]host, 1) },
		"early":         func(tr *trial) { tr.gone[0].cleaned = heartbeat },
	} {
		tr, err := newTrial(small, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		d := dead()
		tr.gone, tr.mortals = []departure{d}, []*mortal{d.Host.Metadata}
		if _, err := tr.judge(); err != nil {
			t.Fatal(err)
		}
		change(tr)
		if l, err := tr.judge(); err == nil {
			t.Errorf("%s: %v", name, l)
		}
	}
}

func TestPercentile(t *testing.T) {
	l := lags{1, 2, 3, 4}
	if l.percentile(50) != 2 || l.percentile(99) != 4 || l.percentile(100) != 4 || (lags{7}).percentile(50) != 7 {
		t.Error("nearest rank")
	}
}
