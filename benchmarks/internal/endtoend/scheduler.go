package endtoend

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const library = "github.com/hostlife/hostlife"

// build builds the example scheduler that belongs to the library as we have it. A profile has names
// of its own, so the scheduler needs no tables for a debugger.
func build(ctx context.Context, dir string) (exe string, err error) {
	root, err := run(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", library)
	if err != nil {
		return "", err
	}
	exe = filepath.Join(dir, "scheduler.exe") // Windows needs the extension, other systems ignore it
	_, err = run(ctx, filepath.Join(root, "examples"), "go", "build", "-ldflags=-s -w", "-o", exe, "./scheduler")
	return exe, err
}

func run(ctx context.Context, dir, name string, args ...string) (stdout string, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, &errs)
	}
	return strings.TrimSpace(string(out)), nil
}

// A scheduler is the process. It is killed when the context ends that it was started
// with.
type scheduler struct {
	cmd  *exec.Cmd
	addr string
}

// startScheduler returns when it listens.
func startScheduler(ctx context.Context, exe, profile string, log io.Writer) (*scheduler, error) {
	cmd := exec.CommandContext(ctx, exe, "-listen", "127.0.0.1:0", "-cpuprofile", profile)
	cmd.SysProcAttr, cmd.Stderr = childAttr(), log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("scheduler: %w", err)
	}
	first, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	if err != nil || !ok {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("scheduler does not listen, it says %q (%w)", first, errors.Join(err, cmd.Wait()))
	}
	return &scheduler{cmd, addr}, nil
}

// stop lets it end in good order, which is when it completes its profile, and waits
// for that. Where it can't be asked to it is killed.
func (s *scheduler) stop() error {
	if s.cmd.Process.Signal(os.Interrupt) != nil {
		_ = s.cmd.Process.Kill()
	}
	kill := time.AfterFunc(limit, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	if err := s.cmd.Wait(); err != nil && interruptible {
		return fmt.Errorf("scheduler: %w", err)
	}
	return nil
}
