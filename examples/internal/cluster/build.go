package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// errNoSources is that of a binary that runs without its sources. Several schedulers need the
// clients of Redis and etcd, and a server. This binary has none, so that it compiles quickly.
var errNoSources = errors.New("-schedulers builds its programs, and finds no sources: run it in a copy of the repository of hostlife, as go run ./examples/cluster")

// findSources returns the folder of the repository: the one that this process runs in, or the one
// that this binary was built from.
func findSources() (root string, err error) {
	var candidates []string
	if dir, err := os.Getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			candidates = append(candidates, dir)
		}
	}
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		candidates = append(candidates, filepath.Join(filepath.Dir(file), "..", "..", ".."))
	}
	for _, dir := range candidates {
		if isRoot(dir) {
			return dir, nil
		}
	}
	return "", errNoSources
}

func isRoot(dir string) bool {
	for _, file := range []string{"go.work", "examples/scheduler/main.go", "contrib/hostetcd/cmd/hostetcd/main.go"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
			return false
		}
	}
	return true
}

// plan says what a run begins with, before anything takes long.
func (c Config) plan() string {
	what := fmt.Sprintf("%d scenarios with %d peers", len(c.Scenarios), c.Peers)
	if c.Serve {
		what = fmt.Sprintf("a cluster with %d peers", c.Peers)
	}
	if c.Schedulers == 0 {
		return what
	}
	programs := "the scheduler"
	if c.Redis == "" {
		programs += " and the etcd server"
	}
	return fmt.Sprintf("%s and %d schedulers. First it compiles %s: minutes the first time, seconds later", what, c.Schedulers, programs)
}

// build builds a program of the repository into the temporary folder. It leaves out the tables for a
// debugger, which take a third of the time to link.
func (t *trial) build(root, module, pkg string) (path string, err error) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("-schedulers builds its programs: %w", err)
	}
	path = filepath.Join(t.engine.dir, filepath.Base(pkg))
	t.timeline.event("go build", filepath.Base(pkg), "")
	t.timeline.wait("for go build")
	begun := time.Now()
	cmd := exec.CommandContext(t.ctx, goTool, "build", "-ldflags=-s -w", "-o", path, "./"+pkg)
	cmd.Dir, cmd.WaitDelay = filepath.Join(root, filepath.FromSlash(module)), time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build of %s: %w: %s", pkg, err, bytes.TrimSpace(out.Bytes()))
	}
	t.timeline.event("built", filepath.Base(pkg), "in %s", short(time.Since(begun)))
	return path, nil
}
