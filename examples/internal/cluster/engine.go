package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hostlife/hostlife/examples/internal/sources"
)

// An engine holds the table that the schedulers share: Redis or etcd.
type engine struct {
	dir       string // a temporary folder
	scheduler string // the program that has the clients
	url       string // as the schedulers take it
	namespace string
	server    string                    // the program; empty: the engine was there before
	flags     func(dir string) []string // of the server, which begins empty in a folder
	ready     string                    // that it prints when it accepts connections
	starts    int                       // so far
	proc      *proc                     // of the server
	away      atomic.Bool               // a scenario has stopped or killed the server
}

const lapse = 5 * time.Second // of the schedulers: the default

// args are the flags of a scheduler that shares its hosts.
func (e *engine) args(name string) []string {
	return []string{"-share", e.url, "-share-namespace", e.namespace, "-share-name", name,
		"-lapse", lapse.String(), "-with-stdin"}
}

// openEngine builds what is needed, and starts the engine if there is none.
func (t *trial) openEngine() error {
	root, err := sources.Find()
	if err != nil {
		return fmt.Errorf("-schedulers builds its programs: %w", err)
	}
	t.engine = &engine{namespace: "hostlife-cluster-" + strings.ToLower(rand.Text()[:10])}
	if t.engine.dir, err = os.MkdirTemp("", "hostlife-cluster-"); err != nil {
		return err
	}
	if err := t.chooseEngine(root); err != nil {
		return err
	}
	if t.engine.scheduler, err = t.build(root, "examples", "scheduler"); err != nil {
		return err
	}
	return t.startEngine()
}

func (t *trial) chooseEngine(root string) (err error) {
	e := t.engine
	if t.cfg.Redis != "" && t.cfg.Redis != "start" {
		e.url = "redis://" + t.cfg.Redis
		return answers(t.cfg.Redis)
	}
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	if t.cfg.Redis == "start" {
		return e.useRedis(addr)
	}
	e.url, e.ready = "etcd://"+addr, "listening on "
	e.flags = func(dir string) []string { return []string{"-listen", addr, "-dir", dir, "-with-stdin"} }
	e.server, err = t.build(root, "contrib/hostetcd", "cmd/hostetcd")
	return err
}

func (e *engine) useRedis(addr string) (err error) {
	if e.server, err = exec.LookPath("redis-server"); err != nil {
		return fmt.Errorf("-redis start: %w; in Debian: apt-get install redis-server", err)
	}
	host, port, err := net.SplitHostPort(addr)
	e.url, e.ready = "redis://"+addr, "Ready to accept connections"
	e.flags = func(dir string) []string {
		return []string{"--bind", host, "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"}
	}
	return err
}

// answers returns an error if no server accepts connections.
func answers(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, 3*time.Second)
	if err != nil {
		return fmt.Errorf("-redis: %w", err)
	}
	return conn.Close()
}

func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// startEngine starts the server, if it is ours, and waits until it is ready. Each start is empty.
func (t *trial) startEngine() error {
	e := t.engine
	if e.server == "" {
		t.timeline.event("engine", "", "%s, which is there", e.url)
		return nil
	}
	e.starts++
	dir := filepath.Join(e.dir, fmt.Sprintf("data-%d", e.starts))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	out := &watchedOutput{want: e.ready, seen: make(chan struct{})}
	var err error
	if e.proc, err = t.procs.startProgram(e.server, "engine", e.flags(dir), out.read); err != nil {
		return err
	}
	t.timeline.event("started", "engine", "pid %d, %s", e.proc.pid(), e.url)
	go func(p *proc) {
		<-p.done
		if !e.away.Load() {
			t.cancel(errors.New("the engine exited: " + p.cmd.ProcessState.String() + ": " + out.last()))
		}
	}(e.proc)
	t.timeline.wait("for the engine to start")
	if err := t.until(20*time.Second, func() bool { return closed(out.seen) }); err != nil {
		return fmt.Errorf("the engine does not start: %w: %s", err, out.last())
	}
	return nil
}

// closeEngine removes what the run has left behind. The processes have ended, and so has the context
// of the run.
func (t *trial) closeEngine() {
	e := t.engine
	if e == nil {
		return
	}
	if e.server == "" && e.scheduler != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		args := []string{"-share", e.url, "-share-namespace", e.namespace, "-share-clear"}
		if out, err := exec.CommandContext(ctx, e.scheduler, args...).CombinedOutput(); err != nil {
			t.timeline.final("left", fmt.Sprintf("the table %s at %s: %v: %s", e.namespace, e.url, err, strings.TrimSpace(string(out))))
		}
	}
	_ = os.RemoveAll(e.dir)
}
