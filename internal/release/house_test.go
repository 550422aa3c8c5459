package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hostlife/hostlife/internal/release/repo/repotest"
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

func TestRelease(t *testing.T) {
	r := repotest.New(t, house)
	rel := release{repo: r, version: "v0.1.0", date: "2026-12-31"}
	require.NoError(t, rel.check())
	require.NoError(t, rel.do())

	require.Equal(t, []string{"kit/v0.1.0", "v0.1.0"}, strings.Fields(repotest.Git(t, r, "tag", "--points-at", "HEAD")))
	require.Equal(t, "all: release v0.1.0", repotest.Git(t, r, "log", "-1", "--format=%s"))
	require.Equal(t, []string{"CHANGELOG.md", "kit/go.mod"}, strings.Fields(repotest.Git(t, r, "diff", "--name-only", "HEAD~")))
	require.Contains(t, repotest.Git(t, r, "show", "HEAD:kit/go.mod"), "require example.com/house v0.1.0\n\nreplace example.com/house => ../")
	require.Contains(t, repotest.Git(t, r, "show", "HEAD:CHANGELOG.md"), "## [Unreleased]\n\n## [0.1.0] - 2026-12-31\n\n### Added\n")
	require.Empty(t, repotest.Git(t, r, "status", "--porcelain"))

	require.ErrorContains(t, rel.check(), "the tag v0.1.0 exists")
	rel.version = "v0.2.0"
	require.ErrorContains(t, rel.check(), "no entry in [Unreleased]")
	require.ErrorContains(t, rel.do(), "no entry in [Unreleased]")
	rel.version = "v0.0.9"
	require.ErrorContains(t, rel.check(), "v0.0.9 is not above v0.1.0")
}

func TestAReleaseThatCannotBeTaggedIsUndone(t *testing.T) {
	r := repotest.New(t, house)
	before := repotest.Git(t, r, "rev-parse", "HEAD")
	rel := release{repo: r, version: "v0.1.0", date: "2026-12-31"}
	require.NoError(t, rel.check())
	repotest.Git(t, r, "tag", "kit/v0.1.0") // the other one is made first
	require.ErrorContains(t, rel.do(), "kit/v0.1.0")
	require.Equal(t, before, repotest.Git(t, r, "rev-parse", "HEAD"))
	require.Empty(t, repotest.Git(t, r, "status", "--porcelain"))
	require.Equal(t, "kit/v0.1.0", repotest.Git(t, r, "tag"))
}

func TestNoReleaseOnAnInvalidDate(t *testing.T) {
	r := repotest.New(t, house)
	require.ErrorContains(t, (&release{repo: r, version: "v0.1.0", date: "banana"}).check(), "is no date")
}

func TestNoReleaseOfAChangedTree(t *testing.T) {
	r := repotest.New(t, house)
	repotest.Write(t, filepath.Join(r.Dir, "new.go"), "package house\n")
	require.ErrorContains(t, (&release{repo: r, version: "v0.1.0", date: "2026-12-31"}).check(), "new.go")
}

func TestNoReleaseOfAnInvalidVersion(t *testing.T) {
	r := repotest.New(t, house)
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
	r := repotest.New(t, files)
	rel := release{repo: r, version: "v0.1.0", date: "2026-12-31"}
	require.NoError(t, rel.check())
	require.ErrorContains(t, rel.do(), "go mod tidy")
	require.Empty(t, repotest.Git(t, r, "status", "--porcelain"))
	require.Empty(t, repotest.Git(t, r, "tag"))
}
