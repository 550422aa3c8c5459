package main

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/hostlife/hostlife/internal/effort"
	"github.com/hostlife/hostlife/internal/release/repo"
	"github.com/hostlife/hostlife/internal/release/repo/repotest"
)

// A stranger is an embedder that has a module of its own, and gets ours from a proxy.
type stranger struct {
	proxy string // a folder with the files of a module proxy
	env   []string
}

func newStranger(t *testing.T, env ...string) *stranger {
	s := &stranger{proxy: t.TempDir()}
	s.env = append([]string{"GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GO111MODULE="}, env...)
	return s
}

// publish puts the module that a tag of r has into the proxy.
func (s *stranger) publish(t *testing.T, r repo.Repo, m repo.Module, version string) {
	t.Helper()
	escaped, err := module.EscapePath(m.Path)
	require.NoError(t, err)
	base := filepath.Join(s.proxy, filepath.FromSlash(escaped), "@v", version)
	info, err := json.Marshal(map[string]any{"Version": version, "Time": time.Unix(1, 0).UTC()})
	require.NoError(t, err)
	repotest.Write(t, base+".info", string(info))

	file, err := os.Create(base + ".zip")
	require.NoError(t, err)
	dir := strings.TrimPrefix(m.Dir, ".")
	require.NoError(t, modzip.CreateFromVCS(file, module.Version{Path: m.Path, Version: version}, r.Dir, m.Tag(version), dir))
	require.NoError(t, file.Close())
	repotest.Write(t, base+".mod", unzip(t, base+".zip", m.Path+"@"+version+"/go.mod"))
}

func unzip(t *testing.T, name, member string) string {
	t.Helper()
	z, err := zip.OpenReader(name)
	require.NoError(t, err)
	defer z.Close()
	f, err := z.Open(member)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(text)
}

// build gets one module at a version, and builds a program that imports its packages. Commands of
// the module are compiled, but not linked.
func (s *stranger) build(t *testing.T, path, version string) error {
	t.Helper()
	dir := t.TempDir()
	repotest.Write(t, filepath.Join(dir, "go.mod"), "module example.org/stranger\n\ngo 1.25.0\n")
	if _, err := s.command(dir, "get", path+"@"+version); err != nil {
		return err
	}
	listed, err := s.command(dir, "list", "-f", "{{if .GoFiles}}{{.Name}} {{.ImportPath}}{{end}}", path+"/...")
	if err != nil {
		return err
	}
	program, commands := "package main\n\n", []string{"list", "-export", "-f", "", "."}
	for line := range strings.SplitSeq(strings.TrimSpace(listed), "\n") {
		name, pkg, _ := strings.Cut(line, " ")
		switch {
		case strings.Contains(pkg+"/", "/internal/"):
		case name == "main":
			commands = append(commands, pkg)
		default:
			program += "import _ \"" + pkg + "\"\n"
		}
	}
	repotest.Write(t, filepath.Join(dir, "main.go"), program+"\nfunc main() {}\n")
	t.Logf("commands and packages of %s:\n%s", path, listed)
	if _, err = s.command(dir, commands...); err != nil {
		return err
	}
	_, err = s.command(dir, "build")
	return err
}

func (s *stranger) command(dir string, args ...string) (string, error) {
	return repo.Run(dir, s.env, "go", args...)
}

// offline lets a stranger get modules from its proxy only, into a module cache of its own.
func offline(t *testing.T) *stranger {
	s := newStranger(t, "GOMODCACHE="+t.TempDir(), "GONOSUMDB=*")
	s.env = append(s.env, "GOPROXY=file://"+filepath.ToSlash(s.proxy))
	return s
}

func TestAStrangerBuildsWhatIsReleased(t *testing.T) {
	r := repotest.New(t, house)
	rel := release{repo: r, version: "v0.1.0", date: "2026-12-31"}
	require.NoError(t, rel.check())
	require.NoError(t, rel.do())
	for _, first := range []int{0, 1} {
		s := offline(t)
		for i := range rel.modules {
			s.publish(t, r, rel.modules[i], "v0.1.0")
		}
		for i := range rel.modules {
			require.NoError(t, s.build(t, rel.modules[(first+i)%2].Path, "v0.1.0"))
		}
	}
}

