//go:build unix

package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/examples/internal/replay"
	"github.com/hostlife/hostlife/hostmgr"
)

// What goes on is said to a pipe that is not read: the command ends all the same.
func TestAnErrorOutputThatIsNotRead(t *testing.T) {
	file, err := filepath.Abs(filepath.Join("outage", "testdata", "hostile.tab"))
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- replay.Main(t.Context(), []string{"-trace", file}, io.Discard, w) }()
		defer func() { _ = r.Close() }()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(time.Hour):
			t.Error("it waits for its error output")
		}
	})
}

// A named pipe has no other end, or one that is silent: the command ends when it is told to.
func TestAPipeWithoutAnotherEnd(t *testing.T) {
	for _, args := range [][]string{{"-trace"}, {"-format", "hostlife", "-trace"}, {"-days", "1", "-generate"}, {"-days", "1", "-plot"}} {
		for _, other := range []bool{false, true} {
			name := filepath.Join(t.TempDir(), "pipe")
			require.NoError(t, syscall.Mkfifo(name, 0o600))
			if other && args[len(args)-1] == "-trace" {
				f, err := os.OpenFile(name, os.O_RDWR, 0)
				require.NoError(t, err)
				defer func() { _ = f.Close() }()
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- replay.Main(ctx, append(args[:len(args):len(args)], name), io.Discard, io.Discard) }()
			select {
			case err := <-done:
				t.Errorf("%v: it ended: %v", args, err)
			case <-time.After(50 * time.Millisecond):
			}
			cancel()
			select {
			case err := <-done:
				require.ErrorIs(t, err, context.Canceled)
			case <-time.After(10 * time.Second):
				t.Errorf("%v: it does not end", args)
			}
		}
	}
}

// A trace may come from a pipe, but no log: it is read several times.
func TestATraceFromAPipe(t *testing.T) {
	for content, want := range map[string]error{"a,1000,2000\nb,3000,4000\n": nil, record(t, hostmgr.Fixed(2)): cli.ErrUsage} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		go func() {
			_, _ = io.WriteString(w, content)
			_ = w.Close()
		}()
		args := []string{"-trace", fmt.Sprintf("/dev/fd/%d", r.Fd()), "-policies", "fixed:2"}
		require.ErrorIs(t, replay.Main(t.Context(), args, io.Discard, io.Discard), want)
		require.NoError(t, r.Close())
	}
}

// A trace that is too large to wait for is being generated, or written.
func TestGeneratingStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := replay.Main(ctx, []string{"-nodes", "100000", "-generate", filepath.Join(t.TempDir(), "x")}, io.Discard, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
}
