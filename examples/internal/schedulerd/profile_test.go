package schedulerd_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

// The profile is complete when the scheduler has stopped.
func TestCPUProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpu")
	s := start(t, "-cpuprofile", file)
	s.stop()
	require.NoError(t, <-s.done)
	s.done <- nil

	profile, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, []byte{0x1f, 0x8b}, profile[:2], "gzip, as pprof reads it")

	err = schedulerd.Main(t.Context(), []string{"-cpuprofile", t.TempDir()}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "-cpuprofile")
}
