// Package sources finds the repository, and compiles programs of it.
package sources

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// errNone means that a binary runs without its sources.
var errNone = errors.New("no sources are found: run it in a copy of the repository of hostlife, as go run ./examples/cluster")

// Find returns the folder of the repository: the one that this process runs in, or the one that
// this binary was built from.
func Find() (root string, err error) {
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
	return "", errNone
}

func isRoot(dir string) bool {
	for _, file := range []string{"go.work", "examples/scheduler/main.go", "contrib/hostetcd/cmd/hostetcd/main.go"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err != nil {
			return false
		}
	}
	return true
}
