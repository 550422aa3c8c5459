package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/effort"
	"github.com/hostlife/hostlife/internal/release/repo/repotest"
)

func TestIncompatibleChanges(t *testing.T) {
	if !effort.Full() {
		t.Skip("CI=true runs it: it compiles apidiff")
	}
	r := repotest.New(t, map[string]string{
		"go.mod":            "module example.com/house\n\ngo 1.25.0\n",
		"CHANGELOG.md":      "## [Unreleased]\n\n## [0.1.0] - 2026-12-31\n\n### Removed\n\n- `Lock`.\n",
		"house.go":          "package house\n\ntype House[T any] struct{ Doors int }\n\nfunc (h *House[T]) Open() {}\nfunc (h *House[T]) Lock() {}\n",
		"roof/roof.go":      "package roof\n\nfunc New() {}\n",
		"internal/x/x.go":   "package x\n\nfunc New() {}\n",
		"kit/go.mod":        "module example.com/house/kit\n\ngo 1.25.0\n",
		"kit/kit.go":        "package kit\n\nconst Keys = 2\n",
		"kit/x/x.go":        "package main\n\nfunc New() {}\n\nfunc main() {}\n",
		"examples/go.mod":   "module example.com/house/examples\n\ngo 1.25.0\n",
		"examples/hut/x.go": "package hut\n\nfunc New() {}\n",
	})
	set := func(name, old, becomes string) {
		t.Helper()
		name = filepath.Join(r.Dir, name)
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Contains(t, string(text), old)
		repotest.Write(t, name, strings.ReplaceAll(string(text), old, becomes))
	}
	checked := func() (string, error) {
		var w bytes.Buffer
		err := check(r, &w)
		return w.String(), err
	}

	text, err := checked()
	require.NoError(t, err)
	require.Contains(t, text, "there is nothing to compare with")

	repotest.Git(t, r, "tag", "v0.1.0")
	set("internal/x/x.go", "New", "Make")
	set("kit/x/x.go", "New", "Make")
	set("examples/hut/x.go", "New", "Make")
	set("roof/roof.go", "func New() {}", "func New() {}\nfunc Make() {}")
	text, err = checked()
	require.NoError(t, err)
	require.Contains(t, text, "0 incompatible changes of the exported API since v0.1.0")

	set("house.go", "func (h *House[T]) Lock() {}\n", "")
	require.NoError(t, os.RemoveAll(filepath.Join(r.Dir, "roof")))
	set("kit/kit.go", "const Keys = 2", "const Keys = 3")
	set("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Changed\n\n- `kit.Keys` is 3.\n\n### Removed\n\n- Package `roof`.\n")
	text, err = checked()
	require.ErrorContains(t, err, "the changelog does not name Lock under Changed or Removed")
	require.Contains(t, text, "3 incompatible changes")
	require.Contains(t, text, "(*House[T]).Lock: removed")

	set("CHANGELOG.md", "- Package `roof`.", "- Package `roof`.\n- `House.Lock`: a house is always open.")
	_, err = checked()
	require.NoError(t, err)

	repotest.Git(t, r, "tag", "v1.0.0", "v0.1.0")
	_, err = checked()
	require.ErrorContains(t, err, "v1.0.0 promises that its API stays")
}

func TestTheNameOfAChange(t *testing.T) {
	for change, name := range map[string]string{
		"example.com/house/hall.(*House[T]).Lock: removed":                 "Lock",
		"House.Lock: changed from func(int) to func()":                     "Lock",
		"example.com/house/hall.Keys, method set: changed":                 "Keys",
		"package example.com/house/hall: removed":                          "hall",
		"Doors: changed from map[example.com/house.Key]int to map[int]int": "Doors",
	} {
		require.Equal(t, name, changed(change))
	}
}
