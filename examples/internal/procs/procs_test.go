//go:build unix

package procs_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/procs"
)

func TestNoProcessOutlivesKillAll(t *testing.T) {
	g := procs.New()
	runs, err := g.Start("runs", exec.Command("sleep", "60"))
	require.NoError(t, err)
	stopped, err := g.Start("stopped", exec.Command("sleep", "60"))
	require.NoError(t, err)
	stopped.Signal(syscall.SIGSTOP)
	_, err = g.Start("missing", exec.Command("/no/such/program"))
	require.Error(t, err)
	gone, _ := runs.Exited()
	require.False(t, gone)
	began := time.Now()
	g.KillAll()
	require.Less(t, time.Since(began), 30*time.Second)
	for _, p := range []*procs.Proc{runs, stopped} {
		gone, err := p.Exited()
		require.True(t, gone)
		require.ErrorContains(t, err, "killed")
	}
	_, err = g.Start("late", exec.Command("sleep", "60"))
	require.Error(t, err)
	g.KillAll()
}
