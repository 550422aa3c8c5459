package gc_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// A nil context is context.Background().
func TestANilContext(t *testing.T) {
	for name, run := range map[string]func(*gc.GC) error{
		"RunNow":  func(g *gc.GC) error { return g.RunNow(nil, "a") },  //nolint:staticcheck // on purpose
		"RunNext": func(g *gc.GC) error { return g.RunNext(nil, "a") }, //nolint:staticcheck // on purpose
		"RunAll":  func(g *gc.GC) error { return g.RunAll(nil) },       //nolint:staticcheck // on purpose
	} {
		g := newGC(t, gc.Config{})
		add(t, g, "a", func(ctx context.Context) error { return ctx.Err() })
		require.NoError(t, run(g), name)
		require.EqualValues(t, 1, stats(t, g, "a").Runs, name)
	}
}

// Run does not end then.
func TestRunWithANilContext(t *testing.T) {
	g := newGC(t, gc.Config{})
	go runForEver(g)
	ended, end := context.WithCancel(t.Context())
	end()
	for !errors.Is(g.Run(ended), gc.ErrRunning) {
		runtime.Gosched()
	}
}

func runForEver(g *gc.GC) {
	for errors.Is(g.Run(nil), gc.ErrRunning) { //nolint:staticcheck // on purpose
		runtime.Gosched()
	}
}
