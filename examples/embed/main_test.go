package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const want = "silent evicted: freeing what silent had\nsteady left: freeing what steady had\n"

func TestEmbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		begun := time.Now()
		if err := run(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("got %q, want %q", &out, want)
		}
		// Silent has 200 ms; steady leaves at the first heartbeat after that.
		if took := time.Since(begun); took != 250*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// A stalled is a writer that takes very long.
type stalled struct{ io.Writer }

func (s stalled) Write(b []byte) (int, error) {
	time.Sleep(20 * time.Second) // less than Config.CleanupTimeout
	return s.Writer.Write(b)
}

// The loop is held up while silent is cleaned up: steady must not pay for it.
func TestAStallIsNobodysSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		if err := run(t.Context(), stalled{&out}); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("got %q, want %q", &out, want)
		}
	})
}

// A failing is a writer whose first writes fail.
type failing struct {
	io.Writer
	times int
}

func (f *failing) Write(b []byte) (int, error) {
	if f.times--; f.times >= 0 {
		return 0, io.ErrShortWrite
	}
	return f.Writer.Write(b)
}

// A cleanup that fails does not end the loop, and is repeated when the last host is gone.
func TestAFailedCleanupIsRepeated(t *testing.T) {
	for times := range 5 {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), &failing{&out, times}); err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.SplitAfter(want, "\n") {
				if !strings.Contains(out.String(), line) {
					t.Errorf("after %d failures got %q, not %q", times, &out, line)
				}
			}
		})
	}
}
