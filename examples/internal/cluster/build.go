package cluster

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hostlife/hostlife/examples/internal/sources"
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

// build builds a program of the repository.
func (t *trial) build(root, module, pkg string) (program string, err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("-schedulers builds its programs: %w", err)
	}
	t.timeline.event("go build", filepath.Base(pkg), "")
	t.timeline.wait("for go build")
	begun := time.Now()
	var out bytes.Buffer
	if program, err = sources.Build(t.ctx, root, module, pkg, &out); err != nil {
		err = fmt.Errorf("-schedulers builds its programs: %w", err)
		if out.Len() > 0 {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(out.Bytes()))
		}
		return "", err
	}
	t.timeline.event("built", filepath.Base(pkg), "in %s", short(time.Since(begun)))
	return program, nil
}
