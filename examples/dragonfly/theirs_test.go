package dragonfly_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
)

// failing names each test of Dragonfly's that does not pass, with the reason.
var failing = map[string]string{}

// Dragonfly's own tests of its host manager and of its package gc pass on hostlife. The source is
// that of the version which go.mod requires. Its test files stay as they are.
func TestDragonflysOwnTests(t *testing.T) {
	dir := grafted(t)
	for _, x := range []struct {
		pattern, folder string
		least           int // tests without subtests, and subtests
	}{
		{"^TestHostManager", "./scheduler/resource/standard", 19},
		{".", "./pkg/gc", 10},
	} {
		t.Run(x.folder, func(t *testing.T) { requireResults(t, dir, x.pattern, x.least, x.folder) })
	}
}

// So do all tests of its scheduler.
func TestDragonflysScheduler(t *testing.T) {
	if !effort.Long() {
		t.Skip("HOSTLIFE_LONG=1 is not set: this compiles all of Dragonfly's scheduler")
	}
	requireResults(t, grafted(t), ".", 500, "./scheduler/...")
}

// grafted returns a copy of Dragonfly's source with our packages in place of its own.
func grafted(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyTree(t, sourceOfTheirs(t), dir)
	for i := range grafts {
		grafts[i].apply(t, dir)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	command(t, dir, "mod", "edit", "-require=github.com/hostlife/hostlife@v0.0.0", "-replace=github.com/hostlife/hostlife="+root)
	var sums []byte // ours has the modules that hostlife needs
	for _, name := range []string{filepath.Join(dir, "go.sum"), "go.sum"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		sums = append(sums, text...)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	return dir
}

// sourceOfTheirs returns the folder of the version of Dragonfly that go.mod requires.
func sourceOfTheirs(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(command(t, ".", "list", "-m", "-f", "{{.Dir}}", "d7y.io/dragonfly/v2"))
}

// copyTree copies files of the module cache, which are read-only.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	require.NoError(t, filepath.WalkDir(to, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(name, 0o700)
		}
		return os.Chmod(name, 0o600)
	}))
}

func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := runGo(dir, args...)
	require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), out)
	return out
}

// runGo runs a go command in a module by itself, and returns what it writes.
func runGo(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// requireResults runs tests. Those that fail must be the ones that failing names.
func requireResults(t *testing.T, dir, pattern string, least int, folder string) {
	t.Helper()
	out, err := runGo(dir, "test", "-mod=mod", "-json", "-count=1", "-run", pattern, folder)
	results := resultsOf(out)
	passed, failed := 0, 0
	for name, action := range results {
		switch {
		case isParent(results, name):
		case action == "pass" && failing[name] == "":
			passed++
		case action != "pass" && failing[name] != "":
			failed++
		default:
			t.Errorf("%s: %s", name, action)
		}
	}
	require.Equal(t, failed == 0, err == nil, out)
	require.GreaterOrEqual(t, passed, least, out)
	require.False(t, t.Failed(), out)
	t.Logf("%d passed, %d failed as named", passed, failed)
}

// resultsOf returns how each test ended, by its package and name.
func resultsOf(out string) map[string]string {
	results := map[string]string{}
	for line := range bytes.Lines([]byte(out)) {
		var event struct{ Action, Package, Test string }
		if json.Unmarshal(line, &event) != nil || event.Test == "" {
			continue
		}
		switch event.Action {
		case "run", "pass", "fail", "skip":
			results[strings.TrimPrefix(event.Package, theirs)+"."+event.Test] = event.Action
		}
	}
	return results
}

func isParent(results map[string]string, name string) bool {
	for other := range results {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}
