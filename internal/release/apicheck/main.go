// Command apicheck compares the exported API of the modules with the last release.
//
//	go run ./internal/release/apicheck
//
// It fails on an incompatible change of a module from v1 on. Before v1, it fails if such a change is
// not in the changelog: under Changed or Removed in the section [Unreleased], by its name. Programs
// and internal packages have no exported API, and that of examples and benchmarks may change freely.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/hostlife/hostlife/internal/release/repo"
)

const apidiff = "golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4"

func main() {
	r, err := repo.Open(".")
	if err == nil {
		err = check(r, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "apicheck:", err)
		os.Exit(1)
	}
}

// check writes each incompatible change since the last tag of the root module, and fails if one of
// them is not allowed.
func check(r repo.Repo, w io.Writer) error {
	tag, err := lastTag(r)
	switch {
	case err != nil:
		return err
	case tag == "":
		_, _ = fmt.Fprintln(w, "there is no tag of a release before this commit, so there is nothing to compare with")
		return nil
	}
	temp, err := os.MkdirTemp("", "apicheck")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	old := repo.Repo{Dir: filepath.Join(temp, "old")}
	if _, err := r.Git("clone", "--quiet", "--branch", tag, r.Dir, old.Dir); err != nil {
		return err
	}
	changes, err := compare(old, r, temp)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "%d incompatible changes of the exported API since %s\n%s", len(changes), tag, strings.Join(changes, ""))
	return judge(r, tag, changes)
}

// lastTag returns the latest tag of the root module before this commit, or at it.
func lastTag(r repo.Repo) (string, error) {
	tags, err := r.Git("tag", "--merged", "HEAD", "--list", "v*")
	last := ""
	for _, tag := range strings.Fields(tags) {
		if semver.IsValid(tag) && (last == "" || semver.Compare(tag, last) > 0) {
			last = tag
		}
	}
	return last, err
}

// compare returns the incompatible changes of all modules that old and now have.
func compare(old, now repo.Repo, temp string) (changes []string, err error) {
	modules, err := now.Modules()
	if err != nil {
		return nil, err
	}
	before, err := old.Modules()
	if err != nil {
		return nil, err
	}
	for _, m := range modules {
		if root, _, _ := strings.Cut(m.Dir, "/"); root == "examples" || root == "benchmarks" || !slices.Contains(before, m) {
			continue
		}
		found, err := compareModule(filepath.Join(old.Dir, m.Dir), filepath.Join(now.Dir, m.Dir), m.Path, temp)
		if err != nil {
			return nil, err
		}
		changes = append(changes, found...)
	}
	slices.Sort(changes)
	return slices.Compact(changes), nil // a type that embeds another one repeats its changes
}

// compareModule returns the incompatible changes of a module in its folders old and now.
func compareModule(old, now, path, temp string) (changes []string, err error) {
	programs, err := command(old, "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./...")
	if err != nil {
		return nil, err
	}
	before, after := filepath.Join(temp, "before"), filepath.Join(temp, "after")
	if _, err := command(old, "run", apidiff, "-m", "-w", before, path); err != nil {
		return nil, err
	}
	if _, err := command(now, "run", apidiff, "-m", "-w", after, path); err != nil {
		return nil, err
	}
	text, err := command(temp, "run", apidiff, "-m", "-incompatible", before, after)
	for line := range strings.Lines(text) {
		change := strings.Replace(strings.TrimPrefix(line, "- "), "./", path+"/", 1)
		if !slices.ContainsFunc(strings.Fields(programs), func(program string) bool {
			return strings.HasPrefix(change, program+".") || strings.HasPrefix(change, "package "+program+":")
		}) {
			changes = append(changes, strings.TrimSpace(change)+"\n")
		}
	}
	return changes, err
}

func command(dir string, args ...string) (string, error) {
	return repo.Run(dir, []string{"GOWORK=off", "GOFLAGS="}, "go", args...)
}

// judge fails if a change is not allowed.
func judge(r repo.Repo, tag string, changes []string) error {
	if len(changes) > 0 && semver.Major(tag) != "v0" {
		return fmt.Errorf("%s promises that its API stays", tag)
	}
	text, err := r.Changelog()
	if err != nil {
		return err
	}
	section, err := repo.Unreleased(text)
	if err != nil {
		return err
	}
	told := repo.Part(section, "Changed") + repo.Part(section, "Removed")
	for _, change := range changes {
		if name := changed(change); !regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(told) {
			return fmt.Errorf("the changelog does not name %s under Changed or Removed in [Unreleased]", name)
		}
	}
	return nil
}

// named finds the last name before what a line of apidiff says about it: "a/b.(*T[M]).Name: removed",
// "a/b.Name, method set: changed", "package a/name: removed".
var named = regexp.MustCompile(`^(?:package )?[^:,]*?(\w+)[:,]`)

// changed returns the name that a line of apidiff is about, without those of its package and type.
func changed(change string) string {
	if found := named.FindStringSubmatch(change); found != nil {
		return found[1]
	}
	return change
}
