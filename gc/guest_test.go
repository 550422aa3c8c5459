package gc_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/gc"
)

// An error whose methods fail is a failure of its task only.
type strange struct{ does func() bool }

func (s *strange) Error() string   { s.does(); return "strange" }
func (s *strange) Is(error) bool   { return s.does() }
func (s *strange) String() string  { s.does(); return "strange" }
func (s *strange) Unwrap() []error { s.does(); return nil }

func TestErrorsWithMethodsThatFail(t *testing.T) {
	for name, does := range map[string]*strange{
		"nil":    nil,
		"panic":  {func() bool { panic("the error's") }},
		"Goexit": {func() bool { runtime.Goexit(); return false }},
	} {
		for how, end := range map[string]func() error{
			"returned": func() error { return does },
			"panicked": func() error { panic(does) },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var book logbook
					g := newGC(t, gc.Config{Logger: book.logger()})
					require.NoError(t, g.Add(gc.Task{ID: "a", Interval: time.Second, Timeout: 100 * time.Millisecond,
						Run: func(ctx context.Context) error { <-ctx.Done(); return end() }}))
					add(t, g, "b", nothing)
					stop := start(t, g)
					time.Sleep(3500 * time.Millisecond)
					require.Error(t, g.RunNow(t.Context(), "a"))
					require.NoError(t, stop())
					require.EqualValues(t, 3, stats(t, g, "b").Runs)
					s := stats(t, g, "a")
					require.EqualValues(t, 4, s.Runs)
					require.EqualValues(t, 4, s.Errors+s.Panics)
				})
			})
		}
	}
}
