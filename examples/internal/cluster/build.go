package cluster

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// plan says what a run begins with, before anything takes long.
func (c Config) plan() string {
	what := fmt.Sprintf("it plays %s with %d peers", names(c.Scenarios), c.Peers)
	if c.Serve {
		what = fmt.Sprintf("it serves with %d peers", c.Peers)
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
