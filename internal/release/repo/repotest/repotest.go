// Package repotest makes repositories for tests.
package repotest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/release/repo"
)

// New makes a repository with one commit of files. The settings of the user of this machine have no
// effect on it.
func New(t *testing.T, files map[string]string) repo.Repo {
	t.Helper()
	return NewIn(t, func(dir string) {
		for name, text := range files {
			Write(t, filepath.Join(dir, name), text)
		}
	})
}

// NewIn makes a repository with one commit of the files that fill writes.
func NewIn(t *testing.T, fill func(dir string)) repo.Repo {
	t.Helper()
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+role+"_NAME", "test")
		t.Setenv("GIT_"+role+"_EMAIL", "test@example.com")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	r := repo.Repo{Dir: t.TempDir()}
	fill(r.Dir)
	Git(t, r, "init", "--quiet")
	Git(t, r, "add", ".")
	Git(t, r, "commit", "--quiet", "--message", "all: begin")
	return r
}

// Ours returns the repository of this package. The go command keeps the results of tests, and notices
// changes of files in their module only. So .ci/run puts the commit into an environment variable.
func Ours(t *testing.T) repo.Repo {
	t.Helper()
	t.Log("commit", os.Getenv("HOSTLIFE_COMMIT"))
	r, err := repo.Open(".")
	require.NoError(t, err)
	return r
}

// Git runs git and returns what it prints.
func Git(t *testing.T, r repo.Repo, args ...string) string {
	t.Helper()
	out, err := r.Git(args...)
	require.NoError(t, err)
	return out
}

// Write writes a file, and makes its folder.
func Write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}
