package dragonfly_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
)

// The patches apply to the version of Dragonfly that go.mod requires. Afterwards the scheduler calls
// Heard where it stored UpdatedAt of a host.
func TestPatchesApply(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, filepath.Join(sourceOfTheirs(t), "scheduler"), filepath.Join(dir, "scheduler"))
	for _, name := range []string{"scheduler.patch", "tasks.patch"} {
		patch, err := filepath.Abs(filepath.Join("testdata", name))
		require.NoError(t, err)
		shell(t, dir, "git apply "+patch)
	}
	require.Len(t, linesWith(t, dir, callsHeard), 6)
	stores := linesWith(t, dir, storesUpdatedAt)
	require.Len(t, stores, 1)
	require.Contains(t, stores[0], "`host_manager.go`") // Heard of Dragonfly's own manager
}

// The commands of MIGRATING.md change Dragonfly's scheduler as they stand there, and all tests of
// the scheduler pass then.
func TestMigration(t *testing.T) {
	if !effort.Long() {
		t.Skip("HOSTLIFE_LONG=1 is not set: this compiles all of Dragonfly's scheduler")
	}
	blocks := commandsOfMigrating(t)
	require.Len(t, blocks, 3) // the patch, the optional one, and the tests
	dir := t.TempDir()
	copyTree(t, sourceOfTheirs(t), dir)
	shell(t, dir, blocks[0]+"go vet ./scheduler/... ./cmd/scheduler\n")
	requireResults(t, dir, ".", 500, "./scheduler/...")
	require.Equal(t, "go vet ./scheduler/...\ngo test ./scheduler/...\n", blocks[2])

	variables := blocks[0][:strings.Index(blocks[0], "git apply")]
	shell(t, dir, variables+blocks[1]+"go vet ./scheduler\n")
}

// commandsOfMigrating returns the blocks of commands, with the path of this repository.
func commandsOfMigrating(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("MIGRATING.md")
	require.NoError(t, err)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), "/path/to/hostlife"))
	var blocks []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, strings.ReplaceAll(block[1], "/path/to/hostlife", root))
	}
	return blocks
}

// shell runs commands in a folder, and ends at the first one that fails. The folder is outside any
// git repository.
func shell(t *testing.T, dir, commands string) {
	t.Helper()
	cmd := exec.Command("sh", "-eu", "-c", commands)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", commands, out)
}