// Tags alone are no release: go.mod requires v0.0.0, which only its replacement has.
func TestAStrangerCannotBuildWhatIsOnlyTagged(t *testing.T) {
	r := repotest.New(t, house)
	modules, err := r.Modules()
	require.NoError(t, err)
	s := offline(t)
	for _, m := range modules {
		repotest.Git(t, r, "tag", m.Tag("v0.1.0"))
		s.publish(t, r, m, "v0.1.0")
	}
	require.NoError(t, s.build(t, "example.com/house", "v0.1.0"))
	require.ErrorContains(t, s.build(t, "example.com/house/kit", "v0.1.0"), "example.com/house@v0.0.0")
}

// A release of the files of this repository is made in another one. Each of its modules is the
// first that a stranger gets.
func TestAStrangerBuildsEachOfOurModules(t *testing.T) {
	if !effort.Full() {
		t.Skip("CI=true runs it: it compiles the modules at the versions that an embedder gets")
	}
	r := repotest.NewIn(t, func(dir string) { copyTracked(t, repotest.Ours(t), dir) })
	// The version depends on the files, so compiled packages are found again in the build cache.
	rel := release{repo: r, version: "v0.9.9-check.g" + repotest.Git(t, r, "rev-parse", "HEAD^{tree}")[:12], date: "2026-12-31"}
	makeUnreleased(t, r)
	require.NoError(t, rel.check())
	require.NoError(t, rel.do())

	s := newStranger(t, "GONOSUMDB="+rel.modules[0].Path+","+rel.modules[0].Path+"/*")
	known, err := s.command("", "env", "GOPROXY", "GOMODCACHE")
	require.NoError(t, err)
	elsewhere, cache, _ := strings.Cut(known, "\n")
	s.env = append(s.env, "GOPROXY=file://"+filepath.ToSlash(s.proxy)+","+elsewhere)
	for _, m := range rel.modules {
		s.publish(t, r, m, rel.version)
	}
	for _, m := range rel.modules {
		t.Run(m.Dir, func(t *testing.T) {
			forget(t, cache, rel.modules, rel.version)
			defer forget(t, cache, rel.modules, rel.version)
			require.NoError(t, s.build(t, m.Path, rel.version))
		})
	}
}

// copyTracked copies the files that git tracks, as they are in the work tree.
func copyTracked(t *testing.T, from repo.Repo, to string) {
	t.Helper()
	for name := range strings.SplitSeq(strings.TrimRight(repotest.Git(t, from, "ls-files", "-z"), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(from.Dir, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed
		}
		require.NoError(t, err)
		repotest.Write(t, filepath.Join(to, name), string(data))
	}
}

// makeUnreleased lets the changelog have an entry in [Unreleased].
func makeUnreleased(t *testing.T, r repo.Repo) {
	t.Helper()
	text, err := r.Changelog()
	require.NoError(t, err)
	require.NoError(t, r.SetChangelog(strings.Replace(text, "## [Unreleased]\n", "## [Unreleased]\n\n- A line.\n", 1)))
	repotest.Git(t, r, "commit", "--quiet", "--all", "--message", "all: add a line")
}

// forget removes a version of our modules from the module cache.
func forget(t *testing.T, cache string, modules []repo.Module, version string) {
	t.Helper()
	for _, m := range modules {
		path := filepath.FromSlash(m.Path)
		require.NoError(t, os.RemoveAll(filepath.Join(cache, path+"@"+version)))
		downloads, err := filepath.Glob(filepath.Join(cache, "cache", "download", path, "@v", version+".*"))
		require.NoError(t, err)
		for _, file := range downloads {
			require.NoError(t, os.RemoveAll(file))
		}
	}
}
