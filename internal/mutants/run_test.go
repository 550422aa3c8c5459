package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An overlay maps files of ours to the files that the go command compiles instead. An empty name
// leaves the file out.
type overlay map[string]string

// edit makes the edited file of a mutant.
func edit(t *testing.T, root string, m *mutant) overlay {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), m.is),
		"the mutant does not fit: %s must have this exactly once:\n%s", m.file, m.is)
	edited := filepath.Join(t.TempDir(), filepath.Base(file))
	write(t, edited, []byte(strings.Replace(string(source), m.is, m.becomes, 1)))
	return overlay{file: edited}
}

// save writes an overlay for the go command, and returns the name of its file.
func save(t *testing.T, o overlay) string {
	t.Helper()
	text, err := json.Marshal(map[string]overlay{"Replace": o})
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "overlay.json")
	write(t, name, text)
	return name
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, text, 0o600))
}

// A result is what a run of tests gave.
type result struct {
	built bool
	tests map[string]string // by name: pass, fail, skip, or run if the process ended in between
	hung  bool
	text  string // all output
}

// run runs the tests of a package that the pattern matches as a whole.
func run(t *testing.T, root string, timeout time.Duration, dir, tests string, args ...string) result {
	t.Helper()
	args = append([]string{"test", "-json", "-vet=off", "-race=false", "-count=1",
		"-gcflags=-N -l -dwarf=false", // nearly all the time goes to the compiler, and half of that to optimising
		"-timeout=" + timeout.String(), "-run=^(?:" + tests + ")$"}, args...)
	c := exec.CommandContext(t.Context(), "go", append(args, "./"+dir)...)
	c.Dir = root
	c.Env = append(c.Environ(), "HOSTLIFE_LONG=", "CI=true") // as in CI
	out, err := c.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := result{built: true, tests: map[string]string{}}
	for line := range bytes.Lines(out) {
		r.add(line)
	}
	if exit != nil {
		r.text += string(exit.Stderr)
	}
	return r
}

// add takes in one line of test2json.
func (r *result) add(line []byte) {
	var e struct{ Action, Test, Output, FailedBuild string }
	if err := json.Unmarshal(line, &e); err != nil {
		r.text += string(line)
		return
	}
	r.text += e.Output
	r.built = r.built && e.FailedBuild == ""
	r.hung = r.hung || strings.HasPrefix(e.Output, "panic: test timed out after")
	if e.Test != "" && e.Action != "output" {
		r.tests[e.Test] = e.Action
	}
}
