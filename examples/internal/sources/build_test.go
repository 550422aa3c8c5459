package sources_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/examples/internal/sources"
)

// A program that is up to date is not linked again. One that is not is replaced: a process that runs
// it keeps its own. Nothing else is left in the cache.
func TestBuild(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("a program that runs cannot be replaced on Windows")
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} { // which would be in these folders
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		t.Setenv(name, strings.TrimSpace(string(value)))
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root, err := sources.Find()
	require.NoError(t, err)
	var program string
	build := func() os.FileInfo {
		var err error
		program, err = sources.Build(t.Context(), root, ".", "internal/housecount", io.Discard)
		require.NoError(t, err)
		f, err := os.Stat(program)
		require.NoError(t, err)
		all, err := os.ReadDir(filepath.Dir(program))
		require.NoError(t, err)
		require.Len(t, all, 1)
		return f
	}
	first := build()
	require.Positive(t, first.Size())
	require.True(t, os.SameFile(first, build()), "it is not linked again")

	self, err := os.Executable()
	require.NoError(t, err)
	other, err := os.ReadFile(self)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, other, 0o700))
	kept := filepath.Join(t.TempDir(), "kept")
	require.NoError(t, os.Link(program, kept))
	require.False(t, os.SameFile(first, build()), "it is another file")
	content, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.True(t, bytes.Equal(other, content), "the old one is not written to")

	_, err = sources.Build(t.Context(), root, ".", "no/such/package", io.Discard)
	require.ErrorContains(t, err, "go build of no/such/package")
}
