package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/release/repo"
)

// house is a repository of two modules that others can require, one of which requires the other.
var house = map[string]string{
	"LICENSE":      "Free",
	"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A house.\n",

	"go.mod":     "module example.com/house\n\ngo 1.25.0\n",
	"house.go":   "package house\n\nconst Doors = 2\n",
	"kit/go.mod": "module example.com/house/kit\n\ngo 1.25.0\n\nrequire example.com/house v0.0.0\n\nreplace example.com/house => ../\n",
	"kit/kit.go": "package kit\n\nimport \"example.com/house\"\n\nconst Keys = house.Doors\n",
	"kit/x/x.go": "package main\n\nimport _ \"example.com/house/kit/internal/y\"\n\nfunc main() {}\n",

	"kit/internal/y/y.go":  "package y\n",
	"internal/tool/go.mod": "module example.com/house/internal/tool\n\ngo 1.25.0\n",
}

// newRepo makes a repository with one commit.
func newRepo(t *testing.T, files map[string]string) repo.Repo {
	t.Helper()
	return newRepoIn(t, t.TempDir(), func(dir string) {
		for name, text := range files {
			write(t, filepath.Join(dir, name), text)
		}
	})
}

// newRepoIn makes a repository with one commit of the files that fill writes. The settings of the
// user of this machine have no effect on it.
func newRepoIn(t *testing.T, dir string, fill func(dir string)) repo.Repo {
	t.Helper()
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+role+"_NAME", "test")
		t.Setenv("GIT_"+role+"_EMAIL", "test@example.com")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	fill(dir)
	r := repo.Repo{Dir: dir}
	git(t, r, "init", "--quiet")
	git(t, r, "add", ".")
	git(t, r, "commit", "--quiet", "--message", "all: begin")
	return r
}

func git(t *testing.T, r repo.Repo, args ...string) string {
	t.Helper()
	out, err := r.Git(args...)
	require.NoError(t, err)
	return out
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

func TestRelease(t *testing.T) {
	r := newRepo(t, house)
	rel := release{repo: r, version: "v0.1.0", date: "2026-12-31"}
	require.NoError(t, rel.check())
	require.NoError(t, rel.do())

	require.Equal(t, []string{"kit/v0.1.0", "v0.1.0"}, strings.Fields(git(t, r, "tag", "--points-at", "HEAD")))
	require.Equal(t, "all: release v0.1.0", git(t, r, "log", "-1", "--format=%s"))
	require.Equal(t, []string{"CHANGELOG.md", "kit/go.mod"}, strings.Fields(git(t, r, "diff", "--name-only", "HEAD~")))
	require.Contains(t, git(t, r, "show", "HEAD:kit/go.mod"), "require example.com/house v0.1.0\n\nreplace example.com/house => ../")
	require.Contains(t, git(t, r, "show", "HEAD:CHANGELOG.md"), "## [Unreleased]\n\n## [0.1.0] - 2026-12-31\n\n### Added\n")
	require.Empty(t, git(t, r, "status", "--porcelain"))

	require.ErrorContains(t, rel.check(), "the tag v0.1.0 exists")
	rel.version = "v0.2.0"
	require.NoError(t, rel.check())
	require.ErrorContains(t, rel.do(), "no entry in [Unreleased]")
}

func TestNoReleaseOfAChangedTree(t *testing.T) {
	r := newRepo(t, house)
	write(t, filepath.Join(r.Dir, "new.go"), "package house\n")
	require.ErrorContains(t, (&release{repo: r, version: "v0.1.0"}).check(), "new.go")
}

func TestNoReleaseOfAnInvalidVersion(t *testing.T) {
	r := newRepo(t, house)
	for _, version := range []string{"0.1.0", "v0.1", "v2.0.0", "v10.0.0", "v0.1.0+build", "v01.0.0"} {
		require.ErrorContains(t, (&release{repo: r, version: version}).check(), "is no version", version)
	}
}

func TestAFailedReleaseLeavesTheTreeAsItWas(t *testing.T) {
	files := map[string]string{}
	for name, text := range house {
		files[name] = strings.ReplaceAll(text, "const Keys = house.Doors", "const Keys = 2")
	}
	files["kit/kit.go"] = "package kit\n" // go mod tidy would drop the requirement
	r := newRepo(t, files)
	rel := release{repo: r, version: "v0.1.0", date: "2026-12-31"}
	require.NoError(t, rel.check())
	require.ErrorContains(t, rel.do(), "go mod tidy")
	require.Empty(t, git(t, r, "status", "--porcelain"))
	require.Empty(t, git(t, r, "tag"))
}
