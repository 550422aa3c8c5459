package endtoend

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	// The stores of the scheduler, and its metrics, take long to compile. The go command compiles
	// them before it runs this test, so go build finds them in the cache. Otherwise both would
	// compile them at the same time.
	_ "github.com/hostlife/hostlife/contrib/hostetcd"
	_ "github.com/hostlife/hostlife/contrib/hostprom"
	_ "github.com/hostlife/hostlife/contrib/hostredis"
)

func TestMain(m *testing.M) {
	PeerMain()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "hostlife-endtoend-test-")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		built = sync.OnceValues(func() (exe string, err error) { return build(context.Background(), dir) })
		return m.Run()
	}())
}

// built builds the scheduler the first time, and returns the name of its file.
var built func() (exe string, err error)

// link is a builder for tests, which share one scheduler.
func link(_ context.Context, dir string) (exe string, err error) {
	shared, err := built()
	if err != nil {
		return "", err
	}
	exe = filepath.Join(dir, filepath.Base(shared))
	return exe, os.Link(shared, exe)
}

func TestMeasure(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var log bytes.Buffer
	rows, err := measure(t.Context(), plan{Hosts: 200, Workers: 8, Conns: 2, Flood: time.Second}, link, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	if r := rows[0]; r.Measure != "grpc_beats" || r.Peer != "scheduler" || r.Unit != "1/s" || r.Value < 1 {
		t.Errorf("%+v", r)
	}
	if interruptible && len(rows) != 4 {
		t.Errorf("%+v", rows)
	}
	for _, r := range rows[1:] {
		if r.Measure != "grpc_registry_share" || r.Unit != "%" || r.Value < 0 || r.Value > 100 {
			t.Errorf("%+v", r)
		}
	}
	requireNothingLeft(t)
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := time.Now()
	joined := writer(func(line []byte) {
		if bytes.Contains(line, []byte("have joined")) {
			cancel()
		}
	})
	_, err := measure(ctx, plan{Hosts: 200, Workers: 8, Conns: 2, Flood: time.Hour}, link, joined)
	if err == nil || ctx.Err() == nil || time.Since(began) > limit {
		t.Error(err)
	}
	requireNothingLeft(t)
}

func TestSchedulerThatDoesNotListen(t *testing.T) {
	exe, err := os.Executable() // knows none of the flags
	if err != nil {
		t.Fatal(err)
	}
	if _, err := startScheduler(t.Context(), exe, "profile", io.Discard); err == nil {
		t.Error("it listens")
	}
}

func TestPeerWithoutScheduler(t *testing.T) {
	c, err := runPeer(t.Context(), plan{Hosts: 1, Workers: 1, Conns: 1, Flood: time.Millisecond}, "127.0.0.1:1", io.Discard)
	if err == nil {
		t.Error(c)
	}
}

func TestShares(t *testing.T) {
	frame := func(names ...string) *profile.Location { // innermost first
		l := &profile.Location{}
		for _, n := range names {
			l.Line = append(l.Line, profile.Line{Function: &profile.Function{Name: n}})
		}
		return l
	}
	const method = library + "/hostmgr.(*Registry[go.shape.*uint8])."
	sample := func(ns int64, stack ...*profile.Location) *profile.Sample {
		return &profile.Sample{Location: stack, Value: []int64{1, ns}}
	}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples"}, {Type: "cpu"}},
		Sample: []*profile.Sample{
			sample(60, frame("runtime.futex"), frame("main.main")),
			sample(30, frame("runtime.lock"), frame(method+"join", method+"Announce"), frame("main.main")),
			sample(7, frame(method+"scan"), frame(method+"Run"), frame("main.main")),
			sample(3, frame(library+"/hostmgrs.Announce")),
		},
	}
	total, calls, err := registry(p)
	if err != nil || total != 100 || len(calls) != 2 || calls["Announce"] != 30 || calls["Run"] != 7 {
		t.Error(total, calls, err)
	}
	for _, empty := range []*profile.Profile{{}, {SampleType: p.SampleType}} {
		if _, _, err := registry(empty); err == nil {
			t.Error("no error")
		}
	}
}

// requireNothingLeft requires that the directory for temporary files is empty.
func requireNothingLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

type writer func(line []byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}
