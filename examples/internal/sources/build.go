package sources

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Build compiles a program of the repository, given by the folders of its module and of its package.
// It writes what the compiler says to out. The program stays in the user's cache, so it is linked
// again only after a change or a commit. Tables for a debugger, which take a third of the time to
// link, are left out.
func Build(ctx context.Context, root, module, pkg string, out io.Writer) (program string, err error) {
	dir, err := place(root)
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, filepath.Base(pkg))
	// Another process may run or compile the same program now. So the file is replaced, not written
	// to. go build leaves its link as it is if the program is up to date.
	next := fmt.Sprintf("%s-%d", program, os.Getpid())
	_ = os.Link(program, next)
	defer func() { _ = os.Remove(next) }()
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", next, "./"+pkg)
	cmd.Dir, cmd.WaitDelay = filepath.Join(root, filepath.FromSlash(module)), time.Second
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build of %s: %w", pkg, err)
	}
	return program, os.Rename(next, program)
}

// place returns the folder for programs of a repository. Each copy of it has its own.
func place(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, root)
	dir := filepath.Join(cache, "hostlife", fmt.Sprintf("%x", h.Sum64()))
	return dir, os.MkdirAll(dir, 0o700)
}
